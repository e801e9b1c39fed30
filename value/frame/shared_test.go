package frame_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const sharedRows, sharedBytes = 20_000, 100_000 // 2 GB, if each row had its own

// oneFor are columns of many rows with one cell that is there once.
func oneFor(t *testing.T, cell arrow.Array) map[string]arrow.Array {
	t.Helper()
	codes := array.NewInt16Builder(memory.DefaultAllocator)
	codes.AppendValues(make([]int16, sharedRows), nil)
	ends := array.NewInt32Builder(memory.DefaultAllocator)
	ends.Append(sharedRows)
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: cell.DataType()}
	return map[string]arrow.Array{
		"a dictionary": array.NewDictionaryArray(kind, codes.NewArray(), cell),
		"a run":        array.NewRunEndEncodedArray(ends.NewArray(), cell, sharedRows, 0),
	}
}

func sharedTable(t *testing.T, column arrow.Array) *frame.Table {
	t.Helper()
	table, err := frame.Read(frame.PyarrowTable, priced(t, column))
	require.NoError(t, err)
	return table
}

func TestATextThatManyRowsHaveIsThereOnce(t *testing.T) { //nolint:paralleltest // what others allocate would count
	text := strings.Repeat("x", sharedBytes)
	columns := oneFor(t, textColumn(text))
	view := array.NewStringViewBuilder(memory.DefaultAllocator)
	view.Append(text)
	columns["views"] = many(t, view.NewArray())
	for name, column := range columns {
		c, err := sharedTable(t, column).Column("price")
		require.NoError(t, err)
		before := alloctest.SoFar()
		texts, _, err := c.Strings()
		require.NoError(t, err, name)
		require.Less(t, alloctest.SoFar()-before, uint64(64<<20), name)
		require.Len(t, texts, sharedRows)
		require.Equal(t, text, texts[sharedRows-1])
	}
}

// many is an array of views, all of them of the one that it is given.
func many(t *testing.T, one arrow.Array) arrow.Array {
	t.Helper()
	buffers := one.Data().Buffers()
	views := memory.NewBufferBytes(bytes.Repeat(buffers[1].Bytes()[:16], sharedRows))
	return array.MakeFromData(array.NewData(one.DataType(), sharedRows, append([]*memory.Buffer{nil, views}, buffers[2:]...), nil, 0, 0))
}

func TestCellsThatManyRowsHaveAreRefusedOutOfProportion(t *testing.T) { //nolint:paralleltest // what others allocate would count
	data := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	data.Append(make([]byte, sharedBytes))
	view := array.NewBinaryViewBuilder(memory.DefaultAllocator)
	view.Append(make([]byte, sharedBytes))
	lists := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64)
	lists.Append(true)
	lists.ValueBuilder().(*array.Int64Builder).AppendValues(make([]int64, sharedBytes), nil)
	columns := map[string]arrow.Array{"views": many(t, view.NewArray())}
	for what, cell := range map[string]arrow.Array{"bytes": data.NewArray(), "lists": lists.NewArray()} {
		for name, column := range oneFor(t, cell) {
			columns[name+" of "+what] = column
		}
	}
	for name, column := range columns {
		table := sharedTable(t, column)
		c, err := table.Column("price")
		require.NoError(t, err)
		before := alloctest.SoFar()
		_, err = c.Values()
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		requireBlamed(t, err, "its cells, with all that is inside of them")
		require.Less(t, alloctest.SoFar()-before, uint64(256<<20), name)
		var rows []map[string]any
		require.ErrorContains(t, codec().Assign(table, &rows), "its cells, with all that is inside of them", name)
	}
}

func TestCellsThatAFewRowsHaveAreRead(t *testing.T) {
	t.Parallel()
	data := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	data.Append([]byte("ab"))
	for name, column := range oneFor(t, data.NewArray()) {
		c, err := sharedTable(t, column).Column("price")
		require.NoError(t, err)
		cells, err := c.Values()
		require.NoError(t, err, name)
		require.Equal(t, []byte("ab"), cells[sharedRows-1], name)
	}
}

func TestOneCellThatHoldsTheSameAgainAndAgainIsRefused(t *testing.T) { //nolint:paralleltest // what others allocate would count
	const each, levels = 1000, 3 // a thousand million items
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	numbers.Append(7)
	cell := numbers.NewArray()
	for range levels {
		cell = listOfRun(cell, each)
	}
	c, err := sharedTable(t, cell).Column("price")
	require.NoError(t, err)
	before := alloctest.SoFar()
	_, err = c.Values()
	requireBlamed(t, err, "its cells, with all that is inside of them")
	require.Less(t, alloctest.SoFar()-before, uint64(64<<20))
}

// listOfRun is one list that holds the only item of an array again and again.
func listOfRun(item arrow.Array, times int32) arrow.Array {
	ends := array.NewInt32Builder(memory.DefaultAllocator)
	ends.Append(times)
	run := array.NewRunEndEncodedArray(ends.NewArray(), item, int(times), 0)
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, times}))
	list := array.NewData(arrow.ListOf(run.DataType()), 1, []*memory.Buffer{nil, offsets}, []arrow.ArrayData{run.Data()}, 0, 0)
	return array.NewListData(list)
}
