package typed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	inferred "github.com/google/jsonschema-go/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// schemaAddress is what a tool's own schema is called inside the validator; nothing is ever loaded from it.
const schemaAddress = "https://toolbridge.invalid/input.json"

// check holds one argument's values to the JSON Schema of its property.
type check struct {
	schema *jsonschema.Schema
	sent   glance // at the Go value of what was sent, which is what the schema is for
	made   glance // at a Go value that the schema is for itself, as it is for the rows of a table
	row    *check // of each row of a table; nil where the schema has to have all of them
}

// noLoader refuses every reference that leads out of the schema.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(address string) (any, error) {
	return nil, fmt.Errorf("%q is outside the schema: only references within it are allowed", address)
}

// compileChecks gives a check to each argument that needs one: to all that a schema of the user's own describes, otherwise to those whose
// tags, or those of structs inside of them, ask for more than their Go types do.
func (p *plan) compileChecks(text string, own bool) error {
	if !own {
		return p.compileConstraints()
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("input schema: %w", err)
	}
	object, ok := doc.(map[string]any)
	if !ok {
		return errors.New("input schema: want an object")
	}
	compiler, err := newCompiler(doc)
	if err != nil {
		return err
	}
	properties, _ := object["properties"].(map[string]any)
	for i := range p.fields {
		f := &p.fields[i]
		if _, described := properties[f.Name]; f.Kind == tool.VarKeyword || !described {
			continue
		}
		if err := f.compile(compiler); err != nil {
			return err
		}
	}
	return nil
}

// compileConstraints gives a check to each argument whose tags ask for something.
func (p *plan) compileConstraints() error {
	schemas := constraintSchemas{names: map[reflect.Type]string{}, defs: map[string]*inferred.Schema{}}
	document := &inferred.Schema{Properties: map[string]*inferred.Schema{}}
	for i := range p.fields {
		f := &p.fields[i]
		s := schemas.of(f.elementType(), f.constraints)
		if s == nil {
			continue
		}
		if f.Kind == tool.VarPositional {
			s = &inferred.Schema{Items: s}
		}
		document.Properties[f.Name] = s
	}
	if len(document.Properties) == 0 {
		return nil
	}
	document.Defs = schemas.defs
	text, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("constraints: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("constraints: %w", err)
	}
	compiler, err := newCompiler(doc)
	if err != nil {
		return err
	}
	for i := range p.fields {
		f := &p.fields[i]
		if document.Properties[f.Name] == nil {
			continue
		}
		if err := f.compile(compiler); err != nil {
			return err
		}
		f.check.glance(f.elementType())
	}
	return nil
}

// glance gives a check of constraints what saves the schema from looking at most values.
func (c *check) glance(t reflect.Type) {
	c.sent = newGlances(true).of(t, c.schema)
	if t = deref(t); t.Kind() != reflect.Slice {
		return
	}
	glances := newGlances(false)
	c.made = glances.of(t, c.schema)
	if items := c.schema.Items2020; items != nil && c.schema.Enum == nil {
		c.row = &check{schema: items, made: glances.of(t.Elem(), items)}
	}
}

// newCompiler returns a compiler that knows one document, which is a schema.
func newCompiler(doc any) (*jsonschema.Compiler, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaAddress, doc); err != nil {
		return nil, fmt.Errorf("input schema: %w", err)
	}
	if _, err := compiler.Compile(schemaAddress); err != nil {
		return nil, fmt.Errorf("input schema: %w", err)
	}
	return compiler, nil
}

// compile gives the argument its check.
func (f *field) compile(compiler *jsonschema.Compiler) error {
	compiled, err := compiler.Compile(schemaAddress + f.pointer())
	if err != nil {
		return fmt.Errorf("input schema of argument %q: %w", f.Name, err)
	}
	f.check = &check{schema: compiled}
	return nil
}

// pointer is the JSON pointer to the schema of one value of the argument.
func (f *field) pointer() string {
	name := strings.NewReplacer("~", "~0", "/", "~1").Replace(f.Name)
	if f.Kind == tool.VarPositional {
		return "#/properties/" + name + "/items"
	}
	return "#/properties/" + name
}

// validate returns the path of what is wrong with a decoded value and what that is; "" and "" for nothing.
func (c *check) validate(v any) (path, wrong string) {
	shown := plainer{nan: aboveAll}
	if path, wrong = c.compare(shown.plain(v)); path != "" || !shown.sawNaN {
		return path, wrong
	}
	return c.compare((&plainer{nan: belowAll}).plain(v))
}

// keeps reports whether nothing is wrong with a decoded value.
func (c *check) keeps(v any) bool {
	_, wrong := c.validate(v)
	return wrong == ""
}

func (c *check) compare(shown any) (path, wrong string) {
	err := c.schema.Validate(shown)
	if err == nil {
		return "", ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return "$", err.Error()
	}
	for len(invalid.Causes) > 0 {
		invalid = firstCause(invalid)
	}
	path, found := located(shown, invalid.InstanceLocation)
	return path, explained(invalid.ErrorKind, found)
}
