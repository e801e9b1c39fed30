package telemetry

import (
	"context"
	"math/rand/v2"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Scope names the tracer of a bridge.
const Scope = "github.com/grpc-tool-bridge/toolbridge/bridge"

// Tracer records calls as spans: every call of a trace that its caller samples, and of those without a trace one in so many.
// A call that is not recorded costs no span. Spans tell where the time went, and the error's code, never its message,
// which may hold values. Any number of goroutines may use it.
type Tracer struct {
	tracer trace.Tracer
	ratio  float64
}

var _ broker.Tracer = (*Tracer)(nil)

// NewTracer makes a tracer that begins a trace of its own for this part of the calls that come without one, 0 to 1.
func NewTracer(provider trace.TracerProvider, ratio float64) *Tracer {
	return &Tracer{tracer: provider.Tracer(Scope), ratio: ratio}
}

// Begin implements broker.Tracer.
func (t *Tracer) Begin(ctx context.Context, call *tool.Call) (context.Context, func(tool.Metrics, error)) {
	carrier := wire.TraceContext{Parent: &call.TraceParent, State: &call.TraceState}
	within := ctx
	if call.TraceParent != "" {
		if unsampled(call.TraceParent) {
			return ctx, nil
		}
		within = propagation.TraceContext{}.Extract(ctx, carrier)
	}
	if !t.wanted(trace.SpanContextFromContext(within)) {
		return ctx, nil
	}
	within, span := t.tracer.Start(within, unknownSpan, trace.WithSpanKind(trace.SpanKindServer)) // its tool is not looked up yet
	propagation.TraceContext{}.Inject(within, carrier)
	return within, func(metrics tool.Metrics, err error) { end(span, call, metrics, err) }
}

// unsampled reports whether a traceparent says that its trace is not sampled: the last bit of "00-<trace>-<span>-<flags>". What is no
// traceparent says nothing.
func unsampled(parent string) bool {
	return tool.IsTraceParent(parent) && strings.IndexByte("02468ace", parent[len(parent)-1]) >= 0
}

// wanted reports whether a call is recorded that is a part of this.
func (t *Tracer) wanted(parent trace.SpanContext) bool {
	if parent.IsValid() {
		return parent.IsSampled()
	}
	return t.ratio > 0 && rand.Float64() < t.ratio //nolint:gosec // a sample, not a secret
}

// spanPrefix stands before the id of the tool in the name of a span.
const spanPrefix = "bridge "

// unknownSpan is the name of the span of a call whose tool nobody offers: what the caller called it is any text.
const unknownSpan = spanPrefix + Unknown + " tool"

func end(span trace.Span, call *tool.Call, m tool.Metrics, err error) {
	name := Unknown
	if call.Spec != nil {
		name = call.Spec.ID
		span.SetName(spanPrefix + name)
	}
	attributes := [...]attribute.KeyValue{
		attribute.String("toolbridge.tool", name),
		attribute.Bool("toolbridge.stream", call.Stream),
		attribute.String("toolbridge.outcome", outcome(err)),
		attribute.Float64("toolbridge.route_seconds", m.Route.Seconds()),
		attribute.Float64("toolbridge.queue_seconds", m.Queue.Seconds()),
		attribute.Float64("toolbridge.execute_seconds", m.Execute.Seconds()),
		attribute.Float64("toolbridge.transport_seconds", m.Transport.Seconds()),
		attribute.Int("toolbridge.attempts", m.Attempts),
		attribute.Int("toolbridge.depth", call.Depth),
		attribute.String("toolbridge.worker", m.Worker),
	}
	told := attributes[:]
	if m.Worker == "" {
		told = told[:len(told)-1]
	}
	span.SetAttributes(told...)
	if err != nil {
		span.SetStatus(codes.Error, outcome(err))
	}
	span.End()
}
