package frame

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// shared are the copies of texts that many cells may have, each made once for the reading of a column, or of rows. Cells are no views of the
// stream that they were read from: a short text would keep all of it, and change with it.
type shared struct {
	entries entries
	all     map[arrow.ArrayData]entries
	carried map[*memory.Buffer]string // the texts of views that show more than they carry
	wide    map[arrow.ArrayData]bool  // whether an array is one of these
}

// entries are the cells of a dictionary or of runs, nil until the first row has one.
type entries struct {
	of    arrow.ArrayData
	cells []any
}

// cell is cellOf for an entry that many rows may have, whose text is there once.
func (s *shared) cell(a arrow.Array, i int) (any, error) {
	switch a.(type) {
	case *array.String, *array.LargeString, *array.StringView:
	default:
		return cellOf(s, a, i)
	}
	if a.IsNull(i) {
		return nil, nil
	}
	cells := s.entriesOf(a)
	if cells[i] == nil {
		v, err := cellOf(s, a, i)
		if err != nil {
			return nil, err
		}
		cells[i] = v
	}
	return cells[i], nil
}

// entriesOf are the entries of a dictionary, which the batches of a table have in common.
func (s *shared) entriesOf(a arrow.Array) []any {
	of := a.Data()
	if s.entries.of == of {
		return s.entries.cells
	}
	found, ok := s.all[of]
	if !ok {
		found = entries{of, make([]any, a.Len())}
		if s.all == nil {
			s.all = map[arrow.ArrayData]entries{}
		}
		s.all[of] = found
	}
	s.entries = found
	return found.cells
}

// view is the text of a view. Of an array that shows more than it carries, as many views may be of one text, all that it carries is copied
// once.
func (s *shared) view(x *array.StringView, i int) string {
	head := x.ValueHeader(i)
	if head.IsInline() || !s.isWide(x) {
		return strings.Clone(x.Value(i))
	}
	buffer := x.Data().Buffers()[2+head.BufferIndex()]
	text, ok := s.carried[buffer]
	if !ok {
		if s.carried == nil {
			s.carried = map[*memory.Buffer]string{}
		}
		text = string(buffer.Bytes())
		s.carried[buffer] = text
	}
	return text[head.BufferOffset():][:head.Len()]
}

// isWide reports whether the views of an array show more than it carries.
func (s *shared) isWide(x *array.StringView) bool {
	wide, ok := s.wide[x.Data()]
	if !ok {
		if s.wide == nil {
			s.wide = map[arrow.ArrayData]bool{}
		}
		shown, carried := viewBytes(x, 0, x.Len())
		wide = shown > carried
		s.wide[x.Data()] = wide
	}
	return wide
}

// viewBytes are how many bytes views show that do not stand in them, and how many their array carries.
func viewBytes(x *array.StringView, from, to int) (shown, carried int) {
	for i := from; i < to; i++ {
		if head := x.ValueHeader(i); x.IsValid(i) && !head.IsInline() {
			shown += head.Len()
		}
	}
	for _, b := range x.Data().Buffers()[2:] {
		carried += b.Len()
	}
	return shown, carried
}
