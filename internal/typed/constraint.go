package typed

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// constraints are what a field's tags ask of a value beyond its type.
type constraints struct {
	min, max *float64
	pattern  string
	enum     []any
}

// empty reports whether nothing is asked.
func (c constraints) empty() bool {
	return c.min == nil && c.max == nil && c.pattern == "" && c.enum == nil
}

// parseConstraints reads the tags min, max, pattern and enum of a field whose values have the type t.
func parseConstraints(tags reflect.StructTag, t reflect.Type) (constraints, error) {
	var c constraints
	var err error
	if c.min, err = bound(tags, "min"); err != nil {
		return c, err
	}
	if c.max, err = bound(tags, "max"); err != nil {
		return c, err
	}
	c.pattern = tags.Get("pattern")
	if _, err := regexp.Compile(c.pattern); err != nil {
		return c, fmt.Errorf("pattern: %w", err)
	}
	if choices := tags.Get("enum"); choices != "" {
		c.enum, err = parseEnum(choices, t)
	}
	return c, err
}

// checkType refuses constraints that say nothing of values of a type, which nobody would keep.
func (c constraints) checkType(t reflect.Type) error {
	if c.empty() {
		return nil
	}
	s := schemaOf(t)
	isText, isSized := hasType(s, "string"), isList(s, t) || isDict(s, t) || isSet(t)
	isNumber := hasType(s, "integer") || hasType(s, "number")
	isAny := s.Comment != "" && !isSized
	switch {
	case s.Format != "" && !isText && !isSized && !isNumber:
		return fmt.Errorf("min, max, pattern and enum say nothing of a %s", t)
	case c.pattern != "" && !isText && !isAny:
		return fmt.Errorf("pattern %q: only a string has one, not a %s", c.pattern, t)
	case (c.min != nil || c.max != nil) && !isText && !isSized && !isNumber && !isAny:
		return fmt.Errorf("min and max say nothing of a %s", t)
	}
	for key, limit := range map[string]*float64{"min": c.min, "max": c.max} {
		if limit != nil && !isNumber && !isAny && (*limit < 0 || *limit != math.Trunc(*limit)) {
			return fmt.Errorf("%s %v: the length of a %s is a whole number", key, *limit, t)
		}
	}
	return nil
}

func bound(tags reflect.StructTag, key string) (*float64, error) {
	text, ok := tags.Lookup(key)
	if !ok {
		return nil, nil //nolint:nilnil // no bound is a bound that is not there
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not a number", key, text)
	}
	return &f, nil
}

func parseEnum(choices string, t reflect.Type) ([]any, error) {
	var enum []any
	for choice := range strings.SplitSeq(choices, "|") {
		target := reflect.New(t)
		if err := value.ParseDefault(choice, target.Interface()); err != nil {
			return nil, fmt.Errorf("enum: %q does not fit %s: %w", choice, t, err)
		}
		text, err := json.Marshal(target.Elem().Interface())
		if err != nil {
			return nil, fmt.Errorf("enum: %w", err)
		}
		enum = append(enum, json.RawMessage(text))
	}
	if t.Kind() == reflect.Pointer {
		enum = append(enum, json.RawMessage("null"))
	}
	return enum, nil
}

// isList reports whether values of a type are lists. The schema of a type that is inside of itself does not say so.
func isList(s *jsonschema.Schema, t reflect.Type) bool {
	return hasType(s, "array") || typeName(t) == "list"
}

// isDict reports whether values of a type are dicts, whatever their keys are.
func isDict(s *jsonschema.Schema, t reflect.Type) bool {
	return hasType(s, "object") || typeName(t) == "dict"
}

// isSet reports whether a map is a set of its keys.
func isSet(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Map && t.Elem() == reflect.TypeFor[struct{}]()
}

// apply writes the constraints into the schema of a type, each as the keyword that is the type's.
func (c constraints) apply(s *jsonschema.Schema, t reflect.Type) {
	s.Pattern, s.Enum = c.pattern, c.enum
	switch {
	case hasType(s, "string"):
		s.MinLength, s.MaxLength = whole(c.min), whole(c.max)
	case isList(s, t), isSet(t):
		s.MinItems, s.MaxItems = whole(c.min), whole(c.max)
	case isDict(s, t):
		s.MinProperties, s.MaxProperties = whole(c.min), whole(c.max)
	default:
		s.Minimum, s.Maximum = tighter(s.Minimum, c.min), tighter(s.Maximum, c.max)
	}
}

func hasType(s *jsonschema.Schema, name string) bool {
	if s.Type == name {
		return true
	}
	for _, t := range s.Types {
		if t == name {
			return true
		}
	}
	return false
}

// tighter is the bound of the tag where there is one, otherwise that of the Go type.
func tighter(ofType, ofTag *float64) *float64 {
	if ofTag != nil {
		return ofTag
	}
	return ofType
}

func whole(f *float64) *int {
	if f == nil {
		return nil
	}
	n := int(*f)
	return &n
}
