package frame_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// shownTable is a table of testdata/shown, which the Python SDK wrote: beside each column stands one of what Python's str gives for it.
func shownTable(t *testing.T, name string) *frame.Table {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "shown", name+".arrow"))
	require.NoError(t, err)
	table, err := frame.Read(frame.PandasDataFrame, data)
	require.NoError(t, err)
	return table
}

func TestPeriodsAndIntervalsAreShownAsPythonWritesThem(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"periods", "intervals"} {
		table := shownTable(t, name)
		checked := 0
		for i, column := range table.Names() {
			if strings.HasSuffix(column, " text") {
				continue
			}
			c, err := table.ColumnAt(i)
			require.NoError(t, err)
			got, err := c.Shown()
			require.NoError(t, err, column)
			texts, err := table.Column(column + " text")
			require.NoError(t, err)
			want, err := texts.Values()
			require.NoError(t, err)
			require.Equal(t, want, got, column)
			checked++
		}
		require.GreaterOrEqual(t, checked, 4)
	}
}

func TestRowsToLookAtHaveTheTextsOfPeriodsAndIntervals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"periods":   `[{"p":"2020-01"},{"p":"2020-02"}]`,
		"intervals": `[{"i":"(0, 1]"},{"i":"(1, 2]"}]`,
	} {
		got, err := codec().Configured(value.TablesAsRows()).EncodeJSON(indexed(t, name, frame.PandasDataFrame))
		require.NoError(t, err, name)
		require.Equal(t, want, string(got), name)
	}
}

// extension is a table of a column "c" of an extension type, and a column "x" of ints.
func extension(t *testing.T, name, detail string, values arrow.Array) *frame.Table {
	t.Helper()
	meta := arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{name, detail})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "c", Type: values.DataType(), Nullable: true, Metadata: meta}, {Name: "x", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	ints := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range values.Len() {
		ints.Append(int64(i))
	}
	batch := array.NewRecordBatch(schema, []arrow.Array{values, ints.NewArray()}, int64(values.Len()))
	table, err := frame.FromBatches(frame.PyarrowTable, schema, []arrow.RecordBatch{batch})
	require.NoError(t, err)
	return table
}

func TestAPeriodOrIntervalOfNoKnownKindIsNotShownAsSomethingElse(t *testing.T) {
	t.Parallel()
	ends := array.NewStructBuilder(memory.DefaultAllocator, arrow.StructOf(arrow.Field{Name: "left", Type: arrow.PrimitiveTypes.Int64}))
	ends.Append(true)
	ends.FieldBuilder(0).(*array.Int64Builder).Append(1)
	for name, table := range map[string]*frame.Table{
		"a frequency of the future": extension(t, "pandas.period", `{"freq":"EON"}`, intArray(1)),
		"no frequency":              extension(t, "pandas.period", `M`, intArray(1)),
		"a day beyond the universe": extension(t, "pandas.period", `{"freq":"D"}`, intArray(1<<62)),
		"an hour beyond it":         extension(t, "pandas.period", `{"freq":"h"}`, intArray(1<<62)),
		"a week that ends never":    extension(t, "pandas.period", `{"freq":"W-XXX"}`, intArray(1)),
		"an interval without ends":  extension(t, "pandas.interval", `{"closed":"left"}`, intArray(1)),
		"an interval of one end":    extension(t, "pandas.interval", `{"closed":"left"}`, ends.NewArray()),
		"a type of somebody else's": extension(t, "geo.point", "", intArray(1)),
	} {
		_, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table)
		var e *tool.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, "$.c", e.Details["path"], name)
		require.ErrorContains(t, err, "which no value stands for", name)
	}
}

func TestAColumnThatNobodyAsksForNeedNotBeReadable(t *testing.T) {
	t.Parallel()
	type row struct {
		X int64 `bridge:"x"`
	}
	table := extension(t, "geo.point", "", intArray(1, 2))
	encoded, err := codec().Encode(table)
	require.NoError(t, err)

	rows, err := frame.ToStructs[row](table, value.AllowSurplus())
	require.NoError(t, err)
	require.Equal(t, []row{{0}, {1}}, rows)
	var pointers []*row
	some := codec().Configured(value.AllowSurplus())
	require.NoError(t, some.DecodeInto(encoded, &pointers))
	require.Equal(t, []*row{{0}, {1}}, pointers)
	var empty []struct{}
	require.NoError(t, some.DecodeInto(encoded, &empty))
	require.Len(t, empty, 2, "rows without fields are rows")

	for name, target := range map[string]any{
		"a struct with that column": new([]struct {
			X int64 `bridge:"x"`
			C any   `bridge:"c"`
		}),
		"maps":     new([]map[string]any),
		"dicts":    new([]value.Dict),
		"anything": new([]any),
	} {
		err := codec().DecodeInto(encoded, target)
		requirePath(t, err, "$.c")
		require.ErrorContains(t, err, "geo.point", name)
	}
	err = codec().DecodeInto(encoded, new([]row))
	requirePath(t, err, "$.c")
	require.ErrorContains(t, err, `a field "c" too many`)
}

// picky takes a row as it is.
type picky struct {
	Seen int
}

// SetBridgeValue implements value.Unmarshaler.
func (p *picky) SetBridgeValue(v any) error {
	p.Seen = v.(*value.Dict).Len()
	return nil
}

func TestARowThatReadsItselfSeesAllColumns(t *testing.T) {
	t.Parallel()
	rows, err := frame.ToStructs[picky](sampleTable(t))
	require.NoError(t, err)
	require.Equal(t, len(sampleTable(t).Names()), rows[0].Seen)
}

func TestAnIndexWithoutANameIsNoFieldTooMany(t *testing.T) {
	t.Parallel()
	type row struct {
		X any `bridge:"x"`
	}
	for _, name := range []string{"filtered", "unnamed", "texts"} { // a range, ints, texts
		encoded, err := codec().Encode(indexed(t, name, frame.PandasDataFrame))
		require.NoError(t, err)
		var rows []row
		require.NoError(t, codec().DecodeInto(encoded, &rows), name)
		require.Len(t, rows, 2, name)
		var known []struct {
			X     any `bridge:"x"`
			Index any `bridge:"__index_level_0__"`
		}
		require.NoError(t, codec().DecodeInto(encoded, &known), name)
		require.NotNil(t, known[1].Index, name)
		var maps []map[string]any
		require.NoError(t, codec().DecodeInto(encoded, &maps), name)
		require.Contains(t, maps[0], "__index_level_0__", name)
	}
	for _, name := range []string{"range", "ints"} {
		encoded, err := codec().Encode(indexed(t, name, frame.PandasDataFrame))
		require.NoError(t, err)
		require.ErrorContains(t, codec().DecodeInto(encoded, new([]row)), `a field "id" too many`, name)
	}
	plain, err := codec().Encode(noted(t, `{}`, "x", "__index_level_0__"))
	require.NoError(t, err)
	require.ErrorContains(t, codec().DecodeInto(plain, new([]row)), `a field "__index_level_0__" too many`, "a column that is no index")
}
