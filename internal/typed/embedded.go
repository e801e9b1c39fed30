package typed

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// deepest is how many structs may embed each other.
const deepest = 16

// addStruct adds the exported fields of a struct, those of embedded structs in their place.
func (p *plan) addStruct(t reflect.Type, index []int, optional bool, codec Codec) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int(nil), index...), i)
		in, err := inlined(sf)
		switch {
		case err != nil:
			return err
		case in && len(at) > deepest:
			return fmt.Errorf("field %s: a struct of arguments cannot embed itself", sf.Name)
		case in:
			err = p.addStruct(deref(sf.Type), at, optional || lackable(sf), codec)
		case sf.IsExported():
			err = p.addField(sf, at, optional, codec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inlined reports whether the fields of an embedded struct stand for it: those of one without a name of its own do.
func inlined(sf reflect.StructField) (bool, error) {
	name, options, skip := embeddedTag(sf)
	if !sf.Anonymous || skip || name != "" || !takesStruct(deref(sf.Type)) {
		return false, nil
	}
	if sf.Type.Kind() == reflect.Pointer && !sf.IsExported() {
		return false, fmt.Errorf("field %s: an embedded pointer to a type that is not exported cannot be set: embed %s itself, tagged optional", sf.Name, deref(sf.Type))
	}
	for _, option := range options {
		if sf.Tag.Get("bridge") != "" && !slices.Contains([]string{"", "optional", "omitempty", "omitzero"}, option) {
			return false, fmt.Errorf("field %s: the fields of an embedded struct stand for it, so that %q says nothing: tag its fields, or give it a name"+
				" to make it one argument", sf.Name, option)
		}
	}
	return true, nil
}

// lackable reports whether the fields of an embedded struct may be missing.
func lackable(sf reflect.StructField) bool {
	_, options, _ := embeddedTag(sf)
	return sf.Type.Kind() == reflect.Pointer || slices.ContainsFunc(options, func(option string) bool {
		return option == "optional" || option == "omitempty" || option == "omitzero"
	})
}

// embeddedTag reads the tag bridge of a field, or json where it has none, as package value does.
func embeddedTag(sf reflect.StructField) (name string, options []string, skip bool) {
	tag, ok := sf.Tag.Lookup("bridge")
	if !ok {
		tag = sf.Tag.Get("json")
	}
	parts := strings.Split(tag, ",")
	return parts[0], parts[1:], tag == "-"
}

// reach is the place that an index leads to in a struct. The embedded structs that pointers on the way lack are made.
func reach(in reflect.Value, index []int) reflect.Value {
	for i, at := range index {
		if i > 0 && in.Kind() == reflect.Pointer {
			if in.IsNil() {
				in.Set(reflect.New(in.Type().Elem()))
			}
			in = in.Elem()
		}
		in = in.Field(at)
	}
	return in
}
