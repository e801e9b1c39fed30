package value

import (
	"fmt"
	"reflect"
)

// StructField is a field of a struct as the codec has it: those of structs that it embeds without a name are its own.
type StructField struct {
	Name  string
	Index []int // for reflect's FieldByIndex
}

// FieldsOf returns the fields of a struct type in the order in which they are encoded. Its error says why values of the type do not travel
// by their fields: they are values of another kind, or would lose something.
func FieldsOf(t reflect.Type) ([]StructField, error) {
	if !assignedByField(t) || Implements[Marshaler](t) {
		return nil, fmt.Errorf("a %s is no dict", t)
	}
	p := newPlan(t)
	if p.loses != "" {
		return nil, fmt.Errorf("%s", p.loses)
	}
	fields := make([]StructField, len(p.fields))
	for i, f := range p.fields {
		fields[i] = StructField{f.name, f.index}
	}
	return fields, nil
}
