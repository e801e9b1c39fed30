package frame_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// columnOf is a table of one column, made by a builder.
func columnOf(t *testing.T, build array.Builder, fill func()) *frame.Column {
	t.Helper()
	fill()
	table, err := frame.New().Kind(frame.PyarrowTable).Array("c", build.NewArray()).Build()
	require.NoError(t, err)
	c, err := table.ColumnAt(0)
	require.NoError(t, err)
	return c
}

func TestCellsOfRareTypesAreTheValuesThatTheyStandFor(t *testing.T) {
	t.Parallel()
	pool := memory.DefaultAllocator
	times := array.NewTime64Builder(pool, &arrow.Time64Type{Unit: arrow.Nanosecond})
	seconds := array.NewTime32Builder(pool, &arrow.Time32Type{Unit: arrow.Second})
	spans := array.NewDurationBuilder(pool, &arrow.DurationType{Unit: arrow.Second})
	decimals := array.NewDecimal256Builder(pool, &arrow.Decimal256Type{Precision: 50, Scale: 2})
	runs := array.NewRunEndEncodedBuilder(pool, arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	for name, c := range map[string]struct {
		column *frame.Column
		want   []any
	}{
		"times":   {columnOf(t, times, func() { times.Append(arrow.Time64(7*time.Hour + 1)) }), []any{value.TimeOfDay{Hour: 7, Nanosecond: 1}}},
		"seconds": {columnOf(t, seconds, func() { seconds.Append(86399) }), []any{value.TimeOfDay{Hour: 23, Minute: 59, Second: 59}}},
		"spans": {
			columnOf(t, spans, func() { spans.AppendValues([]arrow.Duration{-1, 10_000_000_000, -10_000_000_001}, nil) }),
			[]any{-time.Second, value.Timedelta{Days: 115740, Nanoseconds: 64000e9}, value.Timedelta{Days: -115741, Nanoseconds: 22399e9}},
		},
		"decimals": {columnOf(t, decimals, func() { decimals.Append(decimal256.FromI64(110)) }), []any{value.MustDecimal("1.10")}},
		"runs": {columnOf(t, runs, func() {
			runs.Append(2)
			runs.ValueBuilder().(*array.StringBuilder).Append("a")
		}), []any{"a", "a"}},
	} {
		got, err := c.column.Values()
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestCellsThatNoValueStandsForAreRefusedRatherThanCutToTheirText(t *testing.T) {
	t.Parallel()
	intervals := array.NewMonthDayNanoIntervalBuilder(memory.DefaultAllocator)
	column := columnOf(t, intervals, func() { intervals.Append(arrow.MonthDayNanoInterval{Months: 1}) })
	_, err := column.Values()
	require.ErrorContains(t, err, `column "c"`)
	require.ErrorContains(t, err, "are not read; Batches has them")

	late := array.NewTime32Builder(memory.DefaultAllocator, &arrow.Time32Type{Unit: arrow.Second})
	late.Append(86400)
	_, err = frame.New().Kind(frame.PyarrowTable).Array("c", late.NewArray()).Build()
	require.ErrorContains(t, err, `column "c" is malformed: row 0 is no time of day`)
}

// noted is a table of int columns with these names, with notes as a Python program makes them.
func noted(t *testing.T, notes string, names ...string) *frame.Table {
	t.Helper()
	fields, columns := make([]arrow.Field, len(names)), make([]arrow.Array, len(names))
	for i, name := range names {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		b.Append(int64(i))
		fields[i], columns[i] = arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64}, b.NewArray()
	}
	meta := arrow.NewMetadata([]string{"grpc_tool_bridge"}, []string{notes})
	schema := arrow.NewSchema(fields, &meta)
	table, err := frame.FromBatches(frame.PandasDataFrame, schema, []arrow.RecordBatch{array.NewRecordBatch(schema, columns, 1)})
	require.NoError(t, err)
	return table
}

// columnsOf are notes that describe the names of columns as the index of a frame: the columns of a table.
func columnsOf(index *frame.Table) string {
	return fmt.Sprintf(`{"columns":{"frame":{"$bytes":%q}}}`, base64.StdEncoding.EncodeToString(index.Bytes()))
}

func TestRowsHaveTheLabelsThatPythonKnows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table *frame.Table
		want  string
	}{
		"ints":             {noted(t, `{"columns":{"labels":[5,"a"],"names":[null]}}`, "0", "1"), `[{"5":0,"a":1}]`},
		"a range":          {noted(t, `{"columns":{"range":{"$tuple":[4,0,-2]},"name":null}}`, "0", "1", "idx"), `[{"4":0,"2":1,"idx":2}]`},
		"tuples":           {noted(t, `{"columns":{"labels":[{"$tuple":["a",1]}],"names":["x","y"]}}`, "0"), `[{"{\"$tuple\":[\"a\",1]}":0}]`},
		"dates":            {noted(t, `{"columns":{"labels":[{"$date":"2024-05-06"},1.5,true],"names":[null]}}`, "0", "1", "2"), `[{"2024-05-06":0,"1.5":1,"True":2}]`},
		"an endless range": {noted(t, `{"columns":{"range":{"$tuple":[0,9000000000000000000,1]},"name":null}}`, "0"), `[{"0":0}]`},
		"an index":         {noted(t, columnsOf(noted(t, `{}`, "a")), "0"), `[{"0":0}]`},
		"levels":           {noted(t, columnsOf(noted(t, `{}`, "a", "b")), "0"), `[{"{\"$tuple\":[0,1]}":0}]`},
		"no labels":        {noted(t, `{"attrs":{}}`, "x"), `[{"x":0}]`},
	} {
		rows := codec().Configured(value.TablesAsRows())
		got, err := rows.EncodeJSON(c.table)
		require.NoError(t, err, name)
		require.Equal(t, c.want, string(got), name)
		encoded, err := codec().Encode([]any{c.table})
		require.NoError(t, err, name)
		got, err = rows.ToJSON(encoded)
		require.NoError(t, err, name)
		require.Equal(t, "["+c.want+"]", string(got), name)
	}
}

func TestRowsAreRefusedWhereANameWouldBeAGuess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table *frame.Table
		path  string
		want  string
	}{
		"twice the same":     {noted(t, `{"columns":{"labels":["a","a"],"names":[null]}}`, "0", "1"), "$.a", `two columns are called "a"`},
		"a text and its int": {noted(t, `{"columns":{"labels":["1",1],"names":[null]}}`, "0", "1"), `$["1"]`, `two columns are called "1"`},
		"one as the index":   {noted(t, `{"columns":{"labels":["idx"],"names":[null]}}`, "0", "idx"), "$.idx", `two columns are called "idx"`},
		"more than columns":  {noted(t, `{"columns":{"labels":["a","b"],"names":[null]}}`, "0"), "$", "name 2 columns, and it has 1"},
		"no notes":           {noted(t, `{`, "x"), "$", `the metadata "grpc_tool_bridge"`},
		"half a range":       {noted(t, `{"columns":{"range":[1]}}`, "x"), "$", "cannot be read"},
		"a range of texts":   {noted(t, `{"columns":{"range":{"$tuple":["a",0,-2]}}}`, "x"), "$", "cannot be read"},
		"labels as a text":   {noted(t, `{"columns":{"labels":"ab"}}`, "x"), "$", "cannot be read"},
		"no index":           {noted(t, `{"columns":{"frame":{"$bytes":"AAAA"}}}`, "x"), "$", "the names of the columns, as an index"},
		"an index as a text": {noted(t, `{"columns":{"frame":"AAAA"}}`, "x"), "$", "cannot be read"},
		"no level":           {noted(t, columnsOf(noted(t, `{}`)), "x"), "$", "it has no level"},
	} {
		_, err := codec().Configured(value.TablesAsRows()).EncodeJSON(c.table)
		require.ErrorContains(t, err, c.want, name)
		_, err = frame.ToStructs[struct{ A int64 }](c.table)
		var e *tool.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, tool.SerializationError, e.Code, name)
		require.Equal(t, c.path, e.Details["path"], name)
		again, err := codec().Encode(c.table)
		require.NoError(t, err, name)
		require.Equal(t, c.table.Bytes(), again.Bytes, name)
	}
}

func TestATableWithANameTwiceHasNoRows(t *testing.T) {
	t.Parallel()
	table := noted(t, `{}`, "a", "b", "a")
	_, err := frame.ToStructs[struct{ A int64 }](table)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "$.a", e.Details["path"])
	require.ErrorContains(t, err, `two columns are called "a"`)
	_, err = codec().Configured(value.TablesAsRows()).EncodeJSON(map[string]any{"t": table})
	require.ErrorContains(t, err, `two columns are called "a"`)
}

func TestRowsNeedAnExtensionThatReadsTables(t *testing.T) {
	t.Parallel()
	encoded, err := codec().Encode(sampleTable(t))
	require.NoError(t, err)
	_, err = value.New(value.TablesAsRows()).ToJSON(encoded)
	require.ErrorContains(t, err, "cannot read a pandas.DataFrame")
	_, err = codec().Configured(value.TablesAsRows()).ToJSON(tool.Value{TypeURL: "type.googleapis.com/pandas.Series", Bytes: []byte("x")})
	require.ErrorContains(t, err, "malformed pandas.Series")
}
