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
		order, failed = g.round(ctx, p.warmUp, order, func(string, sample) {})
	}
	for range p.roundsOf(g) {
		left, err := g.round(ctx, g.lasts(p), order, func(name string, s sample) { r.Samples[name] = append(r.Samples[name], s) })
		for _, lost := range order {
			if !slices.ContainsFunc(left, func(s side) bool { return s.name == lost.name }) {
				delete(r.Samples, lost.name)
			}
		}
		order, failed = left, errors.Join(failed, err)
		slices.Reverse(order) // so that none is always the one that follows another
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

// round measures each side once and returns those that can be measured again.
func (g group) round(ctx context.Context, d time.Duration, sides []side, keep func(string, sample)) (left []side, failed error) {
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
