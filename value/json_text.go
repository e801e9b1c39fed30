package value

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape reads one escape of a JSON text and returns its character and its length, 0 if it is none. A lone surrogate gives
// utf8.RuneError and 6.
func unescape(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unescapeHex(b)
	}
	return 0, 0
}

func unescapeHex(b []byte) (rune, int) {
	high, ok := fourHex(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(high) {
		return high, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := fourHex(b[6:]); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r, 12
			}
		}
	}
	return utf8.RuneError, 6
}

func fourHex(b []byte) (rune, bool) {
	if len(b) < 6 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 32)
	return rune(n), err == nil && b[2] != '+' && b[2] != '_'
}

// unquote gives the text between two quotes, which scanner has checked.
func unquote(b []byte) string {
	for i, c := range b {
		if c == '\\' {
			return unquoteFrom(b, i)
		}
	}
	return string(b)
}

func unquoteFrom(b []byte, from int) string {
	out := append(make([]byte, 0, len(b)), b[:from]...)
	for i := from; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		r, n := unescape(b[i:])
		out = utf8.AppendRune(out, r)
		i += max(n, 1)
	}
	return string(out)
}
