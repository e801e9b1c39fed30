package frame

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
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
// of dictionaries and runs, and views of bytes.
func multiplies(t arrow.DataType) bool {
	switch x := t.(type) {
	case *arrow.DictionaryType:
		return isLong(x.ValueType)
	case *arrow.RunEndEncodedType:
		return isLong(x.Encoded())
	case *arrow.BinaryViewType:
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
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return false
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY, arrow.EXTENSION:
		return true
	}
	_, nested := t.(arrow.NestedType)
	return nested
}

// growth counts what cells take that are made anew for each row, which may be so many times as much as what they are made of.
type growth struct{ left, size int64 }

func newGrowth(size int64) *growth { return &growth{inflation*size + allowance, size} }

// growthOf is that of a column, or of all those whose rows are read with it, and nil if its cells take no more than it does.
func growthOf(c *Column) *growth {
	switch {
	case !multiplies(c.field.Type):
		return nil
	case c.grown != nil:
		return c.grown
	}
	size := int64(0)
	for _, chunk := range c.chunks {
		size += int64(chunk.Data().SizeInBytes())
	}
	return newGrowth(size)
}

// add counts a cell, and refuses what is out of proportion.
func (g *growth) add(c *Column, cell any) error {
	if g == nil {
		return nil
	}
	if g.left -= weight(cell); g.left >= 0 {
		return nil
	}
	return failf("$"+step(c.called()), "column %q: cells that many rows have in common would take more than %d times the %d bytes that they are made of, and %d: read Batches",
		c.called(), inflation, g.size, allowance)
}

// weight is about how many bytes a cell takes.
func weight(cell any) int64 {
	const word = 16
	n := int64(word)
	switch x := cell.(type) {
	case string:
		n += int64(len(x))
	case []byte:
		n += int64(len(x))
	case []any:
		for _, item := range x {
			n += weight(item)
		}
	case *value.Dict:
		for key, item := range x.All() {
			n += weight(key) + weight(item)
		}
	}
	return n
}
