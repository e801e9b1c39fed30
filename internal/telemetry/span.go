package telemetry

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// sent records calls as spans that an outbox sends. What the SDK of OpenTelemetry makes of a span on its way to a collector, a record,
// a copy of that and a tree of messages, takes several times as long: here it is written once, as the bytes that are sent.
type sent struct{ outbox *outbox }

// span is the span of a call under way.
type span struct {
	outbox *outbox
	call   *tool.Call
	began  time.Time
	own    trace.SpanContext
	parent trace.SpanContext
}

// record implements recorder.
func (r sent) record(ctx context.Context, call *tool.Call, carrier wire.TraceContext) (context.Context, func(tool.Metrics, error)) {
	s := &span{outbox: r.outbox, call: call, began: time.Now(), parent: trace.SpanContextFromContext(ctx)}
	s.own = within(s.parent)
	ctx = trace.ContextWithSpanContext(ctx, s.own)
	propagation.TraceContext{}.Inject(ctx, carrier)
	return ctx, s.end
}

// within makes the context of a span in the trace of its parent, or in a trace of its own.
func within(parent trace.SpanContext) trace.SpanContext {
	config := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceFlags: parent.TraceFlags() | trace.FlagsSampled, TraceState: parent.TraceState()}
	if !parent.IsValid() {
		config = trace.SpanContextConfig{TraceFlags: trace.FlagsSampled}
		for !config.TraceID.IsValid() {
			putID(config.TraceID[:8], rand.Uint64()) //nolint:gosec // a name, not a secret
			putID(config.TraceID[8:], rand.Uint64()) //nolint:gosec // a name, not a secret
		}
	}
	for !config.SpanID.IsValid() {
		putID(config.SpanID[:], rand.Uint64()) //nolint:gosec // a name, not a secret
	}
	return trace.NewSpanContext(config)
}

func putID(to []byte, id uint64) {
	for i := range to {
		to[i] = byte(id >> (8 * i))
	}
}

// end ends the span and gives it to the outbox.
func (s *span) end(m tool.Metrics, err error) {
	var room [640]byte // more than nearly every span takes
	s.outbox.put(s.appendTo(room[:0], &m, err))
}

// Numbers of the fields of OTLP's Span, KeyValue, AnyValue and Status that are written here.
const (
	spanTraceID    = 1
	spanID         = 2
	spanState      = 3
	spanParent     = 4
	spanName       = 5
	spanKind       = 6
	spanStart      = 7
	spanEnd        = 8
	spanAttributes = 9
	spanStatus     = 15
	spanFlags      = 16
	keyOf          = 1
	valueOf        = 2
	valueText      = 1
	valueBool      = 2
	valueInt       = 3
	valueDouble    = 4
	statusMessage  = 2
	statusCode     = 3
)

// appendTo appends the span as a message of OTLP.
func (s *span) appendTo(b []byte, m *tool.Metrics, err error) []byte {
	b = s.appendHead(b)
	name := Unknown
	if s.call.Spec != nil {
		name = s.call.Spec.ID
		b = appendText(b, spanName, spanPrefix+name)
	} else {
		b = appendText(b, spanName, unknownSpan)
	}
	b = appendNumber(b, spanKind, uint64(tracepb.Span_SPAN_KIND_SERVER))
	b = appendFixed(b, spanStart, uint64(s.began.UnixNano()))
	b = appendFixed(b, spanEnd, uint64(s.began.UnixNano()+time.Since(s.began).Nanoseconds()))
	b = s.appendAttributes(b, name, m, err)
	b = appendStatus(b, err)
	flags := uint32(s.own.TraceFlags()) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if s.parent.IsRemote() {
		flags |= uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return protowire.AppendFixed32(protowire.AppendTag(b, spanFlags, protowire.Fixed32Type), flags)
}

// appendHead appends of which trace it is.
func (s *span) appendHead(b []byte) []byte {
	id, own := s.own.TraceID(), s.own.SpanID()
	b = protowire.AppendBytes(protowire.AppendTag(b, spanTraceID, protowire.BytesType), id[:])
	b = protowire.AppendBytes(protowire.AppendTag(b, spanID, protowire.BytesType), own[:])
	if s.own.TraceState().Len() > 0 {
		b = appendText(b, spanState, s.own.TraceState().String())
	}
	if parent := s.parent.SpanID(); parent.IsValid() {
		b = protowire.AppendBytes(protowire.AppendTag(b, spanParent, protowire.BytesType), parent[:])
	}
	return b
}

// appendAttributes appends what end tells.
func (s *span) appendAttributes(b []byte, name string, m *tool.Metrics, err error) []byte {
	b = appendTextAttribute(b, toolKey, name)
	b = appendNumberAttribute(b, streamKey, valueBool, protowire.EncodeBool(s.call.Stream))
	b = appendTextAttribute(b, outcomeKey, outcome(err))
	b = appendSecondsAttribute(b, routeKey, m.Route)
	b = appendSecondsAttribute(b, queueKey, m.Queue)
	b = appendSecondsAttribute(b, executeKey, m.Execute)
	b = appendSecondsAttribute(b, transportKey, m.Transport)
	b = appendNumberAttribute(b, attemptsKey, valueInt, uint64(m.Attempts))
	b = appendNumberAttribute(b, depthKey, valueInt, uint64(s.call.Depth))
	if m.Worker != "" {
		b = appendTextAttribute(b, workerKey, m.Worker)
	}
	return b
}

func appendStatus(b []byte, err error) []byte {
	b = protowire.AppendTag(b, spanStatus, protowire.BytesType)
	if err == nil {
		return protowire.AppendVarint(b, 0)
	}
	code := outcome(err)
	b = protowire.AppendVarint(b, uint64(protowire.SizeTag(statusMessage)+protowire.SizeBytes(len(code))+2))
	return appendNumber(appendText(b, statusMessage, code), statusCode, uint64(tracepb.Status_STATUS_CODE_ERROR))
}

func appendText(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), strings.ToValidUTF8(text, "\uFFFD"))
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendFixed(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), n)
}

func appendTextAttribute(b []byte, key, text string) []byte {
	text = strings.ToValidUTF8(text, "\uFFFD")
	return appendText(appendKey(b, key, protowire.SizeTag(valueText)+protowire.SizeBytes(len(text))), valueText, text)
}

func appendNumberAttribute(b []byte, key string, field protowire.Number, n uint64) []byte {
	return appendNumber(appendKey(b, key, protowire.SizeTag(field)+protowire.SizeVarint(n)), field, n)
}

func appendSecondsAttribute(b []byte, key string, d time.Duration) []byte {
	return appendFixed(appendKey(b, key, protowire.SizeTag(valueDouble)+protowire.SizeFixed64()), valueDouble, math.Float64bits(d.Seconds()))
}

// appendKey appends an attribute as far as the value, which is to follow with so many bytes.
func appendKey(b []byte, key string, valueBytes int) []byte {
	b = protowire.AppendTag(b, spanAttributes, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(protowire.SizeTag(keyOf)+protowire.SizeBytes(len(key))+protowire.SizeTag(valueOf)+protowire.SizeBytes(valueBytes)))
	b = protowire.AppendString(protowire.AppendTag(b, keyOf, protowire.BytesType), key)
	return protowire.AppendVarint(protowire.AppendTag(b, valueOf, protowire.BytesType), uint64(valueBytes))
}
