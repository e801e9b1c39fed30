package broker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// TestPlaces_are_all_given_back proves that no mixture of cancels, nested calls, lost hosts, new schemas and ended sessions
// leaks a place, loses a waiter, or lets a host run more than it takes.
func TestPlaces_are_all_given_back(t *testing.T) {
	t.Parallel()
	const maxCalls = 3
	b := setup(t, func(c *broker.Config) { c.ReattachGrace, c.SweepInterval = 50*time.Millisecond, 10*time.Millisecond })
	var inside, most atomic.Int64 // calls that run and do not wait for nested ones, on the steady host
	work := func(ctx context.Context, c *tool.Call) (tool.Result, error) {
		if c.Depth < 3 && rand.IntN(3) == 0 {
			return b.Call(ctx, &tool.Call{SessionID: c.SessionID, Tool: c.Tool, Depth: c.Depth + 1, Parent: c.Key})
		}
		now := inside.Add(1)
		defer inside.Add(-1)
		for was := most.Load(); now > was; was = most.Load() {
			if most.CompareAndSwap(was, now) {
				break
			}
		}
		select {
		case <-time.After(time.Duration(rand.IntN(300)) * time.Microsecond):
		case <-ctx.Done():
			return tool.Result{}, tool.Errorf(tool.Cancelled, "stopped")
		}
		switch rand.IntN(10) {
		case 0:
			return tool.Result{}, tool.Errorf(tool.WorkerLost, "lost")
		case 1:
			return tool.Result{}, tool.Errorf(tool.WorkerUnavailable, "not now")
		default:
			return tool.Result{Value: none()}, nil
		}
	}
	offers := func(i int) *tool.Spec {
		return &tool.Spec{Name: fmt.Sprint("x", i), Idempotent: i == 0, Sticky: i == 1, MaxConcurrency: i}
	}
	b.hostWith(&fakeHost{name: "steady", call: work}, broker.AttachOptions{MaxCalls: maxCalls}, offers(0), offers(1), offers(2))

	began := time.Now()
	var all sync.WaitGroup
	var answered, succeeded atomic.Int64
	over := func() bool { // on a busy machine not before something came of it
		took := time.Since(began)
		return took > time.Second && (succeeded.Load() > 0 || took > time.Minute)
	}
	for range 40 {
		all.Go(func() {
			for !over() {
				ctx, cancel := context.WithTimeout(b.ctx, time.Duration(rand.IntN(20))*time.Millisecond)
				_, err := b.Call(ctx, &tool.Call{SessionID: fmt.Sprint("c", rand.IntN(5)), Tool: fmt.Sprint("x", rand.IntN(3))})
				cancel()
				answered.Add(1)
				if err == nil {
					succeeded.Add(1)
				}
			}
		})
	}
	all.Go(func() { // hosts that come and go, at times with another schema
		for i := 0; !over(); i++ {
			spec := offers(i % 3)
			if rand.IntN(2) == 0 {
				spec.Arguments = []tool.Argument{{Name: "extra"}}
			}
			a, err := b.Attach(&fakeHost{name: fmt.Sprint("h", i), call: noop}, broker.AttachOptions{MaxCalls: 1})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := a.Register(b.ctx, []*tool.Spec{spec}); err != nil {
				t.Error(err)
			}
			elapse(time.Duration(rand.IntN(2000)) * time.Microsecond)
			a.SetState(broker.HostState(rand.IntN(4)))
			a.Detach()
		}
	})
	all.Go(func() { // sessions that begin and end
		for !over() {
			id := fmt.Sprint("c", rand.IntN(5))
			_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: id})
			if err != nil {
				t.Error(err)
			}
			elapse(time.Duration(rand.IntN(3000)) * time.Microsecond)
			_, _ = b.CleanupSession(b.ctx, nobody, id, 0, rand.IntN(3) == 0)
		}
	})
	all.Wait()

	t.Logf("%d calls, %d of them succeeded, at most %d at once", answered.Load(), succeeded.Load(), most.Load())
	require.Positive(t, succeeded.Load())
	workers := b.Workers()
	require.Len(t, workers, 1)
	require.Zero(t, workers[0].Running)
	patience, stop := context.WithTimeout(b.ctx, 10*time.Second)
	defer stop()
	require.NoError(t, b.Stop(patience), "no call is left")
}
