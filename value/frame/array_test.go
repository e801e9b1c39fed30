package frame_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

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
	items := values.Len()
	if strings.Contains(dtype, "c") {
		items /= 2
	}
	metadata := arrow.NewMetadata([]string{"grpc_tool_bridge"}, []string{fmt.Sprintf(`{"dtype":%q,"shape":{"$tuple":[%d]},"order":"C"}`, dtype, items)})
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

// momentArray has these moments and a null.
func momentArray(unit arrow.TimeUnit, zone string, values ...arrow.Timestamp) arrow.Array {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: unit, TimeZone: zone})
	b.AppendValues(values, nil)
	b.AppendNull()
	return b.NewArray()
}

// spanArray has these spans and a null.
func spanArray(unit arrow.TimeUnit, values ...arrow.Duration) arrow.Array {
	b := array.NewDurationBuilder(memory.DefaultAllocator, &arrow.DurationType{Unit: unit})
	b.AppendValues(values, nil)
	b.AppendNull()
	return b.NewArray()
}

func TestMetadataOfTheSameKeyInATableOfPyarrowIsItsOwn(t *testing.T) {
	t.Parallel()
	metadata := arrow.NewMetadata([]string{"grpc_tool_bridge"}, []string{`no JSON`})
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, &metadata)
	batch := array.NewRecordBatch(schema, []arrow.Array{intArray(1)}, 1)
	for kind, refused := range map[string]bool{frame.PyarrowTable: false, frame.PolarsDataFrame: false, frame.NumpyArray: true, frame.PandasDataFrame: true} {
		table, err := frame.FromBatches(kind, schema, []arrow.RecordBatch{batch})
		if kind == frame.NumpyArray {
			require.ErrorContains(t, err, `the metadata "grpc_tool_bridge"`)
			continue
		}
		require.NoError(t, err, kind)
		shown, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table)
		var rows []map[string]any
		encoded, e := codec().Encode(table)
		require.NoError(t, e, kind)
		decoded := codec().DecodeInto(encoded, &rows)
		if refused {
			require.ErrorContains(t, err, `the metadata "grpc_tool_bridge"`, kind)
			require.ErrorContains(t, decoded, `the metadata "grpc_tool_bridge"`, kind)
			continue
		}
		require.NoError(t, err, kind)
		require.JSONEq(t, `[{"a":1}]`, string(shown), kind)
		require.NoError(t, decoded, kind)
		require.Equal(t, []map[string]any{{"a": int64(1)}}, rows, kind)
	}
}

func TestTheRowsOfAnArrayAreItsItems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table *frame.Table
		want  string
	}{
		"complex numbers":        {numpyArray(t, "<c16", floatArray(1, 2, -0.5, 0)), `[{"values":{"$complex":[1.0,2.0]}},{"values":{"$complex":[-0.5,0.0]}}]`},
		"no complex numbers":     {numpyArray(t, "<c16", floatArray()), `[]`},
		"days":                   {numpyArray(t, "<M8[D]", intArray(0, -719162, 2932896, 2932897, math.MinInt64)), `[{"values":{"$date":"1970-01-01"}},{"values":{"$date":"0001-01-01"}},{"values":{"$date":"9999-12-31"}},{"values":2932897},{"values":null}]`},
		"days and NaT":           {numpyArray(t, ">M8[D]", intArray(1)), `[{"values":{"$date":"1970-01-02"}}]`},
		"weeks":                  {numpyArray(t, "<M8[W]", intArray(3, -5, 1<<40)), `[{"values":{"$date":"1970-01-22"}},{"values":{"$date":"1969-11-27"}},{"values":1099511627776}]`},
		"months":                 {numpyArray(t, "<M8[M]", intArray(3, -5, -1969*12, 8029*12+11, 8030*12)), `[{"values":{"$date":"1970-04-01"}},{"values":{"$date":"1969-08-01"}},{"values":{"$date":"0001-01-01"}},{"values":{"$date":"9999-12-01"}},{"values":96360}]`},
		"years":                  {numpyArray(t, "<M8[Y]", intArray(3, -1969, 8029, 8030)), `[{"values":{"$date":"1973-01-01"}},{"values":{"$date":"0001-01-01"}},{"values":{"$date":"9999-01-01"}},{"values":8030}]`},
		"hours":                  {numpyArray(t, "<M8[h]", intArray(3, -5, math.MinInt64, math.MaxInt64)), `[{"values":{"$datetime":"1970-01-01T03:00:00"}},{"values":{"$datetime":"1969-12-31T19:00:00"}},{"values":null},{"values":9223372036854775807}]`},
		"steps of 25 s":          {numpyArray(t, "<M8[25s]", intArray(3, -5, math.MaxInt64)), `[{"values":{"$datetime":"1970-01-01T00:01:15"}},{"values":{"$datetime":"1969-12-31T23:57:55"}},{"values":9223372036854775807}]`},
		"steps of 10 us":         {numpyArray(t, "<M8[10us]", intArray(-1, 1<<59)), `[{"values":{"$datetime":"1969-12-31T23:59:59.999990"}},{"values":576460752303423488}]`},
		"spans of hours":         {numpyArray(t, "<m8[h]", intArray(3, -5, math.MinInt64, math.MaxInt64)), `[{"values":{"$timedelta":"10800000000"}},{"values":{"$timedelta":"-18000000000"}},{"values":null},{"values":9223372036854775807}]`},
		"spans of weeks":         {numpyArray(t, "<m8[W]", intArray(3, -5, 1<<40)), `[{"values":{"$timedelta":"1814400000000"}},{"values":{"$timedelta":"-3024000000000"}},{"values":1099511627776}]`},
		"long spans of minutes":  {numpyArray(t, "<m8[m]", intArray(1<<38, 1<<50)), `[{"values":{"$timedelta":"16492674416640000000"}},{"values":1125899906842624}]`},
		"spans of months":        {numpyArray(t, "<m8[M]", intArray(3, math.MinInt64)), `[{"values":3},{"values":null}]`},
		"steps of nothing":       {numpyArray(t, "<M8[0s]", intArray(3)), `[{"values":3}]`},
		"floats":                 {numpyArray(t, "<f8", floatArray(1, 2)), `[{"values":1.0},{"values":2.0}]`},
		"moments of seconds":     {numpyArray(t, "<M8[s]", momentArray(arrow.Second, "", 0, 253402300800, -62135596801, math.MaxInt64)), `[{"values":{"$datetime":"1970-01-01T00:00:00"}},{"values":253402300800},{"values":-62135596801},{"values":9223372036854775807},{"values":null}]`},
		"moments of 1 us":        {numpyArray(t, ">M8[us]", momentArray(arrow.Microsecond, "", -1, 568971820800000000)), `[{"values":{"$datetime":"1969-12-31T23:59:59.999999"}},{"values":568971820800000000},{"values":null}]`},
		"moments of ns":          {numpyArray(t, "<M8[ns]", momentArray(arrow.Nanosecond, "", 1)), `[{"values":{"$datetime":"1970-01-01T00:00:00.000000001"}},{"values":null}]`},
		"spans of seconds":       {numpyArray(t, "<m8[s]", spanArray(arrow.Second, -1, 1<<62)), `[{"values":{"$timedelta":"-1000000"}},{"values":4611686018427387904},{"values":null}]`},
		"spans of ms":            {numpyArray(t, "<m8[ms]", spanArray(arrow.Millisecond, 1, 1<<62)), `[{"values":{"$timedelta":"1000"}},{"values":4611686018427387904},{"values":null}]`},
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

func TestTheColumnOfAnArrayOfMomentsHasItsItems(t *testing.T) {
	t.Parallel()
	days, err := numpyArray(t, "<M8[D]", intArray(0, 19849, math.MinInt64)).Column("values")
	require.NoError(t, err)
	dates, err := days.Values()
	require.NoError(t, err)
	require.Equal(t, []any{value.Date{Year: 1970, Month: 1, Day: 1}, value.Date{Year: 2024, Month: 5, Day: 6}, nil}, dates)
	shown, err := days.Shown()
	require.NoError(t, err)
	require.Equal(t, dates, shown)
	counts, _, err := days.Int64s()
	require.NoError(t, err)
	require.Equal(t, []int64{0, 19849, math.MinInt64}, counts)

	hours, err := numpyArray(t, "<M8[h]", intArray(1)).Column("values")
	require.NoError(t, err)
	times, _, err := hours.Times()
	require.NoError(t, err)
	require.Equal(t, []time.Time{time.Unix(3600, 0).UTC()}, times)
}
