package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

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
