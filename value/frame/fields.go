package frame

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// structFields are those of a struct type, as the codec has them.
type structFields struct {
	columns  []column
	barred   []column // those behind an embedded pointer that nobody could set again
	pointers []embeddedPointer
}

// column is a field of a struct that becomes a column, or a part of one.
type column struct {
	name  string
	index []int
	form  *form
}

// of is the field of a struct, invalid behind an embedded pointer that is nil.
func (c *column) of(v reflect.Value) reflect.Value {
	field, err := v.FieldByIndexErr(c.index)
	if err != nil {
		return reflect.Value{}
	}
	return field
}

// embeddedPointer is a pointer to an embedded struct, and the columns of what is behind it.
type embeddedPointer struct {
	column
	columns []column
}

// fieldsOf returns the fields of a struct type at a place.
func fieldsOf(t reflect.Type, at place) (*structFields, error) {
	all, err := value.FieldsOf(t)
	if err != nil && at.level > 0 {
		return nil, fmt.Errorf("a field of type %s cannot be a column: %w; give it another type or the tag \"-\"", t, err)
	}
	if err != nil {
		return nil, err
	}
	fs := &structFields{}
	for _, f := range all {
		c := column{name: f.Name, index: f.Index}
		if !settable(t, f.Index) {
			fs.barred = append(fs.barred, c)
			continue
		}
		if c.form, err = formOf(pointed(t.FieldByIndex(f.Index).Type), at.in(false)); err != nil {
			return nil, insideField(c.name, err)
		}
		fs.columns = append(fs.columns, c)
		fs.point(t, c)
	}
	return fs, nil
}

// settable reports whether a field can be set again: that of an embedded pointer to a type that is not exported cannot.
func settable(t reflect.Type, index []int) bool {
	for n := 1; n < len(index); n++ {
		if f := t.FieldByIndex(index[:n]); f.Type.Kind() == reflect.Pointer && !f.IsExported() {
			return false
		}
	}
	return true
}

// point notes the embedded pointers on the way to a column.
func (fs *structFields) point(t reflect.Type, c column) {
	for n := 1; n < len(c.index); n++ {
		way := c.index[:n]
		if t.FieldByIndex(way).Type.Kind() != reflect.Pointer {
			continue
		}
		at := slices.IndexFunc(fs.pointers, func(p embeddedPointer) bool { return slices.Equal(p.index, way) })
		if at < 0 {
			at = len(fs.pointers)
			fs.pointers = append(fs.pointers, embeddedPointer{column: column{index: way}})
		}
		fs.pointers[at].columns = append(fs.pointers[at].columns, c)
	}
}

// check refuses a struct whose embedded pointers would not come back, and names the field.
func (fs *structFields) check(v reflect.Value) (name string, err error) {
	for _, c := range fs.barred {
		if c.of(v).IsValid() {
			return c.name, errors.New("it is behind an embedded pointer to a type that is not exported, which nobody could set again: embed the struct itself")
		}
	}
	for _, p := range fs.pointers {
		if isNone(p.of(v)) || slices.ContainsFunc(p.columns, func(c column) bool { return !isNone(c.of(v)) }) {
			continue
		}
		return p.columns[0].name, fmt.Errorf("all that is behind the embedded %s is nil, which a table cannot tell from a pointer that is nil: make it nil, or give it a name by a tag",
			p.of(v).Type())
	}
	return "", nil
}

// each gives the fields of a struct, invalid ones for null.
func (fs *structFields) each(v reflect.Value, do func(i int, part reflect.Value) error) error {
	for i, c := range fs.columns {
		if err := do(i, c.of(v)); err != nil {
			return fmt.Errorf("field %s: %w", c.name, err)
		}
	}
	return nil
}
