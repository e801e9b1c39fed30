package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
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
		calls(), awake(), chunks(), peers(), document(), durable(), sessions(), starting(), openLoop(), payloads(), batches(), cancelling(), firstChunk(),
		telemetry(), core(), links(), tools(), goCodec(), pythonCodec(),
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

// kept are the scenes that the plan keeps.
func (p plan) kept() []scene {
	return slices.DeleteFunc(scenes(), func(one scene) bool { return p.quick && !one.quick || !p.keepsScene(one.name) })
}

// measure plays the scenes, all of them even when some fail, and returns what they came to and what is missing. After
// each, save has what there is so far. Only the end of ctx is an error.
func measure(ctx context.Context, found programs, p plan, progress io.Writer, save func([]result, []string)) (results []result, missing []string, err error) {
	began := time.Now()
	for _, one := range p.kept() {
		s := &stage{programs: found, plan: p, out: progress}
		got, err := one.measure(ctx, s, func(what string) {
			fmt.Fprintf(progress, "%6.0fs  %s: %s\n", time.Since(began).Seconds(), one.name, what)
		})
		results, missing = append(results, got...), append(missing, s.missing...)
		if ctx.Err() != nil {
			save(results, missing)
			return results, missing, context.Cause(ctx)
		}
		if err != nil { // the others are worth the wait all the same
			missing = append(missing, fmt.Sprintf("scene %q: %s", one.name, strings.ReplaceAll(err.Error(), "\n", "; ")))
			fmt.Fprintf(progress, "%6.0fs  %s FAILED: %v\n", time.Since(began).Seconds(), one.name, err)
		}
		save(results, missing)
	}
	return results, missing, nil
}

// measure plays the scene; the error says what of it failed, the results are of all the rest.
func (c scene) measure(ctx context.Context, s *stage, tell func(string)) (results []result, err error) {
	defer func() { err = errors.Join(err, s.stop()) }()
	groups := c.open(ctx, s)
	if s.err != nil {
		return nil, nil // stop says why
	}
	for _, g := range groups {
		if ctx.Err() != nil || !s.plan.keepsGroup(c.name, g) {
			continue
		}
		tell(fmt.Sprintf("%v, %d rounds", g, s.plan.roundsOf(g)))
		got, failed := g.measure(ctx, s.plan)
		results, err = append(results, got), errors.Join(err, failed)
		if s.plan.profile != "" && failed == nil {
			tell(fmt.Sprintf("%v, profiles", g))
			err = errors.Join(err, g.profile(ctx, s.plan, c.name, s.out))
		}
	}
	return results, err
}

// keepsScene and keepsGroup are what -only says: SCENE or SCENE/GROUP, each a part of the name, and several with commas.
func (p plan) keepsScene(name string) bool { return p.keeps(name, "") }

func (p plan) keepsGroup(scene string, g group) bool {
	return p.keeps(scene, g.name) && (p.again == nil || p.again[place{g.name, g.width}])
}

// keeps a scene, or of a scene a group.
func (p plan) keeps(scene, group string) bool {
	return slices.ContainsFunc(strings.Split(p.only, ","), func(one string) bool {
		ofScene, ofGroup, _ := strings.Cut(one, "/")
		return strings.Contains(scene, ofScene) && (group == "" || strings.Contains(group, ofGroup))
	})
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
