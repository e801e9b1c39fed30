package main

import (
	"context"
	"fmt"
	"slices"
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

// result is what the sides of a group did, by the name of the side, one sample a round.
type result struct {
	Group   string              `json:"group"`
	Width   int                 `json:"at_a_time"`
	Samples map[string][]sample `json:"samples"`
}

func (g group) measure(ctx context.Context, p plan) (result, error) {
	r := result{Group: g.name, Width: g.width, Samples: map[string][]sample{}}
	if !g.once {
		if _, err := g.round(ctx, p, true, g.sides); err != nil {
			return r, err
		}
	}
	order := slices.Clone(g.sides)
	for range p.roundsOf(g) {
		got, err := g.round(ctx, p, false, order)
		if err != nil {
			return r, err
		}
		for name, s := range got {
			r.Samples[name] = append(r.Samples[name], s)
		}
		slices.Reverse(order) // so that none is always the one that follows another
	}
	return r, nil
}

func (g group) round(ctx context.Context, p plan, warmUp bool, sides []side) (map[string]sample, error) {
	d := p.round
	if g.long > 0 {
		d = p.longer(g.long)
	}
	if warmUp {
		d = p.warmUp
	}
	got := map[string]sample{}
	for _, s := range sides {
		one, err := s.measure(ctx, g.width, d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		got[s.name] = one
	}
	return got, nil
}
