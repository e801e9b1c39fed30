package typed_test

import "reflect"

// TypeName implements typed.TypeNamer.
func (tables) TypeName(t reflect.Type) string {
	if t == reflect.TypeFor[table]() {
		return "Table"
	}
	return ""
}
