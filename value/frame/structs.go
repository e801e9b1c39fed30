package frame

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// FromStructs makes a pandas.DataFrame with a row for each struct and a column for each exported field, named as the codec
// names it (tag bridge, then json). Fields are integers, floats, strings, bools, []byte, time.Time, or pointers to one
// of these, which may be nil.
func FromStructs[T any](rows []T) (*Table, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, failf("$", "FromStructs wants structs, got %s", t)
	}
	b := New()
	all := reflect.ValueOf(rows)
	for _, f := range reflect.VisibleFields(t) {
		name, ok := columnName(f)
		if !ok {
			continue
		}
		if err := addField(b, name, f, all); err != nil {
			return nil, err
		}
	}
	return b.Build()
}

// ToStructs makes a T of each row, as typed decoding makes one of a dict.
func ToStructs[T any](t *Table) ([]T, error) {
	rows, err := t.records()
	if err != nil {
		return nil, err
	}
	var structs []T
	if err := value.New().Assign(rows, &structs); err != nil {
		return nil, err
	}
	return structs, nil
}

func columnName(f reflect.StructField) (string, bool) {
	if !f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
		return "", false
	}
	tag, ok := f.Tag.Lookup("bridge")
	if !ok {
		tag = f.Tag.Get("json")
	}
	name, _, _ := strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	return name, tag != "-"
}

func addField(b *Builder, name string, f reflect.StructField, rows reflect.Value) error {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		addColumn(b.Time, name, f, rows, func(v reflect.Value) time.Time { return v.Interface().(time.Time) })
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		addColumn(b.Bytes, name, f, rows, reflect.Value.Bytes)
	case reflect.Zero(t).CanInt() && t != reflect.TypeFor[time.Duration]():
		addColumn(b.Int64, name, f, rows, reflect.Value.Int)
	case reflect.Zero(t).CanUint():
		addColumn(b.Int64, name, f, rows, func(v reflect.Value) int64 {
			if v.Uint() > 1<<63-1 {
				b.failf(name, "%d does not fit int64", v.Uint())
			}
			return int64(v.Uint())
		})
	case reflect.Zero(t).CanFloat():
		addColumn(b.Float64, name, f, rows, reflect.Value.Float)
	case t.Kind() == reflect.String:
		addColumn(b.String, name, f, rows, reflect.Value.String)
	case t.Kind() == reflect.Bool:
		addColumn(b.Bool, name, f, rows, reflect.Value.Bool)
	default:
		return failf("$."+name, "a field of type %s cannot be a column; give it another type or the tag \"-\"", f.Type)
	}
	return nil
}

func addColumn[T any](to func(string, []T, ...[]bool) *Builder, name string, f reflect.StructField, rows reflect.Value, read func(reflect.Value) T) {
	values, valid := make([]T, rows.Len()), make([]bool, rows.Len())
	for i := range values {
		v, err := rows.Index(i).FieldByIndexErr(f.Index)
		if err != nil || v.Kind() == reflect.Pointer && v.IsNil() {
			continue
		}
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		values[i], valid[i] = read(v), true
	}
	to(name, values, valid)
}

// String describes the table in a line.
func (t *Table) String() string {
	return fmt.Sprintf("%s of %d rows, columns %q", t.kind, t.rows, t.Names())
}
