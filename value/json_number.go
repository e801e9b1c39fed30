package value

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// spelled gives the number that a json.Number spells, with every digit: an int if it has neither fraction nor exponent, a float if the
// shortest text of the nearest one is the same number, and otherwise a Decimal. -0 is a float, for ints have no sign of 0.
func spelled(n json.Number) (any, *failure) {
	text := string(n)
	switch text {
	case "":
		return int64(0), nil // as encoding/json has it: one that was never set
	case "-0":
		return math.Copysign(0, -1), nil
	}
	read, f := number(text)
	if !strings.ContainsAny(text, ".eE") {
		return read, f
	}
	if float, ok := read.(float64); ok && sameNumber(text, string(appendFloat(nil, float))) {
		return float, nil
	}
	if d, ok := parseDecimal(text); ok && validNumber(text) {
		return d, nil
	}
	return nil, f
}

// sameNumber reports whether two texts of finite numbers spell one, however many zeros they end with.
func sameNumber(a, b string) bool {
	x, xPower := significant(a)
	y, yPower := significant(b)
	return x == y && xPower == yPower
}

// significant gives the digits of a number without zeros around them, and the power of ten of the last one. It is "" for 0.
func significant(text string) (digits string, power int64) {
	digits, power, _ = splitDecimal(strings.TrimPrefix(text, "-"))
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "", 0
	}
	return short, power + int64(len(digits)-len(short))
}

// assignNumber gives a json.Number the digits of an int, a finite float or a finite Decimal.
func assignNumber(v any, to *json.Number) *failure {
	switch x := v.(type) {
	case int64:
		*to = json.Number(fmt.Sprint(x))
		return nil
	case float64:
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			*to = json.Number(appendFloat(nil, x))
			return nil
		}
	case Decimal:
		if validNumber(x.String()) {
			*to = json.Number(x.String())
			return nil
		}
	}
	if n := bigOf(v); n != nil {
		*to = json.Number(n.String())
		return nil
	}
	return mismatch(finiteNumber, typeName(v))
}

// finiteNumber is what a json.Number takes.
const finiteNumber = "a finite number"
