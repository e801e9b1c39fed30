package typed

import (
	"fmt"
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// checkInside checks the structs inside of an argument.
func checkInside(t reflect.Type) error {
	if err := checkNames(t, map[reflect.Type]bool{}); err != nil {
		return err
	}
	return checkNested(t, map[reflect.Type]bool{})
}

// checkNested checks the tags of structs inside of an argument, which package value reads when it decodes them: too late to be told.
func checkNested(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return checkNested(t.Elem(), seen)
	}
	if !takesStruct(t) {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		if err := checkTags(f); err != nil {
			return fmt.Errorf("type %s, field %s: %w", t, f.Name, err)
		}
		if err := checkNested(f.Type, seen); err != nil {
			return err
		}
	}
	return nil
}

func checkTags(f reflect.StructField) error {
	var tag fieldTag
	if err := tag.readBridge(f.Tag.Get("bridge")); err != nil || tag.skip {
		return err
	}
	if err := checkConstraints(f); err != nil {
		return err
	}
	text, ok := f.Tag.Lookup("default")
	if !ok {
		return nil
	}
	if err := value.ParseDefault(text, reflect.New(f.Type).Interface()); err != nil {
		return fmt.Errorf("default %q does not fit %s: %w", text, f.Type, err)
	}
	return nil
}

// checkConstraints refuses constraints that cannot be read, or that say nothing of the field's type.
func checkConstraints(f reflect.StructField) error {
	own, err := parseConstraints(f.Tag, f.Type)
	if err != nil {
		return err
	}
	return own.checkType(f.Type)
}

// checkNames refuses a type inside of which two fields of a struct have one name, as package value does with its values: too late to be told.
func checkNames(t reflect.Type, seen map[reflect.Type]bool) error {
	t = deref(t)
	if seen[t] || isError(t) {
		return nil
	}
	seen[t] = true
	switch typeName(t) {
	case "list", "set", "dict", "record":
	default: // which says itself what it is sent as
		return nil
	}
	switch t.Kind() {
	case reflect.Map:
		if err := checkNames(t.Key(), seen); err != nil {
			return err
		}
		return checkNames(t.Elem(), seen)
	case reflect.Slice, reflect.Array:
		return checkNames(t.Elem(), seen)
	case reflect.Struct:
		return checkFieldNames(t, seen)
	default:
		return nil
	}
}

func checkFieldNames(t reflect.Type, seen map[reflect.Type]bool) error {
	if err := value.CheckNames(t); err != nil {
		return err
	}
	fields, _ := value.FieldsOf(t) // of one that has none so nothing is sent
	for _, f := range fields {
		if err := checkNames(t.FieldByIndex(f.Index).Type, seen); err != nil {
			return err
		}
	}
	return nil
}

// isError reports whether a type is sent as an error, by its text alone.
func isError(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[error]())
}
