package broker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// echoes is a tool that takes anything.
func echoes(idempotent bool) *tool.Spec {
	return &tool.Spec{ID: "x", Name: "x", Type: tool.Standard, Idempotent: idempotent, Arguments: []tool.Argument{
		{Name: "args", Type: "any", Kind: tool.VarPositional}, {Name: "kwargs", Type: "any", Kind: tool.VarKeyword},
	}}
}

// counter answers with how often it ran, and with errs before that.
type counter struct {
	runs atomic.Int64
	errs []error
}

func (c *counter) call(context.Context, *tool.Call) (tool.Result, error) {
	n := int(c.runs.Add(1))
	if n <= len(c.errs) && c.errs[n-1] != nil {
		return tool.Result{}, c.errs[n-1]
	}
	return tool.Result{Value: number(n)}, nil
}

// named is a call with a request id.
func named(id string, args ...tool.Value) *tool.Call {
	c := to("x", args...)
	c.RequestID = id
	return c
}

func retry(id string, attempt int) *tool.Call {
	c := named(id)
	c.Attempt = attempt
	return c
}

func TestReplay_a_call_is_run_once_and_then_answered_from_its_record(t *testing.T) {
	t.Parallel()
	heard := &recorder{}
	b := setup(t, func(c *broker.Config) { c.Observer = heard })
	var x counter
	b.host(&fakeHost{name: "w", call: x.call}, echoes(false))

	first, err := b.Call(b.ctx, named("r"))
	require.NoError(t, err)
	require.False(t, first.Replayed)
	for range 3 {
		again, err := b.Call(b.ctx, named("r"))
		require.NoError(t, err)
		require.Equal(t, first.Value, again.Value)
		require.True(t, again.Replayed)
		require.Zero(t, again.Metrics.Attempts, "it was dispatched no more")
		require.Positive(t, again.Metrics.Duration)
		require.Equal(t, "w", again.Metrics.Worker)
	}
	require.Equal(t, int64(1), x.runs.Load())
	require.Equal(t, []string{"x:", "x:", "x:", "x:"}, heard.calls)

	other, err := b.Call(b.ctx, named("r2"))
	require.NoError(t, err)
	require.Equal(t, number(2), other.Value)
	_, err = b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	_, err = b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	require.Equal(t, int64(4), x.runs.Load(), "without a request id each call is run")
}

func TestReplay_an_error_of_the_tool_is_replayed_too(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raised := tool.Errorf(tool.ExecutionError, "no such row").With("row", "7")
	raised.Class, raised.Stack = "KeyError", "at line 7"
	x := counter{errs: []error{raised}}
	b.host(&fakeHost{call: x.call}, echoes(false))

	call := named("r")
	call.WantStack = true
	_, err := b.Call(b.ctx, call)
	require.Equal(t, "at line 7", refusal(t, err, tool.ExecutionError).Stack)
	result, err := b.Call(b.ctx, named("r"))
	e := refusal(t, err, tool.ExecutionError, "no such row")
	require.True(t, result.Replayed)
	require.Equal(t, "KeyError", e.Class)
	require.Equal(t, "7", e.Details["row"])
	require.Empty(t, e.Stack, "only who asks for it sees the stack")
	require.Equal(t, int64(1), x.runs.Load())
}

func TestReplay_the_same_id_with_another_payload_is_a_conflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var x counter
	b.host(&fakeHost{call: x.call}, echoes(false))
	call := func(change func(*tool.Call)) *tool.Call {
		c := named("r", number(1), number(2))
		c.Kwargs = []tool.Keyword{{Name: "a", Value: text("1")}, {Name: "b", Value: text("2")}}
		change(c)
		return c
	}
	_, err := b.Call(b.ctx, call(func(*tool.Call) {}))
	require.NoError(t, err)

	for name, change := range map[string]func(*tool.Call){
		"order of keywords": func(c *tool.Call) { c.Kwargs[0], c.Kwargs[1] = c.Kwargs[1], c.Kwargs[0] },
		"trace":             func(c *tool.Call) { c.TraceParent, c.TraceState = "p", "s" },
		"attempt":           func(c *tool.Call) { c.Attempt, c.BridgeRun = 3, "run" },
		"depth":             func(c *tool.Call) { c.Depth = 2 },
	} {
		_, err := b.Call(b.ctx, call(change))
		require.NoError(t, err, name)
	}
	for name, change := range map[string]func(*tool.Call){
		"tool":           func(c *tool.Call) { c.Tool = "y" },
		"argument":       func(c *tool.Call) { c.Args[0] = number(9) },
		"type":           func(c *tool.Call) { c.Args[0].TypeURL = "type.googleapis.com/google.protobuf.UInt64Value" },
		"order":          func(c *tool.Call) { c.Args[0], c.Args[1] = c.Args[1], c.Args[0] },
		"fewer":          func(c *tool.Call) { c.Args = c.Args[:1] },
		"keyword":        func(c *tool.Call) { c.Kwargs[0].Value = text("9") },
		"keyword's name": func(c *tool.Call) { c.Kwargs[0].Name = "c" },
		"swapped values": func(c *tool.Call) { c.Kwargs[0].Value, c.Kwargs[1].Value = text("2"), text("1") },
		"argument as keyword": func(c *tool.Call) {
			c.Args, c.Kwargs = nil, append(c.Kwargs, tool.Keyword{Name: "c", Value: number(1)})
		},
		"form": func(c *tool.Call) { c.PlainValues = true },
	} {
		_, err := b.Call(b.ctx, call(change))
		e := refusal(t, err, tool.RequestConflict, `"r"`, "another call")
		require.Equal(t, "r", e.Details["request_id"], name)
	}
	require.Equal(t, int64(1), x.runs.Load())
}

func TestReplay_a_second_call_joins_the_one_that_runs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	b.host(&fakeHost{call: g.call}, echoes(false))
	first := b.begin(b.ctx, named("r"))
	<-g.entered
	others := []<-chan answer{b.begin(b.ctx, named("r")), b.begin(b.ctx, named("r"))}
	_, err := b.Call(b.ctx, named("r", number(1)))
	refused(t, err, tool.RequestConflict)
	close(g.open)
	require.False(t, (<-first).result.Replayed)
	for _, other := range others {
		got := <-other
		require.NoError(t, got.err)
		require.Equal(t, text("done"), got.result.Value)
		require.True(t, got.result.Replayed)
	}
	require.Empty(t, g.entered, "it ran once")
}

func TestReplay_a_call_is_cancelled_when_its_last_caller_leaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, echoes(false))
		ctx1, leave1 := context.WithCancel(b.ctx)
		ctx2, leave2 := context.WithCancel(b.ctx)
		first := b.begin(ctx1, named("r"))
		<-g.entered
		second := b.begin(ctx2, named("r"))
		synctest.Wait()

		leave1()
		synctest.Wait()
		require.Empty(t, first, "it runs on for the second")
		leave2()
		refused(t, (<-second).err, tool.Cancelled)
		refused(t, (<-first).err, tool.Cancelled)

		_, err := b.Call(b.ctx, named("r"))
		refused(t, err, tool.OutcomeUnknown, `"r"`, "not started again")
		require.Empty(t, g.entered)
	})
}

func TestReplay_the_first_caller_may_leave_and_the_second_gets_the_answer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, echoes(false))
		ctx, leave := context.WithTimeout(b.ctx, time.Hour)
		first := b.begin(ctx, named("r"))
		<-g.entered
		second := b.begin(b.ctx, named("r"))
		synctest.Wait()
		leave()
		synctest.Wait()
		close(g.open)
		got := <-second
		require.NoError(t, got.err)
		require.Equal(t, text("done"), got.result.Value)
		require.NoError(t, (<-first).err)
	})
}

func TestReplay_a_deadline_leaves_the_outcome_unknown_and_an_idempotent_tool_starts_again(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			g := newGate()
			b.host(&fakeHost{call: g.call}, echoes(idempotent))
			ctx, cancel := context.WithTimeout(b.ctx, time.Second)
			defer cancel()
			first := b.begin(ctx, named("r"))
			synctest.Wait()
			second := b.begin(b.ctx, named("r"))
			got := <-first
			e := refusal(t, got.err, tool.DeadlineExceeded, "after 1s", "was running")
			require.Equal(t, idempotent, e.Retryable)
			require.Error(t, (<-second).err, "the first one's deadline holds for who joined")
			require.Len(t, g.entered, 1)

			close(g.open)
			result, err := b.Call(b.ctx, retry("r", 1))
			if idempotent {
				require.NoError(t, err)
				require.False(t, result.Replayed)
				require.Len(t, g.entered, 2)
				return
			}
			e = refusal(t, err, tool.OutcomeUnknown, "DeadlineExceeded")
			require.True(t, result.Replayed)
			require.Equal(t, "true", e.Details["started"])
			require.False(t, e.Retryable)
			require.Len(t, g.entered, 1)
		})
	}
}

func TestReplay_the_deadline_holds_after_its_caller_has_left(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, echoes(true))
		ctx, leave := context.WithTimeout(b.ctx, 3*time.Second)
		began := time.Now()
		first := b.begin(ctx, named("r"))
		<-g.entered
		second := b.begin(b.ctx, named("r"))
		synctest.Wait()
		leave()
		refused(t, (<-first).err, tool.DeadlineExceeded)
		refused(t, (<-second).err, tool.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(began))
	})
}

func TestReplay_a_refusal_is_never_recorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, aRefusalIsNeverRecorded)
}

func aRefusalIsNeverRecorded(t *testing.T) {
	t.Helper()
	b := setup(t)
	_, err := b.Call(b.ctx, named("r"))
	refused(t, err, tool.ToolNotFound)
	var x counter
	at := b.host(&fakeHost{call: x.call}, plain("x"))
	_, err = b.Call(b.ctx, named("r", number(1)))
	refused(t, err, tool.ValidationError)
	at.SetState(broker.Draining)
	short, cancel := context.WithTimeout(b.ctx, 10*time.Millisecond)
	defer cancel()
	_, err = b.Call(short, named("r"))
	require.Equal(t, "false", refusal(t, err, tool.DeadlineExceeded, "was queued").Details["started"])
	at.SetState(broker.Ready)

	result, err := b.Call(b.ctx, named("r"))
	require.NoError(t, err)
	require.False(t, result.Replayed)

	over, stop := context.WithCancel(b.ctx)
	stop()
	_, err = b.Call(over, named("r3"))
	refused(t, err, tool.Cancelled)
	require.Equal(t, int64(1), x.runs.Load())
}

func TestReplay_a_host_that_did_not_start_a_call_leaves_no_record(t *testing.T) {
	t.Parallel()
	b := setup(t)
	away := tool.Errorf(tool.WorkerUnavailable, "not now")
	x := counter{errs: []error{away, away, away, away}}
	b.host(&fakeHost{call: x.call}, echoes(false))
	_, err := b.Call(b.ctx, named("r"))
	refused(t, err, tool.WorkerUnavailable)
	_, err = b.Call(b.ctx, named("r"))
	require.NoError(t, err)
}

func TestReplay_an_error_that_invites_to_come_again_is_not_replayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x := counter{errs: []error{tool.Errorf(tool.RateLimitExceeded, "slowly").WithRetryAfter(time.Second)}}
	b.host(&fakeHost{call: x.call}, echoes(false))
	_, err := b.Call(b.ctx, named("r"))
	refused(t, err, tool.RateLimitExceeded)
	_, err = b.Call(b.ctx, named("r", number(1)))
	refused(t, err, tool.RequestConflict)

	result, err := b.Call(b.ctx, retry("r", 1))
	require.NoError(t, err, "its answer may have been lost: the attempt is known to have left nothing behind")
	require.False(t, result.Replayed)
	require.Equal(t, int64(2), x.runs.Load())
	result, err = b.Call(b.ctx, retry("r", 2))
	require.NoError(t, err)
	require.True(t, result.Replayed)
}

func TestReplay_a_lost_worker_is_recorded_unless_the_tool_is_idempotent(t *testing.T) {
	t.Parallel()
	lost := tool.Errorf(tool.WorkerLost, "gone")
	for _, idempotent := range []bool{false, true} {
		b := setup(t)
		x := counter{errs: []error{lost, lost, lost, lost}}
		b.host(&fakeHost{call: x.call}, echoes(idempotent))
		_, err := b.Call(b.ctx, named("r"))
		refused(t, err, tool.WorkerLost)
		ran := x.runs.Load()
		_, err = b.Call(b.ctx, retry("r", 1))
		if idempotent {
			require.NoError(t, err)
			continue
		}
		refused(t, err, tool.WorkerLost)
		require.Equal(t, ran, x.runs.Load())
	}
}

func TestReplay_a_retry_without_a_record_starts_only_an_idempotent_tool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var x counter
	again := echoes(true)
	again.ID, again.Name = "again", "again"
	b.host(&fakeHost{call: x.call}, echoes(false), again)
	for _, c := range []struct {
		change func(*tool.Call)
		why    string
	}{
		{func(c *tool.Call) { c.RequestID = "" }, "no request id"},
		{func(c *tool.Call) { c.BridgeRun = "another" }, "the bridge was restarted"},
		{func(c *tool.Call) { c.BridgeRun = b.Run() }, "kept no longer"},
	} {
		call := retry("r", 1)
		c.change(call)
		_, err := b.Call(b.ctx, call)
		refused(t, err, tool.OutcomeUnknown, "attempt 1", c.why, "not started again")

		call = retry("r", 1)
		call.Tool = "again"
		c.change(call)
		if call.RequestID != "" {
			call.RequestID += c.why
		}
		_, err = b.Call(b.ctx, call)
		require.NoError(t, err)
	}
	require.Equal(t, int64(3), x.runs.Load())
	_, err := b.Stream(b.ctx, retry("", 1), func(tool.Chunk) error { return nil })
	refused(t, err, tool.OutcomeUnknown)
}

func TestReplay_records_are_kept_for_a_time(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		var x counter
		b.host(&fakeHost{call: x.call}, echoes(false))
		_, err := b.Call(b.ctx, named("r"))
		require.NoError(t, err)
		elapse(10*time.Minute - time.Second)
		result, err := b.Call(b.ctx, retry("r", 1))
		require.NoError(t, err)
		require.True(t, result.Replayed)
		elapse(time.Second)
		_, err = b.Call(b.ctx, retry("r", 1))
		refused(t, err, tool.OutcomeUnknown)
		_, err = b.Call(b.ctx, named("r"))
		require.NoError(t, err)
		require.Equal(t, int64(2), x.runs.Load())
	})
}

func TestReplay_records_are_kept_within_a_number_of_bytes_the_newest_longest(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.RecordedBytes = 9 << 10 })
	size := 1000
	b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
		return tool.Result{Value: text(strings.Repeat("x", size))}, nil
	}}, echoes(false))
	kept := func(id string) bool {
		_, err := b.Call(b.ctx, retry(id, 1))
		return tool.CodeOf(err) != tool.OutcomeUnknown
	}
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		_, err := b.Call(b.ctx, named(id))
		require.NoError(t, err)
	}
	require.False(t, kept("a"))
	require.False(t, kept("b"))
	require.True(t, kept("c"))
	require.True(t, kept("h"))

	size = 20_000
	_, err := b.Call(b.ctx, named("large"))
	require.NoError(t, err)
	require.False(t, kept("large"), "what has no room drives out nothing else")
	require.True(t, kept("c"))
}

func TestReplay_records_go_with_their_session(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var x counter
	b.host(&fakeHost{call: x.call}, echoes(false))
	_, err := b.Call(b.ctx, named("r"))
	require.NoError(t, err)
	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)
	_, err = b.Call(b.ctx, named("r"))
	refused(t, err, tool.SessionExpired)
	_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "s"})
	require.NoError(t, err)
	result, err := b.Call(b.ctx, named("r"))
	require.NoError(t, err)
	require.False(t, result.Replayed)

	old := named("r")
	old.Epoch = 1
	_, err = b.Call(b.ctx, old)
	refused(t, err, tool.SessionExpired)

	other := named("r")
	other.SessionID = "t"
	_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "t"})
	require.NoError(t, err)
	result, err = b.Call(b.ctx, other)
	require.NoError(t, err)
	require.False(t, result.Replayed, "ids are those of one session")
	require.Equal(t, int64(3), x.runs.Load())
}

func TestReplay_a_call_whose_session_ended_is_not_joined_by_the_next_epoch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stubborn, entered := make(chan struct{}), make(chan struct{}, 2)
	var x counter
	b.host(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
		result, err := x.call(ctx, c)
		entered <- struct{}{}
		if result.Value.Bytes[1] == 1 {
			<-stubborn // it does not heed its context
		}
		return result, err
	}}, echoes(false))
	first := b.begin(b.ctx, named("r"))
	<-entered
	_, err := b.CleanupSession(b.ctx, nobody, "s", 0, true)
	require.NoError(t, err)
	_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "s"})
	require.NoError(t, err)
	result, err := b.Call(b.ctx, named("r"))
	require.NoError(t, err)
	require.False(t, result.Replayed)
	require.Equal(t, number(2), result.Value)
	close(stubborn)
	<-first
	result, err = b.Call(b.ctx, named("r"))
	require.NoError(t, err)
	require.Equal(t, number(2), result.Value, "the older epoch's answer took nobody's place")
}

func TestReplay_a_caller_that_lingers_may_come_back_within_the_grace(t *testing.T) {
	t.Parallel()
	lingering := func() *tool.Call {
		c := named("r")
		c.Linger = true
		return c
	}
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, echoes(false))
		ctx, leave := context.WithCancel(b.ctx)
		first := b.begin(ctx, lingering())
		<-g.entered
		leave()
		elapse(4 * time.Second)
		require.Empty(t, first)
		second := b.begin(b.ctx, lingering())
		elapse(10 * time.Second)
		require.Empty(t, second)
		close(g.open)
		require.NoError(t, (<-second).err)
		require.NoError(t, (<-first).err)
		require.Empty(t, g.entered)
	})
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, echoes(false))
		for _, c := range []struct {
			limit time.Duration
			code  tool.Code
			after time.Duration
		}{{time.Hour, tool.Cancelled, 6 * time.Second}, {3 * time.Second, tool.DeadlineExceeded, 3 * time.Second}} {
			ctx, leave := context.WithTimeout(b.ctx, c.limit)
			call := lingering()
			call.RequestID = c.limit.String()
			began := time.Now()
			first := b.begin(ctx, call)
			<-g.entered
			elapse(time.Second)
			leave()
			refused(t, (<-first).err, c.code)
			require.Equal(t, c.after, time.Since(began))
		}
	})
}

func TestReplay_a_nested_call_that_joins_gives_its_place_back(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		inner := func(c *tool.Call) *tool.Call {
			return &tool.Call{SessionID: "s", Tool: "leaf", RequestID: "r", Parent: c.Key, Depth: c.Depth + 1}
		}
		b.hostWith(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			if c.Tool == "leaf" {
				elapse(time.Millisecond)
				return tool.Result{Value: text("leaf")}, nil
			}
			return b.Call(ctx, inner(c))
		}}, broker.AttachOptions{MaxCalls: 1}, plain("outer"), plain("leaf"))
		var all []<-chan answer
		for range 5 {
			all = append(all, b.begin(b.ctx, to("outer")))
		}
		for _, one := range all {
			got := <-one
			require.NoError(t, got.err)
			require.Equal(t, text("leaf"), got.result.Value)
		}
		require.Zero(t, b.Workers()[0].Running)
	})
}

func TestReplay_items_of_a_batch_are_recorded_like_calls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var x counter
	b.host(&fakeHost{call: x.call}, echoes(false))
	for round := range 2 {
		err := b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{named("b/0"), named("b/1"), to("x")}, MaxConcurrency: 1}, func(i int, r tool.Result, err error) {
			require.NoError(t, err)
			require.Equal(t, round == 1 && i < 2, r.Replayed)
		})
		require.NoError(t, err)
	}
	require.Equal(t, int64(4), x.runs.Load())
}

func TestReplay_a_panic_of_a_host_leaves_no_record(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var x counter
	b.host(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
		if x.runs.Load() == 0 {
			x.runs.Add(1)
			panic("oh")
		}
		return x.call(ctx, c)
	}}, echoes(false))
	require.Panics(t, func() { _, _ = b.Call(b.ctx, named("r")) })
	_, err := b.Call(b.ctx, named("r"))
	require.NoError(t, err)
}

func TestReplay_a_request_id_has_a_limit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Call(b.ctx, named(strings.Repeat("r", 1000)))
	refused(t, err, tool.ValidationError, "1000 bytes", "the limit is 272")
}

func TestReplay_what_is_wrong_with_a_call_is_said_before_how_late_it_is(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late, cancel := context.WithDeadline(b.ctx, time.Now())
	defer cancel()
	call := named("r")
	call.Tool = strings.Repeat("x", tool.MaxNameBytes+1)

	_, err := b.Call(late, call)
	require.Equal(t, tool.ValidationError, tool.CodeOf(err))
}
