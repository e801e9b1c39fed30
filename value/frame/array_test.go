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

// numpyArray is an array as the Python SDK writes it: a column, and a note of what it is.
func numpyArray(t *testing.T, dtype string, values arrow.Array) *frame.Table {
	t.Helper()
	metadata := arrow.NewMetadata([]string{"grpc_tool_bridge"}, []string{`{"dtype":"` + dtype + `","shape":{"$tuple":[2]},"order":"C"}`})
	schema := arrow.NewSchema([]arrow.Field{{Name: "values", Type: values.DataType(), Nullable: true}}, &metadata)
	batch := array.NewRecordBatch(schema, []arrow.Array{values}, int64(values.Len()))
	table, err := frame.FromBatches(frame.NumpyArray, schema, []arrow.RecordBatch{batch})
	require.NoError(t, err)
	return table
}

func intArray(values ...int64) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func floatArray(values ...float64) arrow.Array {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func TestTheRowsOfAnArrayAreItsItems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table *frame.Table
		want  string
	}{
		"complex numbers":        {numpyArray(t, "<c16", floatArray(1, 2, -0.5, 0)), `[{"values":{"$complex":[1.0,2.0]}},{"values":{"$complex":[-0.5,0.0]}}]`},
		"half a complex number":  {numpyArray(t, "<c16", floatArray(1, 2, 3)), `[{"values":1.0},{"values":2.0},{"values":3.0}]`},
		"complex ints":           {numpyArray(t, ">c8", intArray(1, 2)), `[{"values":1},{"values":2}]`},
		"no complex numbers":     {numpyArray(t, "<c16", floatArray()), `[]`},
		"days":                   {numpyArray(t, "<M8[D]", intArray(0, -719162, 2932896, 2932897, math.MinInt64)), `[{"values":{"$date":"1970-01-01"}},{"values":{"$date":"0001-01-01"}},{"values":{"$date":"9999-12-31"}},{"values":2932897},{"values":null}]`},
		"floats":                 {numpyArray(t, "<f8", floatArray(1, 2)), `[{"values":1.0},{"values":2.0}]`},
		"another kind of object": {noted(t, `{"dtype":"<c16"}`, "x"), `[{"x":0}]`},
	} {
		got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(c.table)
		require.NoError(t, err, name)
		require.Equal(t, c.want, string(got), name)
	}
	rows, err := frame.ToStructs[struct {
		Values complex128 `json:"values"`
	}](numpyArray(t, "<c16", floatArray(1, 2)))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.InDelta(t, 2, imag(rows[0].Values), 0)
}

func TestAStrictCodecIsStrictAboutRowsToo(t *testing.T) {
	t.Parallel()
	encoded, err := codec().Encode(map[string]any{"t": sampleTable(t)})
	require.NoError(t, err)
	var into struct {
		T []struct{} `json:"t"`
	}
	require.NoError(t, codec().DecodeInto(encoded, &into))
	err = codec().Configured(value.Strict()).DecodeInto(encoded, &into)
	require.ErrorContains(t, err, "want a field of struct {}")
	require.ErrorContains(t, err, "$.t[0].")
}
