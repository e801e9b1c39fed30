package frame

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sharedCell is cellOf for a cell that may stand in many rows: a text of it is no copy, so that a few bytes do not become many.
func sharedCell(a arrow.Array, i int) (any, error) {
	if a.IsNull(i) {
		return nil, nil
	}
	switch x := a.(type) {
	case *array.String:
		return x.Value(i), nil
	case *array.LargeString:
		return x.Value(i), nil
	}
	return cellOf(a, i)
}

// multiplies reports whether cells of a type are made anew for each row that has them, though they are there once: all but texts and numbers
// of dictionaries and runs, and views of bytes and lists.
func multiplies(t arrow.DataType) bool {
	switch x := t.(type) {
	case *arrow.DictionaryType:
		return isLong(x.ValueType)
	case *arrow.RunEndEncodedType:
		return isLong(x.Encoded())
	case *arrow.BinaryViewType, *arrow.ListViewType, *arrow.LargeListViewType:
		return true
	case arrow.ExtensionType:
		return multiplies(x.StorageType())
	case arrow.NestedType:
		for _, f := range x.Fields() {
			if multiplies(f.Type) {
				return true
			}
		}
	}
	return false
}

// isLong reports whether cells of a type may have more bytes than a number, and are no texts.
func isLong(t arrow.DataType) bool {
	switch t.(type) {
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType, *arrow.FixedSizeBinaryType, arrow.NestedType, arrow.ExtensionType:
		return true
	}
	return false
}

// growth counts what cells take that are made anew for each row, which may be so many times as much as what they are made of.
type growth struct {
	left float64
	size int64
}

func newGrowth(size int64) *growth { return &growth{inflation*float64(size) + allowance, size} }

// grow refuses a column whose cells take too much, before any is made. Those whose rows are read together count together.
func (c *Column) grow() error {
	if !multiplies(c.field.Type) {
		return nil
	}
	g := c.grown
	if g == nil {
		size := int64(0)
		for _, chunk := range c.chunks {
			size += int64(chunk.Data().SizeInBytes())
		}
		g = newGrowth(size)
	}
	for _, chunk := range c.chunks {
		for _, bytes := range weights(chunk) {
			g.left -= bytes
		}
	}
	if g.left >= 0 {
		return nil
	}
	return failf("$"+step(c.called()), "column %q: cells that many rows have in common would take more than %d times the %d bytes that they are made of, and %d: read Batches",
		c.called(), inflation, g.size, allowance)
}

// weights are about how many bytes the cells of an array take, each with all that is inside of it.
func weights(a arrow.Array) []float64 {
	const word = 16
	bytes := make([]float64, a.Len())
	add := func(of func(i int) float64) {
		for i := range bytes {
			bytes[i] = word
			if a.IsValid(i) {
				bytes[i] += of(i)
			}
		}
	}
	switch x := a.(type) {
	case *array.Dictionary:
		entries := weights(x.Dictionary())
		add(func(i int) float64 { return entries[x.GetValueIndex(i)] })
	case *array.RunEndEncoded:
		runs := weights(x.Values())
		add(func(i int) float64 { return runs[x.GetPhysicalIndex(i)] })
	case array.ListLike:
		before := []float64{0}
		for _, item := range weights(x.ListValues()) {
			before = append(before, before[len(before)-1]+item)
		}
		add(func(i int) float64 {
			from, to := x.ValueOffsets(i)
			return before[to] - before[from]
		})
	case *array.Struct:
		add(func(int) float64 { return 0 })
		for f := range x.NumField() {
			for i, field := range weights(x.Field(f)) {
				bytes[i] += field
			}
		}
	case array.ExtensionArray:
		return weights(x.Storage())
	case interface{ ValueLen(i int) int }:
		add(func(i int) float64 { return float64(x.ValueLen(i)) })
	default:
		add(func(int) float64 { return 0 })
	}
	return bytes
}
