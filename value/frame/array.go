package frame

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// arrayItems makes the items of a numpy array of its cells: complex numbers travel as two floats each, and moments and spans in
// units that Arrow has not as ints.
func (t *Table) arrayItems(cells []any) []any {
	if t.kind != NumpyArray {
		return cells
	}
	dtype := t.notedDtype()
	if strings.HasPrefix(strings.TrimLeft(dtype, "<>="), "c") && len(cells)%2 == 0 {
		return paired(cells)
	}
	if step, ok := stepOf(dtype); ok {
		return step.items(cells)
	}
	return cells
}

// notedDtype is numpy's name of an array's dtype, empty if the notes say none.
func (t *Table) notedDtype() string {
	notes, _ := t.notes()
	noted, _ := entry(notes, "dtype")
	dtype, _ := noted.(string)
	return dtype
}

// countsOf returns what reads the cells of an array's moments or spans as ints, nil for all others: a moment can be beyond the years that
// values have, which arrayItems knows.
func (t *Table) countsOf(f arrow.Field) cellReader {
	if t.kind != NumpyArray {
		return nil
	}
	step, ok := stepOf(t.notedDtype())
	if !ok || step.times != 1 {
		return nil
	}
	switch of := f.Type.(type) {
	case *arrow.TimestampType:
		ok = step.moments && of.TimeZone == "" && of.Unit.String() == step.unit
	case *arrow.DurationType:
		ok = !step.moments && of.Unit.String() == step.unit
	default:
		ok = false
	}
	if !ok {
		return nil
	}
	return unlessNull(func(_ *shared, a arrow.Array, i int) (any, error) {
		if moments, ok := a.(*array.Timestamp); ok {
			return int64(moments.Value(i)), nil
		}
		return int64(a.(*array.Duration).Value(i)), nil
	})
}

// paired joins real and imaginary parts; cells that are none stay as they are.
func paired(cells []any) []any {
	joined := make([]any, 0, len(cells)/2)
	for i := 0; i < len(cells); i += 2 {
		re, reOK := cells[i].(float64)
		im, imOK := cells[i+1].(float64)
		if !reOK || !imOK {
			return cells
		}
		joined = append(joined, complex(re, im))
	}
	return joined
}
