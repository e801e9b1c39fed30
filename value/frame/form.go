package frame

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// form is how values of a Go type stand in a column.
type form struct {
	arrow    arrow.DataType
	dtype    string // pandas' type of such a column
	nullable string // and of one with nulls
	put      func(array.Builder, reflect.Value) error
}

// deepest is how many lists and structs may stand in each other; a type that holds itself has more.
const deepest = 16

// formOf returns the form of a type; times are counted in the unit.
func formOf(t reflect.Type, unit arrow.TimeUnit, level int) (form, error) {
	if level > deepest {
		return form{}, fmt.Errorf("a field of type %s cannot be a column: it is nested deeper than %d levels", t, deepest)
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return timeForm(&arrow.TimestampType{Unit: unit, TimeZone: "UTC"}, func(v reflect.Value) time.Time { return v.Interface().(time.Time) }), nil
	case reflect.TypeFor[value.LocalDateTime]():
		return timeForm(&arrow.TimestampType{Unit: unit}, func(v reflect.Value) time.Time { return v.Interface().(value.LocalDateTime).In(time.UTC) }), nil
	case reflect.TypeFor[time.Duration]():
		return form{&arrow.DurationType{Unit: arrow.Nanosecond}, "timedelta64[ns]", "timedelta64[ns]", putDuration}, nil
	case reflect.TypeFor[value.Date]():
		return form{arrow.FixedWidthTypes.Date32, "object", "object", putDate}, nil
	case reflect.TypeFor[value.TimeOfDay]():
		return form{arrow.FixedWidthTypes.Time64ns, "object", "object", putTimeOfDay}, nil
	}
	if f, ok := scalarForm(t); ok {
		return f, nil
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return form{arrow.BinaryTypes.Binary, "object", "object", func(b array.Builder, v reflect.Value) error {
			b.(*array.BinaryBuilder).Append(v.Bytes())
			return nil
		}}, nil
	case t.Kind() == reflect.Slice:
		return listForm(t, unit, level)
	case t.Kind() == reflect.Struct && t.PkgPath() != reflect.TypeFor[value.Date]().PkgPath():
		return structForm(t, unit, level)
	}
	return form{}, fmt.Errorf("a field of type %s cannot be a column; give it another type or the tag \"-\"", t)
}

// scalarForm returns the form of numbers, texts and bools. A column's type is decided by the Go type alone.
func scalarForm(t reflect.Type) (form, bool) {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return form{arrow.PrimitiveTypes.Int64, "int64", "Int64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Int64Builder).Append(v.Int())
			return nil
		}}, true
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return form{arrow.PrimitiveTypes.Int64, "int64", "Int64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Int64Builder).Append(int64(v.Uint()))
			return nil
		}}, true
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return form{arrow.PrimitiveTypes.Uint64, "uint64", "UInt64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Uint64Builder).Append(v.Uint())
			return nil
		}}, true
	case reflect.Float32, reflect.Float64:
		return form{arrow.PrimitiveTypes.Float64, "float64", "Float64", func(b array.Builder, v reflect.Value) error {
			b.(*array.Float64Builder).Append(v.Float())
			return nil
		}}, true
	case reflect.Bool:
		return form{arrow.FixedWidthTypes.Boolean, "bool", "boolean", func(b array.Builder, v reflect.Value) error {
			b.(*array.BooleanBuilder).Append(v.Bool())
			return nil
		}}, true
	case reflect.String:
		return form{arrow.BinaryTypes.String, "object", "object", putText}, t != reflect.TypeFor[json.Number]()
	}
	return form{}, false
}

// timeForm counts times from 1970. Nanoseconds reach from 1677 to 2262, microseconds further than any year has four digits.
func timeForm(t *arrow.TimestampType, read func(reflect.Value) time.Time) form {
	dtype := "datetime64[" + t.Unit.String() + "]"
	return form{t, dtype, dtype, func(b array.Builder, v reflect.Value) error {
		at := read(v)
		n := at.UnixMicro()
		if t.Unit == arrow.Nanosecond {
			n = at.UnixNano()
		}
		if t.Unit == arrow.Nanosecond && !fitsNanoseconds(at) {
			return fmt.Errorf("the time %s does not fit: nanoseconds reach from 1677 to 2262", at)
		}
		if t.Unit == arrow.Microsecond && at.Nanosecond()%1000 != 0 {
			return fmt.Errorf("the time %s has nanoseconds, which reach from 1677 to 2262, and another time of the column is beyond that: truncate"+
				" it to microseconds, or make those that are not set a nil *time.Time", at)
		}
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(n))
		return nil
	}}
}

// fitsNanoseconds reports whether nanoseconds from 1970 reach a time. pandas and numpy take the least of all for NaT, so it would
// be lost on the way.
func fitsNanoseconds(t time.Time) bool {
	return time.Unix(0, t.UnixNano()).Equal(t) && t.UnixNano() != math.MinInt64
}

func putText(b array.Builder, v reflect.Value) error {
	if _, err := value.Encode(v.String()); err != nil {
		return fmt.Errorf("want text in valid UTF-8, got %.60q", v.String())
	}
	b.(*array.StringBuilder).Append(v.String())
	return nil
}

func putDuration(b array.Builder, v reflect.Value) error {
	if v.Int() == math.MinInt64 {
		return fmt.Errorf("the duration %s does not fit: pandas takes it for none", time.Duration(v.Int()))
	}
	b.(*array.DurationBuilder).Append(arrow.Duration(v.Int()))
	return nil
}

func putDate(b array.Builder, v reflect.Value) error {
	day := v.Interface().(value.Date)
	if _, err := value.Encode(day); err != nil {
		return fmt.Errorf("%s is no day of the years 1 to 9999", day)
	}
	b.(*array.Date32Builder).Append(arrow.Date32(day.In(time.UTC).Unix() / (24 * 60 * 60)))
	return nil
}

func putTimeOfDay(b array.Builder, v reflect.Value) error {
	clock := v.Interface().(value.TimeOfDay)
	if _, err := value.Encode(clock); err != nil || clock.HasOffset || clock.Fold {
		return fmt.Errorf("%s is no time of day without an offset", clock)
	}
	at := time.Duration(clock.Hour)*time.Hour + time.Duration(clock.Minute)*time.Minute + time.Duration(clock.Second)*time.Second
	b.(*array.Time64Builder).Append(arrow.Time64(at + time.Duration(clock.Nanosecond)))
	return nil
}

// listForm is that of slices; nil ones are empty lists.
func listForm(t reflect.Type, unit arrow.TimeUnit, level int) (form, error) {
	item, err := formOf(pointed(t.Elem()), unit, level+1)
	if err != nil {
		return form{}, inside("[]", err)
	}
	return form{arrow.ListOf(item.arrow), "object", "object", func(b array.Builder, v reflect.Value) error {
		list := b.(*array.ListBuilder)
		list.Append(true)
		for i := range v.Len() {
			if err := item.putOrNull(list.ValueBuilder(), v.Index(i)); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
		}
		return nil
	}}, nil
}

// structForm is that of structs inside of rows.
func structForm(t reflect.Type, unit arrow.TimeUnit, level int) (form, error) {
	columns, err := columnsOf(t)
	if err != nil {
		return form{}, err
	}
	if len(columns) == 0 {
		return form{}, fmt.Errorf("a field of type %s cannot be a column: it has no fields that are exported", t)
	}
	fields, forms := make([]arrow.Field, len(columns)), make([]form, len(columns))
	for i, c := range columns {
		if forms[i], err = formOf(pointed(c.field.Type), unit, level+1); err != nil {
			return form{}, inside(step(c.name), err)
		}
		fields[i] = arrow.Field{Name: c.name, Type: forms[i].arrow, Nullable: true}
	}
	return form{arrow.StructOf(fields...), "object", "object", func(b array.Builder, v reflect.Value) error {
		to := b.(*array.StructBuilder)
		to.Append(true)
		for i, c := range columns {
			part, err := v.FieldByIndexErr(c.field.Index)
			if err != nil {
				to.FieldBuilder(i).AppendNull() // an embedded pointer is nil
			} else if err := forms[i].putOrNull(to.FieldBuilder(i), part); err != nil {
				return fmt.Errorf("field %s: %w", c.name, err)
			}
		}
		return nil
	}}, nil
}

// putOrNull appends what may be a pointer.
func (f form) putOrNull(b array.Builder, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		v = v.Elem()
	}
	return f.put(b, v)
}

func pointed(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
