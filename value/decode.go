package value

import (
	"encoding/binary"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// decoder decodes one value.
type decoder struct {
	codec      *Codec
	zones      zones
	plans      map[reflect.Type]*plan
	taken      int64 // by values of bounded extensions, out of proportion to their bytes
	hashes     hasher
	outer      int             // how many levels are around the Any of which the Value is being decoded
	wellFormed bool            // what is being decoded was checked with the value around it
	rows       bool            // what is assigned are rows, which lack nothing: none stands also for what is not there
	nameless   map[string]bool // fields of the rows that no struct has to have
}

// Decode decodes a value into the Go type that stands for it.
func (c *Codec) Decode(v tool.Value) (any, error) {
	d := decoder{codec: c}
	decoded, f := d.outermost(v)
	if f != nil {
		return nil, f.err()
	}
	return decoded, nil
}

// repeated returns the first item that cannot be a key or is equal to an earlier one.
func (d *decoder) repeated(items []any) (int, *failure) {
	return d.remembering().repeated(items)
}

func (d *decoder) remembering() *hasher {
	d.hashes.remembers = true
	return &d.hashes
}

func (d *decoder) outermost(v tool.Value) (any, *failure) {
	if v.IsZero() {
		return nil, nil // an Any that was never set
	}
	if v.Size() > d.codec.maxBytes {
		if f := d.codec.checkSize(v); f != nil {
			return nil, f
		}
	}
	return d.packed(v, 1)
}

// packed decodes the contents of an Any. The level is that which the value has if it is a container.
func (d *decoder) packed(v tool.Value, level int) (any, *failure) {
	if _, _, streamed := v.Streamed(); streamed {
		return nil, mismatch("an encoded value", quoted(v.TypeURL)+", which stands for a table in pieces that did not come")
	}
	switch afterSlash(v.TypeURL) {
	case "google.protobuf.StringValue":
		return text(v.Bytes)
	case "google.protobuf.Int64Value":
		n, f := wrapped(v, protowire.VarintType)
		return int64(n), f
	case "google.protobuf.DoubleValue":
		n, f := wrapped(v, protowire.Fixed64Type)
		return math.Float64frombits(n), f
	case "google.protobuf.BoolValue":
		n, f := wrapped(v, protowire.VarintType)
		return n != 0, f
	case "google.protobuf.BytesValue":
		b, f := delimited(v.Bytes, false)
		return append([]byte{}, b...), f
	case "google.protobuf.Value":
		return d.plainValue(v.Bytes, level)
	case "google.protobuf.ListValue":
		return d.plainList(v.Bytes, level)
	case "google.protobuf.Struct":
		return d.plainDict(v.Bytes, level)
	case "dspex.bridge.Value":
		around := d.outer
		d.outer = level - 1
		decoded, f := d.tagged(v.Bytes, level)
		d.outer = around
		return decoded, f
	}
	return d.packedRare(v)
}

// packedRare goes on where packed ends: narrow wrappers, extensions, messages, and what nobody knows.
func (d *decoder) packedRare(v tool.Value) (any, *failure) {
	switch afterSlash(v.TypeURL) {
	case "":
		return nil, mismatch("an encoded value", "one whose type URL names no type")
	case "google.protobuf.Int32Value":
		n, f := wrapped(v, protowire.VarintType)
		if f == nil && int64(n) != int64(int32(n)) {
			f = mismatch("an Int32Value (-2147483648 to 2147483647)", strconv.FormatInt(int64(n), 10))
		}
		return int64(n), f
	case "google.protobuf.UInt32Value":
		n, f := wrapped(v, protowire.VarintType)
		if f == nil && n > math.MaxUint32 {
			f = mismatch("a UInt32Value (0 to 4294967295)", strconv.FormatUint(n, 10))
		}
		return int64(n), f
	case "google.protobuf.UInt64Value":
		n, f := wrapped(v, protowire.VarintType)
		return unsigned(n), f
	case "google.protobuf.FloatValue":
		n, f := wrapped(v, protowire.Fixed32Type)
		return float64(math.Float32frombits(uint32(n))), f
	}
	for _, x := range d.codec.extensions {
		decoded, ok, err := d.extended(x, v)
		if err != nil {
			return nil, foreign(err)
		}
		if ok {
			return decoded, nil
		}
	}
	return d.message(v)
}

func (d *decoder) extended(x Extension, v tool.Value) (any, bool, error) {
	if bounded, ok := x.(BoundedExtension); ok {
		return bounded.DecodeWithin(v, &d.taken)
	}
	return x.Decode(v)
}

func (d *decoder) message(v tool.Value) (any, *failure) {
	if !utf8.ValidString(v.TypeURL) {
		return nil, badText(v.TypeURL)
	}
	name := afterSlash(v.TypeURL)
	if strings.HasPrefix(name, "python.") {
		if f := validTextOf(v.Bytes); f != nil {
			return nil, f
		}
	} else if kind, err := protoregistry.GlobalTypes.FindMessageByURL(v.TypeURL); err == nil {
		return unpacked(kind.New().Interface(), name, v.Bytes)
	}
	if d.codec.strict {
		return nil, mismatch("a known type", quoted(v.TypeURL))
	}
	return Opaque(v), nil
}

// unpacked reads a message.
func unpacked(m proto.Message, name string, b []byte) (any, *failure) {
	if err := (proto.UnmarshalOptions{RecursionLimit: maxMessages}).Unmarshal(b, m); err != nil {
		f := mismatch("message "+name, "other bytes")
		f.cause = err
		return nil, f
	}
	return m, nil
}

// wrapped reads the number in field 1 of a wrapper; the last one counts.
func wrapped(v tool.Value, want protowire.Type) (uint64, *failure) {
	var n uint64
	for b := v.Bytes; len(b) > 0; {
		number, t, size := consumeTag(b)
		if size < 0 {
			return 0, broken(afterSlash(v.TypeURL))
		}
		b = b[size:]
		if number == 1 && t != want {
			return 0, broken(afterSlash(v.TypeURL))
		}
		if number != 1 {
			size = protowire.ConsumeFieldValue(number, t, b)
		} else {
			n, size = consumeNumber(b, t)
		}
		if size < 0 {
			return 0, broken(afterSlash(v.TypeURL))
		}
		b = b[size:]
	}
	return n, nil
}

// maxTagBytes is how long a tag may be: it has 32 bits.
const maxTagBytes = 5

// consumeTag reads a tag as protobuf does, which has no field numbers beyond protowire.MaxValidNumber.
func consumeTag(b []byte) (protowire.Number, protowire.Type, int) {
	number, t, size := protowire.ConsumeTag(b)
	if number > protowire.MaxValidNumber || size > maxTagBytes {
		return 0, 0, -1
	}
	return number, t, size
}

func consumeNumber(b []byte, t protowire.Type) (uint64, int) {
	switch t {
	case protowire.VarintType:
		return protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		if len(b) < 8 {
			return 0, -1
		}
		return binary.LittleEndian.Uint64(b), 8
	case protowire.Fixed32Type:
		if len(b) < 4 {
			return 0, -1
		}
		return uint64(binary.LittleEndian.Uint32(b)), 4
	}
	return 0, -1
}

func text(b []byte) (any, *failure) {
	contents, f := delimited(b, true)
	if f != nil {
		return nil, f
	}
	return string(contents), nil
}

func validText(b []byte) (string, *failure) {
	if !utf8.Valid(b) {
		return "", badText(string(b))
	}
	return string(b), nil
}

// delimited reads field 1 of a wrapper of text or bytes; the last one counts, and each has to be a text in a wrapper of text.
func delimited(b []byte, text bool) ([]byte, *failure) {
	var contents []byte
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		if size < 0 || number == 1 && t != protowire.BytesType {
			return nil, broken("wrapper")
		}
		b = b[size:]
		if number == 1 {
			contents, size = protowire.ConsumeBytes(b)
		} else {
			size = protowire.ConsumeFieldValue(number, t, b)
		}
		if size < 0 {
			return nil, broken("wrapper")
		}
		if number == 1 && text {
			if f := validTextOf(contents); f != nil {
				return nil, f
			}
		}
		b = b[size:]
	}
	return contents, nil
}

// broken says that bytes are not the message that they should be.
func broken(message string) *failure {
	return mismatch("a well-formed "+message, "malformed or truncated bytes")
}
