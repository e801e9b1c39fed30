package tool

// Value is an encoded value: the two fields of a google.protobuf.Any. The bridge passes values on without decoding
// them; package value turns them into Go values and back. Bytes are shared and must not be changed.
type Value struct {
	// TypeURL says how Bytes are to be read, such as "type.googleapis.com/google.protobuf.StringValue".
	TypeURL string
	// Bytes are the encoded message.
	Bytes []byte
}

// Size returns the bytes that count against limits: those of the type URL and of the value.
func (v Value) Size() int { return len(v.TypeURL) + len(v.Bytes) }

// IsZero reports whether v holds nothing, not even an encoded nil.
func (v Value) IsZero() bool { return v.TypeURL == "" && len(v.Bytes) == 0 }
