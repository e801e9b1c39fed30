package link

import (
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// encoder appends the fields of one message to buf, as protobuf does: fields in the order of their numbers, default values
// left out. The bodies of hot frames are written by hand straight from the vocabulary of package tool,
// without messages of protobuf in between.
type encoder struct {
	buf []byte
	// invalid is set by text that is not UTF-8: the other side could not decode it.
	invalid bool
	// shares says that long values are sent from where they lie. Those are not in buf, but in shared.
	shares    bool
	shared    []shared
	elsewhere int // bytes of shared
}

func (e *encoder) reset() {
	clear(e.shared)
	e.buf, e.shared, e.elsewhere, e.invalid = e.buf[:0], e.shared[:0], 0, false
}

// content is what was written; it is the encoder's until the encoder is freed.
func (e *encoder) content() content { return content{written: e.buf, shared: e.shared, size: e.size()} }

func (e *encoder) size() int { return len(e.buf) + e.elsewhere }

func (e *encoder) varint(num protowire.Number, v uint64) {
	if v != 0 {
		e.buf = protowire.AppendVarint(protowire.AppendTag(e.buf, num, protowire.VarintType), v)
	}
}

func (e *encoder) flag(num protowire.Number, set bool) {
	if set {
		e.varint(num, 1)
	}
}

func (e *encoder) double(num protowire.Number, f float64) {
	if f != 0 {
		e.buf = protowire.AppendFixed64(protowire.AppendTag(e.buf, num, protowire.Fixed64Type), math.Float64bits(f))
	}
}

func (e *encoder) text(num protowire.Number, s string) {
	if s == "" {
		return
	}
	e.invalid = e.invalid || !utf8.ValidString(s)
	e.buf = protowire.AppendString(protowire.AppendTag(e.buf, num, protowire.BytesType), s)
}

func (e *encoder) bytes(num protowire.Number, b []byte) {
	if len(b) > 0 {
		e.open(num, len(b))
		e.data(b)
	}
}

// data writes the contents of a field that was opened.
func (e *encoder) data(b []byte) {
	if !e.shares || len(b) < sharedFrom {
		e.buf = append(e.buf, b...)
		return
	}
	e.shared = append(e.shared, shared{at: len(e.buf), data: b})
	e.elsewhere += len(b)
}

// release says what is called once the value that is shared is sent for good. A value that was copied, or lies in several parts, is left
// to the garbage collector.
func (e *encoder) release(f func()) {
	if len(e.shared) == 1 {
		e.shared[0].release = f
	}
}

// open begins a nested message of that size.
func (e *encoder) open(num protowire.Number, size int) {
	e.buf = protowire.AppendVarint(protowire.AppendTag(e.buf, num, protowire.BytesType), uint64(size))
}

// value writes an Any, also an empty one.
func (e *encoder) value(num protowire.Number, v tool.Value) {
	e.open(num, valueSize(v))
	e.text(1, v.TypeURL)
	e.bytes(2, v.Bytes)
}

func valueSize(v tool.Value) int { return fieldSize(len(v.TypeURL)) + fieldSize(len(v.Bytes)) }

// fieldSize is the size of a text or bytes field of that length with a tag of one byte.
func fieldSize(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + protowire.SizeBytes(n)
}

// message writes a message that is not hot.
func (e *encoder) message(num protowire.Number, m proto.Message) {
	e.open(num, proto.Size(m))
	e.proto(m)
}

// proto writes the fields of a message that is not hot.
func (e *encoder) proto(m proto.Message) {
	out, err := proto.MarshalOptions{UseCachedSize: false}.MarshalAppend(e.buf, m)
	e.invalid = e.invalid || err != nil
	if err == nil {
		e.buf = out
	}
}

// callHead is what a call says besides its tool.Call.
type callHead struct {
	timeout   uint64
	parent    uint64
	depth     int
	principal string
	tables    uint32
	takes     bool // tables
}

// call writes a ToolCallRequest.
func (e *encoder) call(c *tool.Call, head callHead) {
	name, hash := c.Tool, ""
	if c.Spec != nil {
		name, hash = c.Spec.ID, c.Spec.Hash
	}
	e.text(1, c.SessionID)
	e.text(2, name)
	for i := range c.Args {
		e.value(3, c.Args[i])
	}
	for i := range c.Kwargs {
		k := &c.Kwargs[i]
		n := valueSize(k.Value)
		e.open(4, fieldSize(len(k.Name))+1+protowire.SizeBytes(n))
		e.text(1, k.Name)
		e.value(2, k.Value)
	}
	e.text(5, c.RequestID)
	e.varint(6, head.timeout)
	e.varint(7, uint64(max(head.depth, 0)))
	e.varint(8, head.parent)
	e.flag(9, c.Stream)
	e.varint(10, c.Epoch)
	e.text(11, c.TraceParent)
	e.text(12, c.MinRevision)
	e.text(13, c.StreamID)
	e.text(16, c.TraceState)
	e.flag(17, c.PlainValues)
	e.varint(19, uint64(max(c.Attempt, 0)))
	e.text(20, c.BridgeRun)
	e.flag(21, c.WantStack)
	e.text(23, hash)
	e.text(24, head.principal)
	if c.Tables != nil {
		e.varint(25, uint64(max(c.Tables.Count(), 0)))
		e.flag(26, c.Tables.Takes() && !c.Stream)
	}
	e.text(27, c.Asks)
}

// response writes a ToolCallResponse.
func (e *encoder) response(requestID string, r *tool.Result, err error) {
	if err == nil {
		e.flag(1, true)
		e.value(2, r.Value)
	} else {
		e.message(3, wire.ErrorProto(err))
	}
	e.metrics(4, &r.Metrics)
	e.text(5, echoed(requestID))
	e.flag(6, r.Replayed)
}

// metrics writes ExecutionMetrics, if there are any.
func (e *encoder) metrics(num protowire.Number, m *tool.Metrics) {
	if *m == (tool.Metrics{}) {
		return
	}
	// The size is not known before it is written: leave one byte for it, metrics with a worker's name may need two.
	e.open(num, 0)
	at := len(e.buf)
	e.double(1, wire.Millis(m.Duration))
	e.double(2, wire.Millis(m.Queue))
	e.double(3, wire.Millis(m.Route))
	e.double(4, wire.Millis(m.Execute))
	e.double(5, wire.Millis(m.Transport))
	e.text(6, m.Worker)
	e.varint(7, uint64(max(m.Attempts, 0)))
	e.close(at)
}

// close fills in the size of a nested message that was opened with size 0 and whose fields begin at that place.
func (e *encoder) close(at int) {
	n := uint64(len(e.buf) - at)
	if extra := protowire.SizeVarint(n) - 1; extra > 0 {
		e.buf = slices.Grow(e.buf, extra)[:len(e.buf)+extra]
		copy(e.buf[at+extra:], e.buf[at:])
	}
	protowire.AppendVarint(e.buf[:at-1], n)
}

// chunk writes a ToolStreamChunk with data.
func (e *encoder) chunk(streamID string, sequence uint64, v tool.Value) {
	e.text(1, streamID)
	e.varint(2, sequence)
	n := valueSize(v)
	e.open(3, 1+protowire.SizeBytes(n))
	e.open(1, n)
	e.text(1, v.TypeURL)
	e.bytes(2, v.Bytes)
}

// lastChunk writes a ToolStreamChunk that ends a stream.
func (e *encoder) lastChunk(streamID string, chunks uint64, m *tool.Metrics, err error) {
	e.text(1, streamID)
	e.varint(2, chunks)
	e.open(3, 0)
	at := len(e.buf)
	if err != nil {
		e.message(3, wire.ErrorProto(err))
	} else {
		e.open(2, 0)
		complete := len(e.buf)
		e.varint(1, chunks)
		e.metrics(2, m)
		e.close(complete)
	}
	e.close(at)
}

// encoders are kept for the next call. Those that grew large are left to the garbage collector.
//
//nolint:gochecknoglobals // a pool of buffers
var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder() *encoder {
	e, _ := encoders.Get().(*encoder)
	e.reset()
	e.shares = false
	return e
}

// newSharer returns an encoder that shares the values that it is given: nobody may change them any more.
func newSharer() *encoder {
	e := newEncoder()
	e.shares = true
	return e
}

func (e *encoder) free() {
	e.reset()
	if cap(e.buf) <= maxPiece {
		encoders.Put(e)
	}
}

// appendNumber appends a number as field 1.
func appendNumber(b []byte, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(append(b, 1<<3), n)
}
