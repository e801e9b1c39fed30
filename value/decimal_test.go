package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestADecimalHasTheExponentsThatEverySDKHas(t *testing.T) {
	t.Parallel()
	for given, text := range map[string]string{
		"1E+999999999999999999": "1E+999999999999999999", "10E+999999999999999998": "1.0E+999999999999999999", "-1.23E-999999999999999999": "-1.23E-999999999999999999",
		"0.01E+1000000000000000001": "1E+999999999999999999", "0E+999999999999999999": "0E+999999999999999999", "0e-999999999999999999": "0E-999999999999999999",
		"1000E-1000000000000000002": "1.000E-999999999999999999", "1E+0000000000000000000000003": "1E+3",
	} {
		d, err := value.ParseDecimal(given)
		require.NoError(t, err, given)
		require.Equal(t, text, d.String(), given)
		require.Equal(t, []any{d}, through[[]any](t, []any{d}), given)
	}
	for _, given := range []string{
		"1E+1000000000000000000", "10E+999999999999999999", "0E+1000000000000000000", "1E-1000000000000000000", "0.1E-999999999999999999", "-0E-1000000000000000000",
		"1E+9223372036854775807", "0.1E-9223372036854775808", "1E+99999999999999999999", "1E-99999999999999999999", "1E", "1E+-5", ".", "", "E5", "1_0", "1E5.0",
	} {
		_, err := value.ParseDecimal(given)
		require.ErrorContains(t, err, "an exponent from -999999999999999999 to 999999999999999999", given)
		_, err = value.DecodeJSON([]byte(`[{"$decimal":"` + given + `"}]`))
		requireRefusedAt(t, err, `$[0]["$decimal"]`)
	}
}
func TestADecimalThatIsZeroIsTheKeyZeroWhateverItsExponentIs(t *testing.T) {
	t.Parallel()
	for _, zero := range []string{"0E+5001", "-0E+5001", "0E-999999", "0.00", "-0"} {
		_, err := value.Encode(value.Set{0, value.MustDecimal(zero)})
		require.ErrorContains(t, err, "is there twice", zero)
		d := value.NewDict(value.MustDecimal(zero), "a", 0, "b")
		require.Equal(t, 1, d.Len(), zero)
	}
	_, err := value.Encode(value.Set{value.MustDecimal("1E+5001"), value.MustDecimal("-1E+5001"), value.MustDecimal("1E-5001"), 0})
	require.NoError(t, err)
	for _, same := range [][2]string{{"1E+5001", "10E+5000"}, {"1E-5000", "100E-5002"}, {"5E-5001", "50E-5002"}, {"7", "7.00"}} {
		_, err = value.Encode(value.Set{value.MustDecimal(same[0]), value.MustDecimal(same[1])})
		require.ErrorContains(t, err, "is there twice", same)
	}
}
