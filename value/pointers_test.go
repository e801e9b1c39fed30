package value_test

import (
	"errors"
	"math"
	"strings"
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

// cipher is a text that has a mark where others see it.
type cipher string

// MarshalText implements encoding.TextMarshaler by a pointer.
func (c *cipher) MarshalText() ([]byte, error) { return []byte("#" + string(*c)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *cipher) UnmarshalText(text []byte) error {
	plain, marked := strings.CutPrefix(string(text), "#")
	if !marked {
		return errors.New("no mark")
	}
	*c = cipher(plain)
	return nil
}

func TestATextThatIsWrittenByAPointerIsWrittenOfValuesToo(t *testing.T) {
	t.Parallel()
	type row struct {
		Value  cipher
		Behind *cipher
		Keys   map[cipher]int
	}
	one := cipher("1")
	in := row{"a", &one, map[cipher]int{"k": 1}}
	encoded, err := value.Encode(in)
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, value.NewDict("Value", "#a", "Behind", "#1", "Keys", value.NewDict("#k", int64(1))), decoded)
	out, err := value.As[row](encoded)
	require.NoError(t, err)
	require.Equal(t, in, out)
}
