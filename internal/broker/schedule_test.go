package broker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCalls_go_to_the_host_that_runs_the_fewest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		gates := []*gate{newGate(), newGate()}
		for i, g := range gates {
			b.host(&fakeHost{name: fmt.Sprint("w", i), call: g.call}, plain("x"))
		}
		var calls []<-chan answer
		for range 6 {
			calls = append(calls, b.begin(b.ctx, to("x")))
			synctest.Wait()
		}
		require.Len(t, gates[0].entered, 3)
		require.Len(t, gates[1].entered, 3)
		for _, w := range b.Workers() {
			require.Equal(t, 3, w.Running)
		}
		close(gates[0].open)
		close(gates[1].open)
		for _, c := range calls {
			require.NoError(t, (<-c).err)
		}
	})
}

func TestHost_never_runs_more_than_it_takes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		limited := &tool.Spec{Name: "limited", MaxConcurrency: 1}
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 3}, plain("x"), limited)
		var calls []<-chan answer
		for range 3 {
			calls = append(calls, b.begin(b.ctx, to("limited")))
		}
		synctest.Wait()
		require.Len(t, g.entered, 1)
		for range 5 {
			calls = append(calls, b.begin(b.ctx, to("x")))
		}
		synctest.Wait()
		require.Len(t, g.entered, 3)

		close(g.open)
		for _, c := range calls {
			require.NoError(t, (<-c).err)
		}
		require.Len(t, g.entered, 8)
	})
}

func TestQueue_serves_sessions_in_turn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		for _, id := range []string{"greedy", "modest"} {
			_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: id})
			require.NoError(t, err)
		}
		g := newGate()
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
		var calls []<-chan answer
		for _, id := range []string{"greedy", "greedy", "greedy", "greedy", "modest", "modest"} {
			calls = append(calls, b.begin(b.ctx, &tool.Call{SessionID: id, Tool: "x"}))
			synctest.Wait()
		}

		close(g.open)
		var order []string
		for range calls {
			order = append(order, (<-g.entered).SessionID)
		}
		require.Equal(t, []string{"greedy", "greedy", "modest", "greedy", "modest", "greedy"}, order)
		for _, c := range calls {
			require.NoError(t, (<-c).err)
		}
	})
}

func TestQueue_is_bounded_in_number_and_bytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.Limits.QueuedCalls, c.Limits.QueuedBytes = 3, 200 })
		g := newGate()
		takes := &tool.Spec{Name: "takes", Arguments: []tool.Argument{{Name: "a"}}}
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"), takes)
		calls := []<-chan answer{b.begin(b.ctx, to("x"))}
		synctest.Wait()
		for range 3 {
			calls = append(calls, b.begin(b.ctx, to("x")))
		}
		calls = append(calls, b.begin(b.ctx, to("takes", text("01234567890123456789012345678901234567890123456789"))))
		synctest.Wait()

		_, err := b.Call(b.ctx, to("x"))
		e := refusal(t, err, tool.Overloaded, "3 calls wait", "the limit is 3")
		require.NotEmpty(t, e.Details["retry_after"])
		_, err = b.Call(b.ctx, to("takes", text("01234567890123456789012345678901234567890123456789012345678901234567890123456789")))
		refused(t, err, tool.Overloaded, "bytes of arguments", "the limit is 200")

		close(g.open)
		for _, c := range calls {
			require.NoError(t, (<-c).err)
		}
		_, err = b.Call(b.ctx, to("x"))
		require.NoError(t, err)
	})
}

func TestQueued_call_that_is_cancelled_leaves_the_queue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
		first := b.begin(b.ctx, to("x"))
		synctest.Wait()
		ctx, cancel := context.WithCancel(b.ctx)
		second := b.begin(ctx, to("x"))
		third := b.begin(b.ctx, to("x"))
		synctest.Wait()

		cancel()
		e := refusal(t, (<-second).err, tool.Cancelled, "was queued")
		require.Equal(t, "false", e.Details["started"])
		close(g.open)
		require.NoError(t, (<-first).err)
		require.NoError(t, (<-third).err)
		require.Len(t, g.entered, 2)
	})
}

func TestNested_calls_do_not_deadlock_at_limit_1_with_depth_8(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var deepest atomic.Int64
	h := &fakeHost{}
	h.call = func(ctx context.Context, c *tool.Call) (tool.Result, error) {
		deepest.Store(max(deepest.Load(), int64(c.Depth)))
		if c.Depth == 8 {
			return tool.Result{Value: number(8)}, nil
		}
		return b.Call(ctx, &tool.Call{SessionID: "s", Tool: "x", Depth: c.Depth + 1, Parent: c.Key})
	}
	b.hostWith(h, broker.AttachOptions{MaxCalls: 1}, &tool.Spec{Name: "x", MaxConcurrency: 1})

	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r, err := b.Call(b.ctx, to("x"))
			require.NoError(t, err)
			require.Equal(t, number(8), r.Value)
		})
	}
	all.Wait()
	require.EqualValues(t, 8, deepest.Load())
	require.Zero(t, b.Workers()[0].Running)
}

func TestParent_takes_its_place_back_at_once_even_above_the_limit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		inner, outer := newGate(), newGate()
		h := &fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			switch c.Tool {
			case "parent":
				if r, err := b.Call(ctx, &tool.Call{SessionID: "s", Tool: "child", Depth: 1, Parent: c.Key}); err != nil {
					return r, err
				}
				return outer.call(ctx, c)
			default:
				return g.call(ctx, c)
			}
		}}
		b.hostWith(h, broker.AttachOptions{MaxCalls: 1}, plain("parent"), plain("x"))
		b.host(&fakeHost{name: "child", call: inner.call}, plain("child"))
		running := func() int { return b.Workers()[0].Running }

		parent := b.begin(b.ctx, to("parent"))
		<-inner.entered
		require.Equal(t, 0, running())
		other := b.begin(b.ctx, to("x"))
		<-g.entered
		require.Equal(t, 1, running())
		close(inner.open)
		<-outer.entered
		require.Equal(t, 2, running())

		waits := b.begin(b.ctx, to("x"))
		close(g.open)
		require.NoError(t, (<-other).err)
		synctest.Wait()
		require.Empty(t, waits)
		close(outer.open)
		require.NoError(t, (<-parent).err)
		require.NoError(t, (<-waits).err)
		require.Equal(t, 0, running())
	})
}

func TestNested_call_inherits_what_is_left_to_its_parent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		h := &fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			if c.Tool == "child" {
				<-ctx.Done()
				return tool.Result{}, tool.Errorf(tool.Cancelled, "over")
			}
			elapse(time.Second)
			r, err := b.Call(context.Background(), &tool.Call{SessionID: "s", Tool: "child", Depth: 1, Parent: c.Key})
			refused(t, err, tool.DeadlineExceeded)
			return r, err
		}}
		b.host(h, &tool.Spec{Name: "parent", Timeout: 3 * time.Second}, plain("child"))
		start := time.Now()
		_, err := b.Call(b.ctx, to("parent"))
		refused(t, err, tool.DeadlineExceeded)
		require.WithinDuration(t, start.Add(3*time.Second), time.Now(), 50*time.Millisecond)
	})
}

func TestSticky_tool_stays_with_the_sessions_host(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sticky := &tool.Spec{Name: "x", Sticky: true}
	first := b.host(&fakeHost{name: "a"}, sticky)
	b.host(&fakeHost{name: "b"}, sticky)
	r, err := b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	home := r.Metrics.Worker
	for range 10 {
		r, err = b.Call(b.ctx, to("x"))
		require.NoError(t, err)
		require.Equal(t, home, r.Metrics.Worker)
	}
	first.SetState(broker.Unresponsive)
	for range 3 {
		r, err = b.Call(b.ctx, to("x"))
		require.NoError(t, err)
		require.Equal(t, "b", r.Metrics.Worker)
	}
}

func TestCalls_wait_for_the_grace_when_the_last_host_is_gone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		a := b.host(&fakeHost{name: "old"}, plain("x"))
		elapse(time.Minute)
		a.Detach()
		saved := b.begin(b.ctx, to("x"))
		elapse(4 * time.Second)
		back := b.host(&fakeHost{name: "new"}, plain("x"))
		require.Equal(t, "new", (<-saved).result.Metrics.Worker)

		back.Detach()
		start := time.Now()
		_, err := b.Call(b.ctx, to("x"))
		e := refusal(t, err, tool.WorkerUnavailable, `tool "x" is known`)
		require.Equal(t, 5*time.Second, time.Since(start))
		require.Equal(t, "5", e.Details["retry_after"])
		require.True(t, e.Retryable)

		start = time.Now()
		_, err = b.Call(b.ctx, to("x"))
		refused(t, err, tool.WorkerUnavailable)
		require.Zero(t, time.Since(start))

		elapse(time.Minute) // long enough for the pool to be pruned
		_, err = b.Call(b.ctx, to("x"))
		refused(t, err, tool.WorkerUnavailable)
		require.WithinDuration(t, start.Add(time.Minute), time.Now(), time.Millisecond)
	})
}

func TestCalls_that_were_queued_before_the_last_host_left_end_with_the_grace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		a := b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
		running := b.begin(b.ctx, to("x"))
		synctest.Wait()
		waiting := b.begin(b.ctx, to("x"))
		synctest.Wait()
		a.SetState(broker.Draining)
		start := time.Now()
		refused(t, (<-waiting).err, tool.WorkerUnavailable)
		require.Equal(t, 5*time.Second, time.Since(start))
		close(g.open)
		require.NoError(t, (<-running).err)
	})
}

func TestDetached_and_unresponsive_hosts_are_awaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		a := b.host(&fakeHost{}, plain("x"))
		for _, state := range []broker.HostState{broker.Detached, broker.Unresponsive} {
			a.SetState(state)
			call := b.begin(b.ctx, to("x"))
			elapse(10 * time.Second)
			require.Empty(t, call)
			a.SetState(broker.Ready)
			got := <-call
			require.NoError(t, got.err)
			require.Equal(t, 10*time.Second, got.result.Metrics.Queue)
		}
	})
}

func TestRestart_awaits_the_hosts_of_known_tools(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		a := b.host(&fakeHost{}, plain("x"), plain("y"))
		a.Detach()
		require.NoError(t, b.Stop(b.ctx))

		next, err := broker.New(broker.Config{Store: b.store})
		require.NoError(t, err)
		require.NotEqual(t, b.Run(), next.Run())
		_, err = next.Call(b.ctx, to("x"))
		refused(t, err, tool.WorkerUnavailable, "not started")
		require.NoError(t, next.Start(b.ctx))
		again := &bundle{Broker: next, t: t, ctx: b.ctx, store: b.store}
		call := again.begin(b.ctx, to("x"))
		elapse(4 * time.Second)
		again.host(&fakeHost{}, plain("x"))
		require.NoError(t, (<-call).err)

		specs, _, err := next.Tools(b.ctx, nobody, "s", 0, "")
		require.NoError(t, err)
		require.Len(t, specs, 2)
		require.True(t, specs[0].Available)
		require.False(t, specs[1].Available)
		elapse(time.Second)
		_, err = next.Call(b.ctx, to("y"))
		refused(t, err, tool.WorkerUnavailable)
		require.NoError(t, next.Stop(b.ctx))
	})
}
