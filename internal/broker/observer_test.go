package broker_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// What a call may be a part of.
const (
	callersTrace  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unrecordedOne = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// tracer is a Tracer that names itself as what nested calls are a part of.
type tracer struct {
	mu    sync.Mutex
	ended []string
}

type traced struct{}

func (r *tracer) Begin(ctx context.Context, call *tool.Call) (context.Context, func(tool.Metrics, error)) {
	if call.TraceParent == unrecordedOne {
		return ctx, nil
	}
	name := call.Tool + "<" + call.TraceParent
	call.TraceParent = "broker"
	return context.WithValue(ctx, traced{}, name), func(_ tool.Metrics, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = append(r.ended, name+":"+string(tool.CodeOf(err)))
	}
}

func TestTracer_stands_between_the_caller_and_the_host(t *testing.T) {
	t.Parallel()
	seen := &tracer{}
	b := setup(t, func(c *broker.Config) { c.Tracer = seen })
	var hosts []string
	var contexts []any
	note := func(ctx context.Context, c *tool.Call) {
		hosts, contexts = append(hosts, c.TraceParent), append(contexts, ctx.Value(traced{}))
	}
	b.host(&fakeHost{
		call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			note(ctx, c)
			return tool.Result{}, nil
		},
		stream: func(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			note(ctx, c)
			return tool.Metrics{}, tool.Errorf(tool.ExecutionError, "no")
		},
	}, plain("x"))

	call := to("x")
	call.TraceParent = callersTrace
	_, err := b.Call(b.ctx, call)
	require.NoError(t, err)
	_, err = b.Stream(b.ctx, to("x"), func(tool.Chunk) error { return nil })
	require.Error(t, err)
	_, err = b.Call(b.ctx, to("missing"))
	require.Error(t, err)
	unrecorded := to("x")
	unrecorded.TraceParent = unrecordedOne
	_, err = b.Call(b.ctx, unrecorded)
	require.NoError(t, err)

	require.Equal(t, []string{"broker", "broker", unrecordedOne}, hosts)
	require.Equal(t, []any{"x<" + callersTrace, "x<", nil}, contexts)
	require.Equal(t, []string{"x<" + callersTrace + ":", "x<:ExecutionError", "missing<:ToolNotFound"}, seen.ended)
}

// sizes is an Observer that keeps the sizes of results, and the tools that calls were for.
type sizes struct {
	broker.Observer

	tools []string
	bytes []int
}

func (s *sizes) CallEnded(call *tool.Call, _ tool.Metrics, resultBytes int, _ error) {
	name := "none"
	if call.Spec != nil {
		name = call.Spec.ID
	}
	s.tools, s.bytes = append(s.tools, name), append(s.bytes, resultBytes)
}

func TestObserver_is_told_the_size_of_results_and_of_all_chunks_and_the_tool_of_refused_calls(t *testing.T) {
	t.Parallel()
	o := &sizes{Observer: &recorder{}}
	b := setup(t, func(c *broker.Config) { c.Observer = o })
	b.host(&fakeHost{stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		for range 3 {
			if err := send(tool.Chunk{Value: number(1)}); err != nil {
				return tool.Metrics{}, err
			}
		}
		return tool.Metrics{}, nil
	}}, plain("x"))

	_, err := b.Stream(b.ctx, to("x"), func(tool.Chunk) error { return nil })
	require.NoError(t, err)
	_, err = b.Call(b.ctx, to("x"))
	require.NoError(t, err)
	_, err = b.Call(b.ctx, to("x", number(1)))
	refused(t, err, tool.ValidationError)
	_, err = b.Call(b.ctx, to("y"))
	refused(t, err, tool.ToolNotFound)

	require.Equal(t, []int{3 * number(1).Size(), text("host").Size(), 0, 0}, o.bytes)
	require.Equal(t, []string{"x", "x", "x", "none"}, o.tools)
}

func TestLoad_counts_running_calls_and_what_waits_for_each_tool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		require.Equal(t, broker.Load{Sessions: 1}, b.Load())
		g := newGate()
		takes := &tool.Spec{ID: "takes", Name: "takes", Arguments: []tool.Argument{{Name: "a"}}}
		own := plain("own")
		own.SessionID = "s"
		b.hostWith(&fakeHost{call: g.call}, broker.AttachOptions{MaxCalls: 1}, plain("x"), takes, own)
		var calls []<-chan answer
		for _, call := range []*tool.Call{to("x"), to("takes", text("a")), to("takes", text("b")), to("own")} {
			calls = append(calls, b.begin(b.ctx, call))
			synctest.Wait()
		}

		load := b.Load()

		require.Equal(t, 4, load.Running)
		require.ElementsMatch(t, []broker.QueueLoad{
			{Tool: "takes", Calls: 2, Bytes: 2 * text("a").Size()},
			{Tool: "own", Session: true, Calls: 1},
		}, load.Queues)
		close(g.open)
		for _, c := range calls {
			require.NoError(t, (<-c).err)
		}
	})
}

func TestCall_drops_a_trace_context_that_is_none(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var seen []string
	b.host(&fakeHost{call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
		seen = append(seen, c.TraceParent+"/"+c.TraceState)
		return tool.Result{}, nil
	}}, plain("x"))
	for _, c := range [][2]string{
		{callersTrace, "a=b"}, {callersTrace, strings.Repeat("s", tool.MaxTraceStateBytes+1)}, {"nonsense", "a=b"}, {strings.Repeat("x", 1<<20), ""}, {"", "a=b"},
	} {
		call := to("x")
		call.TraceParent, call.TraceState = c[0], c[1]
		_, err := b.Call(b.ctx, call)
		require.NoError(t, err)
	}
	require.Equal(t, []string{callersTrace + "/a=b", callersTrace + "/", "/", "/", "/"}, seen)
}

func TestCall_and_Stream_refuse_names_that_are_too_long(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("x"))
	long := strings.Repeat("n", tool.MaxIDBytes+1)
	for field, set := range map[string]func(*tool.Call){
		"request_id":   func(c *tool.Call) { c.RequestID = long },
		"stream_id":    func(c *tool.Call) { c.StreamID = long },
		"min_revision": func(c *tool.Call) { c.MinRevision = long },
		"bridge_run":   func(c *tool.Call) { c.BridgeRun = long },
	} {
		call := to("x")
		set(call)
		_, err := b.Call(b.ctx, call)
		require.Equal(t, field, refusal(t, err, tool.ValidationError, "273 bytes, the limit is 272").Details["field"])
		_, err = b.Stream(b.ctx, call, func(tool.Chunk) error { return nil })
		require.Equal(t, field, refusal(t, err, tool.ValidationError, "273 bytes, the limit is 272").Details["field"])
	}
}
