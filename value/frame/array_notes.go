package frame

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// checkSingle refuses a series or an array of other than one column, and an array whose notes say what its column is not.
func (t *Table) checkSingle() error {
	columns, what := t.schema.NumFields(), "an array"
	switch t.kind {
	case PandasSeries:
		ix, err := t.index()
		if err != nil {
			return err
		}
		for _, f := range t.schema.Fields() {
			if slices.ContainsFunc(ix.levels, func(l level) bool { return l.column == f.Name }) {
				columns--
			}
		}
		what = "a series"
	case PolarsSeries:
		what = "a series"
	case NumpyArray:
	default:
		return nil
	}
	if columns != 1 {
		return failf("$", "%s is a table of 1 column, not %d", what, columns)
	}
	if t.kind == NumpyArray {
		return t.checkArray()
	}
	return nil
}

// checkArray refuses what the notes of an array say that its column is not, as Python does.
func (t *Table) checkArray() error {
	notes, err := t.notes()
	if err != nil {
		return err
	}
	column := t.schema.Field(0)
	noted, ok := entry(notes, "dtype")
	dtype, is := noted.(string)
	if ok && !is {
		return failf("$", "malformed %s: want the name of a dtype in its notes, got %T", t.kind, noted)
	}
	if !ok {
		if zoned, is := column.Type.(*arrow.TimestampType); is && zoned.TimeZone != "" {
			return failf("$", "an array of %s would lose its zone, which numpy has none for", column.Type)
		}
		return t.checkPresent()
	}
	wanted, known := columnTypes(dtype)
	if !known {
		return failf("$", "malformed %s: want numpy's name of a dtype in its notes, such as \"<f8\", got %q", t.kind, shortened(dtype))
	}
	if !slices.ContainsFunc(wanted, func(w arrow.DataType) bool { return arrow.TypeEqual(w, column.Type) }) {
		return failf("$", "malformed %s: of dtype %q want a column of %s, got %s", t.kind, dtype, wanted[0], column.Type)
	}
	if err := t.checkPresent(); err != nil {
		return err
	}
	items := t.rows
	if dtype[1] == 'c' {
		if items%2 != 0 {
			return failf("$", "malformed %s: of dtype %q want two floats an item, got %d", t.kind, dtype, items)
		}
		items /= 2
	}
	if err := t.checkTextItems(dtype); err != nil {
		return err
	}
	return t.checkShape(notes, items)
}

// columnTypes are the types of the column in which items of a dtype stand, of which Python writes the first; ok is false of what is no dtype as
// numpy's own name says it, with the order of bytes where there is one.
func columnTypes(dtype string) (types []arrow.DataType, ok bool) {
	name := strings.TrimLeft(dtype, "|<>")
	if len(name) < 2 || len(name) != len(dtype)-1 {
		return nil, false
	}
	ordered := dtype[0] != '|'
	switch name[0] {
	case 'S':
		_, ok := itemLength(name)
		return []arrow.DataType{arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary}, ok && !ordered
	case 'U':
		_, ok := itemLength(name)
		return []arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString}, ok && ordered
	case 'm', 'M':
		of, ok := momentType(name)
		return []arrow.DataType{of}, ok && ordered
	}
	of, ok := map[string]arrow.DataType{
		"b1": arrow.FixedWidthTypes.Boolean,
		"i1": arrow.PrimitiveTypes.Int8, "i2": arrow.PrimitiveTypes.Int16, "i4": arrow.PrimitiveTypes.Int32, "i8": arrow.PrimitiveTypes.Int64,
		"u1": arrow.PrimitiveTypes.Uint8, "u2": arrow.PrimitiveTypes.Uint16, "u4": arrow.PrimitiveTypes.Uint32, "u8": arrow.PrimitiveTypes.Uint64,
		"f2": arrow.FixedWidthTypes.Float16, "f4": arrow.PrimitiveTypes.Float32, "f8": arrow.PrimitiveTypes.Float64,
		"c8": arrow.PrimitiveTypes.Float32, "c16": arrow.PrimitiveTypes.Float64,
	}[name]
	return []arrow.DataType{of}, ok && ordered == (name[1] != '1' || name == "c16")
}

// itemLength is the length of texts or bytes that a dtype says; 0 is that of the longest.
func itemLength(name string) (int, bool) {
	n, err := strconv.ParseInt(name[1:], 10, 32)
	return int(n), err == nil && n >= 0 && strconv.FormatInt(n, 10) == name[1:]
}

// momentType is that of moments and spans: Arrow's where it has the unit, else ints.
func momentType(name string) (of arrow.DataType, ok bool) {
	if name[1:] == "8" { // of no unit
		return arrow.PrimitiveTypes.Int64, true
	}
	unit, opened := strings.CutPrefix(name[1:], "8[")
	unit, closed := strings.CutSuffix(unit, "]")
	bare := strings.TrimLeft(unit, "0123456789")
	if !opened || !closed || !slices.Contains([]string{"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"}, bare) {
		return nil, false
	}
	if digits := strings.TrimSuffix(unit, bare); digits != "" {
		times, err := strconv.ParseInt(digits, 10, 32)
		return arrow.PrimitiveTypes.Int64, err == nil && times != 1 && strconv.FormatInt(times, 10) == digits
	}
	at := slices.Index([]string{"s", "ms", "us", "ns"}, bare)
	switch {
	case at < 0:
		return arrow.PrimitiveTypes.Int64, true
	case name[0] == 'M':
		return &arrow.TimestampType{Unit: arrow.TimeUnit(at)}, true
	default:
		return &arrow.DurationType{Unit: arrow.TimeUnit(at)}, true
	}
}

// checkPresent refuses nulls where numpy has none: it has NaT among moments and spans.
func (t *Table) checkPresent() error {
	switch f := t.schema.Field(0); f.Type.ID() {
	case arrow.TIMESTAMP, arrow.DURATION, arrow.DATE32, arrow.DATE64:
	default:
		for _, b := range t.batches {
			if b.Column(0).NullN() > 0 {
				return failf("$"+step(f.Name), "column %q has nulls, and an array has none: send a table, or NaN for them", f.Name)
			}
		}
	}
	return nil
}

// checkTextItems refuses texts and bytes that items of a length cannot hold; numpy does not tell zeros at the end of one from its padding.
func (t *Table) checkTextItems(dtype string) error {
	if dtype[1] != 'S' && dtype[1] != 'U' {
		return nil
	}
	most, _ := itemLength(dtype[1:])
	if most == 0 {
		most = math.MaxInt // as long as the longest
	}
	at := 0
	for _, b := range t.batches {
		for i := range b.Column(0).Len() {
			item, length := "", 0
			switch a := b.Column(0).(type) {
			case interface{ Value(i int) []byte }:
				item = string(a.Value(i))
				length = len(item)
			case array.StringLike:
				item = a.Value(i)
				length = utf8.RuneCountInString(item)
			}
			if length > most || strings.HasSuffix(item, "\x00") {
				return failf("$", "malformed %s: item %d of dtype %q is %q, which it cannot hold", t.kind, at, dtype, shortened(item))
			}
			at++
		}
	}
	return nil
}

// maxDimensions is how many numpy has.
const maxDimensions = 64

func (t *Table) checkShape(notes any, items int) error {
	if order, ok := entry(notes, "order"); ok && order != "C" && order != "F" {
		return failf("$", "malformed %s: want the order \"C\" or \"F\" in its notes", t.kind)
	}
	noted, ok := entry(notes, "shape")
	if !ok {
		return nil
	}
	shape, ok := noted.(value.Tuple)
	if !ok || len(shape) > maxDimensions {
		return failf("$", "malformed %s: want a shape of at most %d lengths in its notes", t.kind, maxDimensions)
	}
	product, none := 1, false
	for _, length := range shape {
		n, ok := length.(int64)
		if !ok || n < 0 {
			return failf("$", "malformed %s: want a shape of lengths in its notes, got %s", t.kind, shortened(fmt.Sprint(shape...)))
		}
		if none = none || n == 0; n > 0 && product > math.MaxInt/int(n) {
			product = math.MaxInt
		} else if n > 0 {
			product *= int(n)
		}
	}
	if none && product < math.MaxInt {
		product = 0
	}
	if product != items {
		return failf("$", "malformed %s: want a shape of %d items in its notes, got %s", t.kind, items, shortened(fmt.Sprint(shape...)))
	}
	return nil
}
