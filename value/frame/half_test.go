package frame_test

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func TestFloatsOfSixteenBitsAreTheNumbersThatTheyAre(t *testing.T) {
	t.Parallel()
	bits := []uint16{1, 0x8001, 0x3ff, 0x400, 0x3c00, 0xc000, 0x7bff, 0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0xfe01}
	want := []float64{
		math.Ldexp(1, -24), -math.Ldexp(1, -24), math.Ldexp(1023, -24), math.Ldexp(1, -14), 1, -2, 65504, 0, math.Copysign(0, -1),
		math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(math.NaN(), -1),
	}
	data := memory.NewBufferBytes(arrow.Uint16Traits.CastToBytes(bits))
	halves := array.NewFloat16Data(array.NewData(arrow.FixedWidthTypes.Float16, len(bits), []*memory.Buffer{nil, data}, nil, 0, 0))
	table, err := frame.New().Kind(frame.PyarrowTable).Array("h", halves).Build()
	require.NoError(t, err)
	column, err := table.Column("h")
	require.NoError(t, err)
	got, _, err := column.Float64s()
	require.NoError(t, err)
	var rows []struct {
		H float64 `json:"h"`
	}
	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	require.NoError(t, codec().DecodeInto(encoded, &rows))
	for i, w := range want {
		require.Equal(t, math.Signbit(w), math.Signbit(got[i]), "%#x", bits[i])
		require.Equal(t, math.Signbit(w), math.Signbit(rows[i].H), "%#x", bits[i])
		if math.IsNaN(w) {
			require.True(t, math.IsNaN(got[i]) && math.IsNaN(rows[i].H), "%#x", bits[i])
			continue
		}
		require.Equal(t, []float64{w, w}, []float64{got[i], rows[i].H}, "%#x", bits[i])
	}
	shown, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table)
	require.NoError(t, err)
	require.Contains(t, string(shown), `[{"h":5.960464477539063e-08}`)
}
