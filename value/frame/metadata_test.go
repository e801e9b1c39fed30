package frame_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const (
	kindNull, kindList = 1, 12
	// Where the lists of fields stand that tables of a kind share.
	emptyTable, messageTable, schemaTable, fieldTable = 4, 8, 20, 32
)

// metadata is that of a schema, written as no writer does it.
type metadata struct{ b []byte }

func (m *metadata) put(numbers ...int) {
	for _, n := range numbers {
		m.b = binary.LittleEndian.AppendUint32(m.b, uint32(n))
	}
}

// table begins a table whose list of fields stands at a place.
func (m *metadata) table(list int) { m.put(len(m.b) - list) }

// lead lets the offset at a place lead to what comes next.
func (m *metadata) lead(at int) {
	binary.LittleEndian.PutUint32(m.b[at:], uint32(len(m.b)-at))
}

// hole is an offset that is to lead somewhere, and its place.
func (m *metadata) hole() int {
	m.put(0)
	return len(m.b) - 4
}

// text is a text in the way of FlatBuffers.
func (m *metadata) text(text string) {
	m.put(len(text))
	m.b = append(m.b, text...)
	m.b = append(m.b, make([]byte, 4-len(text)%4)...)
}

// newMetadata is a schema of so many columns, whose offsets are still to lead somewhere.
func newMetadata(columns int) (m *metadata, at []int) {
	m = &metadata{}
	root := m.hole()
	for _, half := range []uint16{
		4, 4, // the size of the list, and of its tables
		10, 16, 4, 6, 8, 0, // of messages: version, kind and what they hold
		8, 8, 0, 4, 0, 0, // of schemas: no order of bytes, their fields
		16, 20, 4, 0, 8, 12, 0, 16, // of fields: name, kind, type and those inside
	} {
		m.b = binary.LittleEndian.AppendUint16(m.b, half)
	}
	m.lead(root)
	m.table(messageTable)
	m.b = append(m.b, 4, 0, 1, 0) // version 5, a schema
	schema := m.hole()
	m.put(0)
	m.lead(schema)
	m.table(schemaTable)
	list := m.hole()
	m.lead(list)
	m.put(columns)
	for range columns {
		at = append(at, m.hole())
	}
	return m, at
}

// field is a field of a kind, and what is to lead to its name, its type and the one inside of it.
func (m *metadata) field(kind, inside int) (name, typed, item int) {
	m.table(fieldTable)
	name = m.hole()
	m.put(kind)
	typed = m.hole()
	list := m.hole()
	m.lead(list)
	m.put(inside)
	if inside > 0 {
		item = m.hole()
	}
	return name, typed, item
}

// stream is the schema as a stream without batches.
func (m *metadata) stream() []byte {
	m.b = append(m.b, make([]byte, 8-len(m.b)%8)...)
	out := append([]byte{0xff, 0xff, 0xff, 0xff}, binary.LittleEndian.AppendUint32(nil, uint32(len(m.b)))...)
	return append(append(out, m.b...), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)
}

// nestedSchema is a stream of a column of lists with so many levels, each of 24 bytes or so.
func nestedSchema(levels int) []byte {
	m, at := newMetadata(1)
	next := at[0]
	var names, types []int
	for level := range levels {
		kind, inside := kindList, 1
		if level == levels-1 {
			kind, inside = kindNull, 0
		}
		m.lead(next)
		name, typed, item := m.field(kind, inside)
		names, types, next = append(names, name), append(types, typed), item
	}
	m.lead(names[0]) // the others have the same
	for _, name := range names {
		m.lead(name)
	}
	m.text("price")
	for _, typed := range types {
		m.lead(typed)
	}
	m.table(emptyTable)
	return m.stream()
}

// oneField is a stream of so many columns that are one and the same field.
func oneField(columns int, name string) []byte {
	m, at := newMetadata(columns)
	for _, column := range at {
		m.lead(column)
	}
	called, typed, _ := m.field(kindNull, 0)
	m.lead(called)
	m.text(name)
	m.lead(typed)
	m.table(emptyTable)
	return m.stream()
}

// refusals are what both ways to read a stream say of it.
func refusals(t *testing.T, stream []byte) map[string]error {
	t.Helper()
	_, read := frame.Read(frame.PyarrowTable, stream)
	r := new(frame.Reader)
	opened := r.OpenTable(frame.PyarrowTable, io.NopCloser(bytes.NewReader(stream)))
	if opened == nil {
		_, opened = rowsOf(r)
	}
	return map[string]error{"a table": read, "a reader": opened}
}

func TestAColumnOfSixtyFourLevelsIsRead(t *testing.T) {
	t.Parallel()
	for way, err := range refusals(t, nestedSchema(64)) {
		require.NoError(t, err, way)
	}
	require.NotEmpty(t, batchesOf(t, priced(t, array.NewBuilder(memory.DefaultAllocator, listsOf(63)).NewArray())))
}

func TestAColumnOfMoreLevelsIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	w := ipc.NewWriter(&written, ipc.WithSchema(arrow.NewSchema([]arrow.Field{{Name: "price", Type: listsOf(64)}}, nil)))
	require.NoError(t, w.Close())
	streams := map[string][]byte{
		"65": nestedSchema(65), "written by Arrow": written.Bytes(),
		"a hundred thousand": nestedSchema(100_000), // of which each was copied with all of those inside
	}
	for name, stream := range streams {
		for way, err := range refusals(t, stream) {
			var refused *tool.Error
			require.ErrorAs(t, err, &refused, "%s, %s", name, way)
			require.Equal(t, tool.SerializationError, refused.Code)
			require.Equal(t, "$.price", refused.Details["path"])
			require.Equal(t, "64", refused.Details["limit"])
			require.ErrorContains(t, err, `column "price" is of a type nested deeper than 64 levels`)
		}
	}
}

// listsOf are so many lists inside of each other.
func listsOf(levels int) (inside arrow.DataType) {
	inside = arrow.PrimitiveTypes.Int64
	for range levels {
		inside = arrow.ListOf(inside)
	}
	return inside
}

// TestColumnsMayShareAShortNameOnly has columns that would each have a copy of the same long name.
func TestColumnsMayShareAShortNameOnly(t *testing.T) {
	t.Parallel()
	for way, err := range refusals(t, oneField(10, strings.Repeat("n", 100))) {
		require.NoError(t, err, way)
	}
	for way, err := range refusals(t, oneField(200, strings.Repeat("n", 1000))) {
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, way)
		require.ErrorContains(t, err, "out of bounds")
	}
}

// TestBuffersThatShareTheirBytesAreRefused has batches of few bytes whose many columns would all be decompressed, or looked through.
func TestBuffersThatShareTheirBytesAreRefused(t *testing.T) {
	t.Parallel()
	texts := make([]string, 600)
	for i := range texts {
		texts[i] = "abc"
	}
	for name, options := range map[string][]ipc.Option{"plain": nil, "zstd": {ipc.WithZstd()}, "lz4": {ipc.WithLZ4()}} {
		stream := priced(t, textColumn(texts...), options...)
		for way, err := range refusals(t, stream) {
			require.NoError(t, err, "%s, %s", name, way)
		}
		for way, err := range refusals(t, sharing(t, stream)) {
			requireBlamed(t, err, "want bytes of its own for each")
			require.ErrorContains(t, err, "the buffers up to one of", "%s, %s", name, way)
		}
	}
}

// sharing is a stream of an "id" and a text in which all buffers of the text lead to the whole body.
func sharing(t *testing.T, stream []byte) []byte {
	t.Helper()
	again := bytes.Clone(stream)
	at := len(schemaOf(t, stream))
	message := again[at : at+8+int(binary.LittleEndian.Uint32(again[at+4:]))]
	body := len(again) - 8 - at - len(message)
	list := bytes.Index(message, append([]byte{5, 0, 0, 0}, int64s(0)...))
	require.Positive(t, list)
	for i := 2; i < 5; i++ {
		copy(message[list+4+16*i:], int64s(0, int64(body)))
	}
	return again
}

// TestADictionaryOfManyBatchesIsLookedThroughOnce changes a dictionary behind the reader's back: who looked again would find it.
func TestADictionaryOfManyBatchesIsLookedThroughOnce(t *testing.T) {
	t.Parallel()
	b := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String})
	require.NoError(t, b.(*array.BinaryDictionaryBuilder).AppendString("a"))
	column := b.NewArray()
	schema := arrow.NewSchema([]arrow.Field{{Name: "price", Type: column.DataType()}}, nil)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	for range 3 {
		require.NoError(t, w.Write(array.NewRecordBatch(schema, []arrow.Array{column}, 1)))
	}
	require.NoError(t, w.Close())
	r := opened(t, &stream)
	for range 3 {
		require.True(t, r.Next(), "%v", r.Err())
		dictionary := r.RecordBatch().Column(0).(*array.Dictionary).Dictionary()
		dictionary.Data().Buffers()[2].Bytes()[0] = 0xff
	}
	require.False(t, r.Next())
	require.NoError(t, r.Err())
}
