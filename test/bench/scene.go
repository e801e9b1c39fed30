package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// scene is a part of the benchmark that has processes of its own, so that nothing runs but what is measured.
type scene struct {
	name string
	// quick scenes are also measured by -quick.
	quick bool
	rows  []row
	// open starts what the groups measure.
	open func(ctx context.Context, s *stage) []group
}

// scenes are all there are, in the order in which they are measured.
func scenes() []scene {
	return []scene{
		calls(), chunks(), peers(), openLoop(), payloads(), batches(), cancelling(), firstChunk(), telemetry(),
		core(), links(), tools(), sessions(), durable(), starting(), goCodec(), pythonCodec(),
	}
}

// allRows are those of all scenes.
func allRows() []row {
	var all []row
	for _, one := range scenes() {
		all = append(all, one.rows...)
	}
	return all
}

// measure runs the scenes that the plan keeps, and returns what they came to and what is missing.
func measure(ctx context.Context, found programs, p plan, progress io.Writer) (results []result, missing []string, err error) {
	for _, one := range scenes() {
		if p.quick && !one.quick || !p.keepsScene(one.name) {
			continue
		}
		s := &stage{programs: found, plan: p}
		got, err := one.measure(ctx, s, progress)
		results, missing = append(results, got...), append(missing, s.missing...)
		if ctx.Err() != nil {
			return results, missing, context.Cause(ctx)
		}
		if err == nil {
			continue
		}
		if p.quick || p.only != "" {
			return results, missing, fmt.Errorf("scene %q: %w", one.name, err)
		}
		// The others are worth the wait all the same.
		missing = append(missing, fmt.Sprintf("scene %q, from here on: %v", one.name, err))
	}
	return results, missing, nil
}

func (c scene) measure(ctx context.Context, s *stage, progress io.Writer) (results []result, err error) {
	defer func() {
		if failed := s.stop(); err == nil {
			err = failed
		}
	}()
	groups := c.open(ctx, s)
	if s.err != nil {
		return nil, s.err
	}
	for _, g := range groups {
		if !s.plan.keepsGroup(g) {
			continue
		}
		if _, err := fmt.Fprintf(progress, "%s: %s, %d at a time, %d rounds\n", c.name, g.name, g.width, s.plan.roundsOf(g)); err != nil {
			return results, err
		}
		got, err := g.measure(ctx, s.plan)
		if err != nil {
			return results, fmt.Errorf("%s, %d at a time: %w", g.name, g.width, err)
		}
		results = append(results, got)
	}
	return results, nil
}

// keepsScene and keepsGroup are what -only says: SCENE or SCENE/GROUP, each a part of the name.
func (p plan) keepsScene(name string) bool {
	want, _, _ := strings.Cut(p.only, "/")
	return strings.Contains(name, want)
}

func (p plan) keepsGroup(g group) bool {
	_, want, _ := strings.Cut(p.only, "/")
	return strings.Contains(g.name, want) && (p.again == nil || p.again[place{g.name, g.width}])
}

// place names a group.
type place struct {
	group string
	width int
}

// roundsOf is how often the sides of a group are measured.
func (p plan) roundsOf(g group) int {
	switch {
	case g.once:
		return 1
	case p.rounds > 0:
		return p.rounds
	case p.quick || !g.main:
		return 5
	default:
		return 11
	}
}
