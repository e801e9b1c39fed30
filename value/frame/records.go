package frame

import (
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// cellLimit is how many cells a table of these bytes may have to be read row by row. A bool takes a bit; a null takes nothing, so
// that a few bytes may be millions of rows.
func cellLimit(encoded []byte) int { return 1<<17 + 8*len(encoded) }

// records gives those fields of the rows that are wanted, as dicts. Columns of which none is wanted need not be readable.
func (t *Table) records(want value.RowsWanted) ([]any, error) {
	columns, n, err := t.rowColumns(want)
	if err != nil {
		return nil, err
	}
	var rows []any
	grown, texts := newGrowth(len(t.encoded)), &shared{}
	for _, c := range columns {
		c.grown, c.shared = grown, texts
		read := c.Values
		if want.ToShow {
			read = c.Shown
		}
		if counts := t.countsOf(c.field); counts != nil {
			c.read, read = counts, c.Values
		}
		values, err := read()
		if err != nil {
			return nil, err
		}
		values = t.arrayItems(values)
		if rows == nil {
			rows = emptyRows(len(values))
		}
		for i, v := range values {
			rows[i].(*value.Dict).Set(c.label, v)
		}
	}
	if rows == nil {
		rows = emptyRows(n)
	}
	return rows, nil
}

func emptyRows(n int) []any {
	rows := make([]any, n)
	for i := range rows {
		rows[i] = &value.Dict{}
	}
	return rows
}
