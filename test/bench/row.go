package main

import (
	"fmt"
	"math"
	"slices"
)

// quantity is what of a sample a row compares.
type quantity func(sample) float64

func rate(s sample) float64        { return s.Rate }
func p50(s sample) float64         { return s.P50 }
func nanoseconds(s sample) float64 { return s.P50 * 1e6 }
func p99(s sample) float64         { return s.P99 }
func p999(s sample) float64        { return s.P999 }
func longest(s sample) float64     { return s.Max }
func mean(s sample) float64        { return 1000 / s.Rate } // of calls one after another
func single(s sample) float64      { return s.Value }
func middle(s sample) float64      { return s.Middle }
func processor(s sample) float64   { return s.Processor }

// megabytes is what calls of so many bytes each carry in a second.
func megabytes(size int) quantity {
	return func(s sample) float64 { return s.Rate * float64(size) / 1e6 }
}

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
	// look: nothing is asked of the row, it is there to be looked at.
	look bool
	// reference: neither side has a line of Toolbridge. It helps to read the other rows, and the guard has nothing to judge there.
	reference bool
	// paired takes the median of the rounds' ratios, instead of the ratio of the medians: for small differences between sides that
	// share the slices of a round, because it leaves out what differs from round to round.
	paired bool
	// inverse compares theirs with ours, for "so many times better" of what should be small.
	inverse bool
}

// figure is what a row came to.
type figure struct {
	Scene  string  `json:"scene,omitempty"`
	Name   string  `json:"name"`
	Group  string  `json:"group"`
	Width  int     `json:"at_a_time"`
	Unit   string  `json:"unit"`
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs,omitempty"`
	// Ratio is that of the medians, or the median of the rounds' where they are paired, or the median itself where nothing
	// is compared.
	Ratio float64 `json:"ratio"`
	// Low and High are the least and the greatest ratio of a round.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Rounds are the ratios of the rounds, in their order.
	Rounds []float64 `json:"rounds"`
	// Processor and TheirProcessor are the microseconds that a call took in all processes of a side.
	Processor      float64 `json:"processor_us"`
	TheirProcessor float64 `json:"their_processor_us,omitempty"`
	Reach          float64 `json:"reach"`
	Goal           float64 `json:"goal,omitempty"`
	AtMost         bool    `json:"at_most"`
	// Overloaded and TheyOverloaded are in how many rounds calls of an open loop were given up, because a side could not keep up.
	Overloaded     int `json:"overloaded,omitempty"`
	TheyOverloaded int `json:"they_overloaded,omitempty"`
	// Look says that nothing is asked of the row.
	Look bool `json:"look,omitempty"`
	// Guarded says that the guard measures the row and compares it with its baseline.
	Guarded bool `json:"guarded,omitempty"`
	Reached bool `json:"reached"`
}

// figure works the row out from what was measured; the error says what of it was not.
func (r row) figure(results []result) (figure, error) {
	i := slices.IndexFunc(results, func(one result) bool { return one.Group == r.group && one.Width == r.width })
	if i < 0 {
		return figure{}, fmt.Errorf("nothing of group %q was measured", r.group)
	}
	ours, theirs := values(results[i], r.ours, r.of), values(results[i], r.theirs, r.of)
	switch {
	case len(ours) == 0:
		return figure{}, fmt.Errorf("%q was not measured", r.ours)
	case r.theirs != "" && len(theirs) != len(ours):
		return figure{}, fmt.Errorf("%q was measured in %d rounds, %q in %d", r.ours, len(ours), r.theirs, len(theirs))
	}
	f := figure{Name: r.name, Group: r.group, Width: r.width, Unit: r.unit, Ours: median(ours), Theirs: median(theirs), Reach: r.reach, Goal: r.goal, AtMost: r.atMost, Look: r.look}
	f.Processor, f.TheirProcessor = median(values(results[i], r.ours, processor)), median(values(results[i], r.theirs, processor))
	f.Overloaded, f.TheyOverloaded = overloaded(results[i], r.ours), overloaded(results[i], r.theirs)
	each := make([]float64, len(ours))
	for round := range ours {
		each[round] = r.ratio(ours[round], at(theirs, round))
	}
	f.Ratio, f.Low, f.High, f.Rounds = r.ratio(f.Ours, f.Theirs), slices.Min(each), slices.Max(each), each
	if r.paired {
		f.Ratio = median(each)
	}
	for _, one := range append([]float64{f.Ratio, f.Ours, f.Theirs}, each...) {
		if math.IsNaN(one) || math.IsInf(one, 0) {
			return f, fmt.Errorf("there was too little to compare: %v of %q, %v of %q", ours, r.ours, theirs, r.theirs)
		}
	}
	f.Reached = f.Ratio >= f.Reach
	if r.atMost {
		f.Reached = f.Ratio <= f.Reach
	}
	return f, nil
}

// overloaded is in how many rounds a side gave up calls.
func overloaded(from result, side string) (rounds int) {
	for _, s := range from.Samples[side] {
		if s.Unanswered > 0 {
			rounds++
		}
	}
	return rounds
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
	if f.Look {
		return "-"
	}
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

// verdict says in a word or two what came of the row.
func (f figure) verdict() string {
	switch {
	case f.Overloaded > 0 || f.TheyOverloaded > 0:
		return fmt.Sprintf("overloaded in %d : %d of %d rounds", f.Overloaded, f.TheyOverloaded, len(f.Rounds))
	case f.Look:
		return ""
	case f.Reached && f.beyond():
		return "goal reached"
	case f.Reached:
		return "reached"
	default:
		return "not reached"
	}
}

// beyond says whether the goal beyond what is wanted is reached; not where there is none.
func (f figure) beyond() bool {
	if f.AtMost {
		return f.Goal != 0 && f.Ratio <= f.Goal
	}
	return f.Goal != 0 && f.Ratio >= f.Goal
}

// bounds writes both figures. One of a side that was overloaded in most rounds is no more than a bound: it is how long was waited.
func (f figure) bounds() (ours, theirs string) {
	bound := func(value float64, overloaded int) string {
		if 2*overloaded > len(f.Rounds) {
			return "> " + number(value)
		}
		return number(value)
	}
	return bound(f.Ours, f.Overloaded), bound(f.Theirs, f.TheyOverloaded)
}
