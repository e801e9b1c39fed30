package value_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

type meeting struct {
	At    *time.Time
	Until **time.Time
	All   []*time.Time
	ByDay map[string]*time.Time
}

func TestAPointerToATimeIsADatetime(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	until := &at
	in := meeting{&at, &until, []*time.Time{&at, nil}, map[string]*time.Time{"a": &at}}
	encoded, err := value.Encode(in)
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, value.NewDict("At", at, "Until", at, "All", []any{at, nil}, "ByDay", value.NewDict("a", at)), decoded)
	out, err := value.As[meeting](encoded)
	require.NoError(t, err)
	require.Equal(t, in, out)
}

func TestMinusZeroIsNotEmpty(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y float64 }
	type row struct {
		Float float32    `bridge:",omitempty"`
		Whole complex128 `bridge:",omitzero"`
		Point point      `bridge:",omitzero"`
		Pair  [2]float64 `bridge:",omitzero"`
	}
	minus := math.Copysign(0, -1)
	for _, in := range []row{{Float: float32(minus)}, {Whole: complex(0, minus)}, {Point: point{Y: minus}}, {Pair: [2]float64{minus}}} {
		encoded, err := value.Encode(in)
		require.NoError(t, err)
		decoded, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Equal(t, 1, decoded.(*value.Dict).Len(), "%+v", in)
	}
	encoded, err := value.Encode(row{})
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Zero(t, decoded.(*value.Dict).Len())
}
