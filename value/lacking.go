package value

import (
	"fmt"
	"reflect"
	"slices"
)

// lacks fills in the defaults of fields that members lack, and refuses members among which one is missing that a struct must have. A
// field that has a value already keeps it.
func (p *plan) lacks(m *members, to reflect.Value) *failure {
	for i := range p.fields {
		f := &p.fields[i]
		if (f.optional || f.omitEmpty || f.omitZero) && f.fallback == nil || slices.Contains(m.names, f.name) {
			continue
		}
		field, reached := reachField(to, f.index)
		switch {
		case !reached || !field.IsZero() || field.Type().Size() == 0:
		case f.fallback != nil:
			if err := ParseDefault(*f.fallback, field.Addr().Interface()); err != nil {
				return failf("the default %s does not fit %s: %v", quoted(*f.fallback), field.Type(), err).field(f.name)
			}
		case !f.optional:
			return lacking(field.Type(), holderOf(to.Type(), f.index), to.Type()).field(f.name)
		}
	}
	return nil
}

// lacking is the failure of a field that is missing; holder is the struct type that has it, which another may embed.
func lacking(field, holder, outer reflect.Type) *failure {
	f := mismatch(wanted(field), "nothing")
	f.message += ": if it may be missing, tag the field optional, give it a default, or make it a pointer"
	if holder != outer {
		f.message += fmt.Sprintf("; or tag the embedded %s optional, or embed a pointer to it", holder)
	}
	f.holder = holder
	return f.lackedBy(outer)
}

// lackedBy adds what to do where a field is missing in a struct of another package than that which holds it: nobody can tag it there.
func (f *failure) lackedBy(outer reflect.Type) *failure {
	if f.holder == nil || f.holder == outer || outer.Name() == "" {
		return f
	}
	if f.holder.Name() != "" && outer.PkgPath() != f.holder.PkgPath() {
		f.message += fmt.Sprintf("; if %s is of a package that you cannot change, a struct of your own with such tags can be converted to it", f.holder)
	}
	f.holder = nil
	return f
}

// tooMany is the failure of a field that a struct does not have.
func tooMany(t reflect.Type, name string) *failure {
	called := t.Name()
	if called == "" {
		called = "a struct"
	}
	f := failf("the value for %s has a field %s too many: give it that field, or leave out what a struct does not have by the codec's option value.AllowSurplus()",
		called, quoted(name))
	f.expected, f.got = "a field of "+called, quoted(name)
	return f.field(name)
}

// holderOf returns the struct type that has the field of an index itself.
func holderOf(t reflect.Type, index []int) reflect.Type {
	for _, at := range index[:len(index)-1] {
		t = t.Field(at).Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return t
}
