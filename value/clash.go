package value

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// CheckNames refuses a struct type two fields of which have one name, for only one of them would travel: in a struct that embeds another, one
// of each may, which Go tells apart by their depth.
func CheckNames(t reflect.Type) error {
	if !assignedByField(t) || Implements[Marshaler](t) {
		return nil
	}
	if p := newPlan(t); p.clash != "" {
		return errors.New(p.clash)
	}
	return nil
}

// clashes notes two fields of one name, if they are the first.
func (p *plan) clashes(t reflect.Type, name string, one, other []int) {
	if p.clash == "" {
		p.clash = fmt.Sprintf("two fields of %s are called %q, %s and %s: give one of them another name by the tag `bridge:\"...\"`, or leave it out by `bridge:\"-\"`",
			t, name, FieldPath(t, one), FieldPath(t, other))
	}
}

// repeats notes a struct that is embedded in itself, all of whose fields have the names of the outer one's.
func (p *plan) repeats(t reflect.Type, index []int) {
	if p.clash == "" {
		at := t.FieldByIndex(index)
		p.clash = fmt.Sprintf("the field %s of %s embeds a %s in itself, whose fields have the names of the outer one's: give it a name by the tag `bridge:\"...\"`, or leave it out by `bridge:\"-\"`",
			FieldPath(t, index), t, at.Type)
	}
}

// FieldPath is the way to a field of a struct through those that it embeds, such as Base.Name; the index is as that of a reflect.StructField.
func FieldPath(t reflect.Type, index []int) string {
	names := make([]string, len(index))
	for i := range index {
		names[i] = t.FieldByIndex(index[:i+1]).Name
	}
	return strings.Join(names, ".")
}
