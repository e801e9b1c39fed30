package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// oneAtATime is a call of which only one is served at a time, each for so long; how many have begun is given along.
func oneAtATime(lasts func(number int) time.Duration) caller {
	turn, number := make(chan struct{}, 1), 0
	return simple(func(ctx context.Context) error {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-turn }()
		number++
		return wait(ctx, lasts(number))
	})
}

func TestAnOpenLoopCountsFromWhenACallWasDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// While the first call hangs for 100 ms, nine more come due and wait.
		got, err := paced(oneAtATime(func(number int) time.Duration {
			if number == 1 {
				return 100 * time.Millisecond
			}
			return 0
		}))(100, time.Second)(t.Context(), 1, 100*time.Millisecond) // one each 10 ms
		require.NoError(t, err)
		require.Equal(t, 10, got.Calls)
		require.Zero(t, got.Unanswered)
		require.InDelta(t, 100, got.P999, 1e-6, "the one that hung")
		require.InDelta(t, 60, got.P50, 1e-6, "those that were due meanwhile waited, and that counts")
	})
}

func TestAnOpenLoopKeepsItsRateAndEndsWithAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := paced(simple(func(context.Context) error { return nil }))(50, time.Second)(t.Context(), 1, 2*time.Second)
		require.NoError(t, err)
		require.Equal(t, 100, got.Calls)
		require.Equal(t, 1980*time.Millisecond, time.Since(began))
		broken := errors.New("broken")
		_, err = paced(simple(func(context.Context) error { return broken }))(50, time.Second)(t.Context(), 1, 2*time.Second)
		require.ErrorIs(t, err, broken)
		_, err = paced(simple(nil))(0, 0)(t.Context(), 1, time.Second)
		require.ErrorContains(t, err, "a rate of 0")
	})
}

// Of 1,000 calls that are due within a second, a server that takes 10 ms for each answers 125 until all are given up after 1.25 s.
func TestWhatAnOverloadedSideDoesNotAnswerCountsUntilItIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := paced(oneAtATime(func(int) time.Duration { return 10 * time.Millisecond }))(1000, 250*time.Millisecond)(t.Context(), 1, time.Second)
		require.NoError(t, err, "that it is slow is what was found out")
		require.Equal(t, 1250*time.Millisecond, time.Since(began))
		require.InDelta(t, 125, got.Calls, 1)
		require.Equal(t, 1000, got.Calls+got.Unanswered)
		require.InDelta(t, 100, got.Rate, 1)
		require.Greater(t, got.P50, 500.0, "calls that nobody answered are among the percentiles")
		require.Greater(t, got.P99, 1100.0)
		require.LessOrEqual(t, got.Max, 1250.0)
	})
}

func TestAnOpenLoopThatIsEndedFromOutsideFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(100*time.Millisecond, func() { cancel(enough) })
		_, err := paced(simple(func(context.Context) error { return nil }))(50, time.Second)(ctx, 1, time.Second)
		require.ErrorIs(t, err, enough)
	})
}

func TestARefusalIsAFailureHoweverMuchIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		var calls atomic.Int64
		_, err := paced(simple(func(ctx context.Context) error {
			if calls.Add(1) == 300 {
				return refused
			}
			return wait(ctx, 50*time.Millisecond)
		}))(1_000_000, time.Second)(t.Context(), 1, time.Second)
		require.ErrorIs(t, err, refused)
	})
}

func TestASideIsPacedAtAPartOfWhatItAnswersOfTooMuch(t *testing.T) {
	t.Parallel()
	var asked []float64
	var patiences []time.Duration
	answered := []float64{90, 70, 80}
	p := paceSide{side: side{name: "x", run: func(context.Context, int, time.Duration) (sample, error) {
		return sample{Rate: 100}, nil
	}}, at: func(rate float64, patience time.Duration) measuring {
		asked, patiences = append(asked, rate), append(patiences, patience)
		got := sample{Rate: rate}
		if len(answered) > 0 {
			got.Rate, answered = answered[0], answered[1:]
		}
		return func(context.Context, int, time.Duration) (sample, error) { return got, nil }
	}, found: new(fastestFound)}
	for range 4 { // to warm up, and three rounds
		_, err := p.fastest().run(t.Context(), 64, time.Second)
		require.NoError(t, err)
	}
	require.Equal(t, []float64{200, 200, 200}, asked)
	_, err := p.part(0.5).run(t.Context(), 64, time.Second)
	require.NoError(t, err)
	require.Equal(t, []float64{200, 200, 200, 40}, asked, "half of the median")

	require.Equal(t, []time.Duration{4 * time.Second, 4 * time.Second, 4 * time.Second, time.Second / 4}, patiences)
	asked, answered, *p.found = nil, []float64{60}, fastestFound{}
	_, err = p.part(0.1).run(t.Context(), 64, time.Second)
	require.NoError(t, err)
	require.Equal(t, []float64{200, 6}, asked, "where its own group was left out, the highest is found first")
}

func TestASideThatCannotBeMeasuredHasNoHighestRate(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	p := paceSide{side: side{name: "x", run: func(context.Context, int, time.Duration) (sample, error) { return sample{}, broken }}, found: new(fastestFound)}
	_, err := p.part(0.5).run(t.Context(), 64, time.Second)
	require.ErrorIs(t, err, broken)
}
