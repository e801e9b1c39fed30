package value_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestANumberOfJSONTravelsAsWhatSaysAllOfItsDigits(t *testing.T) {
	t.Parallel()
	wide, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for given, sent := range map[json.Number]any{
		"": int64(0), "12": int64(12), "-9223372036854775808": int64(math.MinInt64), "-123456789012345678901234567890": wide,
		"1.5": 1.5, "1.10": 1.1, "0.1": 0.1, "1e2": 100.0, "1E-7": 1e-7, "1e22": 1e22, "1e23": 1e23, "0.000": 0.0, "0e999999999999999999999": 0.0, "5e-324": 5e-324,
		"9007199254740992.000":      9007199254740992.0,
		"0.1234567890123456789012":  value.MustDecimal("0.1234567890123456789012"),
		"9007199254740993.0":        value.MustDecimal("9007199254740993.0"),
		"0.10000000000000000555":    value.MustDecimal("0.10000000000000000555"),
		"-12345678.12345678901":     value.MustDecimal("-12345678.12345678901"),
		"1e400":                     value.MustDecimal("1E+400"),
		"-1.50e-400":                value.MustDecimal("-1.50E-400"),
		"179769313486231580793e289": value.MustDecimal("1.79769313486231580793E+309"),
	} {
		require.Equal(t, sent, through[any](t, given), given)
	}
	for _, given := range []json.Number{"-0", "-0.0", "-0e5"} {
		zero := through[float64](t, given)
		require.True(t, zero == 0 && math.Signbit(zero), given)
	}
}

func TestWhatANumberOfJSONSpellsComesBackAsThatNumber(t *testing.T) {
	t.Parallel()
	for given, back := range map[json.Number]json.Number{
		"": "0", "12": "12", "1.0": "1.0", "1.10": "1.1", "-0": "-0.0", "1e2": "100.0", "1e400": "1E+400", "0.1234567890123456789": "0.1234567890123456789",
	} {
		require.Equal(t, back, through[json.Number](t, given))
	}
	wide := strings.Repeat("9", value.MaxDigits)
	require.Equal(t, json.Number(wide), through[json.Number](t, json.Number(wide)))
	rapid.Check(t, func(r *rapid.T) {
		given := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?`).Draw(r, "number")
		encoded, err := value.Encode(json.Number(given))
		require.NoError(r, err)
		back, err := value.As[json.Number](encoded)
		require.NoError(r, err)
		before, _ := value.MustDecimal(given).Rat()
		after, _ := value.MustDecimal(back.String()).Rat()
		require.Equal(r, before, after, "%s came back as %s", given, back)
		require.Equal(r, strings.HasPrefix(given, "-"), strings.HasPrefix(back.String(), "-"), "the sign of %s", given)
	})
}

func TestANumberOfJSONTakesEveryFiniteNumberWithAllOfItsDigits(t *testing.T) {
	t.Parallel()
	for text, given := range map[json.Number]any{
		"7": uint8(7), "18446744073709551615": uint64(math.MaxUint64), "0.1": 0.1, "1e+300": 1e300, "1.10": value.MustDecimal("1.10"), "1E+3": value.MustDecimal("1E+3"), "0E-7": value.MustDecimal("0E-7"),
	} {
		require.Equal(t, text, through[json.Number](t, given))
	}
	for _, given := range []any{"1", true, nil, math.NaN(), math.Inf(-1), value.MustDecimal("NaN"), value.MustDecimal("-Infinity"), value.MustDecimal("sNaN12")} {
		encoded, err := value.Encode(map[string]any{"n": given})
		require.NoError(t, err)
		err = value.DecodeInto(encoded, new(struct {
			N json.Number `bridge:"n"`
		}))
		require.ErrorContains(t, err, "value at $.n: want a finite number, got ")
	}
	err := value.DecodeInto(mustEncode(t, map[string]any{}), new(struct{ N json.Number }))
	require.ErrorContains(t, err, "value at $.N: want a finite number, got nothing")
}

func TestATextThatIsNoNumberOfJSONIsRefused(t *testing.T) {
	t.Parallel()
	for _, given := range []json.Number{
		"abc", "0x10", "1_000", "NaN", "Inf", " 1", "+1", "1.", ".5", "01", "1e", "1.5 ", json.Number(strings.Repeat("9", value.MaxDigits+1)), "1e1000000000000000000", "1e-1000000000000000000",
	} {
		_, err := value.Encode([]any{1, given})
		requireRefusedAt(t, err, "$[1]")
	}
}
