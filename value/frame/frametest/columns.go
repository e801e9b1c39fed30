package frametest

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// columnType is a type of columns that are drawn.
type columnType struct {
	of arrow.DataType
	// cell appends a cell.
	cell func(t *rapid.T, to array.Builder)
	// in are the kinds that have columns of the type; all if there are none.
	in []string
}

// columnTypes lists the types of columns.
func columnTypes() []columnType {
	return append([]columnType{
		{of: arrow.PrimitiveTypes.Int8, cell: cells[*array.Int8Builder](rapid.Int8())},
		{of: arrow.PrimitiveTypes.Int16, cell: cells[*array.Int16Builder](rapid.Int16())},
		{of: arrow.PrimitiveTypes.Int32, cell: cells[*array.Int32Builder](rapid.Int32())},
		{of: arrow.PrimitiveTypes.Int64, cell: cells[*array.Int64Builder](rapid.Int64())},
		{of: arrow.PrimitiveTypes.Uint8, cell: cells[*array.Uint8Builder](rapid.Uint8())},
		{of: arrow.PrimitiveTypes.Uint16, cell: cells[*array.Uint16Builder](rapid.Uint16())},
		{of: arrow.PrimitiveTypes.Uint32, cell: cells[*array.Uint32Builder](rapid.Uint32())},
		{of: arrow.PrimitiveTypes.Uint64, cell: cells[*array.Uint64Builder](rapid.Uint64())},
		{of: arrow.FixedWidthTypes.Float16, cell: cells[*array.Float16Builder](halves())},
		{of: arrow.PrimitiveTypes.Float32, cell: cells[*array.Float32Builder](rapid.Map(floats(), func(f float64) float32 { return float32(f) }))},
		{of: arrow.PrimitiveTypes.Float64, cell: cells[*array.Float64Builder](floats())},
		{of: arrow.FixedWidthTypes.Boolean, cell: cells[*array.BooleanBuilder](rapid.Bool())},
		{of: &arrow.TimestampType{Unit: arrow.Nanosecond}, cell: cells[*array.TimestampBuilder](moments(1))},
		{of: &arrow.TimestampType{Unit: arrow.Millisecond}, cell: cells[*array.TimestampBuilder](moments(1e6))},
		{of: arrow.FixedWidthTypes.Duration_ns, cell: cells[*array.DurationBuilder](spans())},
		{of: arrow.FixedWidthTypes.Duration_ms, cell: cells[*array.DurationBuilder](rapid.Map(rapid.Int64Range(-1e12, 1e12), func(n int64) arrow.Duration { return arrow.Duration(n) }))},
	}, tableTypes()...)
}

// tableTypes lists the types that arrays of numpy do not have.
func tableTypes() []columnType {
	tables := []string{frame.PandasDataFrame, frame.PandasSeries, builtFrame, frame.PolarsDataFrame, frame.PolarsSeries, frame.PyarrowTable}
	lists := []string{builtFrame, frame.PolarsDataFrame, frame.PolarsSeries, frame.PyarrowTable}
	ofArrow := []string{frame.PyarrowTable}
	types := []columnType{
		{of: arrow.BinaryTypes.String, cell: cells[*array.StringBuilder](rapid.String())},
		{of: arrow.BinaryTypes.Binary, cell: cells[*array.BinaryBuilder](rapid.SliceOf(rapid.Byte()))},
		{of: arrow.FixedWidthTypes.Date32, cell: cells[*array.Date32Builder](rapid.Map(rapid.Int32Range(-700_000, 2_900_000), func(d int32) arrow.Date32 { return arrow.Date32(d) }))},
		{of: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, cell: cells[*array.TimestampBuilder](moments(1))},
		{of: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, cell: cells[*array.TimestampBuilder](moments(1000))},
		{of: arrow.BinaryTypes.LargeString, cell: cells[*array.LargeStringBuilder](rapid.String())},
		{of: arrow.FixedWidthTypes.Time64us, cell: cells[*array.Time64Builder](rapid.Map(rapid.Int64Range(0, 86_400e6-1), func(n int64) arrow.Time64 { return arrow.Time64(n) }))},
		{of: &arrow.Decimal128Type{Precision: 20, Scale: 2}, cell: cells[*array.Decimal128Builder](rapid.Map(rapid.Int64(), decimal128.FromI64))},
		{of: arrow.ListOf(arrow.PrimitiveTypes.Int64), in: lists, cell: list},
		{of: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}), cell: structure},
		{of: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, cell: category},
		{of: arrow.Null, cell: func(_ *rapid.T, to array.Builder) { to.AppendNull() }},
		{of: arrow.FixedWidthTypes.Time32ms, in: ofArrow, cell: cells[*array.Time32Builder](rapid.Map(rapid.Int32Range(0, 86_400e3-1), func(n int32) arrow.Time32 { return arrow.Time32(n) }))},
		{of: &arrow.FixedSizeBinaryType{ByteWidth: 3}, in: ofArrow, cell: cells[*array.FixedSizeBinaryBuilder](rapid.SliceOfN(rapid.Byte(), 3, 3))},
		{of: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), in: ofArrow, cell: pairs},
	}
	for i := range types {
		if types[i].in == nil {
			types[i].in = tables
		}
	}
	return types
}

// builtFrame is a DataFrame by a Builder, which says of lists that they are none of numpy's arrays, which pandas does not send on.
const builtFrame = "pandas.DataFrame of a Builder"

// typesOf lists the types of columns that tables of a kind have.
func typesOf(kind string) []columnType {
	return slices.DeleteFunc(columnTypes(), func(c columnType) bool { return c.in != nil && !slices.Contains(c.in, kind) })
}

func cells[B interface {
	array.Builder
	Append(cell V)
}, V any](of *rapid.Generator[V]) func(*rapid.T, array.Builder) {
	return func(t *rapid.T, to array.Builder) { to.(B).Append(of.Draw(t, "cell")) }
}

func list(t *rapid.T, to array.Builder) {
	b := to.(*array.ListBuilder)
	b.Append(true)
	b.ValueBuilder().(*array.Int64Builder).AppendValues(rapid.SliceOfN(rapid.Int64(), 0, 3).Draw(t, "items"), nil)
}

func structure(t *rapid.T, to array.Builder) {
	b := to.(*array.StructBuilder)
	b.Append(true)
	b.FieldBuilder(0).(*array.Int64Builder).Append(rapid.Int64().Draw(t, "a"))
}

func pairs(t *rapid.T, to array.Builder) {
	b := to.(*array.MapBuilder)
	b.Append(true)
	for _, key := range rapid.SliceOfNDistinct(rapid.String(), 0, 3, rapid.ID[string]).Draw(t, "keys") {
		b.KeyBuilder().(*array.StringBuilder).Append(key)
		b.ItemBuilder().(*array.Int64Builder).Append(rapid.Int64().Draw(t, "item"))
	}
}

func category(t *rapid.T, to array.Builder) {
	if err := to.(*array.BinaryDictionaryBuilder).AppendString(rapid.SampledFrom([]string{"x", "y", ""}).Draw(t, "category")); err != nil {
		t.Fatalf("append a category: %v", err)
	}
}

func floats() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
		math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 5e-324, math.NaN(), math.Copysign(math.NaN(), -1),
	}))
}

func halves() *rapid.Generator[float16.Num] {
	return rapid.Map(rapid.Float32Range(-60_000, 60_000), float16.New)
}

// moments generates what 64 bits of nanoseconds hold, in other units too, but for the least, which pandas takes for NaT.
func moments(unit int64) *rapid.Generator[arrow.Timestamp] {
	return rapid.Map(rapid.Int64Range((math.MinInt64+1)/unit, math.MaxInt64/unit), func(n int64) arrow.Timestamp { return arrow.Timestamp(n) })
}

func spans() *rapid.Generator[arrow.Duration] {
	return rapid.Map(rapid.Int64Range(math.MinInt64+1, math.MaxInt64), func(n int64) arrow.Duration { return arrow.Duration(n) })
}

// drawn draws a column of a type, with nulls if it may have some.
func drawn(t *rapid.T, c columnType, rows int, nulls bool) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, c.of)
	nulls = nulls && rapid.Bool().Draw(t, "nulls")
	for range rows {
		if nulls && rapid.Bool().Draw(t, "null") {
			b.AppendNull()
			continue
		}
		c.cell(t, b)
	}
	return b.NewArray()
}

// drawnType draws a type that tables of a kind have.
func drawnType(t *rapid.T, kind string) columnType {
	types := typesOf(kind)
	return types[valuetest.Evenly(len(types)).Draw(t, "type")]
}
