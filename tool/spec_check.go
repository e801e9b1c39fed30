package tool

import (
	"encoding/json"
	"math"
	"strings"
)

// MaxArguments is how many arguments a tool has at most. Arguments are looked for one by one.
const MaxArguments = 256

// MaxSchemaDepth is how many objects and lists of a JSON Schema may be nested.
const MaxSchemaDepth = 128

// Check returns nil, or a ValidationError that names what is wrong with a spec before it may be registered: its names,
// its arguments and their types, its numbers, its schemas. An empty ID stands for Name, and an absent Type for Standard.
func (s *Spec) Check() *Error {
	if err := CheckName("tool name", s.Name); err != nil {
		return err
	}
	if s.ID != "" {
		if err := CheckName("tool id", s.ID); err != nil {
			return err
		}
	}
	if s.Type > External {
		return s.wrong("type", "tool %q has the type %d: want STANDARD (1), STREAMING (2) or EXTERNAL (3)", s.Name, s.Type)
	}
	if !ValidTypeName(s.ReturnType) {
		return s.wrong("return_type", "tool %q returns the unknown type %s: want one of %s", s.Name, shown(s.ReturnType), strings.Join(TypeNames(), " "))
	}
	if err := s.checkNumbers(); err != nil {
		return err
	}
	if err := s.checkArguments(); err != nil {
		return err
	}
	if err := s.checkSchema("input_schema", s.InputSchema); err != nil {
		return err
	}
	return s.checkSchema("output_schema", s.OutputSchema)
}

func (s *Spec) checkNumbers() *Error {
	switch {
	case s.MaxConcurrency < 0:
		return s.wrong("max_concurrency", "tool %q has max_concurrency %d: want 0 (no limit of its own) or more", s.Name, s.MaxConcurrency)
	case s.Timeout < 0:
		return s.wrong("timeout", "tool %q has the timeout %v: want 0 (the bridge's) or more", s.Name, s.Timeout)
	case !(s.RatePerSecond >= 0) || math.IsInf(s.RatePerSecond, 1): // also refuses NaN
		return s.wrong("rate_per_second", "tool %q has rate_per_second %v: want 0 (no limit) or a finite number above it", s.Name, s.RatePerSecond)
	case s.RateBurst < 0:
		return s.wrong("rate_burst", "tool %q has rate_burst %d: want 1 or more, or 0 for a second's worth", s.Name, s.RateBurst)
	case s.RateBurst > 0 && s.RatePerSecond == 0:
		return s.wrong("rate_burst", "tool %q has rate_burst %d without a rate: give rate_per_second too", s.Name, s.RateBurst)
	default:
		return nil
	}
}

func (s *Spec) checkArguments() *Error {
	if n := len(s.Arguments); n > MaxArguments {
		return s.wrong("arguments", "tool %q has %d arguments, the limit is %d: take a dict or a record instead", s.Name, n, MaxArguments)
	}
	seen := make(map[string]bool, len(s.Arguments))
	var variadic, keywords bool
	for i := range s.Arguments {
		a := &s.Arguments[i]
		if err := s.checkArgument(a); err != nil {
			return err
		}
		if seen[a.Name] {
			return s.wrongArgument(a, "is declared twice: names are unique within a tool")
		}
		seen[a.Name] = true
		if keywords {
			return s.wrongArgument(a, "stands behind the argument that takes all surplus keywords: that one is the last")
		}
		if variadic && a.Kind <= PositionalOnly {
			return s.wrongArgument(a, "can be given by position but stands behind the argument that takes all surplus ones")
		}
		if variadic && a.Kind == VarPositional {
			return s.wrongArgument(a, "is a second one that takes all surplus positional arguments: want at most one")
		}
		variadic = variadic || a.Kind == VarPositional
		keywords = keywords || a.Kind == VarKeyword
	}
	return nil
}

// checkArgument checks one argument by itself.
func (s *Spec) checkArgument(a *Argument) *Error {
	if err := CheckName("argument name of tool "+shown(s.Name), a.Name); err != nil {
		return err
	}
	if !ValidTypeName(a.Type) {
		return s.wrongArgument(a, "has the unknown type "+shown(a.Type)+": want one of "+strings.Join(TypeNames(), " "))
	}
	if a.Kind > VarKeyword {
		return s.wrongArgument(a, "has an unknown kind")
	}
	return nil
}

func (s *Spec) wrong(field, format string, args ...any) *Error {
	return Errorf(ValidationError, format, args...).With("tool", s.Name).With("field", field)
}

func (s *Spec) wrongArgument(a *Argument, what string) *Error {
	return s.wrong("arguments", "argument %q of tool %q %s", a.Name, s.Name, what).With("argument", a.Name)
}

// checkSchema checks a JSON Schema as far as programs rely on it that show or check values by it: it is a JSON object that
// refers to nothing outside. An absent one is right.
func (s *Spec) checkSchema(field, schema string) *Error {
	if schema == "" {
		return nil
	}
	var root any
	if err := json.Unmarshal([]byte(schema), &root); err != nil {
		return s.wrong(field, "the %s of tool %q is no JSON: %w", field, s.Name, err)
	}
	if _, is := root.(map[string]any); !is {
		return s.wrong(field, "the %s of tool %q is JSON but no object: want a JSON Schema such as {\"type\": \"object\"}", field, s.Name)
	}
	return s.checkSubschema(field, "#", root, 1)
}

// checkSubschema checks what stands at a place of a schema: a schema, or a list of them.
func (s *Spec) checkSubschema(field, at string, value any, depth int) *Error {
	if depth > MaxSchemaDepth {
		return s.wrong(field, "the %s of tool %q is nested in more than %d levels", field, s.Name, MaxSchemaDepth)
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if err := s.checkSubschema(field, at, item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for keyword, inner := range value {
			if err := s.checkKeyword(field, at+"/"+keyword, keyword, inner, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Spec) checkKeyword(field, at, keyword string, value any, depth int) *Error {
	switch keyword {
	case "$ref", "$dynamicRef", "$recursiveRef":
		if target, is := value.(string); !is || !strings.HasPrefix(target, "#") {
			return s.wrong(field, "the %s of tool %q refers at %s to something outside: want a reference within the schema, such as \"#/$defs/name\"", field, s.Name, shown(at))
		}
	case "const", "default", "enum", "examples": // values, not schemas
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas": // schemas by free names
		if named, is := value.(map[string]any); is {
			for name, schema := range named {
				if err := s.checkSubschema(field, at+"/"+name, schema, depth+2); err != nil {
					return err
				}
			}
		}
	default:
		return s.checkSubschema(field, at, value, depth+1)
	}
	return nil
}
