package frame_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// uuidField is a field of an array of UUIDs.
func uuidField(name string) arrow.Field {
	return arrow.Field{
		Name: name, Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true,
		Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.uuid"}),
	}
}

func appendUUID(b array.Builder, id value.UUID) { b.(*array.FixedSizeBinaryBuilder).Append(id[:]) }

func TestUUIDsInsideOfOtherColumnsAreUUIDs(t *testing.T) {
	t.Parallel()
	id := value.UUID{1, 2, 3}
	text := arrow.Field{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}
	for name, c := range map[string]struct {
		kind arrow.DataType
		fill func(array.Builder)
		want []any
	}{
		"a list": {arrow.ListOfField(uuidField("item")), func(b array.Builder) {
			b.(*array.ListBuilder).Append(true)
			appendUUID(b.(*array.ListBuilder).ValueBuilder(), id)
			b.AppendNull()
		}, []any{[]any{id}, nil}},
		"a pair": {arrow.FixedSizeListOfField(2, uuidField("item")), func(b array.Builder) {
			list := b.(*array.FixedSizeListBuilder)
			list.Append(true)
			appendUUID(list.ValueBuilder(), id)
			list.ValueBuilder().AppendNull()
			b.AppendNull()
		}, []any{[]any{id, nil}, nil}},
		"a struct": {arrow.StructOf(uuidField("id"), text), func(b array.Builder) {
			b.(*array.StructBuilder).Append(true)
			appendUUID(b.(*array.StructBuilder).FieldBuilder(0), id)
			b.(*array.StructBuilder).FieldBuilder(1).(*array.StringBuilder).Append("a")
			b.AppendNull()
		}, []any{value.NewDict("id", id, "text", "a"), nil}},
		"a list of structs": {arrow.ListOf(arrow.StructOf(uuidField("id"))), func(b array.Builder) {
			list := b.(*array.ListBuilder)
			list.Append(true)
			list.ValueBuilder().(*array.StructBuilder).Append(true)
			appendUUID(list.ValueBuilder().(*array.StructBuilder).FieldBuilder(0), id)
			b.AppendNull()
		}, []any{[]any{value.NewDict("id", id)}, nil}},
		"a map": {arrow.MapOfFields(arrow.Field{Name: "key", Type: arrow.BinaryTypes.String}, uuidField("value")), func(b array.Builder) {
			b.(*array.MapBuilder).Append(true)
			b.(*array.MapBuilder).KeyBuilder().(*array.StringBuilder).Append("a")
			appendUUID(b.(*array.MapBuilder).ItemBuilder(), id)
			b.AppendNull()
		}, []any{value.NewDict("a", id), nil}},
	} {
		b := array.NewBuilder(memory.DefaultAllocator, c.kind)
		got, err := columnOf(t, b, func() { c.fill(b) }).Values()
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestPeriodsInsideOfListsAreNoNumbers(t *testing.T) {
	t.Parallel()
	field := arrow.Field{Name: "item", Type: arrow.PrimitiveTypes.Int64, Metadata: arrow.NewMetadata(
		[]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"pandas.period", `{"freq":"M"}`})}
	b := array.NewListBuilderWithField(memory.DefaultAllocator, field)
	column := columnOf(t, b, func() {
		b.Append(true)
		b.ValueBuilder().(*array.Int64Builder).Append(600)
	})
	_, err := column.Values()
	require.ErrorContains(t, err, "pandas.period")
	shown, err := column.Shown()
	require.NoError(t, err)
	require.Equal(t, []any{[]any{"2020-01"}}, shown)
}

// maps are maps of texts to ints, of the entries of each row.
func maps(t *testing.T, rows ...map[string]int64) *frame.Column {
	t.Helper()
	b := array.NewMapBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, false)
	return columnOf(t, b, func() {
		for _, row := range rows {
			if row == nil {
				b.AppendNull()
				continue
			}
			b.Append(true)
			for k, v := range row {
				b.KeyBuilder().(*array.StringBuilder).Append(k)
				b.ItemBuilder().(*array.Int64Builder).Append(v)
			}
		}
	})
}

func TestACellOfAMapIsADict(t *testing.T) {
	t.Parallel()
	got, err := maps(t, map[string]int64{"a": 1}, nil, map[string]int64{}).Values()
	require.NoError(t, err)
	require.Equal(t, []any{value.NewDict("a", int64(1)), nil, value.NewDict()}, got)
}

func TestAMapOrStructThatADictWouldCutIsRefused(t *testing.T) {
	t.Parallel()
	twice := array.NewMapBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64, false)
	_, err := columnOf(t, twice, func() {
		twice.Append(true)
		for range 2 {
			twice.KeyBuilder().(*array.Int64Builder).Append(7)
			twice.ItemBuilder().(*array.Int64Builder).Append(1)
		}
	}).Values()
	require.ErrorContains(t, err, `column "c"`)
	require.ErrorContains(t, err, "the key 7 twice")

	lists := array.NewMapBuilder(memory.DefaultAllocator, arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.PrimitiveTypes.Int64, false)
	_, err = columnOf(t, lists, func() {
		lists.Append(true)
		lists.KeyBuilder().(*array.ListBuilder).Append(true)
		lists.ItemBuilder().(*array.Int64Builder).Append(1)
	}).Values()
	require.ErrorContains(t, err, "which no dict has")

	ints := func() arrow.Field { return arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64} }
	pair := array.NewStructBuilder(memory.DefaultAllocator, arrow.StructOf(ints(), ints()))
	_, err = columnOf(t, pair, func() {
		pair.Append(true)
		pair.FieldBuilder(0).(*array.Int64Builder).Append(1)
		pair.FieldBuilder(1).(*array.Int64Builder).Append(2)
	}).Values()
	require.ErrorContains(t, err, `the field "x" twice`)
}
