package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"time"
)

// exactExponent bounds the decimals that are compared as numbers with ints, floats and fractions; comparing
// larger ones would take memory out of proportion to their text.
const exactExponent = 5000

// hashed is a key's identity where the key itself is not comparable or not unique.
type hashed string

// hashOf returns a comparable value that is the same for keys that are equal in Python, and whether v can be a key.
func hashOf(v any) (any, bool) {
	if i, ok := asInt(v); ok {
		return i, true
	}
	switch x := v.(type) {
	case string:
		return x, true
	case nil:
		return hashed("none"), true
	case bool:
		if x {
			return int64(1), true
		}
		return int64(0), true
	case float64:
		return hashFloat(x), true
	case float32:
		return hashFloat(float64(x)), true
	case Date, UUID, Timedelta:
		return x, true
	case TimeOfDay:
		x.Fold = false
		return hashClock(x), true
	case LocalDateTime:
		x.Fold = false
		return x, true
	case time.Duration:
		return timedeltaOf(x), true
	case []byte:
		return hashed("bytes " + string(x)), true
	}
	return hashRare(v)
}

// hashRare goes on where hashOf ends.
func hashRare(v any) (any, bool) {
	switch x := v.(type) {
	case *big.Int:
		if x.IsInt64() {
			return x.Int64(), true
		}
		return hashed("number " + x.Text(62)), true
	case *big.Rat:
		return hashRat(x), true
	case Decimal:
		return x.hash(), !strings.Contains(x.text, "sNaN") // a signaling one cannot be a key in Python
	case complex128:
		if imag(x) == 0 {
			return hashFloat(real(x)), true
		}
		return hashed(fmt.Sprintf("complex %x %x", math.Float64bits(real(x)), math.Float64bits(imag(x)))), true
	case time.Time:
		return hashed("instant " + x.UTC().Format(time.RFC3339Nano)), true
	case Tuple:
		return hashItems("tuple", x, false)
	case FrozenSet:
		return hashItems("set", x, true)
	case Enum:
		return hashItems("enum "+x.Class, []any{x.Name, x.Value}, false)
	case Record:
		return hashRecord(x)
	case Opaque:
		return hashed("opaque " + x.TypeURL + "\x00" + string(x.Bytes)), true
	case Unknown:
		return hashed("unknown " + string(x.Bytes)), true
	case uint, uint64, uintptr:
		return hashed("number " + fmt.Sprint(x)), true
	}
	return nil, false
}

// hashClock is the same for times of day with offsets that Python takes for equal: those of one moment of the same day.
func hashClock(t TimeOfDay) any {
	if !t.HasOffset {
		return t
	}
	seconds := t.Hour*3600 + t.Minute*60 + t.Second - t.Offset
	return hashed(fmt.Sprintf("clock %d.%09d", seconds, t.Nanosecond))
}

func hashFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return hashed("nan")
	case math.IsInf(f, 0):
		return hashed(fmt.Sprint("inf ", f > 0))
	case f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63:
		return int64(f)
	default:
		return hashRat(new(big.Rat).SetFloat64(f))
	}
}

func hashRat(r *big.Rat) any {
	if !r.IsInt() {
		return hashed("number " + r.Num().Text(62) + "/" + r.Denom().Text(62))
	}
	if r.Num().IsInt64() {
		return r.Num().Int64()
	}
	return hashed("number " + r.Num().Text(62))
}

func hashRecord(r Record) (any, bool) {
	items := make([]any, 0, 2*len(r.Fields))
	for _, f := range r.Fields {
		items = append(items, f.Name, f.Value)
	}
	return hashItems("record "+r.Class, items, false)
}

// hashItems joins the identities of items, each with its length so that no two sequences look alike.
func hashItems(what string, items []any, unordered bool) (any, bool) {
	parts := make([]string, len(items))
	for i, item := range items {
		h, ok := hashOf(item)
		if !ok {
			return nil, false
		}
		parts[i] = fmt.Sprintf("%T %v", h, h)
	}
	if unordered {
		sort.Strings(parts)
	}
	var b strings.Builder
	b.WriteString(what)
	for _, p := range parts {
		b.Write(binary.AppendUvarint(nil, uint64(len(p))))
		b.WriteString(p)
	}
	return hashed(b.String()), true
}
