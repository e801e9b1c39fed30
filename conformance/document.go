package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Object is a JSON object whose members keep their order: the order of a dict's keys is part of its value.
type Object []Member

// Member is one member of an object.
type Member struct {
	Name  string
	Value any
}

// Get returns a member's value, nil if there is none.
func (o Object) Get(name string) any {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Has reports whether there is a member of this name.
func (o Object) Has(name string) bool {
	for _, m := range o {
		if m.Name == name {
			return true
		}
	}
	return false
}

// Text returns a member that is a text, "" if it is none.
func (o Object) Text(name string) string {
	text, _ := o.Get(name).(string)
	return text
}

// without returns the members of all other names.
func (o Object) without(names ...string) Object {
	out := Object{}
	for _, m := range o {
		if !contains(names, m.Name) {
			out = append(out, m)
		}
	}
	return out
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// Marshal writes a document in one line, without escapes that JSON does not need.
func Marshal(document any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'}), nil
}

// Parse reads a JSON document: objects as Object, numbers as json.Number with every digit.
func Parse(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	document, err := next(decoder)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("at byte %d: something follows the JSON document", decoder.InputOffset())
	}
	return document, nil
}

func next(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", decoder.InputOffset(), err)
	}
	switch token {
	case json.Delim('{'):
		return nextObject(decoder)
	case json.Delim('['):
		return nextList(decoder)
	default:
		return token, nil
	}
}

func nextObject(decoder *json.Decoder) (any, error) {
	object := Object{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", decoder.InputOffset(), err)
		}
		name, _ := token.(string)
		if object.Has(name) {
			return nil, fmt.Errorf("at byte %d: member %q stands twice", decoder.InputOffset(), name)
		}
		value, err := next(decoder)
		if err != nil {
			return nil, err
		}
		object = append(object, Member{name, value})
	}
	return object, end(decoder)
}

func nextList(decoder *json.Decoder) (any, error) {
	list := []any{}
	for decoder.More() {
		value, err := next(decoder)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, end(decoder)
}

func end(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("at byte %d: %w", decoder.InputOffset(), err)
	}
	return nil
}
