package frame

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// FromStructs makes a pandas.DataFrame with a row for each struct and a column for each field that the codec has of it
// (value.FieldsOf). The Go type decides the column's: integers are int64, uint and uint64 are uint64, floats are
// float64; time.Time is a moment to the nanosecond, or to the microsecond if a time is not within the years 1678 to 2261, as the zero time, in the zone that
// all times of the column have: one of the zone database, UTC, or an offset, which times of time.Local have, too. Times of several zones are refused;
// time.Duration, value.Date, value.TimeOfDay (to the microsecond) and value.LocalDateTime are what Arrow has for them, as are UUIDs of any package; slices and
// arrays are lists, those of bytes bytes; structs are structs, and maps of texts or ints are Arrow's, which pandas reads as lists of pairs.
// A value.Decimal is a decimal with all its digits, of which all in a column have to have as many behind the point. A big.Int is an int64, or
// a uint64 where the column needs it, and refused where 64 bits are too few. Types that write their own text are texts, for those that read it again. Pointers may be nil,
// which is null; an embedded pointer is nil where all behind it is null. ToStructs makes the same structs of it.
func FromStructs[T any](rows []T) (*Table, error) {
	return fromRows(reflect.ValueOf(rows))
}

// fromRows is FromStructs of a slice.
func fromRows(rows reflect.Value) (*Table, error) {
	t := rows.Type().Elem()
	if t.Kind() != reflect.Struct {
		return nil, failf("$", "FromStructs wants structs, got %s", t)
	}
	fields, err := fieldsOf(t, place{})
	if err != nil {
		return nil, refusedType(err)
	}
	if len(fields.columns) == 0 {
		return nil, failf("$", "a %s has no exported fields, and without columns a table would lose its rows", t)
	}
	for i := range rows.Len() {
		if name, err := fields.check(rows.Index(i)); err != nil {
			return nil, refusedCell(i, name, err)
		}
	}
	b := New()
	for _, c := range fields.columns {
		if err := addColumn(b, c, rows); err != nil {
			return nil, err
		}
	}
	return b.Build()
}

// ToStructs makes a T of each row, as typed decoding makes one of a dict: with value.AllowSurplus() also of a table that has more columns.
// The items of an array are rows of one column, "values".
func ToStructs[T any](t *Table, options ...value.Option) ([]T, error) {
	var structs []T
	if err := value.New(value.With(Extension())).Configured(options...).Assign(t, &structs); err != nil {
		return nil, err
	}
	return structs, nil
}

// refusedType names the column of a type that cannot be one.
func refusedType(err error) error {
	var at *columnError
	if !errors.As(err, &at) {
		return failf("$", "%v", err)
	}
	path := "$" + at.path
	return failf(path, "column %q, at %s: %v", at.column, path, err)
}

// refusedCell names the row and the field of a value that does not fit.
func refusedCell(row int, column string, err error) error {
	path := fmt.Sprintf("$[%d]%s", row, step(column))
	return failf(path, "value at %s: %v", path, err)
}

func addColumn(b *Builder, c column, rows reflect.Value) error {
	if c.form.see != nil {
		if err := eachCell(rows, c, c.form.seeOrNull); err != nil {
			return err
		}
	}
	form := c.form.settled()
	to := array.NewBuilder(memory.DefaultAllocator, form.arrow)
	to.Reserve(rows.Len())
	if err := eachCell(rows, c, func(v reflect.Value) error { return form.putOrNull(to, v) }); err != nil {
		return err
	}
	values := to.NewArray()
	if values.NullN() > 0 {
		form.dtype = form.nullable
	}
	b.column(form.field(c.name), values, form.dtype)
	return nil
}

// eachCell gives the values of a column.
func eachCell(rows reflect.Value, c column, do func(v reflect.Value) error) error {
	for i := range rows.Len() {
		if err := do(c.of(rows.Index(i))); err != nil {
			return refusedCell(i, c.name, err)
		}
	}
	return nil
}

// shownBytes is how much of a column's name a path shows.
const shownBytes = 48

// step is the step of a path to what a row has under a name, as those of other values are written.
func step(name string) string {
	if isName(name) {
		return "." + name
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	short := strings.ToValidUTF8(name[:min(len(name), shownBytes)], "") // a character may be cut
	quoted, _ := value.EncodeJSON(short)                                // which is valid
	if short != name {
		quoted = append(quoted, "…"...)
	}
	return "[" + string(quoted) + "]"
}

func isName(text string) bool {
	for i, r := range text {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return text != "" && len(text) <= shownBytes
}

// String describes the table in a line.
func (t *Table) String() string {
	return fmt.Sprintf("%s of %d rows, columns %q", t.kind, t.rows, t.Names())
}
