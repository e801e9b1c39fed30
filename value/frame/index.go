package frame

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// index is what pandas' metadata and our notes say of the index of a DataFrame or Series. Levels are columns of the table; an index of
// equally spaced ints, of which pandas makes a range on its own, is described only.
type index struct {
	levels []level
	counts *counts
	bare   bool // the table has no columns, so that the range alone says how many rows there are
}

// level is a level that is a column.
type level struct {
	column string
	name   any // nil for none
}

// counts is a range: the name and the bounds of an index that is no column.
type counts struct {
	name              any // nil for none
	start, step, rows int64
}

// unnamedLevel is what pandas calls the column of a level without a name.
const unnamedLevel = "__index_level_"

// index reads what is said of the index.
func (t *Table) index() (index, error) {
	if t.kind != PandasDataFrame && t.kind != PandasSeries {
		return index{}, nil
	}
	ix, err := t.describedIndex()
	if err != nil {
		return index{}, err
	}
	notes, err := t.notes()
	if err != nil {
		return index{}, err
	}
	if noted, ok := entry(notes, "index_range"); ok && t.schema.NumFields() == 0 {
		bounds, _ := noted.(value.Tuple)
		if ix.counts = countsOf(bounds); ix.counts == nil {
			return index{}, failf("$", "what the notes of this %s say of its index cannot be read", t.kind)
		}
		ix.bare = true
	}
	if names, ok := entry(notes, "index_names"); ok {
		return ix, ix.rename(t.kind, names)
	}
	return ix, nil
}

// rename gives the names that pandas' metadata cannot say.
func (ix *index) rename(kind string, noted any) error {
	given, _ := noted.([]any)
	names := make([]any, len(given))
	for i, name := range given {
		var ok bool
		if names[i], ok = namedAs(name); !ok {
			return failf("$", "what the notes of this %s say of the name of level %d of its index cannot be read", kind, i)
		}
	}
	for i := range min(len(names), len(ix.levels)) {
		ix.levels[i].name = names[i]
	}
	if ix.counts != nil && len(names) == 1 {
		ix.counts.name = names[0]
	}
	return nil
}

// namedAs is a name as the notes tell it; one that is no value, such as a period, is the one label of an index, and its text here.
func namedAs(noted any) (name any, ok bool) {
	described, _ := entry(noted, "frame")
	encoded, ok := described.([]byte)
	if !ok {
		return noted, true
	}
	texts, err := indexTexts(encoded)
	if err != nil || len(texts) != 1 {
		return nil, false
	}
	return texts[0], true
}

// describedIndex reads pandas' own metadata.
func (t *Table) describedIndex() (ix index, err error) {
	at := t.schema.Metadata().FindKey("pandas")
	if at < 0 {
		return ix, nil
	}
	var described struct {
		Levels  []json.RawMessage `json:"index_columns"`
		Columns []struct {
			Name  any    `json:"name"`
			Field string `json:"field_name"`
		} `json:"columns"`
	}
	if err := json.Unmarshal([]byte(t.schema.Metadata().Values()[at]), &described); err != nil {
		return ix, failf("$", "the metadata \"pandas\" of this %s cannot be read: %s", t.kind, shortened(err.Error()))
	}
	names := make(map[string]any, len(described.Columns))
	for _, c := range described.Columns {
		names[c.Field] = c.Name
	}
	for _, raw := range described.Levels {
		var column string
		if json.Unmarshal(raw, &column) == nil {
			ix.levels = append(ix.levels, level{column, names[column]})
		} else if ix.counts == nil {
			ix.counts = t.describedRange(raw)
		}
	}
	return ix, nil
}

// describedRange reads a range. One that does not fit the rows is none, as for pandas: what made the table's rows fewer did not tell.
func (t *Table) describedRange(raw json.RawMessage) *counts {
	var r struct {
		Kind              string
		Name              any
		Start, Stop, Step int64
	}
	if json.Unmarshal(raw, &r) != nil || r.Kind != "range" {
		return nil
	}
	c := countsOf(value.Tuple{r.Start, r.Stop, r.Step})
	if c == nil || c.rows != int64(t.rows) {
		return nil
	}
	c.name = r.Name
	return c
}

// countsOf is the range of a start, a stop and a step, nil if they are none.
func countsOf(bounds value.Tuple) *counts {
	if len(bounds) != 3 {
		return nil
	}
	start, isStart := bounds[0].(int64)
	stop, isStop := bounds[1].(int64)
	step, isStep := bounds[2].(int64)
	if !isStart || !isStop || !isStep || step == 0 {
		return nil
	}
	c := &counts{start: start, step: step}
	distance, stride := uint64(stop)-uint64(start), uint64(step)
	if step < 0 {
		distance, stride = -distance, -stride
	}
	if step > 0 && stop > start || step < 0 && stop < start {
		rows := (distance-1)/stride + 1
		if bits.Len64(rows) > 62 {
			return nil
		}
		c.rows = int64(rows)
	}
	return c
}

// plain reports whether a range without a name says no more than the positions of the rows.
func (c *counts) plain() bool { return c.name == nil && c.start == 0 && (c.step == 1 || c.rows < 2) }

// column is the range as a column.
func (c *counts) column(label string) *Column {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.Reserve(int(c.rows))
	for i := range c.rows {
		b.Append(c.start + i*c.step)
	}
	return &Column{name: label, label: label, rows: int(c.rows), chunks: []arrow.Array{b.NewArray()}}
}

// rowColumns are the columns as rows have them, with their labels. Whichever kind of index pandas chose, rows have the same fields: a
// range is a column, and an index without a name that counts the rows from 0 is none.
func (t *Table) rowColumns(want value.RowsWanted) ([]*Column, int, error) {
	ix, err := t.index()
	if err != nil {
		return nil, 0, err
	}
	rows := t.rows
	if ix.bare {
		rows = int(ix.counts.rows)
	}
	if err := t.checkRows(rows); err != nil {
		return nil, 0, err
	}
	labels, err := t.rowLabels(ix)
	if err != nil {
		return nil, 0, err
	}
	var columns []*Column
	for i, label := range labels {
		if t.kind != NumpyArray && !want.Wants(label, ix.unnamed(t.columnName(i), label)) { // the cells of an array say how many rows it has
			continue
		}
		if i == t.schema.NumFields() {
			columns = append(columns, ix.counts.column(label))
			continue
		}
		c, err := t.ColumnAt(i)
		if err != nil {
			return nil, 0, err
		}
		if !ix.positions(c) {
			c.label = label
			columns = append(columns, c)
		}
	}
	return columns, rows, nil
}

// columnName is the name of a column, that of the range behind them included.
func (t *Table) columnName(i int) string {
	if i == t.schema.NumFields() {
		return unnamedLevel + "0__"
	}
	return t.schema.Field(i).Name
}

// unnamed reports whether what rows have under a label is a level of the index that has no name in rows but what pandas calls it.
func (ix *index) unnamed(column, label string) bool {
	if !strings.HasPrefix(label, unnamedLevel) || column != label {
		return false
	}
	return ix.counts != nil || slices.ContainsFunc(ix.levels, func(l level) bool { return l.column == column })
}

// rowLabels are the labels of the columns and, behind them, of the range, if it says anything.
func (t *Table) rowLabels(ix index) ([]string, error) {
	labels, err := t.labels()
	if err != nil {
		return nil, err
	}
	taken := make(map[string]int, len(labels))
	for _, label := range labels {
		taken[label]++
	}
	wanted := make(map[int]string, len(ix.levels))
	for _, l := range ix.levels {
		at := t.schema.FieldIndices(l.column)
		if l.name == nil || len(at) != 1 || labels[at[0]] != l.column {
			continue
		}
		text, err := labelText(l.name, "None")
		if err != nil {
			return nil, err
		}
		if text != l.column {
			wanted[at[0]] = text
			taken[text]++
		}
	}
	for at, text := range wanted {
		if taken[text] == 1 { // else it has the name that pandas gives to one without
			labels[at] = text
		}
	}
	if ix.counts == nil || ix.counts.plain() {
		return labels, unrepeated(labels)
	}
	label := unnamedLevel + "0__"
	if ix.counts.name != nil {
		text, err := labelText(ix.counts.name, "None")
		if err != nil {
			return nil, err
		}
		if taken[text] == 0 {
			label = text
		}
	}
	labels = append(labels, label)
	return labels, unrepeated(labels)
}

func unrepeated(labels []string) error {
	if label, twice := repeatedLabel(labels); twice {
		return failf("$"+step(label), "two columns are called %q: a row can have one only; ColumnAt reads both", label)
	}
	return nil
}

// positions reports whether a column is an index without a name that counts the rows from 0.
func (ix *index) positions(c *Column) bool {
	if len(ix.levels) != 1 || ix.levels[0].column != c.name || ix.levels[0].name != nil || !strings.HasPrefix(c.name, unnamedLevel) {
		return false
	}
	next := int64(0)
	for _, chunk := range c.chunks {
		if !arrow.IsInteger(chunk.DataType().ID()) {
			return false
		}
		for i := range chunk.Len() {
			n, err := cellOf(&shared{}, chunk, i)
			if err != nil || n != next {
				return false
			}
			next++
		}
	}
	return true
}

// rangeLimit is how many rows a range may count in a table of these bytes, of which it takes none.
func rangeLimit(encoded []byte) int { return 1<<17 + 8*len(encoded) }

// Range returns the index of a pandas.DataFrame or pandas.Series that is a range, as a column. Such an index is no column of the
// table, but described: pandas makes one of any ints that are equally spaced. It is nil if there is none, or if it has no name and
// counts the rows from 0.
func (t *Table) Range() (*Column, error) {
	ix, err := t.index()
	if err != nil || ix.counts == nil || ix.counts.plain() {
		return nil, err
	}
	if ix.counts.rows > int64(rangeLimit(t.encoded)) {
		return nil, failf("$", "a range of %d rows in a table of %d bytes is too long", ix.counts.rows, len(t.encoded))
	}
	label := unnamedLevel + "0__"
	if ix.counts.name != nil {
		if label, err = labelText(ix.counts.name, "None"); err != nil {
			return nil, err
		}
	}
	return ix.counts.column(label), nil
}

// rangeNamed is the range of that name, nil if there is none.
func (t *Table) rangeNamed(name string) (*Column, error) {
	c, err := t.Range()
	if err != nil || c == nil || c.name != name {
		return nil, err
	}
	return c, nil
}
