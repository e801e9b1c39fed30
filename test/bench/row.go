package main

import (
	"fmt"
	"slices"
)

// quantity is what of a sample a row compares.
type quantity func(sample) float64

func rate(s sample) float64      { return s.Rate }
func p50(s sample) float64       { return s.P50 }
func middle(s sample) float64    { return s.Middle }
func processor(s sample) float64 { return s.Processor }

// row is one line of the table: a figure of one side, as a ratio to the same figure of another, and its goal.
type row struct {
	name  string
	group string
	width int
	of    quantity
	unit  string
	// ours is compared with theirs; an empty theirs asks for the figure itself.
	ours, theirs string
	// reach is what must be reached, goal what is hoped for (0: the same). atMost: less is better.
	reach, goal float64
	atMost      bool
	// inverse compares theirs with ours, for "so many times better" of what should be small.
	inverse bool
}

// rows is the table of the design's figures, as far as it is about single calls.
func rows() []row {
	relay := "Go → bridge → Go worker"
	python, worker, both := "Python → bridge → Go worker", "Go → bridge → Python worker", "Python → bridge → Python worker"
	return []row{
		{name: relay + ", against raw grpc-go", group: "go", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 1.7, goal: 2},
		{name: relay + ", against raw grpc-go", group: "go", width: 256, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 3, goal: 3.5},
		{name: relay + ", against raw grpc-go", group: "go", width: 1024, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 3.5, goal: 4.5},
		{name: relay + ", against an empty relayed stream", group: "go", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "empty", reach: 1.15, atMost: true},
		{name: relay + ", against raw grpc-go", group: "go", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "raw", reach: 1.6, atMost: true},
		{name: "the bridge's processor time", group: "go", width: 64, of: middle, unit: "µs/call", ours: "link", reach: 12, atMost: true},
		{name: "tool in the bridge, plain ExecuteTool, against raw grpc-go", group: "go", width: 64, of: rate, unit: "calls/s", ours: "plain", theirs: "raw", reach: 0.8},
		{name: python + ", against raw grpc.aio", group: "python caller", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 2},
		{name: python + ", against raw grpc.aio", group: "python caller", width: 512, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 2.5},
		{name: python + ", against raw grpc.aio", group: "python caller", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "raw", reach: 0.8, atMost: true},
		{name: worker + ", against a grpc.aio server", group: "python worker", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 5},
		{name: worker + ", against a grpc.aio server", group: "python worker", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "raw", reach: 0.9, atMost: true},
		{name: both + ", against FastMCP", group: "python both", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "FastMCP", reach: 6, inverse: true},
		{name: both + ", against FastMCP", group: "python both", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "FastMCP", reach: 40},
	}
}

// figure is what a row came to.
type figure struct {
	Name   string  `json:"name"`
	Width  int     `json:"at_a_time"`
	Unit   string  `json:"unit"`
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs,omitempty"`
	// Ratio is that of the medians, or the median itself where nothing is compared.
	Ratio float64 `json:"ratio"`
	// Low and High are the least and the greatest ratio of a round.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Processor and TheirProcessor are the microseconds that a call took in all processes of a side.
	Processor      float64 `json:"processor_us"`
	TheirProcessor float64 `json:"their_processor_us,omitempty"`
	Reach          float64 `json:"reach"`
	Goal           float64 `json:"goal,omitempty"`
	AtMost         bool    `json:"at_most"`
	Reached        bool    `json:"reached"`
}

// figure works the row out from what was measured.
func (r row) figure(results []result) (figure, bool) {
	i := slices.IndexFunc(results, func(one result) bool { return one.Group == r.group && one.Width == r.width })
	if i < 0 {
		return figure{}, false
	}
	ours, theirs := values(results[i], r.ours, r.of), values(results[i], r.theirs, r.of)
	f := figure{Name: r.name, Width: r.width, Unit: r.unit, Ours: median(ours), Theirs: median(theirs), Reach: r.reach, Goal: r.goal, AtMost: r.atMost}
	f.Processor, f.TheirProcessor = median(values(results[i], r.ours, processor)), median(values(results[i], r.theirs, processor))
	each := make([]float64, len(ours))
	for round := range ours {
		each[round] = r.ratio(ours[round], at(theirs, round))
	}
	f.Ratio, f.Low, f.High = r.ratio(f.Ours, f.Theirs), slices.Min(each), slices.Max(each)
	f.Reached = f.Ratio >= f.Reach
	if r.atMost {
		f.Reached = f.Ratio <= f.Reach
	}
	return f, true
}

// values are one quantity of a side, a value a round.
func values(from result, side string, of quantity) []float64 {
	var all []float64
	for _, s := range from.Samples[side] {
		all = append(all, of(s))
	}
	return all
}

func (r row) ratio(ours, theirs float64) float64 {
	switch {
	case r.theirs == "":
		return ours
	case r.inverse:
		return theirs / ours
	default:
		return ours / theirs
	}
}

func at(values []float64, i int) float64 {
	if i < len(values) {
		return values[i]
	}
	return 0
}

// median of values, 0 for none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// want says what is asked of the row.
func (f figure) want() string {
	sign := "≥"
	if f.AtMost {
		sign = "≤"
	}
	text := fmt.Sprintf("%s %.4g", sign, f.Reach)
	if f.Goal != 0 {
		text += fmt.Sprintf(" (goal %.4g)", f.Goal)
	}
	return text
}
