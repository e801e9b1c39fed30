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

func TestCall_gives_the_host_what_the_caller_sent_and_back_what_the_host_answers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var got *tool.Call
	b.host(&fakeHost{name: "w1", call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
		got = c
		return tool.Result{Value: number(5), Metrics: tool.Metrics{Execute: time.Nanosecond}}, nil
	}}, adder())

	r, err := b.Call(b.ctx, &tool.Call{SessionID: "s", Tool: "add_numbers", Args: []tool.Value{number(2)}, Kwargs: []tool.Keyword{{Name: "b", Value: number(3)}}})

	require.NoError(t, err)
	require.Equal(t, number(5), r.Value)
	require.Equal(t, "add_numbers", got.Spec.ID)
	require.NotZero(t, got.Key)
	require.Equal(t, []tool.Value{number(2)}, got.Args)
	require.Equal(t, "w1", r.Metrics.Worker)
	require.Equal(t, 1, r.Metrics.Attempts)
	require.Equal(t, time.Nanosecond, r.Metrics.Execute)
	require.Positive(t, r.Metrics.Duration)
	require.Positive(t, r.Metrics.Route)
	require.Zero(t, r.Metrics.Queue)
}

func TestCall_that_is_refused_spent_its_time_on_its_route(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, adder())
	for _, call := range []*tool.Call{to("nobody_offers_this"), to("add_numbers")} {
		r, err := b.Call(b.ctx, call)
		require.Error(t, err)
		require.Positive(t, r.Metrics.Route)
		require.Equal(t, r.Metrics.Duration, r.Metrics.Route)
	}
}

func TestCall_s_time_before_the_broker_had_it_is_part_of_its_route(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			<-time.After(time.Second)
			return tool.Result{Metrics: tool.Metrics{Execute: 900 * time.Millisecond}}, nil
		}}, plain("x"))
		call := to("x")
		call.Received = time.Now()
		<-time.After(3 * time.Millisecond) // reading it, or waiting for a processor

		r, err := b.Call(b.ctx, call)

		require.NoError(t, err)
		m := r.Metrics
		require.Equal(t, []time.Duration{3 * time.Millisecond, 0, 900 * time.Millisecond, 100 * time.Millisecond}, []time.Duration{m.Route, m.Queue, m.Execute, m.Transport})
		require.Equal(t, m.Route+m.Queue+m.Execute+m.Transport, m.Duration)
	})
}

func TestCall_of_the_bridges_own_tools_names_no_worker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hostWith(&fakeHost{}, broker.AttachOptions{Local: true}, plain("x"))
	r, err := b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	require.Empty(t, r.Metrics.Worker)
	require.Empty(t, b.Workers())
}

func TestCall_refuses_arguments_that_cannot_be_right(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := &tool.Spec{Name: "f", Arguments: []tool.Argument{
		{Name: "p", Type: "int", Required: true, Kind: tool.PositionalOnly},
		{Name: "a", Type: "float", Nullable: true},
		{Name: "k", Type: "str", Kind: tool.KeywordOnly, Required: true},
	}}
	rest := &tool.Spec{Name: "rest", Arguments: []tool.Argument{
		{Name: "all", Type: "int", Kind: tool.VarPositional}, {Name: "more", Type: "str", Kind: tool.VarKeyword},
	}}
	moment := &tool.Spec{Name: "moment", Arguments: []tool.Argument{{Name: "at", Type: "datetime", Required: true}}}
	table := &tool.Spec{Name: "table", Arguments: []tool.Argument{{Name: "rows", Type: "DataFrame", Required: true}}}
	b.host(&fakeHost{}, adder(), spec, rest, moment, table)
	k := tool.Keyword{Name: "k", Value: text("x")}
	cases := map[string]struct {
		tool string
		args []tool.Value
		kw   []tool.Keyword
		want []string // none: accepted
	}{
		"all given":                     {"add_numbers", []tool.Value{number(1), number(2)}, nil, nil},
		"too many":                      {"add_numbers", []tool.Value{number(1), number(2), number(3)}, nil, []string{`tool "add_numbers" takes at most 2 positional arguments, got 3`}},
		"too few":                       {"add_numbers", []tool.Value{number(1)}, nil, []string{`lacks the required arguments "b"`, "add_numbers(a: int, b: int)"}},
		"none":                          {"add_numbers", nil, nil, []string{`"a", "b"`}},
		"unknown keyword":               {"add_numbers", []tool.Value{number(1), number(2)}, []tool.Keyword{{Name: "c", Value: number(3)}}, []string{`no argument "c"`}},
		"given twice":                   {"add_numbers", []tool.Value{number(1), number(2)}, []tool.Keyword{{Name: "b", Value: number(3)}}, []string{`argument "b" of tool "add_numbers" is given twice`}},
		"keyword twice":                 {"add_numbers", nil, []tool.Keyword{{Name: "a", Value: number(3)}, {Name: "a", Value: number(3)}}, []string{"twice by name"}},
		"wrong type":                    {"add_numbers", []tool.Value{number(1), text("2")}, nil, []string{`argument "b" of tool "add_numbers": want int, got str`}},
		"wrong type by name":            {"add_numbers", []tool.Value{number(1)}, []tool.Keyword{{Name: "b", Value: float()}}, []string{"want int, got float"}},
		"never set is not an int":       {"add_numbers", []tool.Value{number(1), {}}, nil, []string{"want int, got none"}},
		"never set is none":             {"f", []tool.Value{number(1), {}}, []tool.Keyword{k}, nil},
		"bytes without a type":          {"f", []tool.Value{number(1), {Bytes: []byte("x")}}, []tool.Keyword{k}, []string{"got a value without a type URL"}},
		"int for float":                 {"f", []tool.Value{number(1), number(2)}, []tool.Keyword{k}, nil},
		"nil for nullable":              {"f", []tool.Value{number(1), none()}, []tool.Keyword{k}, nil},
		"a form of its own in JSON":     {"moment", []tool.Value{text("2024-05-06")}, nil, []string{`want datetime, got str; in JSON that is {"$datetime":`}},
		"a set for a table":             {"table", []tool.Value{tagged(9)}, nil, []string{"want DataFrame, got set"}},
		"a kind of later for a table":   {"table", []tool.Value{tagged(99)}, nil, []string{"want DataFrame, got a value of another type"}},
		"a member of an enum for a str": {"f", []tool.Value{number(1)}, []tool.Keyword{{Name: "k", Value: tagged(20)}}, nil},
		"optional left out":             {"f", []tool.Value{number(1)}, []tool.Keyword{k}, nil},
		"keyword-only by position":      {"f", []tool.Value{number(1), number(2), text("x")}, nil, []string{"at most 2"}},
		"keyword-only missing":          {"f", []tool.Value{number(1)}, nil, []string{`"k"`}},
		"positional-only by name":       {"f", nil, []tool.Keyword{{Name: "p", Value: number(1)}, k}, []string{`no argument "p"`}},
		"surplus goes to rest":          {"rest", []tool.Value{number(1), number(2)}, []tool.Keyword{{Name: "any", Value: text("x")}}, nil},
		"rest has a type":               {"rest", []tool.Value{number(1), text("2")}, nil, []string{`argument "all"`}},
		"surplus keywords have a type":  {"rest", nil, []tool.Keyword{{Name: "any", Value: number(1)}}, []string{`argument "any" of tool "rest": want str, got int`}},
		"one of many keywords is twice": {"rest", nil, append(manyKeywords(40), tool.Keyword{Name: "k7", Value: text("x")}), []string{`"k7"`, "twice"}},
		"a huge keyword":                {"rest", nil, []tool.Keyword{{Name: strings.Repeat("k", 64<<10), Value: text("x")}}, []string{"65536 bytes", "the limit is 256"}},
		"many keywords":                 {"rest", nil, manyKeywords(40), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Call(b.ctx, &tool.Call{SessionID: "s", Tool: c.tool, Args: c.args, Kwargs: c.kw})
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			e := refusal(t, err, tool.ValidationError, c.want...)
			require.Equal(t, c.tool, e.Details["tool"])
		})
	}
}

// tagged is a value whose kind stands before it.
func tagged(kind byte) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/dspex.bridge.Value", Bytes: []byte{8, kind}}
}

func manyKeywords(n int) []tool.Keyword {
	kw := make([]tool.Keyword, n)
	for i := range kw {
		kw[i] = tool.Keyword{Name: "k" + string(rune('0'+i/10)) + string(rune('0'+i%10)), Value: text("x")}
	}
	kw[0].Name = "k7"
	return kw
}

func TestCall_of_an_unknown_tool_names_it_and_what_resembles_it(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("search_web"), plain("calculate"), &tool.Spec{Name: "$searchweb", Hidden: true})

	_, err := b.Call(b.ctx, to("serch_web"))
	e := refusal(t, err, tool.ToolNotFound, `"serch_web"`, `session "s"`, `did you mean "search_web"?`)
	require.Equal(t, "serch_web", e.Details["tool"])

	for _, name := range []string{"", "a\x00b", strings.Repeat("x", 64<<10)} {
		_, err = b.Call(b.ctx, to(name))
		require.Less(t, len(refusal(t, err, tool.ValidationError, "tool id").Message), 300)
		_, err = b.Call(b.ctx, &tool.Call{SessionID: name, Tool: "calculate"})
		require.Less(t, len(refusal(t, err, tool.ValidationError, "session id").Message), 300)
	}

	_, err = b.Call(b.ctx, to("something_else"))
	refused(t, err, tool.ToolNotFound, "list the session's tools")
}

func TestCall_finds_the_sessions_own_tool_before_a_shared_one(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{name: "shared"}, &tool.Spec{ID: "t1", Name: "search"}, plain("only"))
	b.host(&fakeHost{name: "own"}, &tool.Spec{ID: "t2", Name: "search", SessionID: "s"})
	_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "other"})
	require.NoError(t, err)

	for _, c := range []struct{ session, tool, want string }{
		{"s", "search", "own"}, {"s", "t2", "own"}, {"s", "t1", "shared"}, {"s", "only", "shared"}, {"other", "search", "shared"},
	} {
		r, err := b.Call(b.ctx, &tool.Call{SessionID: c.session, Tool: c.tool})
		require.NoError(t, err)
		require.Equal(t, text(c.want), r.Value, c)
	}
	_, err = b.Call(b.ctx, &tool.Call{SessionID: "other", Tool: "t2"})
	refused(t, err, tool.ToolNotFound)
}

func TestCall_refuses_too_much_and_too_deep(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.ValueBytes = 100 })
	b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
		return tool.Result{Value: text(strings.Repeat("x", 101))}, nil
	}}, plain("big"), &tool.Spec{Name: "takes", Arguments: []tool.Argument{{Name: "a"}}})

	_, err := b.Call(b.ctx, to("takes", text(strings.Repeat("x", 101))))
	refused(t, err, tool.MessageTooLarge, "message too large", "arguments", "the limit is 100")
	_, err = b.Call(b.ctx, to("big"))
	refused(t, err, tool.MessageTooLarge, "message too large", "result")
	deep := to("big")
	deep.Depth = 33
	_, err = b.Call(b.ctx, deep)
	refused(t, err, tool.CallDepthExceeded, "the limit is 32")
}

func TestCall_passes_a_tools_own_error_on(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.ValueBytes = 1000 })
	var answer error
	b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{}, answer }}, plain("x"))

	answer = &tool.Error{Code: tool.ExecutionError, Message: "negative", Class: "ValueError"}
	_, err := b.Call(b.ctx, to("x"))
	require.Equal(t, "ValueError", refusal(t, err, tool.ExecutionError, "negative").Class)

	answer = errors.New("broken host")
	_, err = b.Call(b.ctx, to("x"))
	refused(t, err, tool.Internal, "broken host")

	answer = &tool.Error{Code: tool.ExecutionError, Message: strings.Repeat("x", 1<<20), Exception: tool.Value{Bytes: make([]byte, 1001)}}
	_, err = b.Call(b.ctx, to("x"))
	cut := refusal(t, err, tool.ExecutionError, "x… (cut, 1048576 bytes)", "the exception itself has 1001 bytes, the limit is 1000: it was left out")
	require.LessOrEqual(t, len(cut.Message), tool.MaxErrorMessageBytes)
	require.Zero(t, cut.Exception)
}

func TestCall_says_where_a_deadline_passed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		slow := &tool.Spec{Name: "slow", Timeout: 2 * time.Second, Idempotent: true}
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"), slow)

		start := time.Now()
		_, err := b.Call(b.ctx, to("slow"))
		e := refusal(t, err, tool.DeadlineExceeded, "was running", "2s")
		require.Equal(t, "true", e.Details["started"])
		require.True(t, e.Retryable)
		require.WithinDuration(t, start.Add(2*time.Second), time.Now(), 20*time.Millisecond)

		start = time.Now()
		running := b.begin(b.ctx, to("x"))
		<-g.entered
		<-g.entered
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		_, err = b.Call(ctx, to("x"))
		e = refusal(t, err, tool.DeadlineExceeded, "was queued")
		require.Equal(t, "false", e.Details["started"])
		require.Equal(t, "queued", e.Details["phase"])

		_, err = b.Call(ctx, to("x"))
		refused(t, err, tool.DeadlineExceeded, "was being routed")

		refused(t, (<-running).err, tool.DeadlineExceeded, "was running")
		require.WithinDuration(t, start.Add(30*time.Second), time.Now(), 20*time.Millisecond)
	})
}

func TestCall_whose_time_is_over_when_its_turn_comes_is_not_begun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		short := &tool.Spec{Name: "short", Timeout: 1001 * time.Millisecond} // limits are noticed at every tenth millisecond
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"), short)
		running := b.begin(b.ctx, to("x"))
		<-g.entered
		waiting := b.begin(b.ctx, to("short"))
		elapse(1005 * time.Millisecond)
		select {
		case early := <-waiting:
			t.Fatalf("its time was noticed before: %v", early.err)
		default:
		}

		close(g.open)

		require.NoError(t, (<-running).err)
		e := refusal(t, (<-waiting).err, tool.DeadlineExceeded, "was queued")
		require.Equal(t, "false", e.Details["started"])
		require.Empty(t, g.entered)
	})
}

func TestCall_tells_the_host_its_deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.host(&fakeHost{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
			at, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, 30*time.Second, time.Until(at))
			<-ctx.Done()
			require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
			return tool.Result{}, tool.Errorf(tool.ExecutionError, "context is over")
		}}, plain("x"))
		_, err := b.Call(b.ctx, to("x"))
		refused(t, err, tool.DeadlineExceeded)
	})
}

func TestCall_that_is_cancelled_ends_at_the_host(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	b.host(&fakeHost{call: g.call}, plain("x"))
	ctx, cancel := context.WithCancel(b.ctx)
	call := b.begin(ctx, to("x"))
	<-g.entered

	cancel()

	e := refusal(t, (<-call).err, tool.Cancelled, "was running")
	require.Equal(t, "true", e.Details["started"])
}

func TestCall_of_an_idempotent_tool_goes_to_another_host_when_its_own_is_lost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var first *tool.Call
	lost := func(_ context.Context, c *tool.Call) (tool.Result, error) {
		if first == nil {
			first = c
		}
		return tool.Result{}, tool.Errorf(tool.WorkerLost, "connection is gone")
	}
	again := &tool.Spec{Name: "again", Idempotent: true}
	b.host(&fakeHost{name: "a", call: lost}, again, plain("once"))
	b.host(&fakeHost{name: "b"}, again)

	r, err := b.Call(b.ctx, to("again"))
	require.NoError(t, err)
	require.Equal(t, "b", r.Metrics.Worker)
	require.Equal(t, 2, r.Metrics.Attempts)
	require.NotNil(t, first)

	r, err = b.Call(b.ctx, to("once"))
	e := refusal(t, err, tool.WorkerLost)
	require.Equal(t, "true", e.Details["started"])
	require.False(t, e.Retryable)
	require.Equal(t, 1, r.Metrics.Attempts)
}

func TestCall_that_a_host_did_not_start_goes_to_another_one(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		refuse := func(context.Context, *tool.Call) (tool.Result, error) {
			return tool.Result{}, tool.Errorf(tool.WorkerUnavailable, "leaving")
		}
		b.host(&fakeHost{name: "a", call: refuse}, plain("x"), plain("only"))
		second := b.host(&fakeHost{name: "b"}, plain("x"))

		r, err := b.Call(b.ctx, to("x"))
		require.NoError(t, err)
		require.Equal(t, "b", r.Metrics.Worker)
		second.Detach()

		r, err = b.Call(b.ctx, to("only"))
		e := refusal(t, err, tool.WorkerUnavailable, "leaving")
		require.Equal(t, "false", e.Details["started"])
		require.Equal(t, 4, r.Metrics.Attempts)
	})
}

func TestCall_in_a_session_that_is_not_there(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("x"))

	_, err := b.Call(b.ctx, &tool.Call{SessionID: "missing", Tool: "x"})
	refused(t, err, tool.SessionNotFound, `"missing"`)

	_, err = b.Call(b.ctx, &tool.Call{SessionID: "s", Tool: "x", Principal: tool.Principal{Name: "mallory"}})
	refused(t, err, tool.SessionNotFound)

	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)
	_, err = b.Call(b.ctx, to("x"))
	refused(t, err, tool.SessionExpired, `"s"`)

	_, _, err = b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: "s"})
	require.NoError(t, err)
	old := to("x")
	old.Epoch = 1
	_, err = b.Call(b.ctx, old)
	refused(t, err, tool.SessionExpired, "epoch 2")
	_, err = b.Call(b.ctx, to("x"))
	require.NoError(t, err)

	strange := to("x")
	strange.MinRevision = "not a revision"
	_, err = b.Call(b.ctx, strange)
	refused(t, err, tool.ValidationError)
}

func TestObserver_hears_of_calls_hosts_sessions_and_writes(t *testing.T) {
	t.Parallel()
	o := &recorder{}
	b := setup(t, func(c *broker.Config) { c.Observer = o })
	a := b.host(&fakeHost{name: "w"}, plain("x"))
	_, err := b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	_, err = b.Call(b.ctx, to("y"))
	require.Error(t, err)
	a.SetState(broker.Draining)
	a.SetState(broker.Draining)
	a.Detach()
	a.Detach()
	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)

	o.mu.Lock()
	defer o.mu.Unlock()
	require.Equal(t, []string{"x:", "y:ToolNotFound"}, o.calls)
	require.Equal(t, text("w").Size(), o.bytes)
	require.Equal(t, []string{"w0 false", "w2 false", "w3 true"}, o.hosts)
	require.Equal(t, map[string]int{"s": 0}, o.sessions)
	require.Equal(t, []string{"create_session", "register_tools", "end_session"}, o.writes)
}

func TestObserver_hears_of_reads_that_go_to_the_store(t *testing.T) {
	t.Parallel()
	o := &recorder{}
	b := setup(t, func(c *broker.Config) { c.Observer = o })
	_, err := b.Variable(b.ctx, nobody, "s", 0, "v")
	require.Error(t, err)
	_, _, err = b.Variables(b.ctx, nobody, "s", 0, broker.VariableQuery{})
	require.NoError(t, err)
	_, err = b.Agents(b.ctx, nobody, "s", 0)
	require.NoError(t, err)
	_, err = b.Sessions(b.ctx, nobody, "", "", 0)
	require.NoError(t, err)
	enough := errors.New("enough")
	err = b.WatchVariables(b.ctx, nobody, "s", 0, nil, func(broker.VariableChange) error { return enough })
	require.ErrorIs(t, err, enough)
	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)
	_, err = b.Variable(b.ctx, nobody, "s", 0, "v")
	refused(t, err, tool.SessionExpired)

	o.mu.Lock()
	defer o.mu.Unlock()
	require.Equal(t, []string{"get_variable:VariableNotFound", "list_variables:", "list_agents:", "list_sessions:", "watch_variables:", "get_tombstone:"}, o.reads)
}

func TestCall_shows_a_stack_only_to_who_asked_for_it(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raised := tool.Errorf(tool.ExecutionError, "no")
	raised.Stack = "at /home/somebody/secret.py"
	b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{}, raised }}, plain("x"))
	for _, wanted := range []bool{false, true} {
		call := to("x")
		call.WantStack = wanted
		_, err := b.Call(b.ctx, call)
		e := refusal(t, err, tool.ExecutionError, "no")
		require.Equal(t, wanted, e.Stack != "")
	}
	require.NotEmpty(t, raised.Stack, "the host's error is its own")
}
