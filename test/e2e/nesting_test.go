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
		givenTime(t, time.Second, func(limit time.Duration) bool {
			bottom := newHeld(t)
			_, err := s.With(toolbridge.Timeout(limit)).Call(t.Context(), "go_nest", 5, bottom.path)
			failed(t, err, tool.DeadlineExceeded)
			if bottom.runs() == 0 {
				return false
			}
			bottom.ended()
			return true
		})
	})
	t.Run("a call that waits for its turn keeps its deadline", func(t *testing.T) {
		first := newHeld(t)
		running := calling(t, s, "go_hold", first.path)
		first.began()
		second := newHeld(t)
		givenTime(t, 200*time.Millisecond, func(limit time.Duration) (queued bool) {
			waiting := calling(t, s.With(toolbridge.Timeout(limit)), "go_hold", second.path)
			eventually(t, "it is queued, or over", func() bool {
				queued = inState(t, client, toolbridge.CallQueued) > 0
				return queued || len(waiting) > 0
			})
			failed(t, within(t, "its time is over", waiting).err, tool.DeadlineExceeded, "go_hold")
			return queued
		})
		eventually(t, "the bridge has heard of it", func() bool { return inState(t, client, toolbridge.CallQueued) == 0 })
		first.release()
		require.Equal(t, "call is done", within(t, "the first call ends", running).value)
		require.Zero(t, second.runs(), "it was never started")
	})
}

// inState counts the calls of go_hold that are in a state as far as the bridge knows.
func inState(t *testing.T, client *toolbridge.Client, state string) (count int) {
	t.Helper()
	for _, err := range client.Calls(t.Context(), toolbridge.CallFilter{Session: "nesting", Tool: "go_hold", State: state}) {
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
