package value

import (
	"reflect"

	"google.golang.org/protobuf/proto"
)

// RowExtension is an Extension whose values have rows: typed decoding makes slices of structs or maps of them, by the codec's own
// options, and TablesAsRows writes them.
type RowExtension interface {
	Extension
	// Rows gives the rows of a value that it decoded, as Decode gives dicts; ok is false if it has none.
	Rows(decoded any, want RowsWanted) (rows []any, ok bool, err error)
}

// RowsWanted says what of its rows an extension is to give. The zero RowsWanted wants all as they are.
type RowsWanted struct {
	// Field reports whether a field of that name is wanted; unnamed says that the sender gave it no name, so that it has one of the
	// library that it comes from. Defaults to all.
	Field func(name string, unnamed bool) bool
	// ToShow says that the rows are for people who want to look: what no value stands for may be its text.
	ToShow bool
}

// Wants reports whether a field is wanted.
func (w RowsWanted) Wants(name string, unnamed bool) bool {
	return w.Field == nil || w.Field(name, unnamed)
}

// assignRows makes a slice of the rows of a value that has some.
func (d *decoder) assignRows(x Extension, v any, to reflect.Value) (bool, *failure) {
	rower, ok := x.(RowExtension)
	if !ok || to.Kind() != reflect.Slice || to.Type().Elem().Kind() == reflect.Uint8 {
		return false, nil
	}
	rows, ok, err := rower.Rows(v, d.rowsWanted(to.Type().Elem()))
	if err != nil {
		return true, foreign(err)
	}
	if !ok {
		return false, nil
	}
	d.rows = true
	defer func() { d.rows = false }()
	return true, d.assign(rows, to)
}

// rowsWanted says which fields rows need to become values of a type: what a struct does not have need not even be readable. A strict
// codec wants all, for it refuses those that the struct does not have, but for those that the sender gave no name.
func (d *decoder) rowsWanted(row reflect.Type) RowsWanted {
	for row.Kind() == reflect.Pointer {
		row = row.Elem()
	}
	if !assignedByField(row) || len(d.codec.extensions) > 1 { // of which another may take rows
		return RowsWanted{}
	}
	p := d.codec.planOf(row, &d.plans)
	return RowsWanted{Field: func(name string, unnamed bool) bool {
		_, known := p.byName[name]
		return known || d.codec.strict && !unnamed
	}}
}

// assignedByField reports whether a dict becomes a value of a type field by field.
func assignedByField(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Dict]() {
		return false
	}
	if _, own := ownType(t); own {
		return false
	}
	to := reflect.PointerTo(t)
	return !to.Implements(reflect.TypeFor[Unmarshaler]()) && !to.Implements(reflect.TypeFor[proto.Message]())
}
