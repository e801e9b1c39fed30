package wire

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxParts bounds how many items, arguments, labels and the like a message has, at all depths: two bytes make one, which
// takes hundreds in memory.
const MaxParts = 1 << 18

// TooManyParts reports whether a message that is not decoded yet has more than MaxParts. What cannot be decoded is left to
// the decoder.
func TooManyParts(b []byte, of protoreflect.MessageDescriptor) bool {
	if !MayHaveManyParts(len(b)) {
		return false
	}
	left := MaxParts
	countParts(b, of, &left)
	return left < 0
}

// MayHaveManyParts reports whether a message of so many bytes is long enough for more than MaxParts.
func MayHaveManyParts(size int) bool { return size > 2*MaxParts }

// countParts takes the parts of a message off left, until that is below 0.
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
