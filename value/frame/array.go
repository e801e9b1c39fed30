package frame

import "strings"

// arrayItems makes the items of a numpy array of its cells: complex numbers travel as two floats each, and moments and spans in
// units that Arrow has not as ints.
func (t *Table) arrayItems(cells []any) []any {
	if t.kind != NumpyArray {
		return cells
	}
	notes, _ := t.notes() // which were read before, for the labels
	noted, _ := entry(notes, "dtype")
	dtype, _ := noted.(string)
	if strings.HasPrefix(strings.TrimLeft(dtype, "<>="), "c") && len(cells)%2 == 0 {
		return paired(cells)
	}
	if step, ok := stepOf(dtype); ok {
		return step.items(cells)
	}
	return cells
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
