package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in aligned columns under a heading.
type table struct {
	heading []string
	rows    [][]string
	// right says which columns are aligned to the right.
	right map[int]bool
}

// add adds a row, each cell in one line.
func (t *table) add(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = inline(cell)
	}
	t.rows = append(t.rows, row)
}

// print writes the table, the last column unpadded.
func (t *table) print(w io.Writer) error {
	widths := make([]int, len(t.heading))
	lines := append([][]string{t.heading}, t.rows...)
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		cells := make([]string, len(line))
		for i, cell := range line {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				cells[i] = gap + cell
			} else {
				cells[i] = cell + gap
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "  "), " ")); err != nil {
			return err
		}
	}
	return nil
}

// shortened cuts a text to a number of characters.
func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// fields prints names and values in two columns.
func (s *shell) fields(namesAndValues ...string) error {
	width := 0
	for i := 0; i < len(namesAndValues); i += 2 {
		width = max(width, len(namesAndValues[i]))
	}
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if err := s.line("%-*s  %s", width, namesAndValues[i], inline(namesAndValues[i+1])); err != nil {
			return err
		}
	}
	return nil
}

func number[N int | uint64](n N) string { return fmt.Sprint(n) }
