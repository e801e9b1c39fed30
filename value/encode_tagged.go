package value

import (
	"math/big"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
)

// tagged writes a value as the fields of a dspex.bridge.Value, last field first. The level is that which the value
// has if it is a container.
func (e *encoder) tagged(v any, level int) *failure {
	if i, ok := asInt(v); ok {
		if i != 0 {
			e.varint(zigzag(i))
			e.byte(fieldInt << 3)
		}
		e.kind(kindInt)
		return nil
	}
	switch x := v.(type) {
	case nil:
		return nil
	case bool:
		if x {
			e.byte(1)
			e.byte(fieldBool << 3)
		}
		e.kind(kindBool)
	case float64:
		if b := canonicalBits(x); b != 0 {
			e.fixed64(b)
			e.byte(fieldFloat<<3 | 1)
		}
		e.kind(kindFloat)
	case string:
		return e.taggedText(kindStr, x)
	case []byte:
		e.taggedData(kindBytes, x)
	case Opaque:
		return e.taggedAny(x)
	default:
		if !native(v) {
			return e.converted(v, level)
		}
		if m, ok := v.(proto.Message); ok {
			return e.taggedAny(m)
		}
		if level > MaxDepth && isContainer(v) {
			return tooDeep()
		}
		return e.taggedContainer(v, level)
	}
	return nil
}

// converted encodes what is not one of the codec's own types by what it stands for.
func (e *encoder) converted(v any, level int) *failure {
	if encoded, ok, f := e.extended(v); f != nil {
		return f
	} else if ok {
		e.any(encoded.TypeURL, encoded.Bytes)
		return nil
	}
	n, f := e.normal(v)
	if f != nil {
		return f
	}
	return e.tagged(n, level).through(identity(v))
}

func (e *encoder) taggedContainer(v any, level int) *failure {
	switch x := v.(type) {
	case []any:
		return e.sequence(kindList, x, level).through(identity(v))
	case *Dict:
		return e.dict(x.keys, x.values, level).through(identity(v))
	case map[string]any:
		m := sortedMembers(x)
		return e.members(kindDict, m, level).through(identity(v))
	case members:
		return e.members(kindDict, x, level)
	case pairs:
		return e.dict(x.keys, x.values, level)
	case []int64:
		e.ints(kindList, x)
	case []int:
		e.nativeInts(x)
	case []float64:
		e.floats(kindList, x)
	case []string:
		return e.texts(kindList, x)
	case Tuple:
		return e.sequence(kindTuple, x, level).through(identity(v))
	case Set:
		return e.set(kindSet, x, level)
	case FrozenSet:
		return e.set(kindFrozenSet, x, level)
	case Record:
		return e.record(x, level)
	case Enum:
		return e.enum(x, level)
	default:
		return e.taggedScalar(v)
	}
	return nil
}

// taggedScalar writes the kinds without items that have no form of their own.
func (e *encoder) taggedScalar(v any) *failure {
	switch x := v.(type) {
	case *big.Int:
		return e.bigInt(x)
	case *big.Rat:
		if manyDigits(x.Num()) || manyDigits(x.Denom()) {
			return tooManyDigits()
		}
		return e.taggedText(kindFraction, x.Num().String()+"/"+x.Denom().String())
	case time.Time:
		text, f := datetimeText(x)
		if f != nil {
			return f
		}
		return e.taggedText(kindDatetime, text)
	case LocalDateTime:
		return e.checkedText(kindDatetime, x.valid(), x.String())
	case Date:
		return e.checkedText(kindDate, x.valid(), x.String())
	case TimeOfDay:
		return e.checkedText(kindTime, x.valid(), x.String())
	case time.Duration:
		return e.taggedText(kindTimedelta, timedeltaOf(x).String())
	case Timedelta:
		return e.checkedText(kindTimedelta, x.valid(), x.String())
	case Decimal:
		return e.taggedText(kindDecimal, x.String())
	case UUID:
		e.taggedData(kindUUID, x[:])
	case complex128:
		e.floats(kindComplex, []float64{real(x), imag(x)})
	case Unknown:
		e.raw(x.Bytes)
	default:
		return failf("a %T cannot be encoded", v)
	}
	return nil
}

func (e *encoder) kind(k kind) {
	e.varint(uint64(k))
	e.byte(fieldKind << 3)
}

func (e *encoder) taggedText(k kind, s string) *failure {
	if !utf8.ValidString(s) {
		return badText(s)
	}
	if s != "" {
		e.text(fieldText, s)
	}
	e.kind(k)
	return nil
}

func (e *encoder) checkedText(k kind, valid bool, s string) *failure {
	if !valid {
		return failf("%s is out of range", s)
	}
	return e.taggedText(k, s)
}

func (e *encoder) taggedData(k kind, b []byte) {
	if len(b) > 0 {
		e.data(fieldData, b)
	}
	e.kind(k)
}

func (e *encoder) bigInt(n *big.Int) *failure {
	if n.IsInt64() {
		return e.tagged(n.Int64(), 0)
	}
	if manyDigits(n) {
		return tooManyDigits()
	}
	e.taggedData(kindBigInt, twosComplement(n))
	return nil
}

func tooManyDigits() *failure {
	return mismatch("an int of at most 4300 digits", "one with more")
}

func (e *encoder) taggedAny(v any) *failure {
	encoded, f := e.message(v)
	if f != nil {
		return f
	}
	e.any(encoded.TypeURL, encoded.Bytes)
	return nil
}

// any writes the ANY arm.
func (e *encoder) any(url string, b []byte) {
	mark := e.len()
	if len(b) > 0 {
		e.data(2, b)
	}
	if url != "" {
		e.text(1, url)
	}
	e.close(fieldAny, mark)
	e.kind(kindAny)
}

// room checks what was written so far against the limit of size.
func (e *encoder) checkSize() *failure {
	if e.len() > e.codec.maxBytes {
		return tooLarge(e.codec.maxBytes)
	}
	return nil
}
