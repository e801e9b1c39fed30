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
	want, surplus := d.rowsWanted(to.Type().Elem())
	rows, ok, err := rower.Rows(v, want)
	if *surplus != nil {
		return true, *surplus
	}
	if err != nil {
		return true, foreign(err)
	}
	if !ok {
		return false, nil
	}
	d.rows = true
	defer func() { d.rows, d.nameless = false, nil }()
	return true, d.assign(rows, to)
}

// rowsWanted says which fields rows need to become values of a type, and sets surplus to the failure of the first that it does not have. What
// is left out need not even be readable: with AllowSurplus these fields, and always those that the sender gave no name.
func (d *decoder) rowsWanted(row reflect.Type) (want RowsWanted, surplus **failure) {
	surplus = new(*failure)
	for row.Kind() == reflect.Pointer {
		row = row.Elem()
	}
	if !assignedByField(row) {
		return RowsWanted{}, surplus
	}
	p := d.codec.planOf(row, &d.plans)
	alone := len(d.codec.extensions) == 1 // else another may take rows
	return RowsWanted{Field: func(name string, unnamed bool) bool {
		_, known := p.byName[name]
		switch {
		case known:
		case unnamed:
			d.leaveOut(name)
		case alone && !d.codec.surplus && *surplus == nil:
			*surplus = tooMany(row, name)
		}
		return known || !alone
	}}, surplus
}

// leaveOut says that a field of rows is none too many.
func (d *decoder) leaveOut(name string) {
	if d.nameless == nil {
		d.nameless = make(map[string]bool)
	}
	d.nameless[name] = true
}

// assignedByField reports whether a dict becomes a value of a type field by field.
func assignedByField(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Dict]() {
		return false
	}
	if _, own := ownType(t); own {
		return false
	}
	return !Implements[Unmarshaler](t) && !Implements[proto.Message](t)
}
