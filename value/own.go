package value

import (
	"unsafe"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ownFrom is from how many bytes on DecodeOwn does not copy.
const ownFrom = 8 << 10

// DecodeOwn decodes like DecodeInto, but a long text or long bytes, where they are the outermost value, are not copied: they stay
// where the value has them. So it is for values whose bytes nobody changes any more, and bytes are only for who has the value to
// himself.
func (c *Codec) DecodeOwn(v tool.Value, target any) error {
	if len(v.Bytes) < ownFrom || v.Size() > c.maxBytes {
		return c.DecodeInto(v, target)
	}
	switch to := target.(type) {
	case *string:
		if s, ok := ownText(v); ok && to != nil {
			*to = s
			return nil
		}
	case *[]byte:
		if b, ok := ownBytes(v, urlBytes); ok && to != nil {
			*to = b
			return nil
		}
	case *any:
		if s, ok := ownText(v); ok && to != nil {
			*to = s
			return nil
		}
		if b, ok := ownBytes(v, urlBytes); ok && to != nil {
			*to = b
			return nil
		}
	}
	return c.DecodeInto(v, target)
}

func ownText(v tool.Value) (string, bool) {
	b, ok := ownBytes(v, urlString)
	if !ok {
		return "", false
	}
	return unsafe.String(unsafe.SliceData(b), len(b)), true //nolint:gosec // the bytes are nobody else's
}

// ownBytes returns the contents of a wrapper of that type, if they are most of its bytes.
func ownBytes(v tool.Value, url string) ([]byte, bool) {
	if v.TypeURL != url {
		return nil, false
	}
	b, f := delimited(v.Bytes, url == urlString)
	if f != nil || len(b) < len(v.Bytes)/2 {
		return nil, false
	}
	return b[:len(b):len(b)], true
}
