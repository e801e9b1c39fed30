package toolbridge_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
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
