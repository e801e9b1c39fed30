package value

import (
	"math/big"
	"strconv"
	"strings"
)

// maxExponent is the largest exponent that the text of a decimal has in every SDK, and its negative the smallest: that of the first digit, of
// which Python's decimal has no larger one.
const maxExponent = 999_999_999_999_999_999

// decimalWanted says what the text of a decimal is.
const decimalWanted = "a decimal such as 1.10 or 1E+3 of an exponent from -999999999999999999 to 999999999999999999"

// exactExponent bounds the decimals that are made fractions; larger ones would take memory out of proportion to their text.
const exactExponent = 5000

// Decimal is a decimal number as Python's decimal has it: sign, digits and exponent are kept, so 1.10 is not 1.1, and there
// are NaN, signalling NaN and infinities. The zero Decimal is 0. Decimals are equal under == if they have the same text.
type Decimal struct {
	text string // canonical; "" for 0
}

// ParseDecimal reads a decimal number: digits with at most one point and an exponent, or "NaN", "sNaN", "Infinity", "Inf",
// with a sign. The exponent is that of String, and at most 999,999,999,999,999,999, or its negative.
func ParseDecimal(text string) (Decimal, error) {
	d, ok := parseDecimal(text)
	if !ok {
		return Decimal{}, mismatch(decimalWanted, quoted(text)).err()
	}
	return d, nil
}

// MustDecimal is ParseDecimal for texts in programs. It panics where that fails.
func MustDecimal(text string) Decimal {
	d, err := ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

// String gives the text that Python's str gives: "1.10", "1E+3", "-Infinity".
func (d Decimal) String() string {
	if d.text == "" {
		return "0"
	}
	return d.text
}

// Rat returns the number, and whether it is one of up to 5,000 digits before and behind the point.
func (d Decimal) Rat() (*big.Rat, bool) {
	digits, exponent, ok := d.parts()
	if !ok {
		return nil, false
	}
	return ratOf(digits, exponent, strings.HasPrefix(d.text, "-"))
}

func ratOf(digits string, exponent int64, negative bool) (*big.Rat, bool) {
	if len(digits) > exactExponent || exponent > exactExponent || exponent < -exactExponent {
		return nil, false
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, false
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(exponent, -exponent)), nil)
	if negative {
		n.Neg(n)
	}
	if exponent < 0 {
		return new(big.Rat).SetFrac(n, power), true
	}
	return new(big.Rat).SetInt(n.Mul(n, power)), true
}

// parts returns digits and exponent of a finite decimal.
func (d Decimal) parts() (digits string, exponent int64, ok bool) {
	text := strings.TrimLeft(d.String(), "-")
	return splitDecimal(text)
}

func parseDecimal(text string) (Decimal, bool) {
	body, sign := text, ""
	if strings.HasPrefix(body, "-") || strings.HasPrefix(body, "+") {
		sign, body = strings.Trim(body[:1], "+"), body[1:]
	}
	if special, ok := specialDecimal(body); ok {
		return Decimal{sign + special}, true
	}
	digits, exponent, ok := splitDecimal(body)
	if !ok {
		return Decimal{}, false
	}
	return Decimal{sign + decimalText(digits, exponent)}, true
}

func specialDecimal(body string) (string, bool) {
	lower := strings.ToLower(body)
	if lower == "inf" || lower == "infinity" {
		return "Infinity", true
	}
	for _, nan := range []string{"NaN", "sNaN"} {
		payload, ok := strings.CutPrefix(lower, strings.ToLower(nan))
		if ok && (payload == "" || plainDigits(payload, len(payload))) {
			return nan + strings.TrimLeft(payload, "0"), true
		}
	}
	return "", false
}

// splitDecimal splits an unsigned finite number into digits without leading zeros and an exponent.
func splitDecimal(body string) (digits string, exponent int64, ok bool) {
	mantissa, power, hasPower := cutAny(body, "eE")
	if hasPower {
		e, err := strconv.ParseInt(power, 10, 64)
		if err != nil || e > 2*maxExponent || e < -2*maxExponent {
			return "", 0, false
		}
		exponent = e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = whole + fraction
	if !plainDigits(digits, len(digits)) {
		return "", 0, false
	}
	exponent -= int64(len(fraction))
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		digits = "0"
	}
	first := exponent + int64(len(digits)) - 1
	return digits, exponent, -maxExponent <= first && first <= maxExponent
}

func cutAny(s, chars string) (before, after string, found bool) {
	i := strings.IndexAny(s, chars)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// decimalText is the specification's to-scientific-string, as Python's str follows it.
func decimalText(digits string, exponent int64) string {
	left := exponent + int64(len(digits))
	if exponent > 0 || left <= -6 {
		return scientific(digits, left-1)
	}
	switch {
	case exponent == 0:
		return digits
	case left <= 0:
		return "0." + strings.Repeat("0", int(-left)) + digits
	default:
		return digits[:left] + "." + digits[left:]
	}
}

func scientific(digits string, adjusted int64) string {
	text := digits[:1]
	if len(digits) > 1 {
		text += "." + digits[1:]
	}
	if adjusted == 0 {
		return text
	}
	sign := "+"
	if adjusted < 0 {
		sign = ""
	}
	return text + "E" + sign + strconv.FormatInt(adjusted, 10)
}
