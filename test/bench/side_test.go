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

func TestProcessorTimeIsReadBehindNamesWithBlanksAndBrackets(t *testing.T) {
	t.Parallel()
	got, err := parseProcessorTime("42 (a ) name) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 0 0 20")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, got)
	_, err = parseProcessorTime("42 (x) S")
	require.ErrorContains(t, err, "13 fields")
	used, err := processorTime(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, used, time.Duration(0))
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
	require.Equal(t, plan{rounds: 3, round: 750 * time.Millisecond, warmUp: 300 * time.Millisecond, json: "x.json", quick: true}, quick)
	full, err := parse(nil)
	require.NoError(t, err)
	require.Equal(t, 11, full.rounds)
	_, err = parse([]string{"-quick", "more"})
	require.ErrorContains(t, err, `"more"`)
}
