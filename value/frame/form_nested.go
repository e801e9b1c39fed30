package frame

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// listForm is that of slices; nil ones are empty lists.
func listForm(t reflect.Type, at place) (*form, error) {
	item, err := formOf(pointed(t.Elem()), at.in(true))
	if err != nil {
		return nil, inside("[]", err)
	}
	f := objectForm(nil, func(b array.Builder, v reflect.Value) error {
		list := b.(*array.ListBuilder)
		list.Append(true)
		return eachItem(v, func(part reflect.Value) error { return item.putOrNull(list.ValueBuilder(), part) })
	})
	f.see = func(v reflect.Value) error { return eachItem(v, item.seeOrNull) }
	f.settle = func() { f.arrow = arrow.ListOfField(item.settled().field("item")) }
	return f, nil
}

// arrayForm is that of arrays: lists of a fixed length.
func arrayForm(t reflect.Type, at place) (*form, error) {
	item, err := formOf(pointed(t.Elem()), at.in(true))
	if err != nil {
		return nil, inside("[]", err)
	}
	f := objectForm(nil, func(b array.Builder, v reflect.Value) error {
		list := b.(*array.FixedSizeListBuilder)
		list.Append(true)
		return eachItem(v, func(part reflect.Value) error { return item.putOrNull(list.ValueBuilder(), part) })
	})
	f.see = func(v reflect.Value) error { return eachItem(v, item.seeOrNull) }
	f.settle = func() { f.arrow = arrow.FixedSizeListOfField(int32(t.Len()), item.settled().field("item")) }
	return f, nil
}

func eachItem(v reflect.Value, do func(reflect.Value) error) error {
	for i := range v.Len() {
		if err := do(v.Index(i)); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// mapForm is that of maps with texts or ints as keys, which stand in their order; nil ones are empty.
func mapForm(t reflect.Type, at place) (*form, error) {
	key, err := keyForm(t)
	if err != nil {
		return nil, err
	}
	item, err := formOf(pointed(t.Elem()), at.in(true))
	if err != nil {
		return nil, inside("{}", err)
	}
	f := objectForm(nil, func(b array.Builder, v reflect.Value) error {
		to := b.(*array.MapBuilder)
		to.Append(true)
		return eachEntry(v, func(k, part reflect.Value) error {
			if err := key.put(to.KeyBuilder(), k); err != nil {
				return err
			}
			return item.putOrNull(to.ItemBuilder(), part)
		})
	})
	f.see = func(v reflect.Value) error {
		return eachEntry(v, func(_, part reflect.Value) error { return item.seeOrNull(part) })
	}
	f.settle = func() {
		f.arrow = arrow.MapOfFields(arrow.Field{Name: "key", Type: key.arrow}, item.settled().field("value"))
	}
	return f, nil
}

func keyForm(t reflect.Type) (*form, error) {
	key, ok := scalarForm(t.Key())
	if _, own := ownForm(t.Key(), place{}); ok && !own && !isText(t.Key()) && !value.Implements[value.Marshaler](t.Key()) && (arrow.IsInteger(key.arrow.ID()) || key.arrow.ID() == arrow.STRING) {
		return key, nil
	}
	return nil, fmt.Errorf("a field of type %s cannot be a column: the keys of its maps are neither texts nor ints", t)
}

// eachEntry gives the entries of a map in the order of their keys.
func eachEntry(v reflect.Value, do func(key, part reflect.Value) error) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.Kind() == reflect.String:
			return cmp.Compare(a.String(), b.String())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		default:
			return cmp.Compare(a.Int(), b.Int())
		}
	})
	for _, k := range keys {
		if err := do(k, v.MapIndex(k)); err != nil {
			return fmt.Errorf("key %s: %w", shownKey(k), err)
		}
	}
	return nil
}

func shownKey(k reflect.Value) string {
	if k.Kind() == reflect.String {
		return strconv.Quote(shortened(k.String()))
	}
	return fmt.Sprint(k)
}

// structForm is that of structs inside of rows.
func structForm(t reflect.Type, at place) (*form, error) {
	fields, err := fieldsOf(t, at)
	if err != nil {
		return nil, err
	}
	if len(fields.columns) == 0 {
		return nil, fmt.Errorf("a field of type %s cannot be a column: it has no fields that are exported", t)
	}
	f := objectForm(nil, func(b array.Builder, v reflect.Value) error {
		to := b.(*array.StructBuilder)
		to.Append(true)
		return fields.each(v, func(i int, part reflect.Value) error {
			return fields.columns[i].form.putOrNull(to.FieldBuilder(i), part)
		})
	})
	f.see = func(v reflect.Value) error {
		if name, err := fields.check(v); err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
		return fields.each(v, func(i int, part reflect.Value) error { return fields.columns[i].form.seeOrNull(part) })
	}
	f.settle = func() {
		parts := make([]arrow.Field, len(fields.columns))
		for i, c := range fields.columns {
			parts[i] = c.form.settled().field(c.name)
		}
		f.arrow = arrow.StructOf(parts...)
	}
	return f, nil
}

// columnError is the error of a type inside of a column's.
type columnError struct {
	column string // "" inside of it
	path   string
	err    error
}

// Error implements error.
func (e *columnError) Error() string { return e.err.Error() }

// Unwrap gives what is wrong there.
func (e *columnError) Unwrap() error { return e.err }

// inside is an error at a step further inside of a column.
func inside(at string, err error) *columnError {
	var further *columnError
	if errors.As(err, &further) {
		return &columnError{path: at + further.path, err: further.err}
	}
	return &columnError{path: at, err: err}
}

// insideField is an error inside of a field.
func insideField(name string, err error) error {
	at := inside(step(name), err)
	at.column = name
	return at
}
