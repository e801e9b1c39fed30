package typed

import (
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Codec turns Go values into encoded ones and back; *value.Codec is one. Its errors are *tool.Error.
type Codec interface {
	// Encode encodes a value.
	Encode(v any) (tool.Value, error)
	// Decode decodes a value into what its own form says.
	Decode(v tool.Value) (any, error)
	// DecodeInto decodes a value into what target points to, and refuses what does not fit.
	DecodeInto(v tool.Value, target any) error
}

// TypeNamer is what a Codec may implement to name the declared types (see tool.TypeNames) of Go types that its
// extensions add, such as tables.
type TypeNamer interface {
	// TypeName returns the declared type's name, or "" for a type that it does not know.
	TypeName(t reflect.Type) string
}
