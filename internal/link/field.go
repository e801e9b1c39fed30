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

// next splits the first field off b.
func next(b []byte) (f field, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	b = b[n:]
	f.num, f.typ = num, typ
	switch typ {
	case protowire.VarintType:
		f.number, n = protowire.ConsumeVarint(b)
	case protowire.BytesType:
		f.data, n = protowire.ConsumeBytes(b)
	case protowire.Fixed64Type:
		f.number, n = protowire.ConsumeFixed64(b)
	default:
		n = protowire.ConsumeFieldValue(num, typ, b)
	}
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	return f, b[n:], nil
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
