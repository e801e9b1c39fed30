package frame_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type Spot struct{ Lat, Lon float64 }

type spotted struct {
	*Spot
	Name string
}

func TestAnEmbeddedPointerThatIsNilComesBackAsNil(t *testing.T) {
	t.Parallel()
	in := []spotted{{nil, "a"}, {&Spot{1, 2}, "b"}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	out, err := frame.ToStructs[spotted](table)
	require.NoError(t, err)
	require.Equal(t, in, out)

	for _, valid := range [][]bool{{false}, {true}} {
		half, err := frame.New().Float64("Lat", []float64{1}, valid).Float64("Lon", []float64{1}, []bool{!valid[0]}).String("Name", []string{"a"}).Build()
		require.NoError(t, err)
		_, err = frame.ToStructs[spotted](half)
		require.ErrorContains(t, err, "want float, got none", "half of it is there")
	}
}

func TestWhatHasNoColumnIsNotDropped(t *testing.T) {
	t.Parallel()
	_, err := frame.FromStructs([]everyField{{}, {hidden: &hidden{7}}})
	requirePath(t, err, "$[1].Secret")
	_, err = frame.FromStructs([]struct{}{{}, {}})
	requirePath(t, err, "$")
	require.ErrorContains(t, err, "no exported fields")
}

func TestMessagesAboutKeysAndPointersAreReadable(t *testing.T) {
	t.Parallel()
	_, err := frame.FromStructs([]struct{ M map[string]int }{{map[string]int{"\xff": 1}}})
	requirePath(t, err, "$[0].M")
	require.True(t, utf8.ValidString(err.Error()))
	_, err = frame.FromStructs([]struct{ P **int }{})
	require.ErrorContains(t, err, "type **int cannot be a column")
}
