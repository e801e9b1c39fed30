package hosttest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// count streams "count".
func (h Harness) count(ctx context.Context, n int64, send func(tool.Chunk) error) (tool.Metrics, error) {
	c := h.call("count", number(n))
	c.Stream = true
	return h.Host.Stream(ctx, c, send)
}

func (s suite) order(t *testing.T) {
	t.Helper()
	const n = 2000
	h := s.with(t, Functions{})
	next := int64(0)
	_, err := h.count(t.Context(), n, func(c tool.Chunk) error {
		require.Equal(t, next, numberOf(t, c.Value))
		next++
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, n, next)
}

func (s suite) empty(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	_, err := h.count(t.Context(), 0, func(tool.Chunk) error { return errors.New("there is no chunk") })
	require.NoError(t, err)
}

// pressure sends more than any window holds to a reader that takes one chunk.
func (s suite) pressure(t *testing.T) {
	t.Helper()
	const most = 10_000_000 // chunks: tens of megabytes
	var made atomic.Int64
	h := s.with(t, Functions{Count: func(ctx context.Context, n int64, yield func(int64) error) error {
		return countTo(ctx, n, func(i int64) error {
			made.Store(i)
			return yield(i)
		})
	}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	taken := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = h.count(ctx, most, func(tool.Chunk) error {
			taken <- struct{}{}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	within(t, "the first chunk arrives", taken)
	stands(t, &made, most)
	cancel()
	within(t, "the stream ends", ended)
}

// stands waits until a counter has not moved for a while, and fails if that is only because it reached its end.
func stands(t *testing.T, counter *atomic.Int64, end int64) {
	t.Helper()
	const still = 200 * time.Millisecond
	last, since := counter.Load(), time.Now()
	require.Eventually(t, func() bool {
		if now := counter.Load(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) >= still
	}, soon, still/20, "the function goes on although nobody reads")
	require.Less(t, last, end-1, "the function ran to its end although nobody reads")
}

func (s suite) oneAtATime(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	var inside atomic.Int64
	_, err := h.count(t.Context(), 500, func(tool.Chunk) error {
		defer inside.Add(-1)
		if inside.Add(1) > 1 {
			return errors.New("send is called while it runs")
		}
		return nil
	})
	require.NoError(t, err)
}

func (s suite) sendError(t *testing.T) {
	t.Helper()
	ended := make(chan struct{})
	h := s.with(t, Functions{Count: func(ctx context.Context, n int64, yield func(int64) error) error {
		defer close(ended)
		return countTo(ctx, n, yield)
	}})
	want := tool.Errorf(tool.Cancelled, "enough")
	seen := 0
	_, err := h.count(t.Context(), 10_000_000, func(tool.Chunk) error {
		seen++
		if seen == 3 {
			return want
		}
		return nil
	})
	require.ErrorIs(t, err, want)
	require.Equal(t, 3, seen)
	within(t, "the function ends", ended)
}

func (s suite) streamError(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{Count: func(ctx context.Context, n int64, yield func(int64) error) error {
		if err := countTo(ctx, n, yield); err != nil {
			return err
		}
		return errors.New("broke in the middle")
	}})
	seen := 0
	_, err := h.count(t.Context(), 5, func(tool.Chunk) error { seen++; return nil })
	require.Contains(t, failure(t, err, tool.ExecutionError).Message, "broke in the middle")
	require.Equal(t, 5, seen)
}

func (s suite) cancelStream(t *testing.T) {
	t.Helper()
	f, began, ended := blocked()
	h := s.with(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		_, err := h.count(ctx, 1, func(tool.Chunk) error { return nil })
		answer <- err
	}()
	within(t, "the function begins", began)
	cancel()
	within(t, "the function's context ends", ended)
	failed(t, <-answer, tool.Cancelled)
}

func (s suite) streamOfStandard(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	c := h.call("echo", text("once"))
	c.Stream = true
	var got []string
	_, err := h.Host.Stream(t.Context(), c, func(c tool.Chunk) error {
		got = append(got, textOf(t, c.Value))
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"once"}, got)
}
