package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number reads a JSON number: an int if it has neither fraction nor exponent, otherwise a float.
func number(text string) (any, *failure) {
	if !validNumber(text) {
		return nil, mismatch("a number", quoted(text))
	}
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, mismatch("a finite float", quoted(text))
		}
		if f == 0 && !isZero(text) {
			return nil, mismatch("a float of at least 5e-324, or 0", quoted(text))
		}
		return f, nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	if len(strings.TrimPrefix(text, "-")) > MaxDigits {
		return nil, tooManyDigits()
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n, nil
}

// isZero reports whether a JSON number is 0 as it is written, and not only after rounding.
func isZero(text string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	return !strings.ContainsAny(mantissa, "123456789")
}

// validNumber reports whether text is a JSON number.
func validNumber(text string) bool {
	s := strings.TrimPrefix(text, "-")
	whole := leadingDigits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := leadingDigits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := leadingDigits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// appendFloat appends a finite float as Python's repr writes it: shortest, always with a fraction or an exponent.
func appendFloat(b []byte, f float64) []byte {
	abs := math.Abs(f)
	if abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	for _, c := range b[start:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}
