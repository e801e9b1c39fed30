package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnOpenLoopCountsFromWhenACallWasDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A caller for all: while its first call hangs for 100 ms, nine more come due and wait.
		turn := make(chan struct{}, 1)
		first := true
		call := simple(func(ctx context.Context) error {
			turn <- struct{}{}
			defer func() { <-turn }()
			if first {
				first = false
				return wait(ctx, 100*time.Millisecond)
			}
			return nil
		})
		got, err := paced(call)(100)(t.Context(), 1, 100*time.Millisecond) // one each 10 ms
		require.NoError(t, err)
		require.Equal(t, 10, got.Calls)
		require.InDelta(t, 100, got.P999, 1e-6, "the one that hung")
		require.InDelta(t, 60, got.P50, 1e-6, "those that were due meanwhile waited, and that counts")
	})
}

func TestAnOpenLoopKeepsItsRateAndEndsWithAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := paced(simple(func(context.Context) error { return nil }))(50)(t.Context(), 1, 2*time.Second)
		require.NoError(t, err)
		require.Equal(t, 100, got.Calls)
		require.Equal(t, 1980*time.Millisecond, time.Since(began))
		broken := errors.New("broken")
		_, err = paced(simple(func(context.Context) error { return broken }))(50)(t.Context(), 1, 2*time.Second)
		require.ErrorIs(t, err, broken)
		_, err = paced(simple(nil))(0)(t.Context(), 1, time.Second)
		require.ErrorContains(t, err, "a rate of 0")
	})
}

func TestASideIsPacedAtAPartOfItsHighestThroughput(t *testing.T) {
	t.Parallel()
	var asked []float64
	rates := []float64{100, 300, 200}
	p := paceSide{side: side{name: "x", run: func(context.Context, int, time.Duration) (sample, error) {
		rate := rates[0]
		rates = rates[1:]
		return sample{Rate: rate}, nil
	}}, at: func(rate float64) measuring { asked = append(asked, rate); return known(0) }, highest: new(float64)}
	for range 3 {
		_, err := p.fastest().run(t.Context(), 64, time.Second)
		require.NoError(t, err)
	}
	_, err := p.part(0.5).run(t.Context(), 64, time.Second)
	require.NoError(t, err)
	require.Equal(t, []float64{150}, asked)
	rates, *p.highest = []float64{200}, 0
	_, err = p.part(0.1).run(t.Context(), 64, time.Second)
	require.NoError(t, err)
	require.Equal(t, []float64{150, 20}, asked, "where its own group was left out, the highest is found first")
}
