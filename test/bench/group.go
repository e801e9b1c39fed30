package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// group is measured together, its sides in turn, round by round.
type group struct {
	name  string
	width int
	sides []side
	// main groups have 11 rounds, the others 5.
	main bool
	// once is for what takes long or does not vary: one round, without warming up.
	once bool
	// slices is into how many parts a round is cut. The sides take them in turn, forwards and then backwards, so that what
	// the machine does meanwhile, and what changes from one second to the next, meets all of them alike. 0 is 1.
	slices int
	// long is how many times as long as others a round takes; 0 is 1.
	long float64
}

// String names the group for people.
func (g group) String() string {
	if g.width == 0 {
		return g.name
	}
	return fmt.Sprintf("%s, %d at a time", g.name, g.width)
}

// result is what the sides of a group did, by the name of the side, one sample a round.
type result struct {
	Group   string              `json:"group"`
	Width   int                 `json:"at_a_time"`
	Samples map[string][]sample `json:"samples"`
}

// measure measures all sides. One that fails is left out from there on, and its samples are dropped, so that all that
// are left have as many; the error names it, and the result has the others.
func (g group) measure(ctx context.Context, p plan) (result, error) {
	r := result{Group: g.name, Width: g.width, Samples: map[string][]sample{}}
	order, failed := slices.Clone(g.sides), error(nil)
	if !g.once {
		order, failed = g.pass(ctx, p.warmUp, order, func(string, sample) {})
	}
	for range p.roundsOf(g) {
		left, err := g.round(ctx, g.lasts(p), order, func(name string, s sample) { r.Samples[name] = append(r.Samples[name], s) })
		for _, lost := range order {
			if !slices.ContainsFunc(left, func(s side) bool { return s.name == lost.name }) {
				delete(r.Samples, lost.name)
			}
		}
		order, failed = left, errors.Join(failed, err)
	}
	return r, failed
}

// lasts is how long one side is measured in one round.
func (g group) lasts(p plan) time.Duration {
	if g.long > 0 {
		return p.longer(g.long)
	}
	return p.round
}

// round measures each side for so long, slice by slice, and returns those that can be measured again, in the order in which
// they should be: none is always the one that follows another.
func (g group) round(ctx context.Context, d time.Duration, sides []side, keep func(string, sample)) (left []side, failed error) {
	parts := max(1, g.slices)
	found := map[string][]sample{}
	left = slices.Clone(sides)
	for range parts {
		passed, err := g.pass(ctx, d/time.Duration(parts), left, func(name string, s sample) { found[name] = append(found[name], s) })
		left, failed = passed, errors.Join(failed, err)
		slices.Reverse(left)
	}
	for _, s := range left {
		keep(s.name, together(found[s.name]))
	}
	return left, failed
}

// pass measures each side once and returns those that can be measured again.
func (g group) pass(ctx context.Context, d time.Duration, sides []side, keep func(string, sample)) (left []side, failed error) {
	for _, s := range sides {
		one, err := s.measure(ctx, g.width, d)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%v: %s: %w", g, s.name, err))
			continue
		}
		keep(s.name, one)
		left = append(left, s)
	}
	return left, failed
}

// together is what the slices of a round came to. Throughput and processor time are those of all their calls; of the
// percentiles it is the median one of the slices, because which calls took how long is not known any more.
func together(parts []sample) sample {
	if len(parts) == 1 {
		return parts[0]
	}
	var all sample
	var lasted, processor, middle float64
	for _, one := range parts {
		calls := float64(one.Calls)
		all.Calls, all.Unanswered, all.Max = all.Calls+one.Calls, all.Unanswered+one.Unanswered, max(all.Max, one.Max)
		processor, middle = processor+calls*one.Processor, middle+calls*one.Middle
		if one.Rate > 0 {
			lasted += calls / one.Rate
		}
	}
	if all.Calls > 0 && lasted > 0 {
		calls := float64(all.Calls)
		all.Rate, all.Processor, all.Middle = calls/lasted, processor/calls, middle/calls
	}
	of := func(what quantity) float64 {
		var each []float64
		for _, one := range parts {
			each = append(each, what(one))
		}
		return median(each)
	}
	all.P50, all.P99, all.P999, all.Value = of(p50), of(p99), of(p999), of(single)
	return all
}
