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
	link := side{"link", loop(overLink(b.session, goEcho)), []*process{b.bridge, b.goWorker}}
	raw := side{"raw", loop(rawUnary(b.toGo)), []*process{b.rawGo}}
	plain := side{"plain", loop(plainCall(b.plain, b.session.ID(), demoEcho)), []*process{b.bridge}}
	empty := side{"empty", loop(rawStream(b.relayed)), []*process{b.relay, b.rawGo}}
	all = append(all, group{"go", 64, []side{raw, link, plain}}, group{"go", 256, []side{raw, link}},
		group{"go", 1024, []side{raw, link}}, group{"go", 1, []side{raw, empty, link}})
	caller := []side{
		{"raw", pythonWay(b.caller, "raw"), []*process{b.rawGo, b.caller}},
		{"link", pythonWay(b.caller, goEcho), []*process{b.bridge, b.caller, b.goWorker}},
	}
	for _, width := range []int{64, 512, 1} {
		all = append(all, group{"python caller", width, caller})
	}
	worker := []side{
		{"raw", loop(rawUnary(b.toPython)), []*process{b.rawPython}},
		{"link", loop(overLink(b.session, pythonEcho)), []*process{b.bridge, b.pythonWorker}},
	}
	for _, width := range []int{64, 1} {
		all = append(all, group{"python worker", width, worker})
	}
	if b.fastMCP != nil {
		both := []side{
			{"FastMCP", pythonWay(b.fastMCPCaller, "echo"), []*process{b.fastMCP, b.fastMCPCaller}},
			{"link", pythonWay(b.caller, pythonEcho), []*process{b.bridge, b.caller, b.pythonWorker}},
		}
		all = append(all, group{"python both", 1, both}, group{"python both", 64, both})
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
