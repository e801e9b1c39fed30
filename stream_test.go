package toolbridge_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAStreamYieldsResultsInOrder(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		var m tool.Metrics
		got := bridgetest.Record(toolbridge.Stream[int](t.Context(), s.With(toolbridge.WithMetrics(&m)), "count_to_n", 5))
		require.NoError(t, got.Err)
		require.Equal(t, []int{1, 2, 3, 4, 5}, got.Items)
		require.Positive(t, m.Duration)
		untyped := bridgetest.Record(s.Stream(t.Context(), "count_to_n", toolbridge.Kw{"n": 1}))
		require.Equal(t, []any{int64(1)}, untyped.Items)
	})
}

func TestAStreamThatBreaksKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		got := bridgetest.Record(toolbridge.Stream[int](t.Context(), s, "count_to_n", 5, 3))
		require.Equal(t, []int{1, 2, 3}, got.Items)
		require.Equal(t, tool.ExecutionError, asError(t, got.Err).Code)
		require.Contains(t, got.Err.Error(), "broken at 3")
	})
}

func TestLeavingTheLoopCancelsTheTool(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	ended := make(chan error, 1)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddStreamingTool(w, "endless", func(ctx context.Context, _ struct{}, yield func(int) error) error {
			for {
				if err := yield(1); err != nil {
					ended <- err
					return err
				}
			}
		})
	})
	for _, s := range []*toolbridge.Session{b.Session(), b.Session(toolbridge.WithoutLink())} {
		got := bridgetest.RecordSome(s.Stream(t.Context(), "endless"), 3)
		require.NoError(t, got.Err)
		require.Len(t, got.Items, 3)
		select {
		case err := <-ended:
			require.Error(t, err)
		case <-time.After(15 * time.Second):
			t.Fatal("the tool was not told that its reader left")
		}
	}
}

func TestASlowReaderSlowsTheToolDown(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	made := make(chan int, 10_000)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddStreamingTool(w, "large", func(_ context.Context, _ struct{}, yield func([]byte) error) error {
			for i := range 200 {
				made <- i
				if err := yield(make([]byte, 256<<10)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	n := 0
	for _, err := range b.Session().Stream(t.Context(), "large") {
		require.NoError(t, err)
		if n == 0 {
			require.Never(t, func() bool { return len(made) > 150 }, 200*time.Millisecond, 20*time.Millisecond)
		}
		n++
	}
	require.Equal(t, 200, n)
}

func TestAToolThatDoesNotStreamYieldsItsResult(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		got := bridgetest.Record(toolbridge.Stream[int](t.Context(), s, "add_numbers", 1, 2))
		require.NoError(t, got.Err)
		require.Equal(t, []int{3}, got.Items)
	})
}

func TestAStreamIsOverWhenItsTimeIs(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		got := bridgetest.Record(s.With(toolbridge.Timeout(50*time.Millisecond)).Stream(t.Context(), "wait"))
		require.Equal(t, tool.DeadlineExceeded, asError(t, got.Err).Code)
	})
}

func TestAChunkThatDoesNotFitEndsTheStream(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		got := bridgetest.Record(toolbridge.Stream[string](t.Context(), s, "count_to_n", 2))
		require.Empty(t, got.Items)
		require.Equal(t, tool.SerializationError, asError(t, got.Err).Code)
	})
}

func TestAStreamOfABadCallIsItsError(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		t.Helper()
		require.Equal(t, tool.ToolNotFound, asError(t, bridgetest.Record(s.Stream(t.Context(), "nothing")).Err).Code)
		require.Equal(t, tool.ValidationError, asError(t, bridgetest.Record(s.Stream(t.Context(), "")).Err).Code)
	})
}

// filling yields so many long chunks, of one byte each, out of one buffer.
func filling(w *toolbridge.Worker) {
	toolbridge.AddStreamingTool(w, "filling", func(_ context.Context, in struct{ N int }, yield func([]byte) error) error {
		chunk := make([]byte, 60_000)
		for i := range in.N {
			for at := range chunk {
				chunk[at] = byte(i)
			}
			if err := yield(chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestLongChunksAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(filling)
	for _, s := range []*toolbridge.Session{b.Session(), b.Session(toolbridge.WithoutLink())} {
		got := bridgetest.Record(toolbridge.Stream[[]byte](t.Context(), s, "filling", 100))
		require.NoError(t, got.Err)
		require.Len(t, got.Items, 100)
		for i, chunk := range got.Items {
			require.Equal(t, bytes.Repeat([]byte{byte(i)}, 60_000), chunk)
		}
	}
}

func TestAnInterceptorOfAWorkerMayKeepChunks(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	var kept []tool.Chunk
	b.Worker(filling, toolbridge.WithWorkerInterceptors(toolbridge.Interceptor{Stream: func(next toolbridge.StreamFunc) toolbridge.StreamFunc {
		return func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			return next(ctx, call, func(c tool.Chunk) error {
				kept = append(kept, c)
				return send(c)
			})
		}
	}}))
	got := bridgetest.Record(toolbridge.Stream[[]byte](t.Context(), b.Session(), "filling", 100))
	require.NoError(t, got.Err)
	require.Len(t, kept, 100)
	for i, c := range kept {
		want, err := value.Encode(got.Items[i])
		require.NoError(t, err)
		require.Equal(t, want, c.Value)
	}
}
