package frame_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// compressed is a stream of testdata/compressed, a column of zeros that pyarrow wrote.
func compressed(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "compressed", name+".arrow"))
	require.NoError(t, err)
	return data
}

func TestStreamsThatAreMuchShorterCompressedAreRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"zeros-100000-lz4": 100_000, "zeros-100000-zstd": 100_000, "zeros-1000000-lz4": 1_000_000, "zeros-1000000-zstd": 1_000_000,
	} {
		data := compressed(t, name)
		table, err := frame.Read(frame.NumpyArray, data)
		require.NoError(t, err, name)
		values, err := table.ColumnAt(0)
		require.NoError(t, err, name)
		zeros, _, err := values.Float64s()
		require.NoError(t, err, name)
		require.Equal(t, make([]float64, want), zeros, name)

		rows, err := rowsOf(opened(t, bytes.NewReader(data)))
		require.NoError(t, err, name)
		require.EqualValues(t, want, rows, name)
	}
}

func TestStreamsThatWouldGrowOutOfProportionAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bomb-lz4", "bomb-zstd"} {
		data := compressed(t, name)
		before := alloctest.SoFar()
		_, err := frame.Read(frame.PyarrowTable, data)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, "decompressed, its", name)
		require.Less(t, alloctest.SoFar()-before, uint64(48<<20), name)

		_, err = rowsOf(opened(t, bytes.NewReader(data)))
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, "decompressed, its", name)
	}
}

func TestTheTablesOfOneValueShareWhatTheyMayGrowBy(t *testing.T) {
	t.Parallel()
	one := tool.Value{TypeURL: "type.googleapis.com/" + frame.NumpyArray, Bytes: compressed(t, "zeros-1000000-zstd")}
	table, err := frame.Read(frame.NumpyArray, one.Bytes)
	require.NoError(t, err)
	for count, fits := range map[int]bool{1: true, 2: false, 30: false} {
		list := make([]any, count)
		for i := range list {
			list[i] = table
		}
		encoded, err := codec().Encode(list)
		require.NoError(t, err)
		_, err = codec().Decode(encoded)
		if fits {
			require.NoError(t, err)
			continue
		}
		var e *tool.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "$[1]", e.Details["path"])
		require.ErrorContains(t, err, "decompressed, its")
	}
	for range 3 { // each for itself
		_, err := codec().Decode(one)
		require.NoError(t, err)
	}
}

func TestBytesBehindTheEndOfAStreamAreRefused(t *testing.T) {
	t.Parallel()
	good := sampleTable(t).Bytes()
	for name, behind := range map[string][]byte{"a byte": {0}, "text": []byte("garbage"), "another stream": good, "another end": good[len(good)-8:]} {
		data := append(bytes.Clone(good), behind...)
		_, err := frame.Read(frame.PandasDataFrame, data)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, "bytes behind the mark of its end", name)

		_, err = rowsOf(opened(t, bytes.NewReader(data)))
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, "bytes behind the mark of its end", name)

		_, stream := opened(t, bytes.NewReader(data)).SendTable()
		_, err = io.ReadAll(stream)
		require.ErrorContains(t, err, "bytes behind the mark of its end", name)
	}
}
