package typed

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// retagged reports whether a struct has a field with a tag that the inference does not read, or one that it leaves out: an embedded type that
// is a field, and what another field hides in Go, though both travel, for their tags give them names.
func retagged(t reflect.Type) bool {
	for _, f := range reflect.VisibleFields(t) {
		_, named := f.Tag.Lookup("bridge")
		_, filled := f.Tag.Lookup("default")
		_, described := f.Tag.Lookup("desc")
		own, err := parseConstraints(f.Tag, f.Type)
		if f.IsExported() && (err != nil || !own.empty()) {
			return true
		}
		if named && (f.IsExported() || f.Anonymous) || (filled || described) && f.IsExported() {
			return true
		}
	}
	fields, _ := value.FieldsOf(t)
	return slices.ContainsFunc(fields, func(named value.StructField) bool {
		f := t.FieldByIndex(named.Index)
		seen, visible := t.FieldByName(f.Name)
		return f.Anonymous || !visible || !slices.Equal(seen.Index, named.Index)
	})
}

// structSchema is the schema of a retagged struct as package value encodes it.
func structSchema(t reflect.Type, open map[reflect.Type]*jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	fields, _ := value.FieldsOf(t) // a type that has none so is refused where a value of it is encoded
	for _, named := range fields {
		f := t.FieldByIndex(named.Index)
		tag := fieldTag{required: true}
		tag.readJSON(f.Tag.Get("json"))
		if err := tag.readBridge(f.Tag.Get("bridge")); err != nil || tag.skip {
			continue
		}
		field, err := jsonschema.ForType(f.Type, &jsonschema.ForOptions{IgnoreInvalidTypes: true, TypeSchemas: open})
		if err != nil || field == nil {
			field = anything()
		}
		if own, err := parseConstraints(f.Tag, f.Type); err == nil && !own.empty() {
			own.apply(field, f.Type)
		}
		field.Description = f.Tag.Get("jsonschema") + f.Tag.Get("desc")
		field.Default = defaultOf(f)
		s.Properties[named.Name] = field
		s.PropertyOrder = append(s.PropertyOrder, named.Name)
		if tag.required && field.Default == nil && !embeddedOptional(t, named.Index) {
			s.Required = append(s.Required, named.Name)
		}
	}
	return s
}

// defaultOf is the default of a field inside of a struct, nil for none.
func defaultOf(f reflect.StructField) json.RawMessage {
	text, ok := f.Tag.Lookup("default")
	target := reflect.New(f.Type)
	if !ok || value.ParseDefault(text, target.Interface()) != nil {
		return nil
	}
	written, err := json.Marshal(target.Elem().Interface())
	if err != nil {
		return nil
	}
	return written
}

// embeddedOptional reports whether a field stands in an embedded struct that may be missing.
func embeddedOptional(t reflect.Type, index []int) bool {
	for i := range len(index) - 1 {
		if lackable(t.FieldByIndex(index[:i+1])) {
			return true
		}
	}
	return false
}
