package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// streams makes a host of one streaming tool "count".
func (b *bundle) streams(run func(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) error) {
	b.host(&fakeHost{stream: func(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		return tool.Metrics{Execute: time.Microsecond}, run(ctx, c, send)
	}}, &tool.Spec{Name: "count", Type: tool.Streaming}, &tool.Spec{Name: "again", Type: tool.Streaming, Idempotent: true})
}

func discard(tool.Chunk) error { return nil }

func TestStream_passes_chunks_on_in_order(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.streams(func(_ context.Context, c *tool.Call, send func(tool.Chunk) error) error {
		require.True(t, c.Stream)
		for i := range 5 {
			if err := send(tool.Chunk{Value: number(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	call := to("count")
	var got []tool.Value

	m, err := b.Stream(b.ctx, call, func(c tool.Chunk) error { got = append(got, c.Value); return nil })

	require.NoError(t, err)
	require.Equal(t, []tool.Value{number(0), number(1), number(2), number(3), number(4)}, got)
	require.Equal(t, time.Microsecond, m.Execute)
	require.Equal(t, "host", m.Worker)
	require.Nil(t, call.Spec, "the caller's call was changed")
}

func TestStream_ends_with_the_callers_error(t *testing.T) {
	t.Parallel()
	b := setup(t)
	enough := errors.New("enough")
	b.streams(func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		require.Equal(t, enough, send(tool.Chunk{}))
		require.Equal(t, enough, send(tool.Chunk{}), "send goes on after its error")
		return tool.Errorf(tool.ExecutionError, "the tool gave up")
	})
	sent := 0
	_, err := b.Stream(b.ctx, to("count"), func(tool.Chunk) error { sent++; return enough })
	require.Equal(t, enough, err)
	require.Equal(t, 1, sent)
}

func TestStream_refuses_a_chunk_that_is_too_large(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.ValueBytes = 100 })
	b.streams(func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		return send(tool.Chunk{Value: text(strings.Repeat("x", 101))})
	})
	_, err := b.Stream(b.ctx, to("count"), discard)
	refused(t, err, tool.MessageTooLarge, "message too large", "chunk")
}

func TestStream_that_makes_no_progress_ends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.streams(func(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) error {
			elapse(20 * time.Second)
			require.NoError(t, send(tool.Chunk{}))
			elapse(20 * time.Second)
			c.OnProgress(tool.Progress{Done: 1})
			elapse(20 * time.Second)
			require.NoError(t, ctx.Err())
			<-ctx.Done()
			require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
			refused(t, send(tool.Chunk{}), tool.DeadlineExceeded)
			return ctx.Err()
		})
		start := time.Now()
		call := to("count")
		var heard []tool.Progress
		call.OnProgress = func(p tool.Progress) { heard = append(heard, p) }
		_, err := b.Stream(b.ctx, call, discard)
		e := refusal(t, err, tool.DeadlineExceeded, "no progress for 30s", "was streaming")
		require.Equal(t, "true", e.Details["started"])
		require.WithinDuration(t, start.Add(70*time.Second), time.Now(), 50*time.Millisecond)
		require.Equal(t, []tool.Progress{{Done: 1}}, heard)
	})
}

func TestStream_does_not_count_the_time_its_reader_takes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.streams(func(_ context.Context, c *tool.Call, send func(tool.Chunk) error) error {
			if err := send(tool.Chunk{}); err != nil {
				return err
			}
			elapse(29 * time.Second)
			return send(tool.Chunk{})
		})
		_, err := b.Stream(b.ctx, to("count"), func(tool.Chunk) error {
			elapse(5 * time.Minute)
			return nil
		})
		require.NoError(t, err)
	})
}

func TestStream_has_a_total_deadline_only_when_asked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.streams(func(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) error {
			for range 100 {
				elapse(10 * time.Second)
				if err := send(tool.Chunk{}); err != nil {
					return err
				}
			}
			return nil
		})
		_, err := b.Stream(b.ctx, to("count"), discard)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(b.ctx, 45*time.Second)
		defer cancel()
		_, err = b.Stream(ctx, to("count"), discard)
		refused(t, err, tool.DeadlineExceeded, "the deadline passed", "was streaming")
	})
}

func TestStream_is_dispatched_again_only_before_its_first_chunk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	attempts := 0
	b.streams(func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		attempts++
		if attempts == 1 {
			return tool.Errorf(tool.WorkerLost, "gone")
		}
		if err := send(tool.Chunk{}); err != nil || attempts > 2 {
			return tool.Errorf(tool.WorkerLost, "gone again")
		}
		return nil
	})
	m, err := b.Stream(b.ctx, to("again"), discard)
	require.NoError(t, err)
	require.Equal(t, 2, m.Attempts)
	m, err = b.Stream(b.ctx, to("again"), discard)
	refused(t, err, tool.WorkerLost)
	require.Equal(t, 1, m.Attempts)
}
