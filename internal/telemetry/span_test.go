package telemetry_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ending is a call that ends.
type ending struct {
	ctx     context.Context
	call    tool.Call
	metrics tool.Metrics
	err     error
}

// endings are calls that differ in all that a span tells.
func endings() map[string]ending {
	echo, metrics := sample("echo")
	one := func(change func(e *ending)) ending {
		e := ending{ctx: context.Background(), call: *echo, metrics: metrics}
		change(&e)
		return e
	}
	here := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	return map[string]ending{
		"of no trace":             one(func(*ending) {}),
		"of a caller's trace":     one(func(e *ending) { e.call.TraceParent, e.call.TraceState = sampled, "a=b,c=d" }),
		"of a trace with no span": one(func(e *ending) { e.call.TraceParent, e.call.TraceState = sampled, "no state" }),
		"of a trace in this process": one(func(e *ending) {
			e.ctx = trace.ContextWithSpanContext(e.ctx, here)
		}),
		"at a worker":           one(func(e *ending) { e.metrics.Worker, e.metrics.Attempts = "wörker-1", 3 }),
		"of a tool of no one":   one(func(e *ending) { e.call.Spec, e.err = nil, tool.Errorf(tool.ToolNotFound, "what was asked") }),
		"that failed":           one(func(e *ending) { e.err = tool.Errorf(tool.Overloaded, "secret") }),
		"that failed by itself": one(func(e *ending) { e.err = context.Canceled }),
		"of a stream":           one(func(e *ending) { e.call.Stream, e.call.Depth, e.metrics.Queue = true, 200, time.Hour }),
		"with long names": one(func(e *ending) {
			e.call.Spec = &tool.Spec{ID: strings.Repeat("ü", 128)}
			e.metrics.Worker = strings.Repeat("w", 256)
		}),
		"that came to nothing": one(func(e *ending) { e.metrics = tool.Metrics{} }),
	}
}

func TestASpanOfAnExportIsWhatOpenTelemetrysOwnSDKWouldSend(t *testing.T) {
	t.Parallel()
	for name, e := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, endpoint := collect(t)
			exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpointURL(endpoint))
			require.NoError(t, err)
			provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
			theirs := record(t, telemetry.NewTracer(provider, 1), e)
			require.NoError(t, provider.Shutdown(t.Context()))
			export, err := telemetry.NewExport(t.Context(), telemetry.ExportConfig{Endpoint: endpoint}, telemetry.NewMetrics("v1"))
			require.NoError(t, err)
			ours := record(t, export.Tracer(1), e)
			require.NoError(t, export.Shutdown(t.Context()))

			c.mu.Lock()
			defer c.mu.Unlock()
			require.Len(t, c.spans, 2)
			require.Equal(t, theirs, ours, "what nested calls are a part of")
			want, got := normal(t, c.spans[0], e), normal(t, c.spans[1], e)
			require.True(t, proto.Equal(want, got), "want %v\ngot  %v", want, got)
		})
	}
}

// record begins and ends a call and returns its trace context, but for the ids that are new.
func record(t *testing.T, tracer broker.Tracer, e ending) string {
	t.Helper()
	call := e.call
	ctx, end := tracer.Begin(e.ctx, &call)
	require.NotNil(t, end)
	within := trace.SpanContextFromContext(ctx)
	require.Contains(t, call.TraceParent, within.TraceID().String()+"-"+within.SpanID().String())
	end(e.metrics, e.err)
	parent := strings.Replace(call.TraceParent, within.SpanID().String(), "", 1)
	if e.call.TraceParent == "" && !trace.SpanContextFromContext(e.ctx).IsValid() {
		parent = strings.Replace(parent, within.TraceID().String(), "", 1)
	}
	return parent + " " + call.TraceState + " " + within.TraceState().String()
}

// normal leaves out of a span what differs from one to the next, and holds against what it should be.
func normal(t *testing.T, span *tracepb.Span, e ending) *tracepb.Span {
	t.Helper()
	require.Len(t, span.GetTraceId(), 16)
	require.Len(t, span.GetSpanId(), 8)
	require.NotEqual(t, make([]byte, 8), span.GetSpanId())
	require.WithinDuration(t, time.Now(), time.Unix(0, int64(span.GetStartTimeUnixNano())), time.Hour)
	require.GreaterOrEqual(t, span.GetEndTimeUnixNano(), span.GetStartTimeUnixNano())
	if e.call.TraceParent == "" && !trace.SpanContextFromContext(e.ctx).IsValid() {
		span.TraceId = nil
	}
	span.SpanId, span.StartTimeUnixNano, span.EndTimeUnixNano = nil, 0, 0
	return span
}
