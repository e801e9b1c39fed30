package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// rational is the identity of a finite number that no int64 is: numerator/denominator * 2^two * 5^five. Neither part has a factor of 2 or 5,
// nor both another, so that a number has one identity, whatever type it has and however large its exponent is.
type rational struct {
	negative    bool
	numerator   string // big-endian, without leading zeros
	denominator string // the same; empty for 1
	two, five   int64
}

// exactDigits is how many digits a decimal has at most that equals a number of another type: a fraction of MaxDigits digits above a power of 2
// has MaxDigits and as many digits as 5 to that power has, of which there are 9,985.
const exactDigits = 15_000

func (n rational) append(b []byte) []byte {
	sign := byte('+')
	if n.negative {
		sign = '-'
	}
	b = appendSized(appendSized(append(b, sign), n.numerator), n.denominator)
	return binary.AppendVarint(binary.AppendVarint(b, n.two), n.five)
}

// hashFloat is the identity of a float.
func hashFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return notANumber("nan")
	case math.IsInf(f, 0):
		return hashInfinity(f < 0)
	case f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63:
		return int64(f)
	}
	mantissa, exponent := math.Frexp(math.Abs(f))
	return hashSmall(f < 0, uint64(math.Ldexp(mantissa, 53)), int64(exponent)-53, 0)
}

func hashInfinity(negative bool) any { return hashed(fmt.Sprint("infinity ", negative)) }

// hashComplex is the identity of a complex, that of its real part where it has no other.
func hashComplex(c complex128) any {
	if imag(c) == 0 {
		return hashFloat(real(c))
	}
	re, im := math.Float64bits(real(c)+0), math.Float64bits(imag(c)) // +0 makes 0 of -0
	if math.IsNaN(real(c)) || math.IsNaN(imag(c)) {
		return notANumber(fmt.Sprintf("complex %x %x", re, im))
	}
	return hashed(fmt.Sprintf("complex %x %x", re, im))
}

func hashInt(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return hashBig(n, nil, 0)
}

func hashRat(r *big.Rat) any {
	if r.IsInt() {
		return hashInt(r.Num())
	}
	return hashBig(r.Num(), r.Denom(), 0)
}

// hash is the identity of a decimal: that of the number which it is, whatever zeros end its digits.
func (d Decimal) hash() any {
	digits, exponent, ok := d.parts()
	negative := strings.HasPrefix(d.text, "-")
	if !ok && strings.Contains(d.text, "NaN") {
		return notANumber("decimal " + d.text)
	} else if !ok {
		return hashInfinity(negative)
	}
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	if trimmed == "" {
		return int64(0)
	}
	if n, err := strconv.ParseUint(trimmed, 10, 64); err == nil {
		return hashSmall(negative, n, exponent, exponent)
	}
	n, ok := new(big.Int), len(trimmed) <= exactDigits
	if ok {
		n, ok = n.SetString(trimmed, 10)
	}
	if !ok {
		return hashed(fmt.Sprint("decimal ", negative, trimmed, "e", exponent))
	}
	if negative {
		n.Neg(n)
	}
	return hashBig(n, nil, exponent)
}

// hashSmall is the identity of n * 2^two * 5^five, n above 0.
func hashSmall(negative bool, n uint64, two, five int64) any {
	zeros := bits.TrailingZeros64(n)
	n, two = n>>zeros, two+int64(zeros)
	for n%5 == 0 {
		n, five = n/5, five+1
	}
	if i, ok := smallInt(negative, n, two, five); ok {
		return i
	}
	bytes := binary.BigEndian.AppendUint64(nil, n)
	return rational{negative: negative, numerator: string(bytes[bits.LeadingZeros64(n)/8:]), two: two, five: five}
}

// smallInt returns what such a number is as an int64, if it is one.
func smallInt(negative bool, n uint64, two, five int64) (int64, bool) {
	if two < 0 || two > 63 || five < 0 || five > 27 {
		return 0, false
	}
	for range five {
		high, low := bits.Mul64(n, 5)
		if high != 0 {
			return 0, false
		}
		n = low
	}
	if bits.Len64(n)+int(two) > 64 {
		return 0, false
	}
	switch n <<= two; {
	case n < 1<<63 && negative:
		return -int64(n), true
	case n < 1<<63:
		return int64(n), true
	default:
		return math.MinInt64, negative && n == 1<<63
	}
}

// hashBig is the identity of n/m * 10^exponent; m is above 0 or nil for 1.
func hashBig(n, m *big.Int, exponent int64) any {
	numerator, two, five := withoutTens(n)
	two, five = two+exponent, five+exponent
	q := rational{negative: n.Sign() < 0}
	if m != nil {
		denominator, twos, fives := withoutTens(m)
		two, five = two-twos, five-fives
		if !isOne(denominator) {
			q.denominator = string(denominator.Bytes())
		}
	}
	if q.denominator == "" && numerator.IsUint64() {
		return hashSmall(q.negative, numerator.Uint64(), two, five)
	}
	q.numerator, q.two, q.five = string(numerator.Bytes()), two, five
	return q
}

func isOne(n *big.Int) bool { return n.IsUint64() && n.Uint64() == 1 }

// withoutTens splits |n| into a part without factors of 2 and 5, and how many of these there are. It divides by high powers of 5 first, so that
// it takes few divisions.
func withoutTens(n *big.Int) (rest *big.Int, two, five int64) {
	rest = new(big.Int).Abs(n)
	two = int64(rest.TrailingZeroBits())
	rest.Rsh(rest, uint(two))
	power, powers := big.NewInt(5), []*big.Int(nil)
	quotient, remainder := new(big.Int), new(big.Int)
	for power.CmpAbs(rest) <= 0 {
		if remainder.Rem(rest, power); remainder.Sign() != 0 {
			break
		}
		powers = append(powers, power)
		power = new(big.Int).Mul(power, power)
	}
	for i, power := range slices.Backward(powers) { // 5^1, 5^2, 5^4, …; a number that is divided by one once is not so a second time
		if quotient.QuoRem(rest, power, remainder); remainder.Sign() == 0 {
			rest, quotient = quotient, rest
			five += 1 << i
		}
	}
	return rest, two, five
}
