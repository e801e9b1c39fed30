package frame

import (
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// form is how values of a Go type stand in a column. What that is may depend on the values: see is called with each of them first, then
// settle once, and then put with each of them again.
type form struct {
	arrow    arrow.DataType
	meta     arrow.Metadata // of the field, where the type is none of Arrow's own
	dtype    string         // pandas' type of such a column
	nullable string         // and of one with nulls
	see      func(reflect.Value) error
	settle   func()
	put      func(array.Builder, reflect.Value) error
}

// deepest is how many lists and structs may stand in each other; a type that holds itself has more.
const deepest = 16

// place is where in a column a type stands.
type place struct {
	level  int  // 1 for the column itself
	listed bool // inside of a list or a map
}

// inside reports whether it is inside of a column's cells.
func (p place) inside() bool { return p.level > 1 }

// in is the place of the fields of a struct, of the items of a list otherwise.
func (p place) in(list bool) place { return place{p.level + 1, p.listed || list} }

// formOf returns the form of a type.
func formOf(t reflect.Type, at place) (*form, error) {
	if at.level > deepest {
		return nil, fmt.Errorf("a field of type %s cannot be a column: it is nested deeper than %d levels", t, deepest)
	}
	if isUUID(t) && at.listed {
		return nil, fmt.Errorf("a field of type %s cannot be a column: pandas reads no UUIDs inside of lists and maps; make them texts, or give it the tag \"-\"", t)
	}
	if f, ok := ownForm(t, at); ok {
		return f, nil
	}
	if t.Kind() == reflect.Pointer {
		return nil, noColumn(reflect.PointerTo(t)) // one was followed
	}
	if value.Implements[value.Marshaler](t) || isEncoded(t) {
		return nil, fmt.Errorf("a field of type %s cannot be a column: what it is encoded as is only known of each value; give it another type or the tag \"-\"", t)
	}
	if isText(t) {
		return textForm(t), nil
	}
	if f, ok := scalarForm(t); ok {
		return f, nil
	}
	switch {
	case t == reflect.TypeFor[big.Rat](), t.Kind() == reflect.Array && t.Len() == 0:
	case isOctets(t) && (t.Kind() == reflect.Slice || at.listed): // inside of lists and maps, pandas reads no bytes of a fixed length
		return objectForm(arrow.BinaryTypes.Binary, putBytes), nil
	case isOctets(t):
		return objectForm(&arrow.FixedSizeBinaryType{ByteWidth: t.Len()}, putFixed), nil
	case t.Kind() == reflect.Slice:
		return listForm(t, at)
	case t.Kind() == reflect.Array:
		return arrayForm(t, at)
	case t.Kind() == reflect.Map:
		return mapForm(t, at)
	case t.Kind() == reflect.Struct:
		return structForm(t, at)
	}
	return nil, noColumn(t)
}

// isEncoded reports whether values of a type are encoded already, as a value of any type.
func isEncoded(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[tool.Value](), reflect.TypeFor[value.Opaque](), reflect.TypeFor[value.Unknown]():
		return true
	}
	return false
}

func noColumn(t reflect.Type) error {
	return fmt.Errorf("a field of type %s cannot be a column; give it another type or the tag \"-\"", t)
}

// ownForm returns the form of types that stand for a type of Arrow.
func ownForm(t reflect.Type, at place) (*form, bool) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return timeForm(&zone{}, at, instant), true
	case reflect.TypeFor[value.LocalDateTime]():
		return timeForm(nil, at, localTime), true
	case reflect.TypeFor[time.Duration]():
		return spanForm(at, func(v reflect.Value) (time.Duration, bool) { return time.Duration(v.Int()), true }), true
	case reflect.TypeFor[value.Timedelta]():
		return spanForm(at, timedeltaOf), true
	case reflect.TypeFor[value.Date]():
		return objectForm(arrow.FixedWidthTypes.Date32, putDate), true
	case reflect.TypeFor[value.TimeOfDay]():
		return objectForm(arrow.FixedWidthTypes.Time64ns, putTimeOfDay), true
	case reflect.TypeFor[value.Decimal]():
		return decimalForm(), true
	case reflect.TypeFor[big.Int]():
		return bigForm(), true
	}
	if isUUID(t) {
		return uuidForm(), true
	}
	return nil, false
}

// plainForm is that of a type whose columns do not depend on their values.
func plainForm(t arrow.DataType, dtype, nullable string, put func(array.Builder, reflect.Value) error) *form {
	return &form{arrow: t, dtype: dtype, nullable: nullable, put: put}
}

// objectForm is one of columns that pandas keeps as objects.
func objectForm(t arrow.DataType, put func(array.Builder, reflect.Value) error) *form {
	return plainForm(t, "object", "object", put)
}

// seeOrNull sees what may be a pointer, or invalid for null.
func (f *form) seeOrNull(v reflect.Value) error {
	if f.see == nil || isNone(v) {
		return nil
	}
	return f.see(reflect.Indirect(v))
}

// putOrNull appends what may be a pointer, or invalid for null.
func (f *form) putOrNull(b array.Builder, v reflect.Value) error {
	if isNone(v) {
		b.AppendNull()
		return nil
	}
	return f.put(b, reflect.Indirect(v))
}

func isNone(v reflect.Value) bool { return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() }

// field is the field of a column, or of a part of one.
func (f *form) field(name string) arrow.Field {
	return arrow.Field{Name: name, Type: f.arrow, Nullable: true, Metadata: f.meta}
}

// settled is the form once all values were seen.
func (f *form) settled() *form {
	if f.settle != nil {
		f.settle()
	}
	return f
}

func pointed(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
