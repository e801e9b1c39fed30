package tool

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// SchemaHash returns the SHA-256, in hex, of what callers of a tool rely on: its arguments (name, type, nullable,
// required, kind, streamed, in order), its type, its return type and both schemas. Descriptions, defaults, labels and
// policy do not count. An absent type is the same as "any".
func SchemaHash(s *Spec) string {
	text := make([]byte, 0, 256+len(s.InputSchema)+len(s.OutputSchema))
	text = append(text, "toolbridge schema 1\n"...)
	text = appendCount(text, int(s.Type))
	text = appendText(text, orAny(s.ReturnType))
	text = appendText(text, s.InputSchema)
	text = appendText(text, s.OutputSchema)
	text = appendCount(text, len(s.Arguments))
	for i := range s.Arguments {
		a := &s.Arguments[i]
		text = appendText(text, a.Name)
		text = appendText(text, orAny(a.Type))
		text = appendFlags(text, a.Nullable, a.Required, a.Streamed)
		text = appendCount(text, int(a.Kind))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// appendText writes the length first, so that no two different specs have one text.
func appendText(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

func appendCount(b []byte, n int) []byte { return append(strconv.AppendInt(b, int64(n), 10), ':') }

func appendFlags(b []byte, flags ...bool) []byte {
	for _, f := range flags {
		b = strconv.AppendBool(b, f)
		b = append(b, ':')
	}
	return b
}

func orAny(typeName string) string {
	if typeName == "" {
		return "any"
	}
	return typeName
}
