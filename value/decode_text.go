package value

import (
	"fmt"
	"math/big"
	"strings"
)

// taggedText decodes the kinds that stand in text or data.
func (d *decoder) taggedText(p *parts) (any, *failure) {
	switch p.kind {
	case kindBigInt:
		return decodeBigInt(p.data)
	case kindUUID:
		if len(p.data) != 16 {
			return nil, mismatch("16 bytes of a UUID", fmt.Sprintf("%d", len(p.data)))
		}
		return UUID(p.data), nil
	case kindComplex:
		parts := make([]float64, 0, p.floats)
		eachRun(p, fieldFloats, func(b []byte) { parts = float64s(b, parts) })
		if len(parts) != 2 {
			return nil, mismatch("two floats of a complex", fmt.Sprintf("%d", len(parts)))
		}
		return complex(parts[0], parts[1]), nil
	default: // a kind that is text, or one that is not known
	}
	if p.kind > kindAny || p.kind < 0 {
		return d.unknown(p)
	}
	s, f := validText(p.text)
	if f != nil {
		return nil, f
	}
	return d.parsed(p.kind, s)
}

// unknown passes a value of a later version on.
func (d *decoder) unknown(p *parts) (any, *failure) {
	switch {
	case !d.codec.strict:
		return Unknown{int32(p.kind), p.whole}, nil
	case p.kind > kindAny || p.kind < 0:
		return nil, mismatch("a known kind", fmt.Sprintf("kind %d", p.kind))
	default:
		return nil, mismatch("known fields only", fmt.Sprintf("a value of kind %d with fields of a later version", p.kind))
	}
}

// parsed reads the kinds that are text in both forms, on the wire and in JSON.
func (d *decoder) parsed(k kind, s string) (decoded any, f *failure) {
	var ok bool
	var want string
	switch k {
	case kindDatetime:
		want = "a datetime such as 2024-05-06T07:08:09+02:00"
		decoded, ok = d.zones.parseDatetime(s)
	case kindDate:
		want = "a date such as 2024-05-06"
		decoded, ok = parseDate(s)
	case kindTime:
		want = "a time such as 07:08:09"
		decoded, ok = parseTimeOfDay(s)
	case kindTimedelta:
		want = "microseconds such as -1500000, within 999999999 days"
		decoded, ok = parseTimedelta(s)
	case kindDecimal:
		want = decimalWanted
		decoded, ok = parseDecimal(s)
	case kindFraction:
		want = "a fraction such as 3/1"
		decoded, ok = parseFraction(s)
	default:
		return nil, mismatch("a kind that is text", fmt.Sprintf("kind %d", k))
	}
	if !ok {
		return nil, mismatch(want, quoted(s))
	}
	return decoded, nil
}

func decodeBigInt(b []byte) (any, *failure) {
	if len(b) > 1800 {
		return nil, tooManyDigits()
	}
	n := fromTwosComplement(b)
	if manyDigits(n) {
		return nil, tooManyDigits()
	}
	return shortInt(n), nil
}

// shortInt gives an int64 where that can hold the int.
func shortInt(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func unsigned(n uint64) any { return shortInt(new(big.Int).SetUint64(n)) }

func parseFraction(s string) (any, bool) {
	numerator, denominator, ok := strings.Cut(s, "/")
	digits := strings.TrimPrefix(numerator, "-")
	if !ok || !plainDigits(digits, MaxDigits) || !plainDigits(denominator, MaxDigits) || strings.Trim(denominator, "0") == "" {
		return nil, false
	}
	n, _ := new(big.Int).SetString(numerator, 10)
	m, _ := new(big.Int).SetString(denominator, 10)
	return new(big.Rat).SetFrac(n, m), true
}
