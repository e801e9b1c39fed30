package typed

import "github.com/grpc-tool-bridge/toolbridge/tool"

// Codec turns Go values into encoded ones and back; *value.Codec is one. Its errors are *tool.Error.
type Codec interface {
	// Encode encodes a value.
	Encode(v any) (tool.Value, error)
	// Decode decodes a value into what its own form says.
	Decode(v tool.Value) (any, error)
	// DecodeInto decodes a value into what target points to, and refuses what does not fit.
	DecodeInto(v tool.Value, target any) error
	// DecodeOwn decodes like DecodeInto a value whose bytes may become those of what it decodes to.
	DecodeOwn(v tool.Value, target any) error
}
