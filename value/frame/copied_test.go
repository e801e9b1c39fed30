package frame_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const viewed = "a text that is longer than twelve bytes"

// textsOfAllKinds are three rows of every kind of texts.
func textsOfAllKinds(t *testing.T) *frame.Table {
	t.Helper()
	pool := memory.DefaultAllocator
	codes := array.NewInt8Builder(pool)
	codes.AppendValues([]int8{0, 1, 0}, nil)
	categories := array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		codes.NewArray(), textColumn(viewed, "b"))
	views := array.NewStringViewBuilder(pool)
	views.AppendValues([]string{viewed, "short", viewed + "!"}, nil)
	texts := textColumn("x", "y", viewed)
	data := array.NewBinaryBuilder(pool, arrow.BinaryTypes.Binary)
	data.AppendValues([][]byte{{1}, {2}, {3}}, nil)
	table, err := frame.New().Kind(frame.PyarrowTable).Array("categories", categories).Array("views", views.NewArray()).Array("texts", texts).
		Array("runs", runOf(textColumn(viewed), 3)).Array("lists", fixedLists(1, categories)).Array("structs", structsOf(3, categories)).
		Array("data", data.NewArray()).Build()
	require.NoError(t, err)
	return table
}

func TestCellsAreNoViewsOfTheBytesThatTheyWereReadFrom(t *testing.T) {
	t.Parallel()
	type row struct {
		Categories string            `json:"categories"`
		Views      string            `json:"views"`
		Texts      string            `json:"texts"`
		Runs       string            `json:"runs"`
		Lists      []string          `json:"lists"`
		Structs    map[string]string `json:"structs"`
		Data       []byte            `json:"data"`
	}
	table := textsOfAllKinds(t)
	stream := append([]byte{}, table.Bytes()...)
	table, err := frame.Read(frame.PyarrowTable, stream)
	require.NoError(t, err)
	var rows []row
	require.NoError(t, codec().DecodeInto(tool.Value{TypeURL: "type.googleapis.com/pyarrow.Table", Bytes: stream}, &rows))
	structs, err := frame.ToStructs[row](table)
	require.NoError(t, err)
	columns := map[string][]any{}
	for _, name := range table.Names() {
		c, err := table.Column(name)
		require.NoError(t, err)
		columns[name], err = c.Values()
		require.NoError(t, err)
	}
	before := fmt.Sprintf("%q %q %q", rows, structs, fmt.Sprint(columns))
	clear(stream)
	require.Equal(t, before, fmt.Sprintf("%q %q %q", rows, structs, fmt.Sprint(columns)))
	require.Equal(t, viewed, rows[2].Categories)
}

func TestRowsShareTheTextsOfTheirCategories(t *testing.T) {
	t.Parallel()
	batch := textsOfAllKinds(t).Batches()[0]
	table, err := frame.FromBatches(frame.PyarrowTable, batch.Schema(), []arrow.RecordBatch{batch, batch})
	require.NoError(t, err)
	require.Len(t, table.Batches(), 2)
	for _, name := range []string{"categories", "runs"} {
		c, err := table.Column(name)
		require.NoError(t, err)
		texts, _, err := c.Strings()
		require.NoError(t, err)
		require.Equal(t, texts[0], texts[2])
		require.Same(t, unsafe.StringData(texts[0]), unsafe.StringData(texts[2]), name)
		require.Equal(t, texts[0] == texts[5] && name == "categories", unsafe.StringData(texts[0]) == unsafe.StringData(texts[5]), name)
	}
}

func TestViewsThatOverlapTakeNoMoreThanTheyCarry(t *testing.T) { //nolint:paralleltest // what others allocate would count
	one := array.NewStringViewBuilder(memory.DefaultAllocator)
	one.Append(strings.Repeat("x", sharedBytes))
	buffers := one.NewArray().Data().Buffers()
	heads := make([]arrow.ViewHeader, sharedRows)
	for i := range heads {
		heads[i].SetIndexOffset(0, int32(i))
		heads[i].SetString(strings.Repeat("x", sharedBytes-i))
		heads[i].SetIndexOffset(0, int32(i))
	}
	views := memory.NewBufferBytes(arrow.ViewHeaderTraits.CastToBytes(heads))
	column := array.MakeFromData(array.NewData(arrow.BinaryTypes.StringView, sharedRows, append([]*memory.Buffer{nil, views}, buffers[2:]...), nil, 0, 0))
	c, err := sharedTable(t, column).Column("price")
	require.NoError(t, err)
	before := alloctest.SoFar()
	texts, _, err := c.Strings()
	require.NoError(t, err)
	require.Less(t, alloctest.SoFar()-before, uint64(16<<20))
	for i, text := range texts {
		require.Len(t, text, sharedBytes-i)
	}
}
