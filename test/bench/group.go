package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// group is measured together, its sides in turn, round by round.
type group struct {
	name  string
	width int
	sides []side
}

// result is what the sides of a group did, by the name of the side, one sample a round.
type result struct {
	Group   string              `json:"group"`
	Width   int                 `json:"at_a_time"`
	Samples map[string][]sample `json:"samples"`
}

// groups are all that can be compared with what runs.
func (b *benchmark) groups() []group {
	var all []group
	link := side{name: "link", run: loop(overLink(b.session, goEcho)), process: b.bridge}
	raw := side{name: "raw", run: loop(rawUnary(b.rawGo))}
	plain := side{name: "plain", run: loop(plainCall(b.plain, b.session.ID(), demoEcho)), process: b.bridge}
	empty := side{name: "empty", run: loop(rawStream(b.relayed)), process: b.relay}
	all = append(all, group{"go", 64, []side{raw, link, plain}}, group{"go", 256, []side{raw, link}},
		group{"go", 1024, []side{raw, link}}, group{"go", 1, []side{raw, empty, link}})
	python := []side{{name: "raw", run: pythonWay(b.caller, "raw")}, {name: "link", run: pythonWay(b.caller, goEcho)}}
	for _, width := range []int{64, 512, 1} {
		all = append(all, group{"python caller", width, python})
	}
	worker := []side{{name: "raw", run: loop(rawUnary(b.rawPython))}, {name: "link", run: loop(overLink(b.session, pythonEcho))}}
	for _, width := range []int{64, 1} {
		all = append(all, group{"python worker", width, worker})
	}
	if b.fastMCP != nil {
		mcp := []side{{name: "FastMCP", run: pythonWay(b.fastMCP, "echo")}, {name: "link", run: pythonWay(b.caller, pythonEcho)}}
		all = append(all, group{"python both", 1, mcp}, group{"python both", 64, mcp})
	}
	return all
}

// measure runs the groups that the plan keeps.
func (b *benchmark) measure(ctx context.Context, p plan, progress io.Writer) ([]result, error) {
	var results []result
	for _, g := range b.groups() {
		if !strings.Contains(g.name, p.only) {
			continue
		}
		if _, err := fmt.Fprintf(progress, "%s, %d at a time: %d rounds\n", g.name, g.width, p.rounds); err != nil {
			return nil, err
		}
		got, err := g.measure(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s, %d at a time: %w", g.name, g.width, err)
		}
		results = append(results, got)
	}
	return results, nil
}

func (g group) measure(ctx context.Context, p plan) (result, error) {
	r := result{Group: g.name, Width: g.width, Samples: map[string][]sample{}}
	if _, err := g.round(ctx, p.warmUp, g.sides); err != nil {
		return r, err
	}
	order := slices.Clone(g.sides)
	for range p.rounds {
		got, err := g.round(ctx, p.round, order)
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

func (g group) round(ctx context.Context, d time.Duration, sides []side) (map[string]sample, error) {
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
