package frame_test

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// notedFrame is a DataFrame with a column x of one int and notes, and with an index that is the column id, or a range called id.
func notedFrame(t *testing.T, notes, index string) *frame.Table {
	t.Helper()
	metadata := arrow.NewMetadata([]string{"pandas", "grpc_tool_bridge"}, []string{`{"index_columns":[` + index + `],"columns":[]}`, notes})
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, &metadata)
	ints := array.NewInt64Builder(memory.DefaultAllocator)
	ints.Append(7)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	require.NoError(t, w.Write(array.NewRecordBatch(schema, []arrow.Array{ints.NewArray()}, 1)))
	require.NoError(t, w.Close())
	table, err := frame.Read(frame.PandasDataFrame, stream.Bytes())
	require.NoError(t, err)
	return table
}

const rangeOfOne = `{"kind":"range","name":"id","start":5,"stop":6,"step":1}`

func TestNotesThatCannotBeReadAreAnErrorWhereTheyAreAskedForAndNowhereElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ notes, index, says string }{
		{`{"index_names`, rangeOfOne, `the metadata "grpc_tool_bridge" of this pandas.DataFrame cannot be read: `},
		{`[]`, rangeOfOne, `cannot be read: it is no object`},
		{`{"index_names":[{"frame":{"$bytes":"AAAA"}}]}`, rangeOfOne, "say of the name of level 0 of its index cannot be read"},
		{`{"index_names":[{"frame":{"$bytes":"AAAA"}}]}`, `"x"`, "say of the name of level 0 of its index cannot be read"},
	} {
		table := notedFrame(t, c.notes, c.index)

		x, err := table.Column("x")
		require.NoError(t, err, c.notes)
		values, _, err := x.Int64s()
		require.NoError(t, err, c.notes)
		require.Equal(t, []int64{7}, values)
		sent, err := codec().Encode(table)
		require.NoError(t, err, c.notes)
		require.Equal(t, table.Bytes(), sent.Bytes)

		_, ofColumn := table.Column("id")
		_, ofRange := table.Range()
		_, ofRows := frame.ToStructs[struct{ X, ID int64 }](table)
		for _, err := range []error{ofColumn, ofRange, ofRows} {
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
			require.ErrorContains(t, err, c.says)
		}
	}
}
