package toolbridge_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// recording is a provider that keeps its spans in memory.
func recording() (*sdktrace.TracerProvider, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)), spans
}

// named finds the one span of a name.
func named(t *testing.T, spans *tracetest.SpanRecorder, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var found []sdktrace.ReadOnlySpan
	eventually(t, func() bool {
		found = nil
		for _, s := range spans.Ended() {
			if s.Name() == name {
				found = append(found, s)
			}
		}
		return len(found) > 0
	}, "span "+name)
	require.Len(t, found, 1, name)
	return found[0]
}

// childOf asserts that a span was begun during another one, maybe in another process.
func childOf(t *testing.T, child, parent sdktrace.ReadOnlySpan) {
	t.Helper()
	require.Equal(t, parent.SpanContext().TraceID(), child.SpanContext().TraceID(), "%s and %s are of one trace", child.Name(), parent.Name())
	require.Equal(t, parent.SpanContext().SpanID(), child.Parent().SpanID(), "%s is a child of %s", child.Name(), parent.Name())
}

func TestTracing_follows_a_call_to_its_tool_and_on_to_the_tools_that_it_calls(t *testing.T) {
	t.Parallel()
	for name, way := range map[string][]toolbridge.DialOption{"over a link": nil, "over plain RPCs": {toolbridge.WithoutLink()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider, spans := recording()
			b := bridgetest.New(t)
			b.WorkerOn(b.Dial(toolbridge.WithTracerProvider(provider)), func(w *toolbridge.Worker) {
				toolbridge.AddTool(w, "outer", func(ctx context.Context, _ struct{}) (any, error) {
					return toolbridge.FromContext(ctx).Session().Call(ctx, "inner")
				})
				toolbridge.AddTool(w, "inner", func(ctx context.Context, _ struct{}) (bool, error) {
					return trace.SpanContextFromContext(ctx).IsValid(), nil
				})
			})
			session := b.Session(append(way, toolbridge.WithTracerProvider(provider))...)
			ctx, root := provider.Tracer("test").Start(t.Context(), "root")

			seen, err := session.Call(ctx, "outer")

			root.End()
			require.NoError(t, err)
			require.Equal(t, true, seen, "a tool finds its span in its context")
			chain := []string{"root", "call outer", "run outer", "call inner", "run inner"}
			for i, child := range chain[1:] {
				childOf(t, named(t, spans, child), named(t, spans, chain[i]))
			}
			require.Equal(t, trace.SpanKindClient, named(t, spans, "call outer").SpanKind())
			require.Equal(t, trace.SpanKindServer, named(t, spans, "run outer").SpanKind())
		})
	}
}

func TestTracing_takes_what_Trace_says_before_the_span_in_the_context(t *testing.T) {
	t.Parallel()
	provider, spans := recording()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	session := b.Session(toolbridge.WithTracerProvider(provider))
	ctx, root := provider.Tracer("test").Start(t.Context(), "root")
	defer root.End()

	got, err := toolbridge.Call[map[string]any](ctx, session.With(toolbridge.Trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b")), "describe_call")

	require.NoError(t, err)
	span := named(t, spans, "call describe_call")
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", span.SpanContext().TraceID().String())
	require.Equal(t, "b7ad6b7169203331", span.Parent().SpanID().String())
	require.Equal(t, "a=b", span.SpanContext().TraceState().String())
	require.Contains(t, got["trace"], span.SpanContext().SpanID().String(), "the worker without a provider sees the caller's span")
}

func TestTracing_marks_what_failed_with_its_code_and_without_its_message(t *testing.T) {
	t.Parallel()
	provider, spans := recording()
	b := bridgetest.New(t)
	b.WorkerOn(b.Dial(toolbridge.WithTracerProvider(provider)), offerSamples)
	session := b.Session(toolbridge.WithTracerProvider(provider))

	_, err := session.Call(t.Context(), "fail", "canary-7d1f")
	require.Error(t, err)
	for _, err := range session.Stream(t.Context(), "count_to_n", 3) {
		require.NoError(t, err)
		break // leaving is no failure
	}
	for _, err := range session.Stream(t.Context(), "count_to_n", 3, toolbridge.Kw{"fail_at": 1}) {
		if err != nil {
			require.Equal(t, tool.ExecutionError, tool.CodeOf(err))
		}
	}

	for _, name := range []string{"call fail", "run fail"} {
		span := named(t, spans, name)
		require.Equal(t, codes.Error, span.Status().Code)
		require.Equal(t, string(tool.ExecutionError), span.Status().Description)
	}
	statuses := map[codes.Code]int{}
	for _, s := range spans.Ended() {
		if s.Name() == "call count_to_n" {
			statuses[s.Status().Code]++
		}
		require.NotContains(t, s.Status().Description, "canary")
		for _, a := range s.Attributes() {
			require.NotContains(t, a.Value.String(), "canary")
		}
	}
	require.Equal(t, map[codes.Code]int{codes.Unset: 1, codes.Error: 1}, statuses)
}

func TestTracing_makes_one_span_of_a_batch_and_one_of_each_item_at_the_worker(t *testing.T) {
	t.Parallel()
	provider, spans := recording()
	b := bridgetest.New(t)
	b.WorkerOn(b.Dial(toolbridge.WithTracerProvider(provider)), offerSamples)
	session := b.Session(toolbridge.WithTracerProvider(provider))

	_, err := session.Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("add_numbers", 1, 2), toolbridge.ItemOf("echo", "x")})

	require.NoError(t, err)
	batch := named(t, spans, "call the batch of 2 calls")
	childOf(t, named(t, spans, "run add_numbers"), batch)
	childOf(t, named(t, spans, "run echo"), batch)
}

func TestTracing_records_the_run_of_an_agent(t *testing.T) {
	t.Parallel()
	provider, spans := recording()
	session := bridgetest.New(t).Session(toolbridge.WithTracerProvider(provider))

	for _, err := range session.RunAgent(t.Context(), "nobody", nil) {
		require.Equal(t, tool.AgentNotFound, tool.CodeOf(err))
	}

	require.Equal(t, string(tool.AgentNotFound), named(t, spans, "call agent nobody").Status().Description)
}

func TestTracing_without_a_provider_passes_a_trace_on_and_makes_no_spans(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	provider, _ := recording()
	ctx, root := provider.Tracer("test").Start(t.Context(), "root") // the program traces, the client does not
	defer root.End()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

	plain, err := toolbridge.Call[map[string]any](ctx, b.Session(), "nest", 2)
	require.NoError(t, err)
	passed, err := toolbridge.Call[map[string]any](ctx, b.Session().With(toolbridge.Trace(parent, "")), "nest", 2)
	require.NoError(t, err)

	require.Empty(t, plain["trace"])
	require.Equal(t, parent, passed["trace"])
}
