package frame_test

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// grownRows times grownFields are many cells, of which each takes at least 16 bytes.
const grownRows, grownFields = 50_000, 100

// structsOf is an array of structs of fields, none of which is null.
func structsOf(rows int, fields ...arrow.Array) arrow.Array {
	types, parts := make([]arrow.Field, len(fields)), make([]arrow.ArrayData, len(fields))
	for i, f := range fields {
		types[i], parts[i] = arrow.Field{Name: string(rune('0' + i)), Type: f.DataType(), Nullable: true}, f.Data()
	}
	return array.MakeFromData(array.NewData(arrow.StructOf(types...), rows, []*memory.Buffer{nil}, parts, 0, 0))
}

func nullFields(rows int) arrow.Array {
	fields := make([]arrow.Array, grownFields)
	for i := range fields {
		fields[i] = array.NewNull(rows)
	}
	return structsOf(rows, fields...)
}

// fixedLists are lists of so many of the items each.
func fixedLists(each int, items arrow.Array) arrow.Array {
	kind := arrow.FixedSizeListOf(int32(each), items.DataType())
	return array.MakeFromData(array.NewData(kind, items.Len()/each, []*memory.Buffer{nil}, []arrow.ArrayData{items.Data()}, 0, 0))
}

// lists is one list of all items, of a type of lists.
func lists(kind arrow.DataType, width int, items arrow.Array) arrow.Array {
	offsets := make([]byte, 2*width)
	offsets[width], offsets[width+1], offsets[width+2] = byte(items.Len()), byte(items.Len()>>8), byte(items.Len()>>16)
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(offsets)}
	return array.MakeFromData(array.NewData(kind, 1, buffers, []arrow.ArrayData{items.Data()}, 0, 0))
}

// listViews is one view of all items.
func listViews(items arrow.Array) arrow.Array {
	sizes := arrow.Int32Traits.CastToBytes([]int32{int32(items.Len())})
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, 4)), memory.NewBufferBytes(sizes)}
	return array.MakeFromData(array.NewData(arrow.ListViewOf(items.DataType()), 1, buffers, []arrow.ArrayData{items.Data()}, 0, 0))
}

func runOf(item arrow.Array, times int) arrow.Array {
	ends := array.NewInt32Builder(memory.DefaultAllocator)
	ends.Append(int32(times))
	return array.NewRunEndEncodedArray(ends.NewArray(), item, times, 0)
}

func integers(n int) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range n {
		b.Append(int64(i))
	}
	return b.NewArray()
}

// fromNothing are columns of a few bytes, but for the first one's keys, whose cells would take much memory.
func fromNothing(t *testing.T) map[string]arrow.Array {
	t.Helper()
	nulls := array.NewNull(grownRows * grownFields / 2)
	entries := structsOf(1000, integers(1000), fixedLists(1000, array.NewNull(1000*1000)))
	kinds := map[string]arrow.Array{
		"structs of nulls":                   nullFields(grownRows),
		"structs of structs of nulls":        structsOf(grownRows, nullFields(grownRows)),
		"structs of structs of nothing":      structsOf(4_000_000, structsOf(4_000_000)),
		"structs of runs":                    structsOf(4_000_000, runOf(textColumn("x"), 4_000_000)),
		"fixed lists of nulls":               fixedLists(grownFields, nulls),
		"fixed lists of structs of nulls":    fixedLists(10, nullFields(grownRows)),
		"structs of fixed lists of nulls":    structsOf(grownRows/2, fixedLists(grownFields, nulls)),
		"fixed lists of fixed lists":         fixedLists(2, fixedLists(1, fixedLists(1, array.NewNull(2_000_000)))),
		"a list of nulls":                    lists(arrow.ListOf(arrow.Null), 4, nulls),
		"a large list of structs of nulls":   lists(arrow.LargeListOf(nullFields(1).DataType()), 8, nullFields(grownRows)),
		"a list view of nulls":               listViews(nulls),
		"a list of structs of nothing":       lists(arrow.ListOf(arrow.StructOf()), 4, structsOf(1_000_000)),
		"a map of ints to fixed lists":       lists(arrow.MapOf(arrow.PrimitiveTypes.Int64, entries.(*array.Struct).Field(1).DataType()), 4, entries),
		"runs of structs of nulls":           runOf(nullFields(1), grownRows),
		"runs of fixed lists of nulls":       runOf(fixedLists(1000, array.NewNull(1000)), grownRows),
		"fixed lists of runs of fixed lists": fixedLists(10, runOf(fixedLists(1000, array.NewNull(1000)), grownRows)),
	}
	codes := array.NewInt8Builder(memory.DefaultAllocator)
	codes.AppendValues(make([]int8, grownRows), nil)
	kinds["a dictionary of structs of nulls"] = array.NewDictionaryArray(
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: nullFields(1).DataType()}, codes.NewArray(), nullFields(1))
	return kinds
}

type priceRow struct {
	Price any `json:"price"`
}

type longRow struct {
	Nulls   any `json:"nulls"`
	Bit     any `json:"bit"`
	Structs any `json:"structs"`
	Lists   any `json:"lists"`
	Fixed   any `json:"fixed"`
	Bools   any `json:"bools"`
}

func TestCellsThatAreMadeOfNextToNothingAreRefusedOutOfProportion(t *testing.T) { //nolint:paralleltest // what others allocate would count
	for name, column := range fromNothing(t) {
		table, err := frame.New().Kind(frame.PyarrowTable).Array("price", column).Build()
		require.NoError(t, err, name)
		c, err := table.ColumnAt(0)
		require.NoError(t, err)
		var rows []map[string]any
		for way, read := range map[string]func() error{
			"values":  func() error { _, err := c.Values(); return err },
			"rows":    func() error { return codec().Assign(table, &rows) },
			"structs": func() error { _, err := frame.ToStructs[priceRow](table); return err },
			"json":    func() error { _, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table); return err },
		} {
			before := alloctest.SoFar()
			err := read()
			require.Less(t, alloctest.SoFar()-before, uint64(8<<20), "%s as %s", name, way)
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, "%s as %s", name, way)
		}
	}
}

func TestColumnsOfRowsCountTogether(t *testing.T) { //nolint:paralleltest // what others allocate would count
	lists := fixedLists(400, array.NewNull(400*1000))
	build := frame.New().Kind(frame.PyarrowTable)
	for i := range 30 {
		build.Array(string(rune('a'+i)), lists)
	}
	table, err := build.Build()
	require.NoError(t, err)
	for i := range 30 {
		c, err := table.ColumnAt(i)
		require.NoError(t, err)
		_, err = c.Values()
		require.NoError(t, err)
	}
	before := alloctest.SoFar()
	var rows []map[string]any
	err = codec().Assign(table, &rows)
	require.ErrorContains(t, err, "its cells, with all that is inside of them")
	require.Less(t, alloctest.SoFar()-before, uint64(64<<20))
}

func TestLongTablesOfNullsAndBitsAreRead(t *testing.T) {
	t.Parallel()
	for rows, asRows := range map[int]bool{1_000_000: false, 150_000: true} {
		kinds := map[string]arrow.DataType{
			"structs": arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}),
			"lists":   arrow.ListOf(arrow.PrimitiveTypes.Int64), "fixed": arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int8), "bools": arrow.FixedWidthTypes.Boolean,
		}
		build := frame.New().Kind(frame.PyarrowTable).Array("nulls", array.NewNull(rows)).Array("bit", structsOf(rows, bits(rows)))
		for name, kind := range kinds {
			b := array.NewBuilder(memory.DefaultAllocator, kind)
			b.AppendNulls(rows)
			build.Array(name, b.NewArray())
		}
		table, err := build.Build()
		require.NoError(t, err)
		for i := range table.Names() {
			c, err := table.ColumnAt(i)
			require.NoError(t, err)
			cells, err := c.Values()
			require.NoError(t, err)
			require.Len(t, cells, rows)
		}
		if asRows {
			read, err := frame.ToStructs[longRow](table)
			require.NoError(t, err)
			require.Len(t, read, rows)
		}
	}
}

func bits(rows int) arrow.Array {
	bits := memory.NewBufferBytes(bytes.Repeat([]byte{0xa5}, (rows+7)/8))
	return array.MakeFromData(array.NewData(arrow.FixedWidthTypes.Boolean, rows, []*memory.Buffer{nil, bits}, nil, 0, 0))
}

func bools(n int) arrow.Array {
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	for i := range n {
		b.Append(i%3 == 0)
	}
	return b.NewArray()
}

type flagRow struct {
	Flag bool `json:"flag"`
}

func TestRowsOfBitsAreRefusedOutOfProportion(t *testing.T) { //nolint:paralleltest // what others allocate would count
	table, err := frame.New().Kind(frame.PyarrowTable).Array("flag", bools(4_000_000)).Build()
	require.NoError(t, err)
	var rows []map[string]any
	for way, read := range map[string]func() error{
		"rows":    func() error { return codec().Assign(table, &rows) },
		"structs": func() error { _, err := frame.ToStructs[flagRow](table); return err },
		"json":    func() error { _, err := codec().Configured(value.TablesAsRows()).EncodeJSON(table); return err },
	} {
		before := alloctest.SoFar()
		err := read()
		require.Less(t, alloctest.SoFar()-before, uint64(1<<20), way)
		require.ErrorContains(t, err, "4000000 rows of 1 columns", way)
		require.ErrorContains(t, err, "read the table by its columns or Batches", way)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, way)
	}
	c, err := table.ColumnAt(0)
	require.NoError(t, err)
	values, err := c.Values()
	require.NoError(t, err)
	require.Len(t, values, 4_000_000)
}

func TestRowsOfBytesAreNeverTooMany(t *testing.T) {
	t.Parallel()
	small := array.NewInt8Builder(memory.DefaultAllocator)
	small.AppendValues(make([]int8, 400_000), nil)
	for name, column := range map[string]arrow.Array{"bytes": small.NewArray(), "some bits": bools(100_000)} {
		table, err := frame.New().Kind(frame.PyarrowTable).Array("flag", column).Build()
		require.NoError(t, err)
		rows, err := frame.ToStructs[struct {
			Flag any `json:"flag"`
		}](table)
		require.NoError(t, err, name)
		require.Len(t, rows, column.Len())
	}
}
