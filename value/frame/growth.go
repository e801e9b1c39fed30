package frame

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// What cells take as values, about: in a list, as an entry of a dict, and dicts and lists themselves.
const (
	itemBytes  = 16
	entryBytes = 32
	dictBytes  = 64
	listBytes  = 24
)

// growth counts, before any cell is made, what those take that are made of next to nothing: nulls, structs and lists of a fixed length
// have no bytes of their own, and dictionaries, runs and views have one cell in many places. All others are made of bytes of the stream,
// each of its own, as buffers that overlap are refused.
type growth struct {
	left  float64
	bytes int
}

// newGrowth counts the cells of a table whose stream has so many bytes.
func newGrowth(bytes int) *growth { return &growth{inflation*float64(bytes) + allowance, bytes} }

// grow refuses a column whose cells take too much. Those whose rows are read together count together.
func (c *Column) grow() error {
	if c.within == nil {
		return nil
	}
	grown := c.grown
	if grown == nil {
		grown = newGrowth(len(c.within.encoded))
	}
	for _, chunk := range c.chunks {
		grown.weigh(chunk, 0, chunk.Len(), 0, false)
	}
	if !grown.over() {
		return nil
	}
	return failf("$"+step(c.called()), "column %q: its cells, with all that is inside of them, would take more than %d times the %d bytes of the table, and %d: read Batches",
		c.called(), inflation, grown.bytes, allowance)
}

func (g *growth) over() bool { return g.left < 0 }

// weigh counts some cells of an array, whose places take so many bytes each. Those that stand in many places are counted again for each of
// these. It ends where they are too many, so that it takes no more time than cells may take memory.
func (g *growth) weigh(a arrow.Array, from, to int, place float64, again bool) {
	n := float64(to - from)
	if n <= 0 || g.over() {
		return
	}
	switch x := a.(type) {
	case *array.Null:
		g.left -= n * place
	case array.ExtensionArray:
		g.weigh(x.Storage(), from, to, place, again)
	case *array.Dictionary:
		g.count(n, place, again)
		g.weighEntries(x, x.Dictionary(), x.GetValueIndex, from, to)
	case *array.RunEndEncoded:
		g.left -= n * place
		g.weighEntries(x, x.Values(), x.GetPhysicalIndex, from, to)
	case *array.Struct:
		g.weighStructs(x, from, to, place, again)
	case array.ListLike:
		g.weighLists(x, from, to, place, again)
	default:
		g.count(n, place, again)
		g.weighBytes(a, from, to, again)
	}
}

// count counts cells that have at least a bit of their own, but for the first place in which they stand.
func (g *growth) count(n, place float64, again bool) {
	if again {
		g.left -= n * place
	}
}

// weighEntries counts the entries that cells are, but for texts and numbers, which are there once.
func (g *growth) weighEntries(a, entries arrow.Array, index func(int) int, from, to int) {
	if !isLong(entries.DataType()) {
		return
	}
	for i := from; i < to && !g.over(); i++ {
		if a.IsValid(i) {
			at := index(i)
			g.weigh(entries, at, at+1, itemBytes, true)
		}
	}
}

// isLong reports whether cells of a type may have more bytes than a number, and are no texts.
func isLong(t arrow.DataType) bool {
	switch t.(type) {
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType, *arrow.FixedSizeBinaryType, arrow.NestedType, arrow.ExtensionType:
		return true
	}
	return false
}

func (g *growth) weighStructs(x *array.Struct, from, to int, place float64, again bool) {
	each := place + dictBytes
	if !again && hasBits(x.DataType()) {
		each = 8 // what a bit may take, as each of them has one at least
	}
	g.eachValid(x, from, to, place, again, func(from, to int) {
		g.left -= float64(to-from) * each
		for f := range x.NumField() {
			g.weigh(x.Field(f), from, to, entryBytes, again)
		}
	})
}

func (g *growth) weighLists(x array.ListLike, from, to int, place float64, again bool) {
	views := x.DataType().ID() == arrow.LIST_VIEW || x.DataType().ID() == arrow.LARGE_LIST_VIEW
	each := place + listBytes
	if !again && hasBits(x.DataType()) {
		each = 0
	}
	g.eachValid(x, from, to, place, again, func(from, to int) {
		g.left -= float64(to-from) * each
		if !views {
			first, _ := x.ValueOffsets(from)
			_, last := x.ValueOffsets(to - 1)
			g.weighItems(x, int(first), int(last), again)
			return
		}
		for i := from; i < to && !g.over(); i++ {
			first, last := x.ValueOffsets(i)
			g.left -= itemBytes
			g.weighItems(x, int(first), int(last), true) // as lists may overlap
		}
	})
}

func (g *growth) weighItems(x array.ListLike, from, to int, again bool) {
	if m, ok := x.(*array.Map); ok {
		g.weigh(m.Keys(), from, to, itemBytes, again)
		g.weigh(m.Items(), from, to, itemBytes, again)
		return
	}
	g.weigh(x.ListValues(), from, to, itemBytes, again)
}

// eachValid gives the cells from one null to the next, and counts the nulls.
func (g *growth) eachValid(a arrow.Array, from, to int, place float64, again bool, do func(from, to int)) {
	if a.NullN() == 0 {
		do(from, to)
		return
	}
	for at := from; at < to && !g.over(); {
		end := at
		for end < to && a.IsValid(end) {
			end++
		}
		if end > at {
			do(at, end)
		}
		for at = end; at < to && a.IsNull(at); {
			at++
		}
		g.count(float64(at-end), place, again)
	}
}

// weighBytes counts the bytes of texts and bytes that are copied again. Of views of texts each byte that is carried is copied once.
func (g *growth) weighBytes(a arrow.Array, from, to int, again bool) {
	if !again && a.DataType().ID() != arrow.BINARY_VIEW {
		return
	}
	switch x := a.(type) {
	case *array.FixedSizeBinary:
		g.left -= float64(to-from) * float64(x.DataType().(*arrow.FixedSizeBinaryType).ByteWidth)
	case *array.StringView:
		shown, _ := viewBytes(x, from, to)
		g.left -= float64(shown)
	case *array.BinaryView:
		for i := from; i < to && !g.over(); i++ {
			if x.IsValid(i) {
				g.left -= itemBytes + float64(x.ValueLen(i))
			}
		}
	case interface {
		ValueOffset64(i int) int64
		ValueLen(i int) int
	}:
		g.left -= float64(x.ValueOffset64(to-1)-x.ValueOffset64(from)) + float64(x.ValueLen(to-1))
	}
}

// hasBits reports whether each cell of a type has at least a bit of its own, which null or not is none.
func hasBits(t arrow.DataType) bool {
	switch x := t.(type) {
	case *arrow.NullType, *arrow.RunEndEncodedType:
		return false
	case arrow.ExtensionType:
		return hasBits(x.StorageType())
	case *arrow.FixedSizeListType:
		return x.Len() > 0 && hasBits(x.Elem())
	case *arrow.StructType:
		for _, f := range x.Fields() {
			if hasBits(f.Type) {
				return true
			}
		}
		return false
	}
	return true
}
