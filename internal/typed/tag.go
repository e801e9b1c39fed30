package typed

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// fieldTag is what a struct field's tags say of the argument it stands for.
type fieldTag struct {
	name        string
	typeName    string
	description string
	kind        tool.Kind
	required    bool
	nullable    bool
	skip        bool
}

// parseTag reads the tags bridge, json, desc and jsonschema of a field.
func parseTag(f reflect.StructField) (fieldTag, error) {
	t := fieldTag{name: snakeCase(f.Name), required: f.Type.Kind() != reflect.Pointer, nullable: f.Type.Kind() == reflect.Pointer}
	t.description = f.Tag.Get("desc")
	if t.description == "" {
		t.description = f.Tag.Get("jsonschema")
	}
	if _, ok := f.Tag.Lookup("default"); ok {
		t.required = false
	}
	t.readJSON(f.Tag.Get("json"))
	if err := t.readBridge(f.Tag.Get("bridge")); err != nil {
		return t, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return t, nil
}

func (t *fieldTag) readJSON(tag string) {
	name, options, _ := strings.Cut(tag, ",")
	switch {
	case tag == "-":
		t.skip = true
	case name != "":
		t.name = name
	}
	for option := range strings.SplitSeq(options, ",") {
		if option == "omitempty" || option == "omitzero" {
			t.required = false
		}
	}
}

func (t *fieldTag) readBridge(tag string) error {
	if tag == "" {
		return nil
	}
	name, options, _ := strings.Cut(tag, ",")
	t.skip = tag == "-"
	if name != "" {
		t.name = name
	}
	for option := range strings.SplitSeq(options, ",") {
		if err := t.apply(strings.TrimSpace(option)); err != nil {
			return err
		}
	}
	return nil
}

func (t *fieldTag) apply(option string) error {
	if name, ok := strings.CutPrefix(option, "type="); ok {
		t.typeName = name
		if !tool.ValidTypeName(name) || name == "" {
			return fmt.Errorf("bridge tag: unknown type %q: want one of %s", name, strings.Join(tool.TypeNames(), " "))
		}
		return nil
	}
	switch option {
	case "":
	case "required":
		t.required = true
	case "optional", "omitempty", "omitzero":
		t.required = false
	case "nullable":
		t.nullable = true
	case "positional":
		t.kind = tool.PositionalOnly
	case "keyword":
		t.kind = tool.KeywordOnly
	case "variadic":
		t.kind, t.required = tool.VarPositional, false
	case "keywords":
		t.kind, t.required = tool.VarKeyword, false
	default:
		return fmt.Errorf("bridge tag: unknown option %q: want required, optional, nullable, positional, keyword, variadic, keywords or type=NAME", option)
	}
	return nil
}

// snakeCase turns a Go name into the form in which arguments are usually written: MaxItems is max_items, URLPath is
// url_path.
func snakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && startsWord(runes, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// startsWord reports whether the upper-case letter at i begins a word.
func startsWord(runes []rune, i int) bool {
	if runes[i-1] == '_' {
		return false
	}
	return !unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])
}
