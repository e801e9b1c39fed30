package frame

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// arrayItems makes the items of a numpy array of its cells: complex numbers travel as two floats each.
func (t *Table) arrayItems(cells []any) []any {
	if t.kind != NumpyArray || !strings.HasPrefix(strings.TrimLeft(t.notedDtype(), "<>"), "c") {
		return cells
	}
	items := make([]any, len(cells)/2)
	for i := range items {
		items[i] = complex(cells[2*i].(float64), cells[2*i+1].(float64)) // which Read checked
	}
	return items
}

// notedDtype is numpy's name of an array's dtype, empty if the notes say none.
func (t *Table) notedDtype() string {
	notes, _ := t.notes()
	noted, _ := entry(notes, "dtype")
	dtype, _ := noted.(string)
	return dtype
}

// itemReader returns what reads the moments or spans of a numpy array, nil for all other cells. They stand as ints where Arrow has no such
// unit, and may be beyond the years that values have, which only ints are.
func (t *Table) itemReader() cellReader {
	if t.kind != NumpyArray {
		return nil
	}
	step, ok := stepOf(t.notedDtype())
	if !ok {
		return nil
	}
	return unlessNull(func(_ *shared, a arrow.Array, i int) (any, error) {
		switch counts := a.(type) {
		case *array.Timestamp:
			return step.item(int64(counts.Value(i))), nil
		case *array.Duration:
			return step.item(int64(counts.Value(i))), nil
		default:
			return step.item(counts.(*array.Int64).Value(i)), nil
		}
	})
}
