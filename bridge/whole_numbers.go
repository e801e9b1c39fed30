package bridge

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fractions names the whole numbers of a config that were given with a fraction, which the decoder cuts off without a word.
func fractions(node *yaml.Node, into reflect.Type) (faults []string) {
	switch node.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		if node.Kind == yaml.SequenceNode && into.Kind() == reflect.Slice {
			into = into.Elem()
		}
		for _, item := range node.Content {
			faults = append(faults, fractions(item, into)...)
		}
	case yaml.AliasNode:
		return fractions(node.Alias, into)
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			of := field(into, key.Value)
			if of == nil {
				continue // the decoder says so
			}
			if whole(of) && fraction(value) {
				faults = append(faults, fmt.Sprintf("line %d: %s is %s: want a whole number", value.Line, key.Value, value.Value))
				continue
			}
			faults = append(faults, fractions(value, of)...)
		}
	case yaml.ScalarNode: // judged with its key
	}
	return faults
}

// field is the type of what a key of a mapping stands for, or nil.
func field(into reflect.Type, key string) reflect.Type {
	switch into.Kind() {
	case reflect.Map:
		return into.Elem()
	case reflect.Struct:
		for i := range into.NumField() {
			name, _, _ := strings.Cut(into.Field(i).Tag.Get("yaml"), ",")
			if name == key {
				return into.Field(i).Type
			}
		}
	}
	return nil
}

// fraction reports whether a scalar is a number that is not whole.
func fraction(node *yaml.Node) bool {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!float" {
		return false
	}
	var f float64
	return node.Decode(&f) != nil || f != math.Trunc(f)
}

func whole(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return false
	}
}
