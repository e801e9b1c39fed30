package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// calls lists calls, the last that arrived first.
func (b *bundle) calls(f broker.CallFilter) []broker.CallInfo {
	b.t.Helper()
	page, err := b.Calls(nobody, f, "", 0)
	require.NoError(b.t, err)
	return page.Calls
}

// only returns the one call that is listed.
func (b *bundle) only(f broker.CallFilter) broker.CallInfo {
	b.t.Helper()
	found := b.calls(f)
	require.Len(b.t, found, 1)
	return found[0]
}

func TestCall_is_seen_queued_then_running_then_done(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.hostWith(&fakeHost{name: "w", call: g.call}, broker.AttachOptions{MaxCalls: 1}, &tool.Spec{ID: "x-id", Name: "x"})
		arrived := time.Now()
		first := b.begin(b.ctx, named("r1"))
		synctest.Wait()
		second := b.begin(b.ctx, &tool.Call{SessionID: "s", Tool: "x-id", RequestID: "r2"})
		synctest.Wait()
		elapse(2 * time.Second)

		found := b.calls(broker.CallFilter{})
		require.Len(t, found, 2)
		waits, runs := found[0], found[1]
		require.Equal(t, broker.CallInfo{
			ID: waits.ID, RequestID: "r2", Session: "s", Tool: "x-id", State: broker.CallQueued, Phase: "queued", StartedAt: arrived,
			Metrics: tool.Metrics{Duration: 2 * time.Second},
		}, waits)
		require.Equal(t, broker.CallInfo{
			ID: runs.ID, RequestID: "r1", Session: "s", Tool: "x-id", State: broker.CallRunning, Phase: "running", StartedAt: arrived,
			Metrics: tool.Metrics{Duration: 2 * time.Second, Worker: "w", Attempts: 1},
		}, runs)
		require.NotEqual(t, waits.ID, runs.ID)

		close(g.open)
		require.NoError(t, (<-first).err)
		require.NoError(t, (<-second).err)
		elapse(time.Minute)
		found = b.calls(broker.CallFilter{})
		require.Len(t, found, 2)
		ended, err := b.FindCall(nobody, broker.CallName{ID: waits.ID})
		require.NoError(t, err)
		require.Equal(t, found[0], ended)
		require.Equal(t, broker.CallDone, ended.State)
		require.Equal(t, "running", ended.Phase)
		require.Equal(t, 2*time.Second, ended.Metrics.Duration)
		require.Equal(t, 2*time.Second, ended.Metrics.Queue)
		require.Equal(t, "w", ended.Metrics.Worker)
		require.Empty(t, ended.Error)
		ended, err = b.FindCall(nobody, broker.CallName{Session: "s", RequestID: "r1"})
		require.NoError(t, err)
		require.Equal(t, runs.ID, ended.ID)
	})
}

func TestFailed_calls_are_remembered_by_their_codes_and_never_by_their_messages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		var fails error
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{}, fails }}, plain("x"))
		for _, c := range []struct {
			make  *tool.Call
			fails error
			code  tool.Code
			state broker.CallState
			phase string
		}{
			{to("none"), nil, tool.ToolNotFound, broker.CallDone, "routing"},
			{in("nowhere", "x"), nil, tool.SessionNotFound, broker.CallDone, "routing"},
			{to("x", number(1)), nil, tool.ValidationError, broker.CallDone, "routing"},
			{to("x"), tool.Errorf(tool.ExecutionError, "hush"), tool.ExecutionError, broker.CallDone, "running"},
			{to("x"), errors.New("hush"), tool.Internal, broker.CallDone, "running"},
			{to("x"), tool.Errorf(tool.WorkerLost, "hush"), tool.WorkerLost, broker.CallOutcomeUnknown, "running"},
			{to("x"), tool.Errorf(tool.DeadlineExceeded, "hush"), tool.DeadlineExceeded, broker.CallOutcomeUnknown, "running"},
		} {
			fails = c.fails
			_, err := b.Call(b.ctx, c.make)
			require.Equal(t, c.code, tool.CodeOf(err))
			last := b.calls(broker.CallFilter{})[0]
			require.Equal(t, c.code, last.Error)
			require.Equal(t, c.state, last.State)
			require.Equal(t, c.phase, last.Phase)
			require.Equal(t, c.make.Tool, last.Tool)
			require.Equal(t, c.make.SessionID, last.Session)
			require.NotContains(t, fmt.Sprintf("%+v", last), "hush")
		}
	})
}

func TestCall_that_waits_in_vain_is_remembered_as_queued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
		first := b.begin(b.ctx, to("x"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		_, err := b.Call(ctx, to("x"))
		refused(t, err, tool.DeadlineExceeded)
		last := b.only(broker.CallFilter{State: broker.CallDone})
		require.Equal(t, "queued", last.Phase)
		require.Equal(t, tool.DeadlineExceeded, last.Error)
		close(g.open)
		require.NoError(t, (<-first).err)
	})
}

func TestStream_is_seen_streaming_once_its_caller_has_a_chunk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		next := make(chan struct{})
		b.host(&fakeHost{stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			<-next
			err := send(tool.Chunk{Value: number(1)})
			<-next
			return tool.Metrics{}, err
		}}, plain("x"))
		call := &tool.Call{SessionID: "s", Tool: "x", StreamID: "stream-1"}
		ended := make(chan error, 1)
		go func() {
			_, err := b.Stream(b.ctx, call, func(tool.Chunk) error { return nil })
			ended <- err
		}()
		synctest.Wait()
		seen := b.only(broker.CallFilter{RequestID: "stream-1"})
		require.Equal(t, "running", seen.Phase)
		require.True(t, seen.Stream)
		next <- struct{}{}
		synctest.Wait()
		require.Equal(t, "streaming", b.only(broker.CallFilter{}).Phase)
		next <- struct{}{}
		require.NoError(t, <-ended)
		seen = b.only(broker.CallFilter{State: broker.CallDone})
		require.Equal(t, "streaming", seen.Phase)
		require.Equal(t, seen.ID, b.CallID(call.Number), "edges know the call by its number")
	})
}

func TestStream_whose_caller_left_is_remembered_as_cancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		return tool.Metrics{}, send(tool.Chunk{Value: number(1)})
	}}, plain("x"))
	broke := errors.New("the connection broke")
	_, err := b.Stream(b.ctx, to("x"), func(tool.Chunk) error { return broke })
	require.ErrorIs(t, err, broke)
	last := b.only(broker.CallFilter{})
	require.Equal(t, tool.Cancelled, last.Error)
	require.Equal(t, broker.CallOutcomeUnknown, last.State)
}

func TestNested_call_names_the_call_during_which_it_was_made(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			if c.Tool == "inner" {
				return g.call(ctx, c)
			}
			return b.Call(ctx, &tool.Call{SessionID: "s", Tool: "inner", Parent: c.Key, Depth: c.Depth + 1})
		}}, plain("outer"), plain("inner"))
		ended := b.begin(b.ctx, to("outer"))
		synctest.Wait()
		inner, outer := b.only(broker.CallFilter{Tool: "inner"}), b.only(broker.CallFilter{Tool: "outer"})
		require.Equal(t, outer.ID, inner.Parent)
		require.Equal(t, 1, inner.Depth)
		require.Empty(t, outer.Parent)
		require.Equal(t, broker.CallRunning, outer.State)
		close(g.open)
		require.NoError(t, (<-ended).err)
		require.Equal(t, outer.ID, b.only(broker.CallFilter{Tool: "inner"}).Parent)
	})
}

func TestListing_is_filtered_and_paged_and_forgets_the_oldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.Limits.EndedCalls = 50 })
		b.session("other")
		g := newGate()
		b.host(&fakeHost{call: g.call}, plain("slow"))
		b.host(&fakeHost{}, plain("x"), plain("y"))
		slow := b.begin(b.ctx, to("slow"))
		synctest.Wait()
		for i := range 100 {
			b.passes(&tool.Call{SessionID: "s", Tool: []string{"x", "y"}[i%2], RequestID: fmt.Sprint("r", i)})
		}
		b.passes(in("other", "x"))

		require.Len(t, b.calls(broker.CallFilter{}), 51)
		require.Len(t, b.calls(broker.CallFilter{Session: "other"}), 1)
		require.Len(t, b.calls(broker.CallFilter{Session: "s", Tool: "x"}), 24)
		require.Len(t, b.calls(broker.CallFilter{State: broker.CallRunning}), 1)
		require.Len(t, b.calls(broker.CallFilter{State: broker.CallDone, RequestID: "r99"}), 1)
		require.Empty(t, b.calls(broker.CallFilter{RequestID: "r2"}))
		_, err := b.FindCall(nobody, broker.CallName{Session: "s", RequestID: "r2"})
		refused(t, err, tool.CallNotFound, `"r2"`, `"s"`)

		var all []broker.CallInfo
		for after := ""; ; {
			page, err := b.Calls(nobody, broker.CallFilter{}, after, 7)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Calls), 7)
			all = append(all, page.Calls...)
			if after = page.Next; after == "" {
				break
			}
		}
		require.Equal(t, b.calls(broker.CallFilter{}), all)
		require.Equal(t, "other", all[0].Session)
		require.Equal(t, "slow", all[50].Tool, "the last of the page is the first that arrived, and still runs")
		close(g.open)
		require.NoError(t, (<-slow).err)
	})
}

func TestListing_refuses_pages_and_names_that_cannot_be(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, limit := range []int{-1, 1001} {
		_, err := b.Calls(nobody, broker.CallFilter{}, "", limit)
		refused(t, err, tool.ValidationError, "page size")
	}
	for _, token := range []string{"x", "00000000-1", b.Run()[:8] + "-0", b.Run()[:8] + "--1", strings.Repeat("x", 9000)} {
		_, err := b.Calls(nobody, broker.CallFilter{}, token, 0)
		e := refusal(t, err, tool.ValidationError, "page token")
		require.Less(t, len(e.Message), 300)
		_, err = b.FindCall(nobody, broker.CallName{ID: token})
		refused(t, err, tool.CallNotFound)
		refused(t, b.CancelCall(nobody, broker.CallName{ID: token}), tool.CallNotFound)
	}
	for _, name := range []broker.CallName{{}, {Session: "s"}, {RequestID: "r"}} {
		_, err := b.FindCall(nobody, name)
		refused(t, err, tool.ValidationError, "give a call id")
		refused(t, b.CancelCall(nobody, name), tool.ValidationError)
	}
}

func TestCall_that_an_operator_cancels_tells_its_caller_so(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"))
		runs := b.begin(b.ctx, named("r1"))
		synctest.Wait()
		waits := b.begin(b.ctx, named("r2"))
		synctest.Wait()
		id := b.only(broker.CallFilter{State: broker.CallQueued}).ID

		require.NoError(t, b.CancelCall(nobody, broker.CallName{ID: id}))
		e := refusal(t, (<-waits).err, tool.Cancelled, "an operator cancelled the call "+id, `tool "x"`)
		require.Equal(t, "false", e.Details["started"])
		require.Equal(t, "queued", e.Details["phase"])
		require.Equal(t, "operator", e.Details["cancelled_by"])
		require.Equal(t, id, e.Details["call_id"])

		require.NoError(t, b.CancelCall(nobody, broker.CallName{Session: "s", RequestID: "r1"}))
		e = refusal(t, (<-runs).err, tool.Cancelled, "an operator cancelled the call")
		require.Equal(t, "true", e.Details["started"])
		ended := b.calls(broker.CallFilter{})
		require.Equal(t, broker.CallDone, ended[0].State)
		require.Equal(t, broker.CallOutcomeUnknown, ended[1].State)
		require.Equal(t, tool.Cancelled, ended[1].Error)

		e = refusal(t, b.CancelCall(nobody, broker.CallName{ID: id}), tool.CallNotFound, id, "has ended already")
		require.Equal(t, "done", e.Details["state"])
	})
}

func TestCalls_of_another_owner_are_neither_seen_nor_cancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, plain("x"))
		mine := b.begin(b.ctx, named("r"))
		synctest.Wait()
		id := b.only(broker.CallFilter{}).ID
		thief := tool.Principal{Name: "thief"}
		for range 2 {
			page, err := b.Calls(thief, broker.CallFilter{}, "", 0)
			require.NoError(t, err)
			require.Empty(t, page.Calls)
			for _, name := range []broker.CallName{{ID: id}, {Session: "s", RequestID: "r"}} {
				_, err = b.FindCall(thief, name)
				refused(t, err, tool.CallNotFound)
				refused(t, b.CancelCall(thief, name), tool.CallNotFound, "it never was")
			}
			select {
			case <-g.open:
			default:
				close(g.open)
				require.NoError(t, (<-mine).err)
			}
		}
	})
}

func TestMemory_of_calls_holds_no_part_of_a_message(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("x"))
	long := strings.Repeat("r", tool.MaxIDBytes)
	message := []byte(long) // as a link's frame: what is cut from it shares its bytes
	_, _ = b.Stream(b.ctx, &tool.Call{SessionID: "s", Tool: "none", StreamID: string(message)}, func(tool.Chunk) error { return nil })
	last := b.only(broker.CallFilter{})
	require.Equal(t, "none", last.Tool)
	require.Less(t, len(last.RequestID), 300)
}

func TestCalls_are_listed_while_they_come_and_go(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.EndedCalls = 100 })
	b.hostWith(&fakeHost{stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		return tool.Metrics{}, send(tool.Chunk{Value: number(1)})
	}}, broker.AttachOptions{MaxCalls: 3}, plain("x"))
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := range 200 {
				if i%2 == 0 {
					_, _ = b.Call(b.ctx, named(fmt.Sprint(i)))
				} else {
					_, _ = b.Stream(b.ctx, to("x"), func(tool.Chunk) error { return nil })
				}
			}
		})
	}
	for range 300 {
		for _, c := range b.calls(broker.CallFilter{}) {
			require.Equal(t, "x", c.Tool)
			_ = b.CancelCall(nobody, broker.CallName{ID: c.ID})
		}
	}
	callers.Wait()
	require.Len(t, b.calls(broker.CallFilter{}), 100)
	require.Empty(t, b.calls(broker.CallFilter{State: broker.CallRunning}))
}
