package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// innermost is what go_nest and py_nest say at the bottom.
type innermost struct {
	Depth int     `bridge:"depth"`
	Left  float64 `bridge:"left"`
}

func TestCallsNestAcrossLanguagesOnWorkersThatRunOneAtATime(t *testing.T) { //nolint:tparallel // they share workers that run one call at a time
	processes(t)
	b := serve(t, "--memory")
	goWorker(t, b.address, 1)
	pythonWorker(t, b.address, "--max-concurrency", "1")
	client := dial(t, b.address)
	s, err := client.Session(t.Context(), "nesting")
	require.NoError(t, err)
	awaitTools(t, s, "go_nest", "py_nest")

	t.Run("eight calls deep, with the time of the first", func(t *testing.T) {
		for _, name := range []string{"go_nest", "py_nest"} {
			got, err := toolbridge.Call[innermost](t.Context(), s.With(toolbridge.Timeout(20*time.Second)), name, 8)
			require.NoError(t, err, name)
			require.Equal(t, 8, got.Depth, name)
			require.Positive(t, got.Left, name)
			require.Less(t, got.Left, 20.0, name)
		}
	})
	t.Run("beyond the limit", func(t *testing.T) {
		deepest, err := toolbridge.Call[innermost](t.Context(), s, "py_nest", 32)
		require.NoError(t, err)
		require.Equal(t, 32, deepest.Depth)
		for _, name := range []string{"go_nest", "py_nest"} {
			_, err := s.Call(t.Context(), name, 33)
			failed(t, err, tool.CallDepthExceeded, "32")
		}
	})
	t.Run("a deadline passes through every hop", func(t *testing.T) {
		bottom := newHeld(t)
		began := time.Now()
		_, err := s.With(toolbridge.Timeout(time.Second)).Call(t.Context(), "go_nest", 5, bottom.path)
		failed(t, err, tool.DeadlineExceeded)
		require.Less(t, time.Since(began), 10*time.Second)
		bottom.ended()
	})
	t.Run("a call that waits for its turn keeps its deadline", func(t *testing.T) {
		first := newHeld(t)
		running := calling(t, s, "go_hold", first.path)
		first.began()
		second := newHeld(t)
		_, err := s.With(toolbridge.Timeout(200*time.Millisecond)).Call(t.Context(), "go_hold", second.path)
		failed(t, err, tool.DeadlineExceeded, "go_hold")
		eventually(t, "the bridge has heard of it", func() bool { return ended(t, client, s.ID(), "go_hold") == 1 })
		first.release()
		require.Equal(t, "call is done", within(t, "the first call ends", running).value)
		require.Zero(t, second.runs(), "it was never started")
	})
}

// ended counts the calls of a tool that have ended as far as the bridge knows.
func ended(t *testing.T, client *toolbridge.Client, session, name string) (count int) {
	t.Helper()
	for _, err := range client.Calls(t.Context(), toolbridge.CallFilter{Session: session, Tool: name, State: toolbridge.CallDone}) {
		require.NoError(t, err)
		count++
	}
	return count
}

func cancelNested(t *testing.T, h *house) {
	t.Helper()
	for _, name := range []string{"go_nest", "py_nest"} {
		for _, depth := range []int{1, 4} {
			bottom := newHeld(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := h.session.Call(ctx, name, depth, bottom.path)
				ended <- err
			}()
			bottom.began()
			cancel()
			failed(t, within(t, "the outer call ends", ended), tool.Cancelled)
			bottom.ended()
		}
	}
}
