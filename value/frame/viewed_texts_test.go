package frame_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// viewsOf are views that show parts of a text, from and to a byte.
func viewsOf(text string, parts ...[2]int) arrow.Array {
	var views []byte
	for _, part := range parts {
		views = binary.LittleEndian.AppendUint32(views, uint32(part[1]-part[0]))
		views = append(views, text[part[0]:part[0]+4]...)
		views = binary.LittleEndian.AppendUint64(views, uint64(part[0])<<32)
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(views), memory.NewBufferBytes([]byte(text))}
	return array.MakeFromData(array.NewData(arrow.BinaryTypes.StringView, len(parts), buffers, nil, 0, 0))
}

// holdersOf are columns that hold an array.
func holdersOf(items arrow.Array) map[string]arrow.Array {
	starts := memory.NewBufferBytes(binary.LittleEndian.AppendUint32(make([]byte, 4), uint32(items.Len())))
	inside := func(t arrow.DataType, n int, buffers ...*memory.Buffer) arrow.Array {
		return array.MakeFromData(array.NewData(t, n, buffers, []arrow.ArrayData{items.Data()}, 0, 0))
	}
	codes := array.NewInt32Builder(memory.DefaultAllocator)
	for range items.Len() {
		codes.Append(0)
	}
	coded := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: items.DataType()}
	return map[string]arrow.Array{
		"column":     items,
		"list":       inside(arrow.ListOf(items.DataType()), 1, nil, starts),
		"struct":     inside(arrow.StructOf(arrow.Field{Name: "t", Type: items.DataType(), Nullable: true}), items.Len(), nil),
		"dictionary": array.NewDictionaryArray(coded, codes.NewArray(), items),
	}
}

func streamOf(t *testing.T, column arrow.Array) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: column.DataType(), Nullable: true}}, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	require.NoError(t, w.Write(array.NewRecordBatch(schema, []arrow.Array{column}, int64(column.Len()))))
	require.NoError(t, w.Close())
	return out.Bytes()
}

// manyViews show 100,000 times a text of 1.5 MB: looked through once for each, that takes minutes.
func manyViews() arrow.Array {
	return viewsOf(strings.Repeat("é", 750_000), slices.Repeat([][2]int{{0, 1_500_000}}, 100_000)...)
}

func TestATextOfManyViewsIsLookedThroughOnceWhereverItIs(t *testing.T) {
	t.Parallel()
	for name, column := range holdersOf(manyViews()) {
		data := streamOf(t, column)
		table, err := frame.Read(frame.PyarrowTable, data)
		require.NoError(t, err, name)
		require.Equal(t, column.Len(), table.Rows(), name)
		n, err := rowsOf(opened(t, bytes.NewReader(data)))
		require.NoError(t, err, name)
		require.EqualValues(t, column.Len(), n, name)
	}
}

func TestATextOfManyViewsIsTooLargeForRowsInJSON(t *testing.T) {
	t.Parallel()
	for name, column := range holdersOf(manyViews()) {
		encoded := tool.Value{TypeURL: "type.googleapis.com/" + frame.PyarrowTable, Bytes: streamOf(t, column)}
		_, err := codec().Configured(value.TablesAsRows()).ToJSON(encoded)
		require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge}, name)
	}
}

func TestViewsThatOverlapAreTextsWhereEachIsOne(t *testing.T) {
	t.Parallel()
	const text = "\xffabcdefghijklmé-nopqrstuvwxyz" // é has the bytes 14 and 15; the first byte is none of a text
	whole := [2]int{1, len(text)}
	for name, c := range map[string]struct {
		views [][2]int
		bad   string
	}{
		"around a byte that is none":  {[][2]int{whole, {1, 15}, whole}, "row 1 is no text in UTF-8"},
		"all of them":                 {[][2]int{whole, whole, {1, 14}, {14, 30}, {16, 29}, {2, 17}, {1, 14}}, ""},
		"one that begins inside of é": {[][2]int{whole, {15, 30}}, "row 1 is no text in UTF-8"},
		"one that ends inside of é":   {[][2]int{{1, 15}, whole}, "row 0 is no text in UTF-8"},
		"one alone that ends in é":    {[][2]int{{16, 30}, {1, 15}}, "row 1 is no text in UTF-8"},
		"one with the odd byte":       {[][2]int{whole, {0, 14}}, "row 1 is no text in UTF-8"},
		"two behind each other":       {[][2]int{{16, 30}, {1, 16}}, ""},
	} {
		_, err := frame.Read(frame.PyarrowTable, streamOf(t, viewsOf(text, c.views...)))
		if c.bad == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, `column "c" is malformed: `+c.bad, name)
	}
	for name, c := range map[string]struct {
		view [2]int
		good bool
	}{"whole": {[2]int{0, 15}, true}, "from inside of é": {[2]int{1, 15}, false}, "to inside of é": {[2]int{0, 14}, false}} {
		_, err := frame.Read(frame.PyarrowTable, streamOf(t, viewsOf("é-abcdefghijé", c.view)))
		require.Equal(t, c.good, err == nil, name)
	}
}
