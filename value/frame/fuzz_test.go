package frame_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// Reading a stream may allocate so much in any case, and so much for each of its bytes: those that are compressed grow up to 64
// times, and by 10 MiB, when they are read and when the column is looked for that cannot be; LZ4
// takes a block of up to 8 MiB each time besides. Rows as dicts take more for each cell.
const (
	fuzzMemory        = 40 << 20
	fuzzMemoryPerByte = 200
	fuzzRowsMemory    = 128 << 20
	fuzzRowsPerByte   = 4000
)

// FuzzRead reads what may be no Arrow stream, cell by cell and as rows: whatever comes, it is a table or refused.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("ARROW1"))
	f.Add(sampleTable(f).Bytes())
	streams, err := filepath.Glob(filepath.Join("testdata", "*.arrow"))
	require.NoError(f, err)
	compressed, err := filepath.Glob(filepath.Join("testdata", "*", "*.arrow"))
	require.NoError(f, err)
	for _, path := range append(streams, compressed...) {
		stream, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := alloctest.SoFar()
		table, err := frame.Read(frame.PandasDataFrame, data)
		require.LessOrEqual(t, alloctest.SoFar()-before, uint64(fuzzMemory+fuzzMemoryPerByte*len(data)), "bytes allocated for %d", len(data))
		if err != nil {
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
			return
		}
		readAll(data)
		before = alloctest.SoFar()
		var rows []map[string]any
		encoded := tool.Value{TypeURL: "type.googleapis.com/" + frame.PandasDataFrame, Bytes: data}
		if err := codec().DecodeInto(encoded, &rows); err == nil {
			require.True(t, len(rows) == table.Rows() || len(table.Names()) == 0, "%d rows of %d", len(rows), table.Rows())
		}
		require.LessOrEqual(t, alloctest.SoFar()-before, uint64(fuzzRowsMemory+fuzzRowsPerByte*len(data)), "bytes allocated for %d", len(data))
	})
}

func TestAFewBytesOfManyNullsAreNoRows(t *testing.T) {
	t.Parallel()
	nulls := array.NewNull(1 << 20)
	table, err := frame.New().Array("nothing", nulls).Build()
	require.NoError(t, err)
	require.Equal(t, 1<<20, table.Rows())
	require.Less(t, len(table.Bytes()), 4096)
	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	var rows []map[string]any
	err = codec().DecodeInto(encoded, &rows)
	require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
	require.ErrorContains(t, err, "read the table by its columns")
}
