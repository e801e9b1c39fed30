package value

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// encoder encodes one value.
type encoder struct {
	codec *Codec
	writer
	plans  map[reflect.Type]*plan // where the codec remembers none
	hashes hasher

	distinct bool             // what is encoded is in keys or items in which none is there twice
	scratch  []byte           // of permute
	orders   map[frozen][]any // of frozensets in sets the items in canonical order, where those are wanted again
	again    bool             // they are
}

// Encode encodes a Go value in its canonical form.
func (c *Codec) Encode(v any) (tool.Value, error) {
	encoded, is, f := scalar(v)
	if !is {
		e := encoder{codec: c}
		encoded, f = e.top(v)
	}
	if f == nil && encoded.Size() > c.maxBytes {
		f = c.checkSize(encoded)
	}
	if f != nil {
		return tool.Value{}, f.err()
	}
	return encoded, nil
}

// EncodeInto encodes like Encode, but writes a text or bytes into memory that is given, from its beginning on, if it has the capacity:
// HeadBytes more than they have. It is the value's then.
func (c *Codec) EncodeInto(to []byte, v any) (tool.Value, error) {
	var encoded tool.Value
	switch x := v.(type) {
	case string:
		if len(x) == 0 || cap(to) < len(x)+HeadBytes || len(x)+HeadBytes > c.maxBytes || !utf8.ValidString(x) {
			return c.Encode(v)
		}
		encoded = tool.Value{TypeURL: urlString, Bytes: appendDelimited(to[:0], x)}
	case []byte:
		if len(x) == 0 || cap(to) < len(x)+HeadBytes || len(x)+HeadBytes > c.maxBytes {
			return c.Encode(v)
		}
		encoded = tool.Value{TypeURL: urlBytes, Bytes: appendDelimited(to[:0], x)}
	default:
		return c.Encode(v)
	}
	return encoded, nil
}

// HeadBytes is how many bytes stand around a text or bytes at most.
const HeadBytes = 128

// scalar encodes the outermost value if it is one of the kinds that most calls carry, which need no encoder.
func scalar(v any) (encoded tool.Value, is bool, f *failure) {
	switch x := v.(type) {
	case nil:
		return tool.Value{TypeURL: urlValue, Bytes: []byte{8, 0}}, true, nil
	case bool:
		if !x {
			return tool.Value{TypeURL: urlBool}, true, nil
		}
		return tool.Value{TypeURL: urlBool, Bytes: []byte{8, 1}}, true, nil
	case int:
		return topInt(int64(x)), true, nil
	case int64:
		return topInt(x), true, nil
	case float64:
		return topFloat(x), true, nil
	case string:
		encoded, f := topText(x)
		return encoded, true, f
	case []byte:
		return topDelimited(urlBytes, x), true, nil
	}
	return tool.Value{}, false, nil
}

// top encodes the outermost value.
func (e *encoder) top(v any) (tool.Value, *failure) {
	if encoded, is, f := scalar(v); is {
		return encoded, f
	}
	if i, ok := asInt(v); ok {
		return topInt(i), nil
	}
	switch x := v.(type) {
	case Opaque:
		return e.message(x)
	case proto.Message:
		if isMessage(x) {
			return e.message(x)
		}
	}
	return e.topRare(v)
}

// topRare goes on where top ends: containers, and what only message Value can carry.
func (e *encoder) topRare(v any) (tool.Value, *failure) {
	if encoded, ok, f := e.extended(v); ok || f != nil {
		return encoded, f
	}
	if !native(v) {
		n, f := e.normal(v)
		if f != nil {
			return tool.Value{}, f
		}
		return e.top(n)
	}
	url := urlTagged
	switch {
	case !e.lossless(v):
		e.writer = newWriter(sizeHint(v))
		if f := e.tagged(v, 1); f != nil {
			return tool.Value{}, f
		}
	case isDict(v):
		url = urlStruct
		e.plainDict(v)
	default:
		url = urlList
		e.plainList(v)
	}
	return tool.Value{TypeURL: url, Bytes: e.written()}, nil
}

func topInt(i int64) tool.Value {
	if i == 0 {
		return tool.Value{TypeURL: urlInt}
	}
	b := make([]byte, 1, 1+binary.MaxVarintLen64)
	b[0] = 8
	return tool.Value{TypeURL: urlInt, Bytes: binary.AppendUvarint(b, uint64(i))}
}

func topFloat(f float64) tool.Value {
	bits := canonicalBits(f)
	if bits == 0 {
		return tool.Value{TypeURL: urlFloat}
	}
	b := make([]byte, 9)
	b[0] = 9
	binary.LittleEndian.PutUint64(b[1:], bits)
	return tool.Value{TypeURL: urlFloat, Bytes: b}
}

func topText(s string) (tool.Value, *failure) {
	if !utf8.ValidString(s) {
		return tool.Value{}, badText(s)
	}
	return topDelimited(urlString, s), nil
}

func topDelimited[T string | []byte](url string, s T) tool.Value {
	if len(s) == 0 {
		return tool.Value{TypeURL: url}
	}
	return tool.Value{TypeURL: url, Bytes: appendDelimited(make([]byte, 0, 1+binary.MaxVarintLen32+len(s)), s)}
}

func appendDelimited[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(append(b, 10), uint64(len(s))), s...)
}

// message packs what travels in an Any of its own: messages, opaque values.
func (e *encoder) message(v any) (tool.Value, *failure) {
	switch x := v.(type) {
	case Opaque:
		if !utf8.ValidString(x.TypeURL) {
			return tool.Value{}, badText(x.TypeURL)
		}
		return tool.Value{TypeURL: x.TypeURL, Bytes: x.Bytes}, nil
	case proto.Message:
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(x)
		if err != nil {
			f := failf("the message %s cannot be encoded: %v", x.ProtoReflect().Descriptor().FullName(), err)
			f.cause = err
			return tool.Value{}, f
		}
		return tool.Value{TypeURL: urlPrefix + string(x.ProtoReflect().Descriptor().FullName()), Bytes: b}, nil
	}
	return tool.Value{}, failf("a %T is no message", v)
}

// extended asks the extensions.
func (e *encoder) extended(v any) (tool.Value, bool, *failure) {
	for _, x := range e.codec.extensions {
		encoded, ok, err := x.Encode(v)
		if err != nil {
			return tool.Value{}, false, foreign(err)
		}
		if ok {
			return encoded, true, nil
		}
	}
	return tool.Value{}, false, nil
}

// extends reports whether an extension encodes v.
func (e *encoder) extends(v any) bool {
	_, ok, f := e.extended(v)
	return ok || f != nil
}

// foreign makes a failure of an error of an extension or of a user's method. One that says where in the value it was goes on
// from there.
func foreign(err error) *failure {
	f := failf("%v", err)
	f.cause = err
	var known *tool.Error
	if !errors.As(err, &known) {
		return f
	}
	switch known.Code {
	case tool.MessageTooLarge:
		f.code, f.message = known.Code, known.Message
		f.limit, _ = strconv.Atoi(known.Details["limit"])
	case tool.SerializationError:
		path := known.Details["path"]
		f.message = strings.TrimPrefix(strings.TrimPrefix(known.Message, "value at "+path+": "), "value: ")
		f.expected, f.got = known.Details["expected"], known.Details["got"]
		if steps := strings.TrimPrefix(path, "$"); steps != "" {
			f.steps = append(f.steps, steps)
		}
	default:
	}
	return f
}

func badText(s string) *failure {
	return mismatch("text in valid UTF-8", quoted(s))
}

// asInt returns v as an int64, if it is of a predeclared integer type and fits.
func asInt(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case int32:
		return int64(x), true
	case int16:
		return int64(x), true
	case int8:
		return int64(x), true
	case uint8:
		return int64(x), true
	case uint16:
		return int64(x), true
	case uint32:
		return int64(x), true
	case uint64:
		return int64(x), x <= math.MaxInt64
	case uint:
		return int64(x), uint64(x) <= math.MaxInt64
	}
	return 0, false
}

// sizeHint guesses the length of an encoded value, so that its buffer seldom grows.
func sizeHint(v any) int {
	switch x := v.(type) {
	case []any:
		return 16 + 6*len(x)
	case []int64:
		return 16 + 5*len(x)
	case []int:
		return 16 + 5*len(x)
	case []float64:
		return 16 + 8*len(x)
	case []string:
		return 16 + 12*len(x)
	case *Dict:
		return 16 + 20*x.Len()
	default:
		return 128
	}
}

// manyDigits reports whether an int has more than MaxDigits digits.
func manyDigits(n *big.Int) bool {
	const enough = 14285 // bits of 10^4300
	switch l := n.BitLen(); {
	case l < enough:
		return false
	case l > enough:
		return true
	default:
		return n.CmpAbs(new(big.Int).Exp(big.NewInt(10), big.NewInt(MaxDigits), nil)) >= 0
	}
}

// twosComplement is big-endian and of minimal length.
func twosComplement(n *big.Int) []byte {
	if n.Sign() >= 0 {
		b := n.Bytes()
		if len(b) > 0 && b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	bytes := new(big.Int).Not(n).BitLen()/8 + 1
	shifted := new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(bytes)*8))
	return shifted.FillBytes(make([]byte, bytes))
}

func fromTwosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}
