package typed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	inferred "github.com/google/jsonschema-go/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
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
	}
	return nil
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
		invalid = invalid.Causes[0]
	}
	path, found := located(shown, invalid.InstanceLocation)
	return path, explained(invalid.ErrorKind, found)
}

// explained says what a part of a value should be. A number is told with all its digits.
func explained(k jsonschema.ErrorKind, found any) string {
	switch k := k.(type) {
	case *kind.Minimum:
		return fmt.Sprintf("minimum: got %s, want %s", told(found), number(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("maximum: got %s, want %s", told(found), number(k.Want))
	default:
		return k.LocalizedString(message.NewPrinter(language.English))
	}
}

// number writes a bound as the shortest text of its float.
func number(bound *big.Rat) string {
	f, _ := bound.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func told(found any) string {
	switch found {
	case aboveAll, belowAll:
		return "NaN"
	case json.Number(infinite):
		return "Infinity"
	case json.Number("-" + infinite):
		return "-Infinity"
	}
	return fmt.Sprint(found)
}

// located returns a part of a value with its path in the form that values have, see docs/values.md.
func located(in any, steps []string) (path string, part any) {
	var b strings.Builder
	b.WriteByte('$')
	for _, step := range steps {
		switch held := in.(type) {
		case []any:
			b.WriteString("[" + step + "]")
			if i, err := strconv.Atoi(step); err == nil && i < len(held) {
				in = held[i]
			}
		case map[string]any:
			in = held[step]
			if key, odd := strings.CutPrefix(step, oddKey); odd {
				b.WriteString(key)
			} else {
				b.WriteString(value.Step(step))
			}
		}
	}
	return b.String(), in
}

// oddKey begins what stands in an object for a key that is no text; its step in a path follows.
const oddKey = "\x00"

// A plainer brings values into the form that the validator reads.
type plainer struct {
	nan    json.Number // what stands for NaN, which lies within no bounds: so it is looked at as one above all and as one below all
	sawNaN bool
}

const (
	infinite = "1e400"
	aboveAll = json.Number(infinite + "1") // 1e4001
	belowAll = json.Number("-" + infinite + "1")
)

// plain turns a decoded value into the form that the validator reads: objects as those of their fields, members of enumerations as their
// values, tuples and sets as lists. What is not JSON (dates, bytes) becomes an object, which a schema that leaves it open takes and one that
// wants text or a number refuses. What is infinite becomes a number that no float reaches, for JSON has none.
func (p *plainer) plain(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int64:
		return v
	case float64:
		return p.float(v)
	case *big.Int:
		return json.Number(v.String())
	case value.UUID:
		return v.String()
	case value.Enum:
		return p.plain(v.Value)
	case []any:
		return p.items(v)
	case value.Tuple:
		return p.items(v)
	case value.Set:
		return p.items(v)
	case value.FrozenSet:
		return p.items(v)
	case *value.Dict:
		return p.dict(v)
	case value.Record:
		object := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			object[f.Name] = p.plain(f.Value)
		}
		return object
	default:
		return notJSON()
	}
}

func (p *plainer) float(f float64) any {
	switch {
	case math.IsNaN(f):
		p.sawNaN = true
		return p.nan
	case math.IsInf(f, 1):
		return json.Number(infinite)
	case math.IsInf(f, -1):
		return json.Number("-" + infinite)
	}
	return f
}

func (p *plainer) items(values []any) []any {
	items := make([]any, len(values))
	for i := range values {
		items[i] = p.plain(values[i])
	}
	return items
}

func (p *plainer) dict(d *value.Dict) any {
	object := make(map[string]any, d.Len())
	for key, item := range d.All() {
		name, ok := key.(string)
		if !ok {
			name = oddKey + value.Step(key)
		}
		object[name] = p.plain(item)
	}
	return object
}

// notJSON stands for what JSON cannot say.
func notJSON() any { return map[string]any{"$value": nil} }
