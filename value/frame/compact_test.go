package frame_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// viewText is longer than a view has room for.
var viewText = strings.Repeat("a long text ", 8)

// appendViews fills a builder of views, or of what holds such; every fifth row is null, in its parts too.
func appendViews(b array.Builder, row int) {
	if row%5 == 3 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringViewBuilder:
		b.Append(fmt.Sprint(viewText, row))
	case *array.BinaryViewBuilder:
		b.Append([]byte(fmt.Sprint(row))) // which stands in the view
		if row%2 == 0 {
			b.SetNull(b.Len() - 1)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			appendViews(b.FieldBuilder(i), row+i+1)
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		appendViews(b.ValueBuilder(), row+1)
		appendViews(b.ValueBuilder(), row+2)
	case *array.MapBuilder:
		b.Append(true)
		b.KeyBuilder().(*array.StringViewBuilder).Append(fmt.Sprint(viewText, row))
		appendViews(b.ItemBuilder(), row+1)
	case array.ListLikeBuilder:
		b.Append(true)
		for i := range row % 4 {
			appendViews(b.ValueBuilder(), row+i)
		}
	case *array.Int64Builder:
		b.Append(int64(row))
	}
}

func viewTypes() map[string]arrow.DataType {
	text := arrow.BinaryTypes.StringView
	pair := arrow.StructOf(
		arrow.Field{Name: "text", Type: text, Nullable: true},
		arrow.Field{Name: "number", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "bytes", Type: arrow.BinaryTypes.BinaryView, Nullable: true},
	)
	return map[string]arrow.DataType{
		"text":              text,
		"a struct":          pair,
		"lists":             arrow.ListOf(text),
		"large lists":       arrow.LargeListOf(text),
		"fixed lists":       arrow.FixedSizeListOf(2, text),
		"maps":              arrow.MapOf(text, text),
		"lists of structs":  arrow.ListOf(pair),
		"structs of lists":  arrow.StructOf(arrow.Field{Name: "l", Type: arrow.ListOf(text), Nullable: true}),
		"lists of lists":    arrow.ListOf(arrow.ListOf(text)),
		"lists of pairs":    arrow.ListOf(arrow.FixedSizeListOf(2, text)),
		"no views anywhere": arrow.ListOf(arrow.PrimitiveTypes.Int64),
	}
}

func viewColumn(kind arrow.DataType, rows int) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, kind)
	defer b.Release()
	for row := range rows {
		appendViews(b, row)
	}
	return b.NewArray()
}

func viewBatch(column arrow.Array) arrow.RecordBatch {
	schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: column.DataType(), Nullable: true}}, nil)
	return array.NewRecordBatch(schema, []arrow.Array{column}, int64(column.Len()))
}

func TestSlicesOfViewsAreWrittenAsTheirRowsOnly(t *testing.T) {
	t.Parallel()
	const rows = 30_000
	for name, kind := range viewTypes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			column := viewColumn(kind, rows)
			for _, window := range [][2]int64{{0, 10}, {rows/2 + 3, rows/2 + 13}, {8, 8}, {rows - 1, rows}, {7, 39}} {
				few := array.NewSlice(column, window[0], window[1])
				table, err := frame.FromBatches(frame.PyarrowTable, viewBatch(few).Schema(), []arrow.RecordBatch{viewBatch(few)})
				require.NoError(t, err)
				require.Less(t, len(table.Bytes()), 64<<10)
				require.Equal(t, few.Len(), table.Rows())
				for _, batch := range table.Batches() {
					require.True(t, array.Equal(few, batch.Column(0)), "rows %v", window)
				}
			}
		})
	}
}

func TestALongTableOfViewsIsWrittenInPartsThatCarryTheirOwnRows(t *testing.T) {
	t.Parallel()
	column := viewColumn(arrow.BinaryTypes.StringView, 100_000)
	batch := viewBatch(column)

	table, err := frame.FromBatches(frame.PyarrowTable, batch.Schema(), []arrow.RecordBatch{batch})

	require.NoError(t, err)
	require.Greater(t, len(table.Batches()), 4)
	require.Less(t, len(table.Bytes()), 100_000*(len(viewText)+16+32))
	row := int64(0)
	for _, part := range table.Batches() {
		require.True(t, array.SliceEqual(column, row, row+part.NumRows(), part.Column(0), 0, part.NumRows()))
		row += part.NumRows()
	}
	require.Equal(t, int64(100_000), row)
}
