package rpc

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// maxParts bounds how many items, arguments, labels and the like a request has, at all depths: two bytes make one, which
	// takes hundreds in memory.
	maxParts = 1 << 18
	// uncounted is the size of a request up to which it cannot have more.
	uncounted = 2 * maxParts
)

// codec refuses requests of very many parts before memory is taken for them.
type codec struct{ encoding.CodecV2 }

// Unmarshal counts the parts of a large message before it is decoded.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(proto.Message); ok && data.Len() > uncounted {
		buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
		defer buffer.Free()
		left := maxParts
		countParts(buffer.ReadOnlyData(), m.ProtoReflect().Descriptor(), &left)
		if left < 0 {
			return tool.Errorf(tool.MessageTooLarge, "message too large: the request has more than %d items, arguments and the like: send it in parts", maxParts)
		}
	}
	return c.CodecV2.Unmarshal(data, v) //nolint:wrapcheck // gRPC makes the status of it
}

// countParts takes the parts of a message off left, until that is below 0. What cannot be decoded is left to the decoder.
func countParts(b []byte, of protoreflect.MessageDescriptor, left *int) {
	for len(b) > 0 && *left >= 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return
		}
		field := of.Fields().ByNumber(number)
		if field != nil && (field.IsList() || field.Message() != nil) {
			*left--
			if field.Message() != nil && kind == protowire.BytesType {
				part, _ := protowire.ConsumeBytes(b)
				countParts(part, field.Message(), left)
			}
		}
		b = b[n:]
	}
}
