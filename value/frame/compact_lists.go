package frame

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// span is where the items of a row stand in a column of views.
type span struct{ from, to int64 }

// compactedListViews puts the items of lists that are views together anew, whose offsets have so many bytes each: the library writes all
// items of the column, and cannot write a slice of it.
func compactedListViews(d arrow.ArrayData, number func([]byte) int64, width int) (arrow.ArrayData, bool) {
	rows := spansOf(d, number, width)
	items := d.Children()[0]
	used, places, made := gathered(items, rows)
	defer made.all()
	compact, changed := compactedData(used)
	if changed {
		made = append(made, compact)
	}
	if !changed && d.Offset() == 0 && used.Len() == items.Len() {
		return d, false
	}
	begins, sizes := make([]byte, 0, d.Len()*width), make([]byte, 0, d.Len()*width)
	for i, row := range rows {
		begins = appendNumber(begins, places[i], width)
		sizes = appendNumber(sizes, row.to-row.from, width)
	}
	buffers := []*memory.Buffer{shiftedBits(d), memory.NewBufferBytes(begins), memory.NewBufferBytes(sizes)}
	return array.NewData(d.DataType(), d.Len(), buffers, []arrow.ArrayData{compact}, d.NullN(), 0), true
}

// spansOf reads where the items of the rows stand; those of nulls and of empty lists nowhere.
func spansOf(d arrow.ArrayData, number func([]byte) int64, width int) []span {
	rows := make([]span, d.Len())
	for row := range rows {
		at := (d.Offset() + row) * width
		from, size := number(d.Buffers()[1].Bytes()[at:]), number(d.Buffers()[2].Bytes()[at:])
		if size > 0 && !isNull(d, row) {
			rows[row] = span{from, from + size}
		}
	}
	return rows
}

// gathered returns the items of all rows, and where those of each row begin among them: what stands between the first and the last, or, where that
// is much more, one row's behind the other's.
func gathered(items arrow.ArrayData, rows []span) (used arrow.ArrayData, places []int64, made releases) {
	all, total := span{int64(items.Len()), 0}, int64(0)
	for _, row := range rows {
		if row.to > row.from {
			all.from, all.to, total = min(all.from, row.from), max(all.to, row.to), total+row.to-row.from
		}
	}
	all.from = min(all.from, all.to)
	places = make([]int64, len(rows))
	if all.to-all.from > 2*total {
		if together := joined(items, rows, places); together != nil {
			return together, places, releases{together}
		}
	}
	for i, row := range rows {
		places[i] = max(0, row.from-all.from)
	}
	used = array.NewSliceData(items, all.from, all.to)
	return used, places, releases{used}
}

// joined copies the items of the rows one behind the other, nil where the library cannot.
func joined(items arrow.ArrayData, rows []span, places []int64) arrow.ArrayData {
	var parts []arrow.Array
	var made releases
	defer func() { made.all() }()
	next, last := int64(0), span{}
	for i, row := range rows {
		places[i] = next
		next += row.to - row.from
		switch {
		case row.to == row.from:
		case last.to > last.from && row.from == last.to: // which is the slice before, longer
			last.to = row.to
		default:
			if last.to > last.from {
				parts = append(parts, sliceOf(items, last, &made))
			}
			last = row
		}
	}
	parts = append(parts, sliceOf(items, last, &made))
	together, err := array.Concatenate(parts, memory.DefaultAllocator)
	if err != nil {
		return nil
	}
	made = append(made, together)
	together.Data().Retain()
	return together.Data()
}

func sliceOf(items arrow.ArrayData, s span, made *releases) arrow.Array {
	data := array.NewSliceData(items, s.from, s.to)
	part := array.MakeFromData(data)
	*made = append(*made, data, part)
	return part
}

// withoutRuns is a column of runs without rows.
func withoutRuns(d arrow.ArrayData) (arrow.ArrayData, bool) {
	ends, values := array.NewSliceData(d.Children()[0], 0, 0), array.NewSliceData(d.Children()[1], 0, 0)
	defer ends.Release()
	defer values.Release()
	compact, changed := compactedData(values)
	if changed {
		defer compact.Release()
	}
	return array.NewData(d.DataType(), 0, []*memory.Buffer{nil}, []arrow.ArrayData{ends, compact}, 0, 0), true
}

// compactedRuns puts the values of runs together anew.
func compactedRuns(d arrow.ArrayData) (arrow.ArrayData, bool) {
	if d.Len() == 0 {
		return withoutRuns(d)
	}
	runs := array.NewRunEndEncodedData(d)
	defer runs.Release()
	values := runs.LogicalValuesArray()
	defer values.Release()
	compact, changed := compactedData(values.Data())
	if !changed {
		return d, false
	}
	defer compact.Release()
	ends := runs.LogicalRunEndsArray(memory.DefaultAllocator)
	defer ends.Release()
	return array.NewData(d.DataType(), d.Len(), []*memory.Buffer{nil}, []arrow.ArrayData{ends.Data(), compact}, 0, 0), true
}
