package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
)

func TestEveryRowHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range allRows() {
		name := fmt.Sprintf("%s (%s, %d at a time)", r.name, r.unit, r.width)
		require.False(t, seen[name], "%s: the guard and the script know rows by it", name)
		seen[name] = true
	}
}

func TestASceneIsMeasuredAndEndsWhatItStarted(t *testing.T) {
	t.Parallel()
	p, err := parse([]string{"-rounds", "2", "-round", "1ms", "-only", "two/b"})
	require.NoError(t, err)
	ended := 0
	s := &stage{plan: p}
	found, err := scene{name: "two", open: func(_ context.Context, s *stage) []group {
		s.closers = append(s.closers, func() error { ended++; return nil })
		return []group{{name: "a", sides: []side{{"x", known(1), nil}}}, {name: "b", sides: []side{{"x", known(2), nil}}}}
	}}.measure(t.Context(), s, func(string) {})
	require.NoError(t, err)
	require.Equal(t, 1, ended)
	require.Len(t, found, 1)
	require.Equal(t, "b", found[0].Group)
	require.Len(t, found[0].Samples["x"], 2)
	require.True(t, p.keepsScene("two groups"))
	require.False(t, p.keepsScene("three"))
	p.only = "two/b,four"
	require.True(t, p.keepsScene("four"))
	require.True(t, p.keepsGroup("four", group{name: "a"}))
	require.False(t, p.keepsGroup("two", group{name: "a"}))
	require.True(t, p.keepsGroup("two", group{name: "b"}))
}

// Twenty sides, five rounds of a second: what is left of two minutes is for starting and ending processes, and for calls
// that are under way when a round ends.
func TestAQuickRunTakesLessThanTwoMinutes(t *testing.T) {
	t.Parallel()
	p, err := parse([]string{"-quick"})
	require.NoError(t, err)
	kept := p.kept()
	require.Len(t, kept, 1)
	require.Equal(t, "calls", kept[0].name)
	var all time.Duration
	for _, g := range (&cast{session: new(toolbridge.Session)}).callGroups() {
		require.Equal(t, 5, p.roundsOf(g))
		require.Equal(t, time.Second, g.lasts(p))
		all += time.Duration(len(g.sides)) * (p.warmUp + 5*g.lasts(p))
	}
	require.LessOrEqual(t, all, 105*time.Second)
}

func TestASceneThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := scene{open: func(_ context.Context, s *stage) []group { s.err = broken; return nil }}.measure(t.Context(), &stage{}, func(string) {})
	require.ErrorIs(t, err, broken)
	fails := side{"x", func(context.Context, int, time.Duration) (sample, error) { return sample{}, broken }, nil}
	_, err = scene{open: func(context.Context, *stage) []group { return []group{{name: "g", width: 3, sides: []side{fails}}} }}.measure(t.Context(), &stage{}, func(string) {})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "g, 3 at a time: x: broken")
}

func TestASideThatFailsDoesNotCostTheOthersTheirFigures(t *testing.T) {
	t.Parallel()
	broken, rounds := errors.New("broken"), 0
	late := side{"late", func(context.Context, int, time.Duration) (sample, error) {
		if rounds++; rounds > 2 { // the warm-up and one round
			return sample{}, broken
		}
		return sample{Rate: 1}, nil
	}, nil}
	open := func(context.Context, *stage) []group {
		return []group{{name: "first", sides: []side{{"a", known(1), nil}, late, {"b", known(2), nil}}}, {name: "second", sides: []side{{"a", known(3), nil}}}}
	}
	results, err := scene{open: open}.measure(t.Context(), &stage{plan: plan{rounds: 3}}, func(string) {})
	require.ErrorContains(t, err, "first: late: broken")
	require.Len(t, results, 2)
	require.Len(t, results[0].Samples["a"], 3)
	require.Len(t, results[0].Samples["b"], 3)
	require.NotContains(t, results[0].Samples, "late", "a part of its rounds is no figure")
	require.Equal(t, 3, rounds, "it is not asked again")
	require.Len(t, results[1].Samples["a"], 3)
}

func TestARoundThatDoesNotEndIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := side{"hangs", loop(simple(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })), nil}
		began := time.Now()
		_, err := hangs.measure(t.Context(), 1, time.Second)
		require.ErrorContains(t, err, "a round of 1s did not end within 1m1s")
		require.Equal(t, time.Second+overdue, time.Since(began))
	})
}

func TestWhatTheOthersCanBeMeasuredWithoutIsNotedAsMissing(t *testing.T) {
	t.Parallel()
	s := &stage{}
	require.False(t, s.try("a peer", func() { s.err = errors.New("not\nhere") }))
	require.NoError(t, s.err)
	require.Equal(t, []string{"a peer: not; here"}, s.missing)
	require.True(t, s.try("another", func() {}))
	s.err = errors.New("broken")
	require.False(t, s.try("a third", func() { t.Error("began") }))
}

func TestNothingIsStartedAfterAFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := &stage{err: broken}
	require.Nil(t, s.serve(t.Context()))
	require.Nil(t, s.dial(nil))
	require.Nil(t, s.session(t.Context(), nil))
	require.Empty(t, s.folder())
	require.ErrorIs(t, s.stop(), broken)
	missing := &stage{}
	require.Nil(t, missing.part(t.Context(), "echo"), "there is no program")
	require.ErrorContains(t, missing.err, "starting the part echo")
}

func TestWhatABridgeHoldsIsReadFromItsProfile(t *testing.T) {
	t.Parallel()
	held, err := parseHeld("heap profile: 1: 2\n# HeapAlloc = 5\n# HeapInuse = 4000\n# Stack = 96 / 128\n")
	require.NoError(t, err)
	require.InDelta(t, 4096, held, 0)
	_, err = parseHeld("something else")
	require.ErrorContains(t, err, "without HeapInuse")
	require.Equal(t, "100,000", thousands(100_000))
	require.Equal(t, "999", thousands(999))
	require.Equal(t, "1,000,000", thousands(1_000_000))
}

func TestAnIdleProcessUsesNextToNothing(t *testing.T) {
	t.Parallel()
	got, err := start(t.Context(), time.Minute, "a process that waits", "sh", "-c", "echo listening on nothing; echo more: here; read line")
	require.NoError(t, err)
	said, err := got.lineWith("more: ")
	require.NoError(t, err)
	require.Equal(t, "here", said)
	used, err := idleTime(got)(t.Context(), 0, 20*time.Millisecond)
	require.NoError(t, err)
	require.Less(t, used.Value, 60.0)
	require.NoError(t, got.stop())
	_, err = start(t.Context(), time.Minute, "a process that ends", "sh", "-c", "echo why >&2; echo sorry")
	require.ErrorContains(t, err, `it said "sorry\n" and "why\n"`)
	_, err = start(t.Context(), time.Millisecond, "a process that says nothing", "sh", "-c", "read line")
	require.ErrorContains(t, err, "it took more than 1ms")
	require.Equal(t, "…"+strings.Repeat("y", 1000), lastOf("x"+strings.Repeat("y", 1000)))
}

func TestTheMemoryOfAProcessIsRead(t *testing.T) {
	t.Parallel()
	all, err := residentMemory(os.Getpid())
	require.NoError(t, err)
	anonymous, err := anonymousMemory(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, all, anonymous)
	require.Greater(t, anonymous, 100_000.0)
	_, err = memoryOf(os.Getpid(), "Nothing")
	require.ErrorContains(t, err, "does not say Nothing")
	require.InDelta(t, 3, greatest([]float64{-1, 3, 2}), 0)
	require.InDelta(t, 0, last([]float64{3, -2}), 0, "what shrinks has not grown")
}
