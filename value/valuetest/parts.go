package valuetest

import (
	"iter"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Place is where a part of a value stands.
type Place int

// The places of parts.
const (
	// Whole is the value itself.
	Whole Place = iota
	// Inside is an item of a list or tuple, or what stands under a key or in a field.
	Inside
	// AsKey is a key of a dict or an item of a set, or a part of one.
	AsKey
)

// Parts gives a value and everything that is in it, each with its place.
func Parts(v any) iter.Seq2[any, Place] {
	return func(yield func(any, Place) bool) { parts(v, Whole, yield) }
}

func parts(v any, at Place, yield func(any, Place) bool) bool {
	if !yield(v, at) {
		return false
	}
	for _, key := range keysOf(v) {
		if !parts(key, AsKey, yield) {
			return false
		}
	}
	for _, item := range itemsOf(v) {
		if !parts(item, max(at, Inside), yield) {
			return false
		}
	}
	return true
}

// keysOf returns the keys of a dict, or the items of a set.
func keysOf(v any) []any {
	switch x := v.(type) {
	case value.Set:
		return x
	case value.FrozenSet:
		return x
	case *value.Dict:
		keys, _ := split(x)
		return keys
	}
	return nil
}

// itemsOf returns what is in a container that is no set.
func itemsOf(v any) []any {
	switch x := v.(type) {
	case []any:
		return x
	case value.Tuple:
		return x
	case *value.Dict:
		_, values := split(x)
		return values
	case value.Record:
		values := make([]any, len(x.Fields))
		for i, f := range x.Fields {
			values[i] = f.Value
		}
		return values
	case value.Enum:
		return []any{x.Value}
	}
	return nil
}
