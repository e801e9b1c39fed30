package toolbridge

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// tracerName is the scope of the SDK's spans.
const tracerName = "github.com/grpc-tool-bridge/toolbridge"

// WithTracerProvider records each call that the client makes, and each that its workers answer, as a span of
// OpenTelemetry: a child of the span in the context, or of what Trace says, and the parent of what the call leads to, in
// whatever process and language. A tool finds its span in its context. Without this option there are no spans, and what a trace
// costs is what it takes to pass its context on.
func WithTracerProvider(provider trace.TracerProvider) DialOption {
	return func(o *dialOptions) { o.tracerProvider = provider }
}

// tracing makes the spans of a client and its workers; nil makes none. Any number of goroutines may use it.
type tracing struct{ tracer trace.Tracer }

func newTracing(provider trace.TracerProvider) *tracing {
	if provider == nil {
		return nil
	}
	return &tracing{tracer: provider.Tracer(tracerName)}
}

// around puts the spans outermost.
func (t *tracing) around(kind trace.SpanKind, interceptors []Interceptor) []Interceptor {
	if t == nil {
		return interceptors
	}
	own := Interceptor{
		Call: func(next CallFunc) CallFunc {
			return func(ctx context.Context, call *tool.Call) (tool.Result, error) {
				ctx, end := t.begin(ctx, kind, call.Tool, contextOf(call))
				result, err := next(ctx, call)
				end(err)
				return result, err
			}
		},
		Stream: func(next StreamFunc) StreamFunc {
			return func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
				ctx, end := t.begin(ctx, kind, call.Tool, contextOf(call))
				metrics, err := next(ctx, call, send)
				end(err)
				return metrics, err
			}
		},
	}
	return append([]Interceptor{own}, interceptors...)
}

func contextOf(call *tool.Call) wire.TraceContext {
	return wire.TraceContext{Parent: &call.TraceParent, State: &call.TraceState}
}

// begin begins a span and makes it what carrier says that comes next is a part of. It returns the context with the span, and
// what ends it.
func (t *tracing) begin(ctx context.Context, kind trace.SpanKind, name string, carrier wire.TraceContext) (context.Context, func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	verb := "call "
	if kind == trace.SpanKindServer {
		verb = "run "
	}
	ctx, span := t.tracer.Start(t.parent(ctx, kind, carrier), verb+name, trace.WithSpanKind(kind), trace.WithAttributes(attribute.String("toolbridge.tool", name)))
	propagation.TraceContext{}.Inject(ctx, carrier)
	return ctx, func(err error) {
		if err != nil && !errors.Is(err, errLeft) {
			code := string(tool.CodeOf(err))
			span.SetAttributes(attribute.String("toolbridge.outcome", code))
			span.SetStatus(codes.Error, code) // the message may hold values
		}
		span.End()
	}
}

// parent is the context with the span that the next one is a child of: for a worker what came with the call, for a caller
// what Trace said, else the span in the context, else what came with the call that it is nested in.
func (t *tracing) parent(ctx context.Context, kind trace.SpanKind, carrier wire.TraceContext) context.Context {
	if *carrier.Parent == "" {
		return ctx
	}
	outer := FromContext(ctx)
	inherited := kind == trace.SpanKindClient && outer != nil && *carrier.Parent == outer.call.TraceParent
	if inherited && trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}

// pass makes a call a part of the span in the context, if there are spans.
func (t *tracing) pass(ctx context.Context, call *tool.Call) {
	if t != nil {
		propagation.TraceContext{}.Inject(ctx, contextOf(call))
	}
}
