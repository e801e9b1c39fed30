package broker

import (
	"fmt"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// validate checks a call's arguments against what the tool declares, as far as that can be seen without decoding
// them: their number, their names, and type URLs that cannot be of the declared type. It allocates only for errors.
func validate(spec *tool.Spec, call *tool.Call) *tool.Error {
	if err := validatePositional(spec, call); err != nil {
		return err
	}
	if err := validateKeywords(spec, call); err != nil {
		return err
	}
	return validateRequired(spec, call)
}

func validatePositional(spec *tool.Spec, call *tool.Call) *tool.Error {
	next := 0
	for i := range spec.Arguments {
		a := &spec.Arguments[i]
		switch {
		case next == len(call.Args):
			return nil
		case a.Kind == tool.VarPositional:
			for ; next < len(call.Args); next++ {
				if err := validateType(spec, a, a.Name, call.Args[next]); err != nil {
					return err
				}
			}
		case a.Kind <= tool.PositionalOnly:
			if err := validateType(spec, a, a.Name, call.Args[next]); err != nil {
				return err
			}
			next++
		}
	}
	if next < len(call.Args) {
		return invalid(spec, "", "tool %q takes at most %d positional arguments, got %d: it is %s", spec.Name, next, len(call.Args), signature(spec)).
			With("want", fmt.Sprint(next)).With("got", fmt.Sprint(len(call.Args)))
	}
	return nil
}

func validateKeywords(spec *tool.Spec, call *tool.Call) *tool.Error {
	repeated := repeatedKeyword(call.Kwargs)
	for i := range call.Kwargs {
		k := &call.Kwargs[i]
		if i == repeated {
			return invalid(spec, k.Name, "argument %q of tool %q is given twice by name", k.Name, spec.Name)
		}
		a, position := named(spec, k.Name)
		if a == nil {
			return invalid(spec, k.Name, "tool %q has no argument %q: it is %s", spec.Name, k.Name, signature(spec))
		}
		if position >= 0 && position < len(call.Args) {
			return invalid(spec, k.Name, "argument %q of tool %q is given twice: by position and by name", k.Name, spec.Name)
		}
		if err := validateType(spec, a, k.Name, k.Value); err != nil {
			return err
		}
	}
	return nil
}

// fewKeywords are compared with each other; more are put in a map.
const fewKeywords = 16

// repeatedKeyword returns the index of a keyword whose name stands before it as well, or -1.
func repeatedKeyword(keywords []tool.Keyword) int {
	if len(keywords) <= fewKeywords {
		for i := range keywords {
			if givenBefore(keywords[:i], keywords[i].Name) {
				return i
			}
		}
		return -1
	}
	seen := make(map[string]bool, len(keywords))
	for i := range keywords {
		if seen[keywords[i].Name] {
			return i
		}
		seen[keywords[i].Name] = true
	}
	return -1
}

func givenBefore(earlier []tool.Keyword, name string) bool {
	for i := range earlier {
		if earlier[i].Name == name {
			return true
		}
	}
	return false
}

// named returns the argument that a keyword goes to, and its position, -1 if it has none.
func named(spec *tool.Spec, name string) (*tool.Argument, int) {
	position := 0
	var rest *tool.Argument
	for i := range spec.Arguments {
		a := &spec.Arguments[i]
		switch a.Kind {
		case tool.PositionalOrKeyword:
			if a.Name == name {
				return a, position
			}
			position++
		case tool.PositionalOnly:
			position++
		case tool.KeywordOnly:
			if a.Name == name {
				return a, -1
			}
		case tool.VarKeyword:
			rest = a
		default: // VarPositional takes no keyword
		}
	}
	return rest, -1
}

func validateRequired(spec *tool.Spec, call *tool.Call) *tool.Error {
	position := 0
	var missing []string
	for i := range spec.Arguments {
		a := &spec.Arguments[i]
		given := false
		if a.Kind <= tool.PositionalOnly {
			given = position < len(call.Args)
			position++
		}
		if !a.Required || given || a.Kind >= tool.VarPositional {
			continue
		}
		if a.Kind == tool.PositionalOnly || !givenBefore(call.Kwargs, a.Name) {
			missing = append(missing, a.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return invalid(spec, missing[0], "tool %q lacks the required arguments %s: it is %s", spec.Name, strings.Join(quoted(missing), ", "), signature(spec))
}

// validateType checks one value. Errors call it by name: the argument's own, or the keyword's where the argument takes
// all that are left.
func validateType(spec *tool.Spec, a *tool.Argument, name string, v tool.Value) *tool.Error {
	named := v.TypeURL != "" || len(v.Bytes) == 0
	if named && tool.CanBe(v.TypeURL, a.Type, a.Nullable) {
		return nil
	}
	want, got := typeText(a), valueType(v)
	return invalid(spec, name, "argument %q of tool %q: want %s, got %s%s", name, spec.Name, want, got, tool.JSONAdvice("$", want, got)).With("want", want).With("got", got)
}

// invalid makes a ValidationError of a call's arguments.
func invalid(spec *tool.Spec, argument, format string, args ...any) *tool.Error {
	err := tool.Errorf(tool.ValidationError, format, args...).With("tool", spec.ID)
	if argument != "" {
		err = err.With("argument", argument)
	}
	return err
}

// signature shows a tool as its callers see it: add_numbers(a: int, b: int = …).
func signature(spec *tool.Spec) string {
	var b strings.Builder
	b.WriteString(spec.Name)
	b.WriteByte('(')
	for i := range spec.Arguments {
		a := &spec.Arguments[i]
		if i > 0 {
			b.WriteString(", ")
		}
		switch a.Kind {
		case tool.VarPositional:
			b.WriteByte('*')
		case tool.VarKeyword:
			b.WriteString("**")
		default: // no mark
		}
		b.WriteString(a.Name + ": " + typeText(a))
		if !a.Required && a.Kind < tool.VarPositional {
			b.WriteString(" = …")
		}
	}
	b.WriteByte(')')
	return b.String()
}

func typeText(a *tool.Argument) string {
	name := a.Type
	if name == "" {
		name = "any"
	}
	if a.Nullable {
		name += " or none"
	}
	return name
}

// valueType names what a value is by its type URL, in the words of declared types where there is one.
func valueType(v tool.Value) string {
	if v.IsZero() {
		return "none"
	}
	name := v.TypeURL[strings.LastIndexByte(v.TypeURL, '/')+1:]
	switch name {
	case "":
		return "a value without a type URL"
	case "google.protobuf.StringValue":
		return "str"
	case "google.protobuf.BoolValue":
		return "bool"
	case "google.protobuf.Int64Value", "google.protobuf.Int32Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value":
		return "int"
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue":
		return "float"
	case "google.protobuf.BytesValue":
		return "bytes"
	case "google.protobuf.ListValue":
		return "list"
	case "google.protobuf.Struct":
		return "dict"
	case "google.protobuf.Value":
		return "none"
	case "dspex.bridge.Value":
		return taggedType(v.Bytes)
	default:
		return name[:min(len(name), tool.MaxNameBytes)]
	}
}

// taggedType names what a dspex.bridge.Value holds by its first field, which is the kind where it was written by an SDK.
func taggedType(b []byte) string {
	names := [...]string{
		"none", "bool", "int", "float", "str", "bytes", "int", "list", "tuple", "set", "frozenset", "dict", "datetime",
		"date", "time", "timedelta", "Decimal", "Fraction", "complex", "UUID", "Enum", "record",
	}
	if len(b) < 2 || b[0] != 8 || int(b[1]) >= len(names) {
		return "a value of another type"
	}
	return names[b[1]]
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return out
}
