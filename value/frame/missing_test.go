package frame_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func TestNaNIsANumberOfARowAndNullIsNone(t *testing.T) {
	t.Parallel()
	negative := math.Copysign(math.NaN(), -1)
	table, err := frame.New().
		Float64("price", []float64{1.5, math.NaN(), negative}).
		Float64("maybe", []float64{negative, 0, 2.5}, []bool{true, false, true}).
		Build()
	require.NoError(t, err)
	rows, err := frame.ToStructs[struct {
		Price float64  `bridge:"price"`
		Maybe *float64 `bridge:"maybe"`
	}](table)

	require.NoError(t, err)
	require.InDelta(t, 1.5, rows[0].Price, 0)
	require.True(t, math.IsNaN(rows[1].Price) && !math.Signbit(rows[1].Price))
	require.True(t, math.IsNaN(rows[2].Price) && math.Signbit(rows[2].Price))
	require.True(t, math.IsNaN(*rows[0].Maybe) && math.Signbit(*rows[0].Maybe))
	require.Nil(t, rows[1].Maybe)

	again, err := frame.FromStructs(rows)
	require.NoError(t, err)
	encoded, err := codec().Configured(value.TablesAsRows()).EncodeJSON(again)
	require.NoError(t, err)
	require.Equal(t, `[{"price":1.5,"maybe":{"$float":"-NaN"}},{"price":{"$float":"NaN"},"maybe":null},{"price":{"$float":"-NaN"},"maybe":2.5}]`,
		string(encoded))
}

func TestANullWhereARowHasNoPlaceForItIsNamed(t *testing.T) {
	t.Parallel()
	table, err := frame.New().Float64("price", []float64{1, 0}, []bool{true, false}).Build()
	require.NoError(t, err)
	_, err = frame.ToStructs[struct {
		Price float64 `bridge:"price"`
	}](table)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "$[1].price", e.Details["path"])
}

func TestFloatsWithNullsArePandasNullableFloats(t *testing.T) {
	t.Parallel()
	build := func(valid ...[]bool) string {
		table, err := frame.New().Float64("a", []float64{1}, valid...).Build()
		require.NoError(t, err)
		metadata, _ := table.Schema().Metadata().GetValue("pandas")
		return metadata
	}
	require.Contains(t, build(), `"numpy_type":"float64"`)
	require.Contains(t, build([]bool{true}), `"numpy_type":"float64"`)
	require.Contains(t, build([]bool{false}), `"numpy_type":"Float64"`)
	maybe, err := frame.FromStructs([]struct{ A *float64 }{{}})
	require.NoError(t, err)
	metadata, _ := maybe.Schema().Metadata().GetValue("pandas")
	require.Contains(t, metadata, `"numpy_type":"Float64"`)
}

// misplaced are the bytes of something with a table of texts in it, with the last offset of the texts leading out of them.
func misplaced(t *testing.T, encoded []byte) []byte {
	t.Helper()
	offsets := []byte{0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0}
	require.Equal(t, 1, bytes.Count(encoded, offsets))
	bad := bytes.Clone(offsets)
	binary.LittleEndian.PutUint32(bad[8:], 1<<30)
	return bytes.Replace(encoded, offsets, bad, 1)
}

func TestAMalformedColumnIsNamedByItsPathInTheWholeValue(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{
		"price": ".price", "a b": `["a b"]`, "": `[""]`, strings.Repeat("é", 30): `["` + strings.Repeat("é", 24) + `"…]`,
	} {
		table, err := frame.New().Kind(frame.PyarrowTable).Int64("fine", []int64{1, 2}).String(name, []string{"x", "yy"}).Build()
		require.NoError(t, err)
		_, err = frame.Read(frame.PandasDataFrame, misplaced(t, table.Bytes()))
		var e *tool.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "$"+step, e.Details["path"])

		encoded, err := codec().Encode([]any{1, table})
		require.NoError(t, err)
		encoded.Bytes = misplaced(t, encoded.Bytes)
		_, err = codec().Decode(encoded)
		require.ErrorAs(t, err, &e)
		require.Equal(t, "$[1]"+step, e.Details["path"])
	}
}

func TestAStreamWithoutTheMarkOfItsEndIsRefused(t *testing.T) {
	t.Parallel()
	table := sampleTable(t)
	var two bytes.Buffer
	w := ipc.NewWriter(&two, ipc.WithSchema(table.Schema()))
	for range 2 {
		require.NoError(t, w.Write(table.Batches()[0]))
	}
	between := two.Len() // the second batch has been written, the end has not
	require.NoError(t, w.Close())
	for _, data := range [][]byte{two.Bytes()[:between], table.Bytes()[:len(table.Bytes())-8], table.Bytes()[:len(table.Bytes())-4]} {
		_, err := frame.Read(frame.PandasDataFrame, data)
		require.ErrorContains(t, err, "mark of its end")
		require.Equal(t, tool.SerializationError, tool.CodeOf(err))
	}
	whole, err := frame.Read(frame.PandasDataFrame, two.Bytes())
	require.NoError(t, err)
	require.Equal(t, 6, whole.Rows())
}
