package value_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// comparableNumbers are numbers of all types, many of which are equal.
func comparableNumbers() []any {
	power := func(base, exponent int64) *big.Int {
		return new(big.Int).Exp(big.NewInt(base), big.NewInt(exponent), nil)
	}
	over := func(n, m *big.Int) *big.Rat { return new(big.Rat).SetFrac(n, m) }
	one := big.NewInt(1)
	all := []any{
		0, 1, -1, 2, 5, 10, 15, int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64), uint64(1 << 63), math.Copysign(0, -1), 0.5, -0.5, 0.1, 2.5,
		1e16, 1e22, 1e23, 1e300, 1e308, 5e-324, 0x1p63, -0x1p63, 0x1p64, 0x1p-1000, 123456789.125, float32(0.1),
		big.NewRat(1, 2), big.NewRat(5, 2), big.NewRat(1, 10), big.NewRat(1, 3), big.NewRat(-1, 3), big.NewRat(10, 3), big.NewRat(100, 3), big.NewRat(1, 30),
		over(one, power(2, 1000)), over(one, power(10, 4000)), over(power(3, 5000), power(7, 4000)), new(big.Rat).SetInt(power(10, 30)),
		power(10, 22), power(10, 23), power(10, 4000), power(5, 6000), power(2, 64), power(2, 63), new(big.Int).Neg(power(2, 63)), new(big.Int).Neg(power(2, 64)), power(3, 5000),
		new(big.Int).Mul(power(10, 40), power(3, 100)), new(big.Int).SetUint64(math.MaxUint64),
	}
	for _, text := range []string{
		"0", "-0E+99999", "1", "1.0", "1E+0", "0.1", "0.5", "-0.50", "2.5", "1E+1", "10", "1E+22", "1E22", "10E+21", "1E+23", "1E+4000", "1E-4000", "1E+4999", "9223372036854775807",
		"-9223372036854775808", "9223372036854775808", "18446744073709551615", "18446744073709551616", "-18446744073709551616", "123456789.1250", "1E+300", "1E+30", "1500E-2",
		new(big.Rat).SetFloat64(0.1).FloatString(60), new(big.Rat).SetFloat64(5e-324).FloatString(1074), over(one, power(2, 1000)).FloatString(1000), power(5, 6000).String(),
		new(big.Int).Mul(power(10, 40), power(3, 100)).String(), power(3, 5000).String() + "0E-1",
	} {
		all = append(all, value.MustDecimal(text))
	}
	return all
}

// rat is the number itself, by other means.
func rat(v any) *big.Rat {
	switch x := v.(type) {
	case float64:
		return new(big.Rat).SetFloat64(x)
	case float32:
		return new(big.Rat).SetFloat64(float64(x))
	case *big.Rat:
		return x
	}
	r, _ := new(big.Rat).SetString(fmt.Sprint(v))
	return r
}

func TestNumbersAreOneKeyExactlyIfTheyAreEqual(t *testing.T) {
	t.Parallel()
	all := comparableNumbers()
	equal := 0
	for i, a := range all {
		for j, b := range all[:i] {
			same := rat(a).Cmp(rat(b)) == 0
			require.Equal(t, same, len(value.SetOf(a, b)) == 1, "%d %d: %T %v and %T %v", i, j, a, a, b, b)
			nested := value.SetOf(value.Tuple{a, value.FrozenSet{"x", a}}, value.Tuple{b, value.FrozenSet{b, "x"}})
			require.Equal(t, same, len(nested) == 1, "in others, %T %v and %T %v", a, a, b, b)
			if same {
				equal++
			}
		}
	}
	require.Greater(t, equal, 30)
}

func TestNumbersBeyondAllOtherTypesAreKeysByTheirDigits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("7", 20_000)
	for _, same := range [][2]string{{long, long + ".00"}, {long + "E+5", long + "00000"}, {"-" + long, "-" + long + "0E-1"}, {"1E+999999999999999999", "10E+999999999999999998"}} {
		require.Len(t, value.SetOf(value.MustDecimal(same[0]), value.MustDecimal(same[1])), 1)
	}
	require.Len(t, value.SetOf(value.MustDecimal(long), value.MustDecimal("-"+long), value.MustDecimal(long+"E1"), value.MustDecimal(long+"1")), 4)
}

func TestAFractionOfPowersOfTwoIsTheDecimalThatItIs(t *testing.T) {
	t.Parallel()
	small := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 14_000))
	require.Len(t, value.SetOf(small, value.MustDecimal(small.FloatString(14_000))), 1)
}

func TestInfinitiesAndComplexNumbersAreTheKeysThatTheyAreInPython(t *testing.T) {
	t.Parallel()
	negativeZero := math.Copysign(0, -1)
	for _, same := range [][2]any{
		{math.Inf(1), value.MustDecimal("Infinity")},
		{math.Inf(-1), value.MustDecimal("-Infinity")},
		{complex(2, 0), 2},
		{complex(2.5, negativeZero), value.MustDecimal("2.50")},
		{complex(negativeZero, 1), complex(0, 1)},
		{complex(math.Inf(1), 0), math.Inf(1)},
	} {
		require.Len(t, value.SetOf(same[0], same[1]), 1, same)
	}
	require.Len(t, value.SetOf(math.Inf(1), math.Inf(-1), complex(0, 1), complex(0, -1), complex(1, 1), complex(0, math.Inf(1))), 6)
}
