package frame_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// indexed is a table of testdata/indexes, which the Python SDK wrote.
func indexed(t *testing.T, name, kind string) *frame.Table {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "indexes", name+".arrow"))
	require.NoError(t, err)
	table, err := frame.Read(kind, data)
	require.NoError(t, err)
	return table
}

func TestRowsHaveTheIndexWhicheverKindPandasMadeOfIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"range":                      `[{"x":1.0,"id":1},{"x":2.0,"id":2},{"x":3.0,"id":3}]`,
		"ints":                       `[{"x":1.0,"id":1},{"x":2.0,"id":2},{"x":3.0,"id":4}]`,
		"backwards":                  `[{"x":1.0,"id":5},{"x":2.0,"id":3}]`,
		"default":                    `[{"id":1,"x":1.0},{"id":2,"x":2.0},{"id":3,"x":3.0}]`,
		"positions":                  `[{"x":1},{"x":2}]`,
		"filtered":                   `[{"x":2.0,"__index_level_0__":1},{"x":3.0,"__index_level_0__":2}]`,
		"unnamed":                    `[{"x":1,"__index_level_0__":5},{"x":2,"__index_level_0__":3}]`,
		"texts":                      `[{"x":1,"__index_level_0__":"a"},{"x":2,"__index_level_0__":"b"}]`,
		"levels":                     `[{"x":1.0,"id":1,"y":7},{"x":2.0,"id":2,"y":8},{"x":3.0,"id":3,"y":9}]`,
		"range level":                `[{"x":1,"id":1,"key":"k"},{"x":2,"id":2,"key":"k"}]`,
		"no columns":                 `[{"id":1},{"id":2},{"id":3}]`,
		"no columns or name":         `[{},{}]`,
		"an int for a name":          `[{"1":2,"0":1},{"1":3,"0":2}]`,
		"an int for a name of texts": `[{"1":2,"0":"a"},{"1":3,"0":"b"}]`,
		"a period for a name":        `[{"x":1,"2020-01":5},{"x":2,"2020-01":7}]`,
		"beside its column":          `[{"id":1,"__index_level_0__":1},{"id":2,"__index_level_0__":2},{"id":3,"__index_level_0__":3}]`,
		"texts beside their column":  `[{"k":"a","__index_level_0__":"a"},{"k":"b","__index_level_0__":"b"}]`,
		"no name but":                `[{"x":1.0,"":1},{"x":2.0,"":2},{"x":3.0,"":3}]`,
		"columns of a range":         `[{"3":1,"4":2,"r":7}]`,
		"empty":                      `[]`,
	} {
		got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(indexed(t, name, frame.PandasDataFrame))
		require.NoError(t, err, name)
		require.Equal(t, want, string(got), name)
	}
	got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(indexed(t, "series", frame.PandasSeries))
	require.NoError(t, err)
	require.Equal(t, `[{"x":1.0,"id":1},{"x":2.0,"id":2},{"x":3.0,"id":3}]`, string(got))
}

func TestStructsAndMapsHaveAnIndexThatIsARange(t *testing.T) {
	t.Parallel()
	type row struct {
		ID int64   `json:"id"`
		X  float64 `json:"x"`
	}
	rows, err := frame.ToStructs[row](indexed(t, "range", frame.PandasDataFrame))
	require.NoError(t, err)
	require.Equal(t, []row{{1, 1}, {2, 2}, {3, 3}}, rows)
	encoded, err := codec().Encode(indexed(t, "range", frame.PandasDataFrame))
	require.NoError(t, err)
	var maps []map[string]any
	require.NoError(t, codec().DecodeInto(encoded, &maps))
	require.Equal(t, map[string]any{"id": int64(2), "x": 2.0}, maps[1])
}

func TestARangeIsAColumnByItsName(t *testing.T) {
	t.Parallel()
	table := indexed(t, "range", frame.PandasDataFrame)
	require.Equal(t, []string{"x"}, table.Names())
	c, err := table.Column("id")
	require.NoError(t, err)
	ids, valid, err := c.Int64s()
	require.NoError(t, err)
	require.Nil(t, valid)
	require.Equal(t, []int64{1, 2, 3}, ids)
	for _, name := range []string{"default", "ints", "texts"} {
		none, err := indexed(t, name, frame.PandasDataFrame).Range()
		require.NoError(t, err, name)
		require.Nil(t, none, name)
	}
	unnamed, err := indexed(t, "filtered", frame.PandasDataFrame).Range()
	require.NoError(t, err)
	require.Equal(t, "__index_level_0__", unnamed.Name())
}

// described is a table of a column x of three ints in two batches, with metadata of pandas.
func described(t *testing.T, kind, pandas string) *frame.Table {
	t.Helper()
	meta := arrow.NewMetadata([]string{"pandas"}, []string{pandas})
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, &meta)
	table, err := frame.FromBatches(kind, schema, []arrow.RecordBatch{
		array.NewRecordBatch(schema, []arrow.Array{intArray(7, 8)}, 2),
		array.NewRecordBatch(schema, []arrow.Array{intArray(9)}, 1),
	})
	require.NoError(t, err)
	return table
}

func TestARangeGoesOnAcrossBatches(t *testing.T) {
	t.Parallel()
	table := described(t, frame.PandasDataFrame, `{"index_columns":[{"kind":"range","name":"id","start":-9223372036854775808,"stop":9223372036854775807,"step":9223372036854775807}]}`)
	got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table)
	require.NoError(t, err)
	require.Equal(t, `[{"x":7,"id":-9223372036854775808},{"x":8,"id":-1},{"x":9,"id":9223372036854775806}]`, string(got))
}

func TestARangeThatDoesNotFitIsNoIndexAsForPandas(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]*frame.Table{
		"too long":     described(t, frame.PandasDataFrame, `{"index_columns":[{"kind":"range","name":"id","start":0,"stop":4,"step":1}]}`),
		"without end":  described(t, frame.PandasDataFrame, `{"index_columns":[{"kind":"range","name":"id","start":0,"stop":3,"step":0}]}`),
		"another kind": described(t, frame.PandasDataFrame, `{"index_columns":[{"kind":"spiral","name":"id"}]}`),
		"of pyarrow":   described(t, frame.PyarrowTable, `{"index_columns":[{"kind":"range","name":"id","start":0,"stop":3,"step":1}]}`),
	} {
		got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table)
		require.NoError(t, err, name)
		require.Equal(t, `[{"x":7},{"x":8},{"x":9}]`, string(got), name)
	}
}

func TestRowsAreRefusedWhereTheIndexCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]*frame.Table{
		"no JSON":       described(t, frame.PandasDataFrame, `{`),
		"half a range":  noted(t, `{"index_range":[1]}`),
		"endless range": noted(t, `{"index_range":{"$tuple":[0,9000000000000000000,1]}}`),
	} {
		_, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table)
		var e *tool.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, tool.SerializationError, e.Code, name)
		require.Equal(t, "$", e.Details["path"], name)
	}
}

func TestCellsOfPeriodsAndIntervalsAreRefusedRatherThanCut(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"periods": "$.p", "intervals": "$.i", "index of periods": "$.month"} {
		table := indexed(t, name, frame.PandasDataFrame)
		_, err := frame.ToStructs[map[string]any](table)
		var e *tool.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, tool.SerializationError, e.Code, name)
		require.Equal(t, path, e.Details["path"], name)
		require.ErrorContains(t, err, "astype(str)", name)
		c, err := table.ColumnAt(table.Schema().NumFields() - 1)
		require.NoError(t, err)
		_, err = c.Values()
		require.ErrorContains(t, err, "pandas.", name)
	}
}

// extended is a column of another type than Arrow's own.
func extended(t *testing.T, name string, values arrow.Array) *frame.Column {
	t.Helper()
	meta := arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{name})
	schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: values.DataType(), Nullable: true, Metadata: meta}}, nil)
	batch := array.NewRecordBatch(schema, []arrow.Array{values}, int64(values.Len()))
	table, err := frame.FromBatches(frame.PyarrowTable, schema, []arrow.RecordBatch{batch})
	require.NoError(t, err)
	c, err := table.ColumnAt(0)
	require.NoError(t, err)
	return c
}

func TestCellsOfExtensionTypesThatValuesKnowAreThose(t *testing.T) {
	t.Parallel()
	id, err := value.ParseUUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
	require.NoError(t, err)
	ids := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: 16})
	ids.Append(id[:])
	ids.AppendNull()
	flags := array.NewInt8Builder(memory.DefaultAllocator)
	flags.AppendValues([]int8{1, 0}, nil)
	texts := array.NewStringBuilder(memory.DefaultAllocator)
	texts.Append("[1]")
	for name, c := range map[string]struct {
		values arrow.Array
		want   []any
	}{
		"arrow.uuid":  {ids.NewArray(), []any{id, nil}},
		"arrow.bool8": {flags.NewArray(), []any{true, false}},
		"arrow.json":  {texts.NewArray(), []any{"[1]"}},
	} {
		got, err := extended(t, name, c.values).Values()
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	_, err = extended(t, "geo.point", intArray(1)).Values()
	require.ErrorContains(t, err, "geo.point")
}
