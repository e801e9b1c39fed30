package main

import (
	"fmt"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const (
	// previewRows is how many rows of a table are shown, half from its top and half from its end.
	previewRows = 20
	// previewColumns is how many columns are shown, from the left.
	previewColumns = 12
)

// preview prints the top and the end of a table, and how large it is.
func (s *shell) preview(t *frame.Table) error {
	all, err := previewed(t)
	if err != nil {
		return err
	}
	shown := min(len(all), previewColumns)
	out := table{right: map[int]bool{}}
	columns := make([][]any, shown)
	for i := range shown {
		if columns[i], err = all[i].Shown(); err != nil {
			columns[i] = slices.Repeat([]any{"?"}, t.Rows()) // of unknown types; the rest of the table can be looked at
		}
		out.heading = append(out.heading, shortened(inline(all[i].Name()), maxCell))
		out.right[i] = len(columns[i]) > 0
		for _, v := range columns[i] {
			out.right[i] = out.right[i] && (v == nil || isNumber(v))
		}
	}
	for row := 0; row < t.Rows(); row++ {
		if skipped := t.Rows() - previewRows; skipped > 0 && row == previewRows/2 {
			out.add(dots(shown)...)
			row += skipped
		}
		cells := make([]string, shown)
		for i := range columns {
			cells[i] = s.cell(columns[i][row])
		}
		out.add(cells...)
	}
	if err := out.print(s.stdout); err != nil {
		return err
	}
	more := ""
	if hidden := len(all) - shown; hidden > 0 {
		more = fmt.Sprintf(", %d not shown", hidden)
	}
	return s.line("[%s, %d rows, %d columns%s]", inline(t.Kind()), t.Rows(), len(t.Names()), more)
}

// previewed are the columns of a table, and behind them an index that is described rather than a column.
func previewed(t *frame.Table) ([]*frame.Column, error) {
	var all []*frame.Column
	for i := range t.Names() {
		c, err := t.ColumnAt(i)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if index, err := t.Range(); err == nil && index != nil && index.Len() == t.Rows() {
		all = append(all, index)
	}
	return all, nil
}

func dots(n int) []string {
	cells := make([]string, n)
	for i := range cells {
		cells[i] = "…"
	}
	return cells
}
