package broker_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// TestReplay_nothing_runs_twice proves for any mixture of duplicates, cancels, deadlines, lost workers and errors that a tool
// which is not idempotent starts at most once under a request id, unless it said itself that it did nothing, and that
// everybody who gets a result gets that run's.
func TestReplay_nothing_runs_twice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs sync.Map // of *atomic.Int64 by request id
	b.host(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
		n, _ := runs.LoadOrStore(c.RequestID, new(atomic.Int64))
		count, _ := n.(*atomic.Int64)
		run := int(count.Add(1))
		select {
		case <-time.After(time.Duration(rand.IntN(2000)) * time.Microsecond):
		case <-ctx.Done():
			return tool.Result{}, tool.Errorf(tool.Cancelled, "stopped")
		}
		switch rand.IntN(12) {
		case 0:
			return tool.Result{}, tool.Errorf(tool.WorkerLost, "lost")
		case 1:
			return tool.Result{}, tool.Errorf(tool.ExecutionError, "raised")
		case 2:
			count.Add(-1) // it did nothing
			return tool.Result{}, tool.Errorf(tool.Overloaded, "later")
		default:
			return tool.Result{Value: number(run)}, nil
		}
	}}, echoes(false))
	var round atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		callers := rapid.IntRange(1, 8).Draw(rt, "callers")
		ids := rapid.IntRange(1, 3).Draw(rt, "ids")
		patience := rapid.SliceOfN(rapid.IntRange(0, 4000), callers, callers).Draw(rt, "patience")
		linger := rapid.SliceOfN(rapid.Bool(), callers, callers).Draw(rt, "linger")
		prefix := fmt.Sprint("p", round.Add(1))
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				id := fmt.Sprint(prefix, "/", i%ids)
				for attempt := range 3 {
					ctx, cancel := context.WithTimeout(b.ctx, time.Duration(patience[i])*time.Microsecond)
					call := named(id)
					call.Attempt, call.Linger = attempt, linger[i]
					result, err := b.Call(ctx, call)
					cancel()
					if err == nil && !bytes.Equal(result.Value.Bytes, number(1).Bytes) {
						rt.Errorf("request %q got the result of run %v", id, result.Value.Bytes)
					}
				}
			})
		}
		all.Wait()
	})
	runs.Range(func(id, n any) bool {
		count, _ := n.(*atomic.Int64)
		require.LessOrEqual(t, count.Load(), int64(1), id)
		return true
	})
}
