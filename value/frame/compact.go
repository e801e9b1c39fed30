package frame

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	// carriedAtLeast is how many bytes a column of views may carry in vain, if it also shows as many as that.
	carriedAtLeast = 16 << 10
	// shownAtMost is how long the texts may be that are put together in one buffer, whose positions have 31 bits.
	shownAtMost = 1 << 30
)

// compacted returns a record batch with those texts and bytes of its views only that its rows show, if they carry much more: each slice
// of views carries all of the array that it was cut from. The caller releases it.
func compacted(b arrow.RecordBatch) arrow.RecordBatch {
	columns, changed := make([]arrow.Array, b.NumCols()), false
	var made releases
	defer made.all()
	for i, column := range b.Columns() {
		columns[i] = column
		if data, now := compactedData(column.Data()); now {
			columns[i], changed = array.MakeFromData(data), true
			made = append(made, data, columns[i])
		}
	}
	if !changed {
		b.Retain()
		return b
	}
	return array.NewRecordBatch(b.Schema(), columns, b.NumRows())
}

// releases are what is let go when something else holds it, or nothing.
type releases []interface{ Release() }

func (r *releases) all() {
	for _, held := range *r {
		held.Release()
	}
}

// compactedData does the same for an array. What it makes has an offset of 0; the caller releases it if it is not d.
func compactedData(d arrow.ArrayData) (made arrow.ArrayData, changed bool) {
	switch kind := d.DataType().(type) {
	case arrow.BinaryViewDataType:
		return compactedViews(d)
	case *arrow.StructType:
		return compactedChildren(d, 1)
	case *arrow.FixedSizeListType:
		return compactedChildren(d, int(kind.Len()))
	case *arrow.ListType, *arrow.MapType:
		return compactedLists(d, int32At, 4)
	case *arrow.LargeListType:
		return compactedLists(d, int64At, 8)
	case *arrow.ListViewType:
		return compactedListViews(d, int32At, 4)
	case *arrow.LargeListViewType:
		return compactedListViews(d, int64At, 8)
	case *arrow.RunEndEncodedType:
		return compactedRuns(d)
	default:
		return d, false
	}
}

func int32At(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) }

func int64At(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }

// compactedChildren puts the children of a struct, or of a list of so many items a row, together anew.
func compactedChildren(d arrow.ArrayData, each int) (arrow.ArrayData, bool) {
	children, changed := make([]arrow.ArrayData, len(d.Children())), false
	var parts releases
	defer parts.all()
	for i, child := range d.Children() {
		part := array.NewSliceData(child, int64(d.Offset()*each), int64((d.Offset()+d.Len())*each))
		parts = append(parts, part)
		now, did := compactedData(part)
		if did {
			parts = append(parts, now)
		}
		children[i], changed = now, changed || did
	}
	if !changed {
		return d, false
	}
	return array.NewData(d.DataType(), d.Len(), []*memory.Buffer{shiftedBits(d)}, children, d.NullN(), 0), true
}

// compactedLists puts the items of lists together anew, whose offsets have so many bytes each.
func compactedLists(d arrow.ArrayData, number func([]byte) int64, width int) (arrow.ArrayData, bool) {
	if d.Buffers()[1] == nil || d.Buffers()[1].Len() < (d.Offset()+d.Len()+1)*width { // as it may be of none
		return d, false
	}
	offsets := d.Buffers()[1].Bytes()[d.Offset()*width : (d.Offset()+d.Len()+1)*width]
	first, last := number(offsets), number(offsets[len(offsets)-width:])
	part := array.NewSliceData(d.Children()[0], first, last)
	defer part.Release()
	child, changed := compactedData(part)
	if !changed {
		return d, false
	}
	defer child.Release()
	begins := make([]byte, 0, len(offsets))
	for at := 0; at < len(offsets); at += width {
		begins = appendNumber(begins, number(offsets[at:])-first, width)
	}
	buffers := []*memory.Buffer{shiftedBits(d), memory.NewBufferBytes(begins)}
	return array.NewData(d.DataType(), d.Len(), buffers, []arrow.ArrayData{child}, d.NullN(), 0), true
}

func appendNumber(to []byte, n int64, width int) []byte {
	if width == 4 {
		return binary.LittleEndian.AppendUint32(to, uint32(n))
	}
	return binary.LittleEndian.AppendUint64(to, uint64(n))
}

// compactedViews puts the texts of an array of views together, if they are much fewer than it carries.
func compactedViews(d arrow.ArrayData) (arrow.ArrayData, bool) {
	carried, shown := 0, 0
	for _, b := range d.Buffers()[2:] {
		carried += b.Len()
	}
	if carried <= carriedAtLeast {
		return d, false
	}
	eachView(d, func(_ int, head, _ []byte) { shown += int(binary.LittleEndian.Uint32(head)) })
	if carried-shown <= max(carriedAtLeast, shown) || shown > shownAtMost {
		return d, false
	}
	heads, texts := make([]byte, d.Len()*arrow.ViewHeaderSizeBytes), make([]byte, 0, shown)
	eachView(d, func(row int, head, text []byte) {
		made := heads[row*arrow.ViewHeaderSizeBytes:]
		copy(made, head)
		if text != nil {
			binary.LittleEndian.PutUint32(made[8:], 0)
			binary.LittleEndian.PutUint32(made[12:], uint32(len(texts)))
			texts = append(texts, text...)
		}
	})
	buffers := []*memory.Buffer{shiftedBits(d), memory.NewBufferBytes(heads), memory.NewBufferBytes(texts)}
	return array.NewData(d.DataType(), d.Len(), buffers, nil, d.NullN(), 0), true
}

// eachView gives the 16 bytes of each view that is not null, and its text if that does not stand in them.
func eachView(d arrow.ArrayData, do func(row int, head, text []byte)) {
	for row := range d.Len() {
		if at := d.Offset() + row; !isNull(d, row) {
			head := d.Buffers()[1].Bytes()[at*arrow.ViewHeaderSizeBytes:][:arrow.ViewHeaderSizeBytes]
			size := int(binary.LittleEndian.Uint32(head))
			if size <= 12 {
				do(row, head, nil)
				continue
			}
			buffer, from := binary.LittleEndian.Uint32(head[8:]), int(binary.LittleEndian.Uint32(head[12:]))
			do(row, head, d.Buffers()[2+buffer].Bytes()[from:][:size])
		}
	}
}

func isNull(d arrow.ArrayData, row int) bool {
	bits := d.Buffers()[0]
	return bits != nil && bits.Len() > 0 && !bitutil.BitIsSet(bits.Bytes(), d.Offset()+row)
}

// shiftedBits are the bits of an array that say which of its rows are not null, from its first row on.
func shiftedBits(d arrow.ArrayData) *memory.Buffer {
	bits := d.Buffers()[0]
	if bits == nil || bits.Len() == 0 {
		return nil
	}
	shifted := make([]byte, bitutil.BytesForBits(int64(d.Len())))
	bitutil.CopyBitmap(bits.Bytes(), d.Offset(), d.Len(), shifted, 0)
	return memory.NewBufferBytes(shifted)
}
