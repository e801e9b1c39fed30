package frame_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
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

// priced is a stream of a column "id" of as many ints and one called "price", in one batch.
func priced(t *testing.T, price arrow.Array, options ...ipc.Option) []byte {
	t.Helper()
	ids := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range price.Len() {
		ids.Append(int64(1000 + i))
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "price", Type: price.DataType(), Nullable: true},
	}, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(options, ipc.WithSchema(schema))...)
	require.NoError(t, w.Write(array.NewRecordBatch(schema, []arrow.Array{ids.NewArray(), price}, int64(price.Len()))))
	require.NoError(t, w.Close())
	return out.Bytes()
}

func int64s(numbers ...int64) (b []byte) {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// changed is a stream in which the last of some bytes, which are there, are others.
func changed(t *testing.T, stream, from, to []byte) []byte {
	t.Helper()
	at := bytes.LastIndex(stream, from)
	require.GreaterOrEqual(t, at, 0, "the stream has no % x", from)
	again := bytes.Clone(stream)
	copy(again[at:], to)
	return again
}

func floatsWithNull() arrow.Array {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues([]float64{1.5, 0, 2.5}, []bool{true, false, true})
	return b.NewArray()
}

func textColumn(texts ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(texts, nil)
	return b.NewArray()
}

// lyingStreams are streams whose column "price" is not what its lengths say, by what is wrong, and what the error says.
func lyingStreams(t *testing.T) map[string]struct {
	stream []byte
	says   string
} {
	t.Helper()
	type lie = struct {
		stream []byte
		says   string
	}
	nulls := priced(t, floatsWithNull()) // buffers: none, 24 bytes at 0, 4 of a bitmap at 24, 24 at 32
	texts := priced(t, textColumn("ab", "ü", "cd"))
	many := make([]string, 600)
	for i := range many {
		many[i] = "abc"
	}
	zstd, lz4 := priced(t, textColumn(many...), ipc.WithZstd()), priced(t, textColumn(many...), ipc.WithLZ4())

	categories := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String})
	require.NoError(t, categories.(*array.BinaryDictionaryBuilder).AppendString("a"))
	require.NoError(t, categories.(*array.BinaryDictionaryBuilder).AppendString("b"))
	index := priced(t, categories.NewArray())
	return map[string]lie{
		"no bitmap for a null":           {changed(t, nulls, int64s(24, 4), int64s(24, 0)), "3 items of 1 bits, got one of 0 bytes"},
		"more nulls than are":            {changed(t, nulls, int64s(3, 1), int64s(3, 2)), "says that 2 of 3 items are null, and 1 are"},
		"more nulls than rows":           {changed(t, nulls, int64s(3, 1), int64s(3, 4)), "4 of 3 items are null"},
		"fewer nulls than none":          {changed(t, nulls, int64s(3, 1), int64s(3, -7)), "-7 of 3 items are null"},
		"a short buffer":                 {changed(t, nulls, int64s(32, 24), int64s(32, 16)), "3 items of 64 bits, got one of 16 bytes"},
		"a buffer beyond its message":    {changed(t, nulls, int64s(32, 24), int64s(1<<40, 24)), "leads out of its message"},
		"a buffer before its message":    {changed(t, nulls, int64s(32, 24), int64s(-64, 24)), "leads out of its message"},
		"rows that nobody has":           {changed(t, nulls, int64s(3, 1), int64s(3_400_000_000_000_000, 1)), "3400000000000000 items in a stream"},
		"another number of rows":         {changed(t, nulls, int64s(3, 1), int64s(2, 1)), "2 rows instead of 3"},
		"offsets beyond the texts":       {changed(t, texts, []byte{6, 0, 0, 0}, []byte{60, 0, 0, 0}), "offsets lead from 0 to 60 of 6 bytes"},
		"offsets that go back":           {changed(t, texts, []byte{4, 0, 0, 0, 6, 0, 0, 0}, []byte{1, 0, 0, 0}), "its offsets go back from 2 to 1 in row 1"},
		"texts cut inside of characters": {changed(t, texts, []byte{4, 0, 0, 0, 6, 0, 0, 0}, []byte{3, 0, 0, 0}), "no text in UTF-8"},
		"bytes that are no texts":        {changed(t, texts, []byte("ü"), []byte{0xff, 0xfe}), "no text in UTF-8"},
		"an index of no category":        {changed(t, index, []byte{0, 0, 0, 0, 1, 0, 0, 0}, []byte{7, 0, 0, 0}), "category 7 of 2"},
		"zstd that holds more":           {changed(t, zstd, int64s(2404), int64s(2396)), "601 items of 32 bits, got one of 2396 bytes"},
		"lz4 that holds more":            {changed(t, lz4, int64s(2404), int64s(2396)), "601 items of 32 bits, got one of 2396 bytes"},
		"zstd that holds less":           {changed(t, zstd, int64s(1800), int64s(1808)), "says that it holds 1808 bytes, and holds 1800"},
		"lz4 that holds another length":  {changed(t, lz4, int64s(1800), int64s(1792)), "says that it holds 1792 bytes, and holds more"},
		"a buffer that begins anywhere":  {changed(t, nulls, int64s(32, 24), int64s(28, 24)), "want buffers at multiples of 8 bytes, got one at 28"},
		"lz4 that holds nothing":         {changed(t, lz4, int64s(1800), int64s(-2)), "-2 bytes"},
	}
}

func TestAColumnWhoseLengthsLieIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	for name, lie := range lyingStreams(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := frame.Read(frame.PyarrowTable, lie.stream)
			requireBlamed(t, err, lie.says)
		})
	}
}

func TestAReaderRefusesAColumnWhoseLengthsLieByItsName(t *testing.T) {
	t.Parallel()
	for name, lie := range lyingStreams(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := opened(t, bytes.NewReader(lie.stream))
			_, err := rowsOf(r)
			requireBlamed(t, err, lie.says)
		})
	}
}

func requireBlamed(t *testing.T, err error, says string) {
	t.Helper()
	var refused *tool.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, tool.SerializationError, refused.Code)
	require.Equal(t, "$.price", refused.Details["path"], "%v", err)
	require.ErrorContains(t, err, `column "price"`)
	require.ErrorContains(t, err, says)
	require.NotContains(t, err.Error(), "runtime error")
}

func TestABatchOfOtherColumnsThanItsSchemaIsRefused(t *testing.T) {
	t.Parallel()
	one, err := frame.New().Kind(frame.PyarrowTable).Int64("id", []int64{1, 2, 3}).Build()
	require.NoError(t, err)
	two := priced(t, floatsWithNull())
	spliced := append(bytes.Clone(schemaOf(t, one.Bytes())), two[len(schemaOf(t, two)):]...)
	_, err = frame.Read(frame.PyarrowTable, spliced)
	require.ErrorContains(t, err, "a record batch has 2 arrays and 4 buffers, its schema wants 1 and 2")
	_, err = rowsOf(opened(t, bytes.NewReader(spliced)))
	require.ErrorContains(t, err, "a record batch has 2 arrays and 4 buffers, its schema wants 1 and 2")

	short := append(bytes.Clone(schemaOf(t, two)), one.Bytes()[len(schemaOf(t, one.Bytes())):]...)
	_, err = frame.Read(frame.PyarrowTable, short)
	requireBlamed(t, err, "its batch has 1 arrays")
}

// schemaOf is the first message of a stream.
func schemaOf(t *testing.T, stream []byte) []byte {
	t.Helper()
	return stream[:8+binary.LittleEndian.Uint32(stream[4:])]
}

func TestDecimalsOfNoDigitsAreRefused(t *testing.T) {
	t.Parallel()
	for _, precision := range []int32{0, 39, -1} {
		var out bytes.Buffer
		w := ipc.NewWriter(&out, ipc.WithSchema(arrow.NewSchema([]arrow.Field{{Name: "price", Type: &arrow.Decimal128Type{Precision: precision, Scale: 1}}}, nil)))
		require.NoError(t, w.Close())
		_, err := frame.Read(frame.PyarrowTable, out.Bytes())
		requireBlamed(t, err, "want decimals of 1 to 38 digits")
		require.ErrorContains(t, new(frame.Reader).OpenTable(frame.PyarrowTable, io.NopCloser(&out)), "want decimals of 1 to 38 digits")
	}
}

func TestNumbersThatTheirTypeDoesNotHaveAreRefused(t *testing.T) {
	t.Parallel()
	pool := memory.DefaultAllocator
	short := array.NewDecimal128Builder(pool, &arrow.Decimal128Type{Precision: 38, Scale: 1})
	require.NoError(t, short.AppendValueFromString("123456.7"))
	days := array.NewDate64Builder(pool)
	days.Append(5)
	early := array.NewTime64Builder(pool, &arrow.Time64Type{Unit: arrow.Nanosecond})
	early.Append(-1)
	narrow := array.NewData(&arrow.Decimal128Type{Precision: 2, Scale: 1}, 1, short.NewArray().Data().Buffers(), nil, 0, 0)
	for says, column := range map[string]arrow.Array{
		"row 0 is no decimal": array.NewDecimal128Data(narrow), "row 0 is no whole day": days.NewArray(), "row 0 is no time of day": early.NewArray(),
	} {
		_, err := frame.Read(frame.PyarrowTable, priced(t, column))
		requireBlamed(t, err, says)
	}
}

func TestWhatStandsUnderNullMayBeAnything(t *testing.T) {
	t.Parallel()
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues([]string{"a", "\xff", "ü"}, []bool{true, true, true})
	data := b.NewArray().Data()
	bitmap := memory.NewBufferBytes([]byte{0b101})
	texts := array.NewStringData(array.NewData(arrow.BinaryTypes.String, 3, append([]*memory.Buffer{bitmap}, data.Buffers()[1:]...), nil, 1, 0))
	table, err := frame.Read(frame.PyarrowTable, priced(t, texts))
	require.NoError(t, err)
	c, err := table.Column("price")
	require.NoError(t, err)
	got, err := c.Values()
	require.NoError(t, err)
	require.Equal(t, []any{"a", nil, "ü"}, got)
}

func TestViewsOfListsUnderNullLeadIntoTheirItems(t *testing.T) {
	t.Parallel()
	lists := array.NewListViewBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int8)
	lists.AppendWithSize(true, 1)
	lists.ValueBuilder().(*array.Int8Builder).Append(7)
	lists.AppendWithSize(false, 0)
	stream := priced(t, lists.NewArray())
	_, err := frame.Read(frame.PyarrowTable, stream)
	require.NoError(t, err)
	_, err = frame.Read(frame.PyarrowTable, changed(t, stream, []byte{0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, []byte{0, 0, 0, 0, 99, 0, 0, 0}))
	requireBlamed(t, err, "its list 1 begins at 99 of 1 items")
}

func TestCompressedBuffersAreReadWhateverTheyHold(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 7, 300, 70_000} {
		texts := make([]string, rows)
		for i := range texts {
			texts[i] = strings.Repeat("ab", i%9) + strconv.Itoa(i*i)
		}
		for name, option := range map[string]ipc.Option{"zstd": ipc.WithZstd(), "lz4": ipc.WithLZ4()} {
			stream := priced(t, textColumn(texts...), option)
			table, err := frame.Read(frame.PyarrowTable, stream)
			require.NoError(t, err, "%s, %d rows", name, rows)
			column, err := table.Column("price")
			require.NoError(t, err)
			got, _, err := column.Strings()
			require.NoError(t, err)
			require.Equal(t, texts, got)
		}
	}
}

func TestACompressedBufferWithoutAnEndIsRefused(t *testing.T) {
	t.Parallel()
	many := strings.Split(strings.Repeat("abc ", 600), " ")
	for _, option := range []ipc.Option{ipc.WithZstd(), ipc.WithLZ4()} {
		stream := priced(t, textColumn(many...), option)
		at := bytes.LastIndex(stream, int64s(1800)) // behind which the texts stand, the last buffer
		require.Positive(t, at)
		for cut := 1; cut < 9; cut++ {
			again := bytes.Clone(stream)
			for i := at + 8 + 4 + cut; i < len(again)-8; i++ {
				again[i] = 0xff
			}
			_, err := frame.Read(frame.PyarrowTable, again)
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
		}
	}
}
