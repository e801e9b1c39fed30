package typed

import (
	"math"
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// showTables gives a schema what was sent, in which tables inside of lists and dicts are lists of their rows, as those were made.
func (b *binding) showTables(v any, target reflect.Value) (any, error) {
	codec, is := b.codec.(*value.Codec)
	if !is || !holdsTable(v) {
		return v, nil
	}
	made, err := asSent(codec.Configured(value.MaxBytes(math.MaxInt>>8)), target.Interface()) // rows may be larger than their table
	if err != nil {
		return nil, err
	}
	return withRows(codec, v, made), nil
}

// holdsTable reports whether a decoded value is or holds a table.
func holdsTable(v any) bool {
	switch v := v.(type) {
	case nil, bool, string, int64, float64:
		return false
	case []any:
		return anyHoldsTable(v)
	case value.Tuple:
		return anyHoldsTable(v)
	case *value.Dict:
		for _, item := range v.All() {
			if holdsTable(item) {
				return true
			}
		}
		return false
	case value.Record:
		for _, f := range v.Fields {
			if holdsTable(f.Value) {
				return true
			}
		}
		return false
	default:
		return isTable(v)
	}
}

func anyHoldsTable(items []any) bool {
	for _, item := range items {
		if holdsTable(item) {
			return true
		}
	}
	return false
}

// isTable reports whether an extension of the codec decoded a value.
func isTable(v any) bool {
	t := deref(reflect.TypeOf(v))
	return t.Kind() == reflect.Struct && knownTypeName(t) == "" && opaque(t)
}

// withRows is what came, with the rows that were made of each table in its place. What became no rows stays a table.
func withRows(codec *value.Codec, came, made any) any {
	switch came := came.(type) {
	case []any:
		return itemsWithRows(codec, came, made)
	case value.Tuple:
		return itemsWithRows(codec, came, made)
	case *value.Dict:
		with, of := new(value.Dict), dictOf(made)
		for key, item := range came.All() {
			there, _ := of.Get(key)
			with.Set(key, withRows(codec, item, there))
		}
		return with
	case value.Record:
		with, of := new(value.Dict), dictOf(made)
		for _, f := range came.Fields {
			there, _ := of.Get(f.Name)
			with.Set(f.Name, withRows(codec, f.Value, there))
		}
		return with
	default:
		return rowsWithin(codec, came, made)
	}
}

func itemsWithRows(codec *value.Codec, came []any, made any) any {
	of, _ := made.([]any)
	with := make([]any, len(came))
	for i := range came {
		var there any
		if len(of) == len(came) {
			there = of[i]
		}
		with[i] = withRows(codec, came[i], there)
	}
	return with
}

// dictOf is the dict or the record that a struct or a map is sent as, an empty one for anything else.
func dictOf(made any) *value.Dict {
	switch made := made.(type) {
	case *value.Dict:
		return made
	case value.Record:
		fields := new(value.Dict)
		for _, f := range made.Fields {
			fields.Set(f.Name, f.Value)
		}
		return fields
	default:
		return new(value.Dict)
	}
}

// rowsWithin is a table as its rows.
func rowsWithin(codec *value.Codec, came, made any) any {
	var rows []any
	if came == nil || !isTable(came) || codec.Assign(came, &rows) != nil {
		return came
	}
	list, is := made.([]any)
	switch {
	case is:
		return withoutLacking(list, rows)
	case made == nil && len(rows) == 0: // a field that leaves out what is empty
		return rows
	default:
		return came
	}
}
