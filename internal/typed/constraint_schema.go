package typed

import (
	"reflect"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// constraintSchemas makes the schemas by which values are held to the tags of their structs. They have nothing but constraints: that a value
// is of its Go type was seen when it was decoded, in whatever form it came.
type constraintSchemas struct {
	names map[reflect.Type]string
	defs  map[string]*jsonschema.Schema
}

// of returns the schema of one value of a type, nil where no tag asks for anything.
func (c *constraintSchemas) of(t reflect.Type, own constraints) *jsonschema.Schema {
	s := c.inside(t)
	if own.empty() {
		return s
	}
	if s == nil {
		s = &jsonschema.Schema{}
	}
	shown := schemaOf(t)
	if deref(t).Kind() == reflect.Float32 && hasType(shown, "number") {
		own = own.ofFloat32()
	}
	own.apply(shown, t)
	s.Minimum, s.Maximum, s.Pattern, s.Enum = shown.Minimum, shown.Maximum, shown.Pattern, shown.Enum
	s.MinLength, s.MaxLength, s.MinItems, s.MaxItems = shown.MinLength, shown.MaxLength, shown.MinItems, shown.MaxItems
	s.MinProperties, s.MaxProperties = shown.MinProperties, shown.MaxProperties
	return s
}

// inside returns the schema of what a value of a type holds.
func (c *constraintSchemas) inside(t reflect.Type) *jsonschema.Schema {
	if openSchema(t) != nil || !constrained(t, map[reflect.Type]bool{}) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.inside(t.Elem())
	case reflect.Slice, reflect.Array:
		if items := c.inside(t.Elem()); items != nil {
			return &jsonschema.Schema{Items: items}
		}
	case reflect.Map:
		if values := c.inside(t.Elem()); values != nil {
			return &jsonschema.Schema{AdditionalProperties: values}
		}
	case reflect.Struct:
		return c.reference(t)
	default:
	}
	return nil
}

// reference returns a reference to the schema of a struct, which may be inside of itself.
func (c *constraintSchemas) reference(t reflect.Type) *jsonschema.Schema {
	name, known := c.names[t]
	if !known {
		name = strconv.Itoa(len(c.names))
		c.names[t] = name
		made := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{}}
		fields, _ := value.FieldsOf(t) // one that has none so is refused when it is decoded
		for _, named := range fields {
			f := t.FieldByIndex(named.Index)
			own, _ := parseConstraints(f.Tag, f.Type) // which checkNested has seen
			if s := c.of(f.Type, own); s != nil {
				made.Properties[named.Name] = s
			}
		}
		c.defs[name] = made
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

// constrained reports whether a type holds structs whose tags ask for something.
func constrained(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return constrained(t.Elem(), seen)
	}
	if !takesStruct(t) {
		return false
	}
	fields, _ := value.FieldsOf(t)
	for _, named := range fields {
		f := t.FieldByIndex(named.Index)
		if own, err := parseConstraints(f.Tag, f.Type); err != nil || !own.empty() || constrained(f.Type, seen) {
			return true
		}
	}
	return false
}
