package value

import (
	"fmt"
	"math/big"
	"time"

	"google.golang.org/protobuf/proto"
)

// kind is dspex.bridge.ValueKind.
type kind int32

const (
	kindNone kind = iota
	kindBool
	kindInt
	kindFloat
	kindStr
	kindBytes
	kindBigInt
	kindList
	kindTuple
	kindSet
	kindFrozenSet
	kindDict
	kindDatetime
	kindDate
	kindTime
	kindTimedelta
	kindDecimal
	kindFraction
	kindComplex
	kindUUID
	kindEnum
	kindRecord
	kindAny
)

// The fields of dspex.bridge.Value.
const (
	fieldKind   = 1
	fieldInt    = 2
	fieldFloat  = 3
	fieldText   = 4
	fieldItems  = 5
	fieldTexts  = 6
	fieldInts   = 7
	fieldFloats = 8
	fieldKeys   = 9
	fieldData   = 10
	fieldBool   = 11
	fieldAny    = 12
)

// typeName names the type of a decoded value as the protocol does.
func typeName(v any) string {
	switch x := v.(type) {
	case nil:
		return "none"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case []any, []int64, []float64:
		return "list"
	case *Dict:
		return "dict"
	case Record:
		return "record " + quoted(x.Class)
	case Enum:
		return "Enum " + quoted(x.Class)
	}
	return rareTypeName(v)
}

func rareTypeName(v any) string {
	switch x := v.(type) {
	case Tuple:
		return "tuple"
	case Set:
		return "set"
	case FrozenSet:
		return "frozenset"
	case time.Time, LocalDateTime:
		return "datetime"
	case Date:
		return "date"
	case TimeOfDay:
		return "time"
	case time.Duration, Timedelta:
		return "timedelta"
	case Decimal:
		return "Decimal"
	case *big.Rat:
		return "Fraction"
	case complex128:
		return "complex"
	case UUID:
		return "UUID"
	case Opaque:
		return afterSlash(x.TypeURL)
	case Unknown:
		return fmt.Sprintf("a value of kind %d of a later version", x.Kind)
	case proto.Message:
		return "message " + string(x.ProtoReflect().Descriptor().FullName())
	default:
		return fmt.Sprintf("%T", v)
	}
}

// shownValue shows a small value in an error.
func shownValue(v any) string {
	switch x := v.(type) {
	case string:
		return quoted(x)
	case nil, bool, int64, float64, Date, TimeOfDay, LocalDateTime, UUID, Decimal:
		return fmt.Sprint(x)
	case *big.Int:
		return "a large int"
	default:
		return "a " + typeName(v)
	}
}
