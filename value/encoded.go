package value

import (
	"reflect"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// A tool.Value inside of another value is what it holds: it is decoded to be encoded, and encoded where one is decoded into.

func isEncoded(t reflect.Type) bool { return t == reflect.TypeFor[tool.Value]() }

// heldBy decodes a value that goes on. What this program cannot read goes on as it is, and so do tables.
func (e *encoder) heldBy(v tool.Value) (any, *failure) {
	bare := *e.codec
	bare.extensions, bare.strict = nil, false
	d := decoder{codec: &bare}
	return d.outermost(v)
}

// assignEncoded encodes a part of what was decoded.
func (d *decoder) assignEncoded(v any, to reflect.Value) *failure {
	encoded, err := d.codec.Encode(v)
	if err != nil {
		return foreign(err)
	}
	to.Set(reflect.ValueOf(encoded))
	return nil
}
