package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALoopCallsFromSoManyAtOnceAndCountsAllCalls(t *testing.T) {
	t.Parallel()
	var calls, running, most atomic.Int64
	call := simple(func(context.Context) error {
		if now := running.Add(1); now > most.Load() {
			most.Store(now)
		}
		defer running.Add(-1)
		calls.Add(1)
		return nil
	})
	got, err := loop(call)(t.Context(), 4, 20*time.Millisecond)
	require.NoError(t, err)
	require.EqualValues(t, calls.Load(), got.Calls)
	require.LessOrEqual(t, most.Load(), int64(4))
	require.Positive(t, got.Rate)
	require.Positive(t, got.P50)
}

func TestAnErrorOfACallEndsTheMeasuring(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := loop(simple(func(context.Context) error { return broken }))(t.Context(), 2, time.Second)
	require.ErrorIs(t, err, broken)
}

func TestTheProcessorTimeOfAProcessGrowsWithItsWork(t *testing.T) {
	t.Parallel()
	before, err := processorTime(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, before)
	after := before
	for began := time.Now(); after-before < time.Millisecond && time.Since(began) < time.Minute; {
		after, err = processorTime(os.Getpid())
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, after-before, time.Millisecond)
	_, err = processorTime(1 << 24)
	require.ErrorContains(t, err, "process 16777216")
}

func TestTheProcessorTimeOfACallIsNotKnownWhereItRanElsewhereOrThereWasNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		got   sample
		known bool
	}{
		"here":                          {sample{Calls: 1}, true},
		"in a process that is no peer":  {sample{Calls: 1, elsewhere: true}, false},
		"memory, of which no call told": {sample{Value: 7}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			works := func(context.Context, int, time.Duration) (sample, error) {
				before, err := processorTime(os.Getpid())
				for after := before; err == nil && after-before < time.Millisecond; {
					after, err = processorTime(os.Getpid())
				}
				return c.got, err
			}
			got, err := side{name: name, run: works}.measure(t.Context(), 1, time.Millisecond)
			require.NoError(t, err)
			require.Equal(t, c.known, got.Processor > 0)
			require.Equal(t, c.known, got.Middle > 0)
		})
	}
}

func TestACallerInPythonIsAskedByLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer, fails string
		want          sample
	}{
		"a sample":       {`{"calls_per_second": 10, "p50_ms": 0.5, "calls": 7}`, "", sample{Rate: 10, P50: 0.5, Calls: 7}},
		"an error":       {`{"error": "no such tool"}`, "no such tool", sample{}},
		"something else": {"hello", `it answered "hello`, sample{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asks strings.Builder
			got, err := ask(&asks, bufio.NewReader(strings.NewReader(c.answer+"\n")), asked{Way: "raw", Width: 64, Seconds: 1})
			require.JSONEq(t, `{"way": "raw", "width": 64, "seconds": 1}`, asks.String())
			require.Equal(t, c.want, got)
			if c.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fails)
		})
	}
}

func TestTheCommandLineIsReadOrRefused(t *testing.T) {
	t.Parallel()
	quick, err := parse([]string{"-quick", "-rounds", "3", "-json", "x.json"})
	require.NoError(t, err)
	require.True(t, quick.quick)
	require.Equal(t, "x.json", quick.json)
	require.Equal(t, 200*time.Millisecond, quick.warmUp)
	require.Equal(t, 3, quick.roundsOf(group{main: true}))
	guarding, err := parse([]string{"-guard"})
	require.NoError(t, err)
	require.Equal(t, 5, guarding.roundsOf(group{main: true}))
	full, err := parse(nil)
	require.NoError(t, err)
	require.Equal(t, 11, full.roundsOf(group{main: true}))
	require.Equal(t, 5, full.roundsOf(group{}))
	require.Equal(t, 1, full.roundsOf(group{once: true, main: true}))
	for want, args := range map[string][]string{
		`"more"`: {"-quick", "more"}, "-rounds -1": {"-rounds", "-1"}, "-scale is 2": {"-scale", "2"}, "-scale is NaN": {"-scale", "NaN"}, "-round 0s": {"-round", "0"},
	} {
		_, err = parse(args)
		require.ErrorContains(t, err, want)
	}
}

func TestTimesAreSummedUpByTheirPercentiles(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for i := range 1000 {
		took = append(took, time.Duration(1000-i)*time.Millisecond)
	}
	got := sampleOf(took, 2*time.Second)
	require.InDelta(t, 501, got.P50, 0)
	require.InDelta(t, 991, got.P99, 0)
	require.InDelta(t, 1000, got.P999, 0)
	require.InDelta(t, 500, got.Rate, 0)
	require.Equal(t, sample{}, sampleOf(nil, time.Second))
}

func TestQuickOperationsAreCountedInBatches(t *testing.T) {
	t.Parallel()
	calls := 0
	got, err := operations(func() error { calls++; return nil })(t.Context(), 1, 10*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, calls, got.Calls)
	require.Greater(t, calls, 100)
	require.InDelta(t, 1000, got.Rate*got.P50, 1e-6)
	broken := errors.New("broken")
	_, err = operations(func() error { return broken })(t.Context(), 1, time.Second)
	require.ErrorIs(t, err, broken)
}

func TestWhatTimesItselfIsRepeated(t *testing.T) {
	t.Parallel()
	got, err := timed(func(context.Context) (time.Duration, error) { return 3 * time.Millisecond, nil })(t.Context(), 1, time.Millisecond)
	require.NoError(t, err)
	require.InDelta(t, 3, got.P50, 0)
	broken := errors.New("broken")
	_, err = timed(func(context.Context) (time.Duration, error) { return 0, broken })(t.Context(), 1, time.Second)
	require.ErrorIs(t, err, broken)
}
