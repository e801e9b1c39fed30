package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestACodecThatDoesNotReadTablesSaysWhatReadsThem(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pandas.DataFrame", "polars.Series", "numpy.ndarray"} {
		table := tool.Value{TypeURL: "type.googleapis.com/" + kind, Bytes: []byte("ARROW")}
		for _, target := range []any{new([]struct{ X int }), new(map[string]any), new(struct{ X int }), new([]float64)} {
			err := value.New().DecodeInto(table, target)
			require.ErrorContains(t, err, "got "+kind)
			require.ErrorContains(t, err, "frame.Extension()")
			require.Equal(t, kind, details(t, err)["got"])
		}
		inside, err := value.Encode(map[string]any{"t": value.Opaque(table)})
		require.NoError(t, err)
		err = value.New().DecodeInto(inside, new(map[string][]int))
		require.Equal(t, "$.t", details(t, err)["path"])
		require.ErrorContains(t, err, "frame.Extension()")
	}
	other := tool.Value{TypeURL: "type.googleapis.com/example.Thing"}
	require.NotContains(t, value.New().DecodeInto(other, new([]int)).Error(), "frame")
}
