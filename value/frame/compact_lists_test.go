package frame_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// appendShared fills a builder of types whose slices share what is not theirs; every seventh row is null, where a type has nulls.
func appendShared(b array.Builder, row int) {
	switch b := b.(type) {
	case *array.RunEndEncodedBuilder:
		b.Append(1)
		appendShared(b.ValueBuilder(), row)
		return
	case *array.BinaryDictionaryBuilder:
		if row%7 == 3 {
			b.AppendNull()
		} else if err := b.AppendString(fmt.Sprint(viewText, row)); err != nil {
			panic(err)
		}
		return
	}
	if row%7 == 3 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.ListViewBuilder:
		b.AppendWithSize(true, row%3)
		appendTimes(b.ValueBuilder(), row, row%3)
	case *array.LargeListViewBuilder:
		b.AppendWithSize(true, row%3)
		appendTimes(b.ValueBuilder(), row, row%3)
	case *array.ListBuilder:
		b.Append(true)
		appendTimes(b.ValueBuilder(), row, 2)
	case *array.FixedSizeListBuilder:
		b.Append(true)
		appendTimes(b.ValueBuilder(), row, 2)
	case *array.StructBuilder:
		b.Append(true)
		appendShared(b.FieldBuilder(0), row+1)
	case *array.StringBuilder:
		b.Append(fmt.Sprint(viewText, row))
	case *array.StringViewBuilder:
		b.Append(fmt.Sprint(viewText, row))
	case *array.Int64Builder:
		b.Append(int64(row))
	}
}

func appendTimes(b array.Builder, row, times int) {
	for i := range times {
		appendShared(b, row+i)
	}
}

func sharedColumn(kind arrow.DataType, rows int) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, kind)
	defer b.Release()
	for row := range rows {
		appendShared(b, row)
	}
	return b.NewArray()
}

// written is a column as a table of a kind has it once it was written and read.
func written(t *testing.T, kind string, columns ...arrow.Array) *frame.Table {
	t.Helper()
	var batches []arrow.RecordBatch
	for _, c := range columns {
		batches = append(batches, viewBatch(c))
	}
	table, err := frame.FromBatches(kind, batches[0].Schema(), batches)
	require.NoError(t, err)
	return table
}

func textsOf(t *testing.T, a arrow.Array) []string {
	t.Helper()
	texts := make([]string, a.Len())
	for i := range texts {
		texts[i] = a.ValueStr(i)
	}
	return texts
}

func TestSlicesOfListViewsAndRunsAreWrittenAsTheirRowsOnly(t *testing.T) {
	t.Parallel()
	const rows = 6_000
	text, view, ints := arrow.BinaryTypes.String, arrow.BinaryTypes.StringView, arrow.PrimitiveTypes.Int64
	runs := func(values arrow.DataType) arrow.DataType {
		return arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, values)
	}
	for name, kind := range map[string]arrow.DataType{
		"views of ints":             arrow.ListViewOf(ints),
		"views of texts":            arrow.ListViewOf(text),
		"views of views":            arrow.ListViewOf(view),
		"large views of views":      arrow.LargeListViewOf(view),
		"views of views of lists":   arrow.ListViewOf(arrow.ListViewOf(arrow.ListOf(view))),
		"runs of texts":             runs(text),
		"runs of views":             runs(view),
		"lists of runs of views":    arrow.ListOf(runs(view)),
		"pairs of views":            arrow.FixedSizeListOf(2, arrow.ListViewOf(view)),
		"structs of views of texts": arrow.StructOf(arrow.Field{Name: "x", Type: arrow.ListViewOf(text), Nullable: true}),
		"lists of views of ints":    arrow.ListOf(arrow.ListViewOf(ints)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			column := sharedColumn(kind, rows)
			for _, window := range [][2]int64{{0, 10}, {rows/2 + 3, rows/2 + 13}, {8, 8}, {rows - 1, rows}, {7, 39}, {1, 2}} {
				few := array.NewSlice(column, window[0], window[1])
				table := written(t, frame.PyarrowTable, few)
				require.Less(t, len(table.Bytes()), 128<<10, "rows %v", window)
				require.Equal(t, few.Len(), table.Rows())
				for _, batch := range table.Batches() {
					require.Equal(t, textsOf(t, few), textsOf(t, batch.Column(0)), "rows %v", window)
				}
			}
		})
	}
}

// listView is a column of views of the items 0, 1, … at these places.
func listView(items int, offsets, sizes []int32) arrow.Array {
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range items {
		numbers.Append(int64(i))
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets)), memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(sizes))}
	data := array.NewData(arrow.ListViewOf(arrow.PrimitiveTypes.Int64), len(offsets), buffers, []arrow.ArrayData{numbers.NewArray().Data()}, 0, 0)
	return array.NewListViewData(data)
}

func TestViewsInAnyOrderAreWrittenWithTheirItemsOnly(t *testing.T) {
	t.Parallel()
	const items = 100_000
	for name, c := range map[string]struct {
		offsets, sizes []int32
		most           int
	}{
		"from its ends": {[]int32{items - 2, 0, items / 2}, []int32{2, 1, 1}, 2 << 10},
		"backwards":     {[]int32{9, 8, 7}, []int32{1, 1, 1}, 2 << 10},
		"the same":      {[]int32{5, 5, 5, 6, 5}, []int32{2, 2, 2, 1, 0}, 2 << 10},
		"empty":         {[]int32{items, 7}, []int32{0, 0}, 2 << 10},
		"side by side":  {[]int32{4, 6, items - 1}, []int32{2, 3, 1}, 2 << 10},
		"the whole, often": {
			make([]int32, 1000), func() []int32 {
				all := make([]int32, 1000)
				for i := range all {
					all[i] = items
				}
				return all
			}(), 8*items + 16<<10,
		},
	} {
		column := listView(items, c.offsets, c.sizes)
		table := written(t, frame.PyarrowTable, column)
		require.Less(t, len(table.Bytes()), c.most, name)
		for i := range min(column.Len(), 10) {
			require.Equal(t, column.ValueStr(i), table.Batches()[0].Column(0).ValueStr(i), name)
		}
	}
}

func TestALongDictionaryOfAPyarrowTableTravelsWithTheEntriesInUse(t *testing.T) {
	t.Parallel()
	const rows = 6_000
	for _, index := range []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int64} {
		column := sharedColumn(&arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String, Ordered: true}, rows)
		few, more := array.NewSlice(column, rows/2+3, rows/2+13), array.NewSlice(column, 0, 5)

		table := written(t, frame.PyarrowTable, few, more)
		require.Less(t, len(table.Bytes()), 8<<10)
		require.Equal(t, textsOf(t, few), textsOf(t, table.Batches()[0].Column(0)))
		require.Equal(t, textsOf(t, more), textsOf(t, table.Batches()[1].Column(0)))
		require.Equal(t, column.DataType().String(), table.Schema().Field(0).Type.String())

		all := written(t, frame.PyarrowTable, column)
		require.True(t, array.Equal(column, all.Batches()[0].Column(0)), "which uses all")
		whole := written(t, frame.PandasDataFrame, few)
		require.True(t, array.Equal(few, whole.Batches()[0].Column(0)), "whose categories are a part of the value")
	}
	short := sharedColumn(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, 100)
	few := array.NewSlice(short, 0, 5)
	require.True(t, array.Equal(few, written(t, frame.PyarrowTable, few).Batches()[0].Column(0)), "which is short")
	none := array.NewSlice(sharedColumn(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, rows), 3, 4)
	require.Equal(t, []string{"(null)"}, textsOf(t, written(t, frame.PyarrowTable, none).Batches()[0].Column(0)))
}
