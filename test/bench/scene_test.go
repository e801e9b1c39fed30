package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
	}}.measure(t.Context(), s, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 1, ended)
	require.Len(t, found, 1)
	require.Equal(t, "b", found[0].Group)
	require.Len(t, found[0].Samples["x"], 2)
	require.True(t, p.keepsScene("two groups"))
	require.False(t, p.keepsScene("three"))
}

func TestASceneThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := scene{open: func(_ context.Context, s *stage) []group { s.err = broken; return nil }}.measure(t.Context(), &stage{}, io.Discard)
	require.ErrorIs(t, err, broken)
	fails := side{"x", func(context.Context, int, time.Duration) (sample, error) { return sample{}, broken }, nil}
	_, err = scene{open: func(context.Context, *stage) []group { return []group{{name: "g", width: 3, sides: []side{fails}}} }}.measure(t.Context(), &stage{}, io.Discard)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "g, 3 at a time: x: broken")
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
	got, err := start(t.Context(), "a process that waits", "sh", "-c", "echo listening on nothing; echo more: here; read line")
	require.NoError(t, err)
	said, err := got.lineWith("more: ")
	require.NoError(t, err)
	require.Equal(t, "here", said)
	used, err := idleTime(got)(t.Context(), 0, 20*time.Millisecond)
	require.NoError(t, err)
	require.Less(t, used.Value, 60.0)
	require.NoError(t, got.stop())
	_, err = start(t.Context(), "a process that ends", "sh", "-c", "echo sorry; echo why >&2")
	require.ErrorContains(t, err, `it said "sorry\n"`)
}
