package typed

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// inputSchema infers the JSON Schema of the arguments as one object, as the codec takes them.
func (p *plan) inputSchema(codec Codec) (string, error) {
	ours, is := codec.(*value.Codec)
	open := is && ours.AllowsSurplus()
	object := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	if p.keywords < 0 {
		object.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	for i := range p.fields {
		f := &p.fields[i]
		s := f.schema()
		if open {
			takeSurplus(s)
		}
		switch f.Kind {
		case tool.VarKeyword:
			object.AdditionalProperties = s
			continue
		case tool.VarPositional:
			s = &jsonschema.Schema{Type: "array", Items: s}
		default:
		}
		s.Description = f.Description
		if f.fallback.IsValid() {
			text, err := json.Marshal(f.fallback.Interface())
			if err != nil {
				return "", fmt.Errorf("default of %q: %w", f.Name, err)
			}
			s.Default = text
		}
		object.Properties[f.Name] = s
		object.PropertyOrder = append(object.PropertyOrder, f.Name)
		if f.Required {
			object.Required = append(object.Required, f.Name)
		}
	}
	text, err := json.Marshal(object)
	return string(text), err
}

// schema infers the schema of one value of an argument.
func (f *field) schema() *jsonschema.Schema {
	s := schemaOf(f.elementType())
	if !f.Nullable && f.Type != "any" {
		withoutNull(s)
	}
	f.constraints.apply(s, f.elementType())
	return s
}

// outputSchema infers the schema of a result, "" if nothing is known.
func outputSchema(out reflect.Type) (string, error) {
	if out == reflect.TypeFor[struct{}]() {
		return `{"type":"null"}`, nil
	}
	if typeName(out) == "any" {
		return "", nil
	}
	text, err := json.Marshal(schemaOf(out))
	if err != nil {
		return "", err
	}
	return string(text), nil
}

// schemaOf infers a schema from a Go type. What JSON cannot say (dates, bytes, tables, types that contain
// themselves) is left open, with the declared type's name as its format.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	if s := openSchema(t); s != nil {
		return s
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{IgnoreInvalidTypes: true, TypeSchemas: openSchemas(t)})
	if err != nil || s == nil {
		return anything()
	}
	return s
}

// anything takes every value. It is an object with a comment because the empty schema is written as true, which not
// every reader of schemas takes.
func anything() *jsonschema.Schema { return &jsonschema.Schema{Comment: "any value"} }

// openSchema returns the schema of a Go type that the inference would describe by its Go form although its values
// have another one, otherwise nil.
func openSchema(t reflect.Type) *jsonschema.Schema {
	name := typeName(t)
	if name == "any" {
		return anything()
	}
	if base := deref(t); name == kindName(base) && knownTypeName(base) == "" && name != "bytes" && name != "set" {
		return nil
	}
	switch name {
	case "none":
		return &jsonschema.Schema{Type: "null"}
	case "int":
		return &jsonschema.Schema{Type: "integer"}
	case "str":
		return &jsonschema.Schema{Type: "string"}
	case "list":
		return &jsonschema.Schema{Type: "array"}
	case "dict", "record":
		return &jsonschema.Schema{Type: "object"}
	default:
		return &jsonschema.Schema{Format: name}
	}
}

// openSchemas lists the schemas of the types inside t that have one by openSchema.
func openSchemas(t reflect.Type) map[reflect.Type]*jsonschema.Schema {
	open := map[reflect.Type]*jsonschema.Schema{}
	collectOpen(t, open, map[reflect.Type]bool{})
	return open
}

func collectOpen(t reflect.Type, open map[reflect.Type]*jsonschema.Schema, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	if s := openSchema(t); s != nil {
		open[deref(t)] = s
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		collectOpen(t.Elem(), open, seen)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() {
				collectOpen(f.Type, open, seen)
			}
		}
		fields, _ := value.FieldsOf(t)
		for _, f := range fields { // those too that others hide in Go
			collectOpen(t.FieldByIndex(f.Index).Type, open, seen)
		}
		if retagged(t) {
			open[t] = structSchema(t, open)
		}
	default:
	}
}

// takeSurplus has a schema take fields that structs do not have.
func takeSurplus(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Not != nil {
		s.AdditionalProperties = nil
	}
	takeSurplus(s.Items)
	takeSurplus(s.AdditionalProperties)
	for _, property := range s.Properties {
		takeSurplus(property)
	}
}

func withoutNull(s *jsonschema.Schema) {
	s.Types = slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return t == "null" })
	switch len(s.Types) {
	case 0:
		s.Types = nil
	case 1:
		s.Type, s.Types = s.Types[0], nil
	default:
	}
}
