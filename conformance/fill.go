package conformance

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// placeholder stands in a text for something known only when the scenario runs.
var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// filler replaces placeholders and generators.
type filler struct {
	known   map[string]any
	vectors map[string]any
}

// fill returns a document with everything replaced. A text that is nothing but a placeholder becomes what it stands
// for; within a longer text it becomes text. Names that are not known stay as they are.
func (f *filler) fill(document any) (any, error) {
	switch d := document.(type) {
	case string:
		return f.text(d), nil
	case []any:
		out := make([]any, len(d))
		for i, item := range d {
			filled, err := f.fill(item)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case Object:
		return f.object(d)
	default:
		return document, nil
	}
}

func (f *filler) text(text string) any {
	if m := placeholder.FindStringSubmatch(text); len(m) > 1 && m[0] == text {
		if value, known := f.known[m[1]]; known {
			return value
		}
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		value, known := f.known[found[1:len(found)-1]]
		if !known {
			return found
		}
		return fmt.Sprint(value)
	})
}

func (f *filler) object(object Object) (any, error) {
	out := make(Object, len(object))
	for i, m := range object {
		value, err := f.fill(m.Value)
		if err != nil {
			return nil, err
		}
		out[i] = Member{fmt.Sprint(f.text(m.Name)), value}
	}
	if len(out) == 1 && strings.HasPrefix(out[0].Name, "?") {
		return f.generated(out)
	}
	return out, nil
}

// generated makes the values that are too long to be written; what is no generator is a matcher and stays.
func (f *filler) generated(o Object) (any, error) {
	switch of := o[0].Value; o[0].Name {
	case "?repeat": // [text, times]
		text, times, err := counted(of)
		if err != nil {
			return nil, err
		}
		return strings.Repeat(fmt.Sprint(text), times), nil
	case "?times": // [item, times]
		item, times, err := counted(of)
		list := make([]any, times)
		for i := range list {
			list[i] = item
		}
		return list, err
	case "?nested": // [innermost, levels]
		item, levels, err := counted(of)
		for range levels {
			item = []any{item}
		}
		return item, err
	case "?bytes":
		n, err := number(of)
		return Object{{"$bytes", base64.StdEncoding.EncodeToString(make([]byte, n))}}, err
	case "?vector":
		v, known := f.vectors[fmt.Sprint(of)]
		if !known {
			return nil, fmt.Errorf("no vector is called %q", of)
		}
		return v, nil
	case "?hex":
		text, err := hex.DecodeString(fmt.Sprint(of))
		return string(text), err
	default:
		return o, nil
	}
}

func counted(of any) (any, int, error) {
	pair, is := of.([]any)
	if !is || len(pair) != 2 {
		return nil, 0, fmt.Errorf("want [what, how often], got %v", of)
	}
	n, err := number(pair[1])
	return pair[0], n, err
}

func number(of any) (int, error) {
	n, is := of.(json.Number)
	if !is {
		return 0, fmt.Errorf("want a whole number, got %v", of)
	}
	i, err := strconv.Atoi(n.String())
	if err != nil {
		return 0, fmt.Errorf("want a whole number: %w", err)
	}
	return i, nil
}
