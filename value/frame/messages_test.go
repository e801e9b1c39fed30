package frame_test

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// ofPrices is a stream of a column of two floats.
func ofPrices(t *testing.T) []byte {
	t.Helper()
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues([]float64{1, -2.5}, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: "price", Type: arrow.PrimitiveTypes.Float64}}, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	require.NoError(t, w.Write(array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 2)))
	require.NoError(t, w.Close())
	return out.Bytes()
}

// whereCellsStand is the place of the first column's cells in memory, and the first place behind the stream.
func whereCellsStand(t *testing.T, table *frame.Table, stream []byte) (cells, from, to uintptr) {
	t.Helper()
	at := table.Batches()[0].Column(0).Data().Buffers()[1].Bytes()
	from = uintptr(unsafe.Pointer(unsafe.SliceData(stream)))
	return uintptr(unsafe.Pointer(unsafe.SliceData(at))), from, from + uintptr(len(stream))
}

func TestATableStandsInTheBytesThatItWasReadFrom(t *testing.T) {
	t.Parallel()
	stream := ofPrices(t)
	table, err := frame.Read(frame.PyarrowTable, stream)
	require.NoError(t, err)
	cells, from, to := whereCellsStand(t, table, stream)
	require.True(t, from <= cells && cells < to, "the cells were copied")
}

func TestATableOfBytesThatStandAskewIsCopied(t *testing.T) {
	t.Parallel()
	stream := ofPrices(t)
	room := make([]byte, len(stream)+1)
	askew := room[1:]
	copy(askew, stream)
	table, err := frame.Read(frame.PyarrowTable, askew)
	require.NoError(t, err)
	require.Equal(t, `[1.0,-2.5]`, cellsOf(t, table, "price"))
	cells, from, to := whereCellsStand(t, table, askew)
	require.False(t, from <= cells && cells < to, "the cells stand askew")
	require.Zero(t, cells%8)
}

func TestReadingATableOfABigEndianMachineLeavesItsBytesAsTheyAre(t *testing.T) {
	t.Parallel()
	offsets := []byte{0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0}
	stream := changed(t, fromBigEndian(t, textColumn("a", "bc")), offsets, []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3})
	before := bytes.Clone(stream)
	for range 2 {
		table, err := frame.Read(frame.PyarrowTable, stream)
		require.NoError(t, err)
		require.Equal(t, `["a","bc"]`, cellsOf(t, table, "price"))
	}
	require.Equal(t, before, stream)
}
