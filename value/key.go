package value

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// hashed is a key's identity where the key itself is not comparable or not unique.
type hashed string

// instant is the identity of a moment, whatever zone it is shown in.
type instant struct {
	seconds     int64
	nanoseconds int
}

// clock is the identity of a time of day with an offset: Python takes those for equal that are one moment of the same day.
type clock struct{ seconds, nanoseconds int }

// notANumber is the identity of NaN, by which Dict finds it; each NaN is a key of its own nevertheless, as in Python.
type notANumber string

// hashOf returns a comparable value that is the same for keys that are equal in Python, and whether v can be a key.
func hashOf(v any) (any, bool) {
	if i, ok := asInt(v); ok {
		return i, true
	}
	switch x := v.(type) {
	case string:
		return v, true // x would be copied to be returned
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
		return hashClock(x), true
	case LocalDateTime:
		x.Fold = false
		return x, true
	case time.Duration:
		return timedeltaOf(x), true
	case time.Time:
		return instant{x.Unix(), x.Nanosecond()}, true
	case []byte:
		return hashed("bytes " + string(x)), true
	}
	return hashRare(v)
}

// hashRare goes on where hashOf ends.
func hashRare(v any) (any, bool) {
	switch x := v.(type) {
	case *big.Int:
		return hashInt(x), true
	case *big.Rat:
		return hashRat(x), true
	case uint, uint64, uintptr: // beyond int64
		n, _ := new(big.Int).SetString(fmt.Sprint(x), 10)
		return hashInt(n), true
	case Decimal:
		return x.hash(), !strings.Contains(x.text, "sNaN") // a signaling one cannot be a key in Python
	case complex128:
		return hashComplex(x), true
	case Opaque:
		return hashed("opaque " + x.TypeURL + "\x00" + string(x.Bytes)), true
	case Unknown:
		return hashed("unknown " + string(x.Bytes)), true
	case Tuple, FrozenSet, Enum, Record:
		var h hasher
		return h.container(x, 1)
	}
	return nil, false
}

func hashClock(t TimeOfDay) any {
	t.Fold = false
	if !t.HasOffset {
		return t
	}
	return clock{t.Hour*3600 + t.Minute*60 + t.Second - t.Offset, t.Nanosecond}
}

// isNaN reports whether the identity is that of NaN, or of what contains one.
func isNaN(identity any) bool {
	switch x := identity.(type) {
	case notANumber:
		return true
	case digest:
		return x.nan
	}
	return false
}

// appendIdentity appends an identity in such a way that no two sequences of them look alike.
func appendIdentity(b []byte, identity any) []byte {
	switch x := identity.(type) {
	case int64:
		return binary.AppendVarint(append(b, 'i'), x)
	case string:
		return appendSized(append(b, 's'), x)
	case hashed:
		return appendSized(append(b, 'h'), string(x))
	case notANumber:
		return appendSized(append(b, 'n'), string(x))
	case digest:
		return append(append(b, 'd'), x.sum[:]...)
	case rational:
		return x.append(append(b, 'q'))
	default: // days, spans, times and the like, which have few bytes
		return appendSized(append(b, 'o'), fmt.Sprintf("%T %v", x, x))
	}
}

func appendSized(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
