package frame_test

import (
	"io"
	"reflect"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// uuidType is an extension type as programs have it that register theirs with the Arrow library.
type uuidType struct{ arrow.ExtensionBase }

type uuidArray struct{ array.ExtensionArrayBase }

func (*uuidType) ArrayType() reflect.Type { return reflect.TypeFor[uuidArray]() }
func (*uuidType) ExtensionName() string   { return "arrow.uuid" }
func (*uuidType) Serialize() string       { return "" }
func (*uuidType) ExtensionEquals(o arrow.ExtensionType) bool {
	return o.ExtensionName() == "arrow.uuid"
}
func (*uuidType) String() string { return "uuid" }

func (*uuidType) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	return &uuidType{arrow.ExtensionBase{Storage: storage}}, nil
}

func TestCategoriesOfUUIDsAreRefusedWhereTheyAreSent(t *testing.T) {
	t.Parallel()
	stored := &arrow.FixedSizeBinaryType{ByteWidth: 16}
	named := arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.uuid"})
	uuids := &uuidType{arrow.ExtensionBase{Storage: stored}}
	index := arrow.PrimitiveTypes.Int8
	for name, f := range map[string]arrow.Field{
		"of the field":  {Name: "c", Type: &arrow.DictionaryType{IndexType: index, ValueType: stored}, Metadata: named},
		"of the values": {Name: "c", Type: &arrow.DictionaryType{IndexType: index, ValueType: uuids}},
		"in a list":     {Name: "c", Type: arrow.ListOf(&arrow.DictionaryType{IndexType: index, ValueType: uuids})},
	} {
		schema := arrow.NewSchema([]arrow.Field{f}, nil)
		_, err := frame.FromBatches(frame.PandasDataFrame, schema, nil)
		requirePath(t, err, "$.c")
		require.ErrorContains(t, err, "categories of type arrow.uuid", name)

		batches, err := array.NewRecordReader(schema, nil)
		require.NoError(t, err)
		reader, err := frame.NewReader(frame.PyarrowTable, batches)
		require.NoError(t, err)
		_, stream := reader.SendTable()
		_, err = io.ReadAll(stream)
		requirePath(t, err, "$.c")
	}
}

func TestCategoriesOfCategoriesAreRefusedWhereTheyAreSent(t *testing.T) {
	t.Parallel()
	index := arrow.PrimitiveTypes.Int8
	once := &arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}
	twice := &arrow.DictionaryType{IndexType: index, ValueType: once}
	for _, dtype := range []arrow.DataType{
		twice,
		arrow.ListOf(twice),
		arrow.StructOf(arrow.Field{Name: "f", Type: arrow.ListOf(twice)}),
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, twice),
		&arrow.DictionaryType{IndexType: index, ValueType: arrow.ListOf(twice)},
	} {
		_, err := frame.FromBatches(frame.PyarrowTable, arrow.NewSchema([]arrow.Field{{Name: "c", Type: dtype}}, nil), nil)
		requirePath(t, err, "$.c")
		require.ErrorContains(t, err, "categories of categories", dtype)
	}
	for _, dtype := range []arrow.DataType{once, arrow.ListOf(once), &arrow.DictionaryType{IndexType: index, ValueType: arrow.ListOf(once)}} {
		_, err := frame.FromBatches(frame.PyarrowTable, arrow.NewSchema([]arrow.Field{{Name: "c", Type: dtype}}, nil), nil)
		require.NoError(t, err)
	}
}

func TestWhatIsStoredAsCategoriesOrHoldsUUIDsIsSent(t *testing.T) {
	t.Parallel()
	words := array.NewBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String})
	require.NoError(t, words.(*array.BinaryDictionaryBuilder).AppendString("a"))
	require.Equal(t, 1, extension(t, "shop.size", "", words.NewArray()).Rows())

	ids := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: 16})
	ids.Append(make([]byte, 16))
	column := array.NewExtensionArrayWithStorage(&uuidType{arrow.ExtensionBase{Storage: ids.Type()}}, ids.NewArray())
	table, err := frame.New().Array("id", column).Build()
	require.NoError(t, err)
	c, err := table.Column("id")
	require.NoError(t, err)
	got, err := c.Values()
	require.NoError(t, err)
	require.Equal(t, []any{value.UUID{}}, got)
}
