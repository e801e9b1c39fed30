package frame

import (
	"math"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// arrayItems makes the items of a numpy array of its cells: complex numbers travel as two floats each, and days as their number from
// 1970, because Arrow has neither.
func (t *Table) arrayItems(cells []any) []any {
	if t.kind != NumpyArray {
		return cells
	}
	notes, _ := t.notes() // which were read before, for the labels
	noted, _ := entry(notes, "dtype")
	dtype, _ := noted.(string)
	switch {
	case strings.HasPrefix(strings.TrimLeft(dtype, "<>="), "c") && len(cells)%2 == 0:
		return paired(cells)
	case strings.HasSuffix(dtype, "M8[D]"):
		return days(cells)
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

// days makes dates of numbers of days; numpy's NaT is nil, and what is in no year of four digits stays a number.
func days(cells []any) []any {
	const first, last = -719162, 2932896 // 0001-01-01 and 9999-12-31
	dated := make([]any, len(cells))
	for i, cell := range cells {
		n, ok := cell.(int64)
		switch {
		case ok && n >= first && n <= last:
			dated[i] = value.DateOf(time.Unix(n*24*60*60, 0).UTC())
		case !ok || n != math.MinInt64:
			dated[i] = cell
		}
	}
	return dated
}
