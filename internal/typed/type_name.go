package typed

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// typeName returns the declared type (see tool.TypeNames) of values of a Go type, as package value encodes them.
func typeName(t reflect.Type) string {
	if name := interfaceTypeName(t); name != "" {
		return name
	}
	t = deref(t)
	if name := knownTypeName(t); name != "" {
		return name
	}
	if value.Implements[encoding.TextMarshaler](t) {
		if !value.Implements[encoding.TextUnmarshaler](t) {
			return "any" // it is sent as its text, and read as what it is made of
		}
		return "str"
	}
	if t.Implements(reflect.TypeFor[error]()) {
		return "record"
	}
	return kindName(t)
}

// interfaceTypeName names types that say themselves how they are encoded.
func interfaceTypeName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		return "any"
	case value.Implements[proto.Message](t):
		return "message"
	case value.Implements[value.Marshaler](t):
		return "any"
	case value.Implements[value.Classed](t):
		return "record"
	default:
		return ""
	}
}

// knownTypeName names the types that package value gives a meaning of their own.
func knownTypeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[tool.Value](), reflect.TypeFor[big.Rat](), reflect.TypeFor[json.Number](),
		reflect.TypeFor[value.Opaque](), reflect.TypeFor[value.Unknown]():
		return "any"
	case reflect.TypeFor[struct{}]():
		return "none"
	case reflect.TypeFor[big.Int]():
		return "int"
	case reflect.TypeFor[time.Time](), reflect.TypeFor[value.LocalDateTime]():
		return "datetime"
	case reflect.TypeFor[time.Duration](), reflect.TypeFor[value.Timedelta]():
		return "timedelta"
	case reflect.TypeFor[value.Date]():
		return "date"
	case reflect.TypeFor[value.TimeOfDay]():
		return "time"
	case reflect.TypeFor[value.Decimal]():
		return "Decimal"
	default:
		return containerTypeName(t)
	}
}

// containerTypeName goes on where knownTypeName ends.
func containerTypeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[value.Dict]():
		return "dict"
	case reflect.TypeFor[value.Tuple]():
		return "tuple"
	case reflect.TypeFor[value.Set](), reflect.TypeFor[value.FrozenSet]():
		return "set"
	case reflect.TypeFor[value.Enum]():
		return "Enum"
	case reflect.TypeFor[value.Record]():
		return "record"
	}
	if t.Name() == "UUID" && t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8 {
		return "UUID"
	}
	return ""
}

// kindName names types by what they are made of.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "str"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "list"
	case reflect.Map:
		if t.Elem() == reflect.TypeFor[struct{}]() {
			return "set"
		}
		return "dict"
	case reflect.Struct:
		if opaque(t) {
			return "any"
		}
		return "dict"
	default:
		return "any"
	}
}

// opaque reports whether a struct shows nothing of itself: then an extension of the codec gives it its meaning, such
// as a table of any kind.
func opaque(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).IsExported() || t.Field(i).Anonymous {
			return false
		}
	}
	return t.NumField() > 0
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// cannotCross returns why values of a Go type can never cross a bridge, or "".
func cannotCross(t reflect.Type) string {
	switch k := deref(t).Kind(); k {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return "a " + k.String() + " cannot cross a bridge"
	default:
		return ""
	}
}
