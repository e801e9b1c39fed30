package typed

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// schemaAddress is what a tool's own schema is called inside the validator; nothing is ever loaded from it.
const schemaAddress = "https://toolbridge.invalid/input.json"

// check holds one argument's values to the JSON Schema of its property.
type check struct {
	schema *jsonschema.Schema
}

// noLoader refuses every reference that leads out of the schema.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(address string) (any, error) {
	return nil, fmt.Errorf("%q is outside the schema: only references within it are allowed", address)
}

// compileChecks compiles the input schema and gives a check to each argument that needs one: to all that a schema of
// the user's own describes, otherwise to those whose tags ask for more than their Go types do.
func (p *plan) compileChecks(text string, own bool) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("input schema: %w", err)
	}
	object, ok := doc.(map[string]any)
	if !ok {
		return errors.New("input schema: want an object")
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaAddress, doc); err != nil {
		return fmt.Errorf("input schema: %w", err)
	}
	if _, err := compiler.Compile(schemaAddress); err != nil {
		return fmt.Errorf("input schema: %w", err)
	}
	properties, _ := object["properties"].(map[string]any)
	for i := range p.fields {
		f := &p.fields[i]
		if _, described := properties[f.Name]; f.Kind == tool.VarKeyword || !described || !own && f.constraints.empty() {
			continue
		}
		compiled, err := compiler.Compile(schemaAddress + f.pointer())
		if err != nil {
			return fmt.Errorf("input schema of argument %q: %w", f.Name, err)
		}
		f.check = &check{schema: compiled}
	}
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

// validate returns what is wrong with a decoded value, or "".
func (c *check) validate(v any) string {
	err := c.schema.Validate(plain(v))
	if err == nil {
		return ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	text := invalid.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	if len(invalid.InstanceLocation) > 0 {
		return "at " + strings.Join(invalid.InstanceLocation, ".") + ": " + text
	}
	return text
}

// plain turns a decoded value into the form that the validator reads. What is not JSON (dates, bytes, tables) becomes
// an object, which a schema that leaves it open takes and one that wants text or a number refuses.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, string, float64, int64:
		return v
	case *big.Int:
		return json.Number(v.String())
	case []any:
		items := make([]any, len(v))
		for i := range v {
			items[i] = plain(v[i])
		}
		return items
	case *value.Dict:
		return plainDict(v)
	default:
		return notJSON()
	}
}

func plainDict(d *value.Dict) any {
	object := make(map[string]any, d.Len())
	for key, item := range d.All() {
		name, ok := key.(string)
		if !ok {
			return notJSON()
		}
		object[name] = plain(item)
	}
	return object
}

// notJSON stands for what JSON cannot say.
func notJSON() any { return map[string]any{"$value": nil} }
