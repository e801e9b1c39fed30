package value

import (
	"encoding/hex"
	"strings"
)

// UUID is a universally unique identifier, RFC 9562.
type UUID [16]byte

// ParseUUID reads the usual form, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", in either case.
func ParseUUID(text string) (UUID, error) {
	u, ok := parseUUID(text)
	if !ok {
		return UUID{}, mismatch("a UUID of 32 hexadecimal digits with hyphens after 8, 12, 16 and 20", quoted(text)).err()
	}
	return u, nil
}

// String gives the usual form in lower case.
func (u UUID) String() string {
	h := hex.EncodeToString(u[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func parseUUID(text string) (u UUID, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return u, false
	}
	digits := strings.ReplaceAll(text, "-", "")
	if len(digits) != 32 {
		return u, false
	}
	_, err := hex.Decode(u[:], []byte(digits))
	return u, err == nil
}
