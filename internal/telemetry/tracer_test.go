package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func recording(ratio float64) (*telemetry.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return telemetry.NewTracer(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)), ratio), spans
}

func TestACallOfASampledTraceIsASpanThatNestedCallsAreAPartOf(t *testing.T) {
	t.Parallel()
	tracer, spans := recording(0)
	call, metrics := sample("search")
	call.TraceParent, call.TraceState, call.Depth = sampled, "a=b", 2
	metrics.Worker, metrics.Queue = "worker-1", time.Second

	ctx, end := tracer.Begin(t.Context(), call)
	end(metrics, nil)

	require.Len(t, spans.Ended(), 1)
	span := spans.Ended()[0]
	require.Equal(t, "bridge search", span.Name())
	require.Equal(t, trace.SpanKindServer, span.SpanKind())
	require.Equal(t, "b7ad6b7169203331", span.Parent().SpanID().String())
	require.Equal(t, span.SpanContext(), trace.SpanContextFromContext(ctx))
	require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-"+span.SpanContext().SpanID().String()+"-01", call.TraceParent)
	require.Equal(t, "a=b", call.TraceState)
	got := attribute.NewSet(span.Attributes()...)
	for key, want := range map[attribute.Key]any{
		"toolbridge.tool": "search", "toolbridge.outcome": "ok", "toolbridge.stream": false, "toolbridge.worker": "worker-1",
		"toolbridge.queue_seconds": 1.0, "toolbridge.route_seconds": 2e-6, "toolbridge.execute_seconds": 2e-5, "toolbridge.transport_seconds": 1e-4,
		"toolbridge.attempts": int64(1), "toolbridge.depth": int64(2),
	} {
		value, there := got.Value(key)
		require.True(t, there, key)
		require.Equal(t, want, value.AsInterface(), key)
	}
}

func TestALongTraceStateIsNoPartOfASpanAndTravelsOn(t *testing.T) {
	t.Parallel()
	for _, length := range []int{512, 513, tool.MaxTraceStateBytes} {
		tracer, spans := recording(0)
		call, metrics := sample("search")
		state := stateOf(length)
		call.TraceParent, call.TraceState = sampled, state

		ctx, end := tracer.Begin(t.Context(), call)
		end(metrics, nil)

		require.Equal(t, state, call.TraceState, "what came is passed on")
		span := spans.Ended()[0]
		require.Equal(t, "b7ad6b7169203331", span.Parent().SpanID().String(), "it belongs to its trace all the same")
		require.Equal(t, span.SpanContext(), trace.SpanContextFromContext(ctx))
		if length <= 512 {
			require.Equal(t, state, span.SpanContext().TraceState().String())
		} else {
			require.Empty(t, span.SpanContext().TraceState().String())
		}
	}
}

// stateOf is a trace state of so many bytes, as the W3C writes one.
func stateOf(length int) string {
	const most = 256
	var members []string
	for rest := length; rest > 0; {
		n := min(rest, most)
		if rest > most && rest < most+6 {
			n = rest - 6 // what remains must be a member too
		}
		members = append(members, fmt.Sprintf("k%02d=%s", len(members), strings.Repeat("v", n-4)))
		rest -= n + 1 // with its comma
	}
	return strings.Join(members, ",")
}

func TestWhichCallsAreRecorded(t *testing.T) {
	t.Parallel()
	within := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	for name, c := range map[string]struct {
		ctx    context.Context
		parent string
		ratio  float64
		want   bool
	}{
		"of a sampled trace":                         {context.Background(), sampled, 0, true},
		"of a trace that is not sampled":             {context.Background(), unsampled, 1, false},
		"of none, and none are begun":                {context.Background(), "", 0, false},
		"of none, and all are begun":                 {context.Background(), "", 1, true},
		"of a text that is no trace":                 {context.Background(), "nonsense", 0, false},
		"of a text as long as one":                   {context.Background(), strings.Repeat("1", 55), 0, false},
		"of a text that only ends as one":            {context.Background(), strings.Repeat("z", 54) + "0", 1, true},
		"of a megabyte":                              {context.Background(), strings.Repeat("1", 1<<20), 0, false},
		"of a trace in this process":                 {within, "", 0, true},
		"of a trace that is not sampled in this one": {within, unsampled, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := recording(c.ratio)
			call, metrics := sample("x")
			call.TraceParent = c.parent
			_, end := tracer.Begin(c.ctx, call)
			require.Equal(t, c.want, end != nil)
			if !c.want {
				require.Empty(t, spans.Started())
				require.Equal(t, c.parent, call.TraceParent, "what came is passed on")
				return
			}
			end(metrics, nil)
			require.Len(t, spans.Ended(), 1)
		})
	}
}

func TestAPartOfTheCallsBeginTraces(t *testing.T) {
	t.Parallel()
	tracer, _ := recording(0.25)
	begun := 0
	for range 4000 {
		call, metrics := sample("x")
		if _, end := tracer.Begin(t.Context(), call); end != nil {
			end(metrics, nil)
			begun++
		}
	}
	require.InDelta(t, 1000, begun, 250)
}

func TestASpanTellsTheCodeOfAnErrorAndNothingThatWasPassed(t *testing.T) {
	t.Parallel()
	tracer, spans := recording(1)
	for _, id := range []string{"search", "canary-guess", "canary\nname", strings.Repeat("canary", 100)} {
		call, metrics := sample(id)
		if id != "search" { // nobody offers it
			call.Spec = nil
		}
		call.SessionID, call.RequestID, call.Principal.Name = "canary-session", "canary-request", "canary-principal"
		call.Args[0].Bytes = []byte("canary-argument")
		_, end := tracer.Begin(t.Context(), call)
		end(metrics, tool.Errorf(tool.ExecutionError, "canary-message").With("canary", "canary"))
	}
	for _, span := range spans.Ended() {
		require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "ExecutionError"}, span.Status())
		require.NotContains(t, span.Name(), "canary")
		require.Empty(t, span.Events())
		for _, a := range span.Attributes() {
			require.NotContains(t, a.Value.String(), "canary", a.Key)
		}
	}
	require.Equal(t, "bridge search", spans.Ended()[0].Name())
	for _, span := range spans.Ended()[1:] {
		require.Equal(t, "bridge unknown tool", span.Name())
	}
}
