package link

import (
	"errors"
	"math"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

var errText = errors.New("text that is not UTF-8")

// field is one field of a message: number is its value if it is a number, data if it is not.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64
	data   []byte
}

// next splits the first field off b. It is written to its place, as all that is decoded is: copying it from result to result took longer
// than reading it.
func (f *field) next(b []byte) (rest []byte, err error) {
	var n int
	if len(b) > 0 && b[0] < 1<<7 && b[0] >= 1<<3 { // a tag of one byte, as nearly all are
		f.num, f.typ, n = protowire.Number(b[0]>>3), protowire.Type(b[0]&7), 1
	} else if f.num, f.typ, n = protowire.ConsumeTag(b); n < 0 {
		return nil, protowire.ParseError(n)
	}
	b = b[n:]
	switch f.typ {
	case protowire.VarintType:
		f.number, n = protowire.ConsumeVarint(b)
	case protowire.BytesType:
		f.data, n = protowire.ConsumeBytes(b)
	case protowire.Fixed64Type:
		f.number, n = protowire.ConsumeFixed64(b)
	default:
		n = protowire.ConsumeFieldValue(f.num, f.typ, b)
	}
	if n < 0 {
		return nil, protowire.ParseError(n)
	}
	return b[n:], nil
}

// nextHeader splits off a number, or the head of a field of bytes that need not be complete.
func nextHeader(b []byte) (f field, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	f.num, f.typ = num, typ
	if typ != protowire.VarintType {
		return f, b[n:], nil
	}
	value, m := protowire.ConsumeVarint(b[n:])
	if m < 0 {
		return f, nil, protowire.ParseError(m)
	}
	f.number = value
	return f, b[n+m:], nil
}

func (f *field) isVarint() bool { return f.typ == protowire.VarintType }

func (f *field) isBytes() bool { return f.typ == protowire.BytesType }

// count returns a varint as a uint32 field's, as a count.
func (f *field) count() int { return int(uint32(f.number)) }

func (f *field) millis() float64 { return math.Float64frombits(f.number) }

// text returns the field's bytes as text without copying them: they are never changed.
func (f *field) text(err *error) string {
	if !utf8.Valid(f.data) {
		*err = errText
		return ""
	}
	//nolint:gosec // the bytes are this frame's own and never change
	return unsafe.String(unsafe.SliceData(f.data), len(f.data))
}
