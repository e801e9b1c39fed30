package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// maxCell is how many characters of a value a table shows.
const maxCell = 60

// show prints a value for people: a text as it is, a table or a list of like records in columns, bytes on a terminal by
// their number, everything else as JSON.
func (s *shell) show(v tool.Value) error {
	decoded, err := s.codec.Decode(v)
	if err != nil {
		return err
	}
	switch decoded := decoded.(type) {
	case string:
		if terminal(s.stdout) {
			decoded = printable(decoded)
		}
		return s.line("%s", decoded)
	case []byte:
		if terminal(s.stdout) {
			return s.line("(%d bytes; --json shows them)", len(decoded))
		}
	case *frame.Table:
		if !s.records {
			return s.preview(decoded)
		}
	case []any:
		if rows, like := s.likeRecords(decoded); like {
			return rows.print(s.stdout)
		}
	}
	text, err := s.codec.ToJSON(v)
	if err != nil {
		return err
	}
	return s.line("%s", indented(text))
}

// indented spreads JSON over lines where it is longer than one.
func indented(text []byte) []byte {
	const oneLine = 100
	if len(text) <= oneLine {
		return text
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return text
	}
	return out.Bytes()
}

// likeRecords makes a table of a list of dicts that have the same keys, all texts.
func (s *shell) likeRecords(items []any) (*table, bool) {
	if len(items) == 0 {
		return nil, false
	}
	first, is := items[0].(*value.Dict)
	if !is || first.Len() == 0 {
		return nil, false
	}
	t := &table{right: map[int]bool{}}
	for key := range first.All() {
		name, is := key.(string)
		if !is {
			return nil, false
		}
		t.right[len(t.heading)] = true
		t.heading = append(t.heading, inline(name))
	}
	for _, item := range items {
		row, is := item.(*value.Dict)
		if !is || !s.addRecord(t, first, row) {
			return nil, false
		}
	}
	return t, true
}

// addRecord adds a row if it has the keys of the first.
func (s *shell) addRecord(t *table, first, row *value.Dict) bool {
	if row.Len() != first.Len() {
		return false
	}
	cells := make([]string, 0, row.Len())
	for key := range first.All() {
		v, has := row.Get(key)
		if !has {
			return false
		}
		if !isNumber(v) {
			t.right[len(cells)] = false
		}
		cells = append(cells, s.cell(v))
	}
	t.add(cells...)
	return true
}

func isNumber(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	default:
		return false
	}
}

// cell is a value in a table.
func (s *shell) cell(v any) string {
	if text, is := v.(string); is {
		return shortened(inline(text), maxCell)
	}
	text, err := s.codec.EncodeJSON(v)
	if err != nil {
		return fmt.Sprintf("(%T)", v)
	}
	return shortened(string(text), maxCell)
}

// brief is an encoded value in one line, for listings.
func (s *shell) brief(v tool.Value) string {
	if v.IsZero() {
		return "-"
	}
	text, err := s.codec.ToJSON(v)
	if err != nil {
		return "(" + messageOf(err) + ")"
	}
	return shortened(inline(string(text)), maxCell)
}
