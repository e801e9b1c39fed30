package frame

import (
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// A row that is read is a dict first, which takes some hundred bytes and as much for each of its cells, while a bool takes a bit of the
// table and a null nothing. So a table may have rowsAlways rows and cells together, and rowsPerByte more for each of its bytes: numbers of
// a byte or more are never too many.
const (
	rowsAlways  = 1 << 18
	rowsPerByte = 2
)

// checkRows refuses rows that would take memory out of proportion.
func (t *Table) checkRows(rows int) error {
	columns, limit := t.schema.NumFields(), rowsAlways+rowsPerByte*len(t.encoded)
	if rows <= limit/(1+columns) {
		return nil
	}
	return failf("$", "%d rows of %d columns from %d bytes are too many to be made structs or dicts, the limit of rows and cells together "+
		"is %d (%d, and %d for each byte): read the table by its columns or Batches, or take a *frame.Table",
		rows, columns, len(t.encoded), limit, rowsAlways, rowsPerByte)
}

// records gives those fields of the rows that are wanted, as dicts. Columns of which none is wanted need not be readable.
func (t *Table) records(want value.RowsWanted) (rows []any, err error) {
	defer recovered(&err, "read")
	columns, n, err := t.rowColumns(want)
	if err != nil {
		return nil, err
	}
	grown, texts := newGrowth(len(t.encoded)), &shared{}
	for _, c := range columns {
		c.grown, c.shared = grown, texts
		read := c.Values
		if want.ToShow {
			read = c.Shown
		}
		values, err := read()
		if err != nil {
			return nil, err
		}
		values = t.arrayItems(values)
		if rows == nil {
			rows = emptyRows(len(values))
		}
		var label any = c.label // once, not for each row
		for i, v := range values {
			rows[i].(*value.Dict).Set(label, v)
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
