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

// FromStructs makes a pandas.DataFrame with a row for each struct and a column for each exported field, named as the codec
// names it (tag bridge, then json). The Go type decides the column's: integers are int64, uint and uint64 are uint64, floats are
// float64; time.Time is UTC to the nanosecond, or to the microsecond if a time is not within the years 1678 to 2261, as the zero time;
// time.Duration, value.Date, value.TimeOfDay and value.LocalDateTime are what Arrow has for them, as are UUIDs of any package; slices and
// arrays are lists, those of bytes bytes; structs are structs, and maps of texts or ints are Arrow's, which pandas reads as lists of pairs.
// A value.Decimal is a decimal with all its digits, of which all in a column have to have as many behind the point. A big.Int is an int64, or
// a uint64 where the column needs it, and refused where 64 bits are too few. Types that write their own text are texts, for those that read it again. Pointers may be nil,
// which is null. ToStructs makes the same structs of it.
func FromStructs[T any](rows []T) (*Table, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, failf("$", "FromStructs wants structs, got %s", t)
	}
	columns, err := columnsOf(t)
	if err != nil {
		return nil, failf("$", "%v", err)
	}
	if len(columns) == 0 {
		return nil, failf("$", "a %s has no exported fields, and without columns a table would lose its rows", t)
	}
	if err := checkUnset(t, reflect.ValueOf(rows)); err != nil {
		return nil, err
	}
	b := New()
	for _, c := range columns {
		if err := addColumn(b, c, reflect.ValueOf(rows)); err != nil {
			return nil, err
		}
	}
	return b.Build()
}

// ToStructs makes a T of each row, as typed decoding makes one of a dict. The items of an array are rows of one column, "values".
func ToStructs[T any](t *Table) ([]T, error) {
	var structs []T
	if err := value.New(value.With(Extension())).Assign(t, &structs); err != nil {
		return nil, err
	}
	return structs, nil
}

// column is a field of a struct that becomes a column.
type column struct {
	name  string
	field reflect.StructField
}

// columnsOf returns the exported fields of a struct, those of embedded structs among them.
func columnsOf(t reflect.Type) ([]column, error) {
	var columns []column
	seen := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		name, tagged, skip := fieldName(f)
		if skip || !f.IsExported() || !settable(t, f.Index) || f.Anonymous && !tagged && embeds(f.Type) {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("two fields of %s are called %q", t, name)
		}
		seen[name] = true
		columns = append(columns, column{name, f})
	}
	return columns, nil
}

// settable reports whether a field can be set again: that of an embedded pointer to a type that is not exported cannot.
func settable(t reflect.Type, index []int) bool {
	for _, at := range index[:len(index)-1] {
		f := pointed(t).Field(at)
		if f.Type.Kind() == reflect.Pointer && !f.IsExported() {
			return false
		}
		t = f.Type
	}
	return true
}

// checkUnset refuses structs with fields behind an embedded pointer that cannot be set again, which have no column.
func checkUnset(t reflect.Type, rows reflect.Value) error {
	for _, f := range reflect.VisibleFields(t) {
		name, _, skip := fieldName(f)
		if skip || !f.IsExported() || settable(t, f.Index) {
			continue
		}
		for i := range rows.Len() {
			if _, err := rows.Index(i).FieldByIndexErr(f.Index); err == nil {
				path := fmt.Sprintf("$[%d]%s", i, step(name))
				return failf(path, "value at %s: it is behind an embedded pointer to a type that is not exported, which nobody could set again: embed the struct itself", path)
			}
		}
	}
	return nil
}

// embeds reports whether the fields of an embedded type stand for it: a time.Time has none.
func embeds(t reflect.Type) bool {
	t = pointed(t)
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() || f.Anonymous {
			return true
		}
	}
	return false
}

func fieldName(f reflect.StructField) (name string, tagged, skip bool) {
	tag, ok := f.Tag.Lookup("bridge")
	if !ok {
		tag = f.Tag.Get("json")
	}
	name, _, _ = strings.Cut(tag, ",")
	if name == "" {
		return f.Name, false, tag == "-"
	}
	return name, true, tag == "-"
}

func addColumn(b *Builder, c column, rows reflect.Value) error {
	form, err := formOf(pointed(c.field.Type), place{level: 1})
	if err != nil {
		path := "$" + step(c.name)
		var inside *columnError
		if errors.As(err, &inside) {
			path += inside.path
		}
		return failf(path, "column %q, at %s: %v", c.name, path, err)
	}
	if form.see != nil {
		if err := eachCell(rows, c, func(v reflect.Value, null bool) error {
			if null {
				return nil
			}
			return form.seeOrNull(v)
		}); err != nil {
			return err
		}
	}
	to := array.NewBuilder(memory.DefaultAllocator, form.settled().arrow)
	to.Reserve(rows.Len())
	if err := eachCell(rows, c, func(v reflect.Value, null bool) error {
		if null {
			to.AppendNull()
			return nil
		}
		return form.putOrNull(to, v)
	}); err != nil {
		return err
	}
	values := to.NewArray()
	if values.NullN() > 0 {
		form.dtype = form.nullable
	}
	b.column(form.field(c.name), values, form.dtype)
	return nil
}

// eachCell gives the values of a column; those behind an embedded pointer that is nil are null.
func eachCell(rows reflect.Value, c column, do func(v reflect.Value, null bool) error) error {
	for i := range rows.Len() {
		v, err := rows.Index(i).FieldByIndexErr(c.field.Index)
		if err := do(v, err != nil); err != nil {
			path := fmt.Sprintf("$[%d]%s", i, step(c.name))
			return failf(path, "value at %s: %v", path, err)
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
