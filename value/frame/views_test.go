package frame_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// viewUnderNull is a column of three texts, of which the second is null, with a view of our own under it.
func viewUnderNull(t *testing.T, size, buffer, offset int32) arrow.Array {
	t.Helper()
	builder := array.NewStringViewBuilder(memory.DefaultAllocator)
	builder.AppendString("a")
	builder.AppendNull()
	builder.AppendString("a text that is no inline one")
	texts := builder.NewStringViewArray()
	data := texts.Data()
	shown := bytes.Clone(data.Buffers()[1].Bytes())
	for i, number := range []int32{size, int32(binary.LittleEndian.Uint32([]byte("a te"))), buffer, offset} {
		binary.LittleEndian.PutUint32(shown[16+4*i:], uint32(number))
	}
	buffers := append([]*memory.Buffer{data.Buffers()[0], memory.NewBufferBytes(shown)}, data.Buffers()[2:]...)
	return array.MakeFromData(array.NewData(texts.DataType(), 3, buffers, nil, 1, 0))
}

func columnTable(column arrow.Array) (*frame.Table, error) {
	return frame.New().Kind(frame.PyarrowTable).Array("a", column).Build()
}

func TestAViewUnderNullThatLeadsOutOfItsBytesIsRefused(t *testing.T) {
	t.Parallel()
	for name, view := range map[string][3]int32{
		"negative length": {-1, 0, 0}, "shortest length": {-1 << 31, 0, 0}, "longest length": {1<<31 - 1, 0, 0},
		"no such buffer": {20, 1, 0}, "negative buffer": {20, -1, 0}, "offset beyond": {20, 0, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := columnTable(viewUnderNull(t, view[0], view[1], view[2]))
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
			require.ErrorContains(t, err, `column "a" is malformed`)
		})
	}
}

func TestAViewUnderNullMayLeadToAnyOfItsBytes(t *testing.T) {
	t.Parallel()
	_, err := columnTable(viewUnderNull(t, 13, 0, 0))
	require.NoError(t, err)
}
