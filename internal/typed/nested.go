package typed

import (
	"fmt"
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

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
