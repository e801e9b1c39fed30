package rpc

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// codec refuses requests of very many parts before memory is taken for them.
type codec struct{ encoding.CodecV2 }

// Unmarshal counts the parts of a large message before it is decoded.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(proto.Message); ok && wire.MayHaveManyParts(data.Len()) {
		buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
		defer buffer.Free()
		if wire.TooManyParts(buffer.ReadOnlyData(), m.ProtoReflect().Descriptor()) {
			return tooManyParts()
		}
	}
	return c.CodecV2.Unmarshal(data, v) //nolint:wrapcheck // gRPC makes the status of it
}

func tooManyParts() error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: the request has more than %d items, arguments and the like: send it in parts", wire.MaxParts)
}
