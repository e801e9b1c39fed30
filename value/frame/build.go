package frame

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Builder makes a table of columns. Its methods that add columns take values and, optionally, which of them are valid; the
// others are null. It is used by one goroutine.
type Builder struct {
	kind   string
	fields []arrow.Field
	arrays []arrow.Array
	notes  []map[string]any
	err    error
}

// New makes a Builder of a pandas.DataFrame with a RangeIndex. Columns of numbers or bools with nulls have pandas' nullable
// dtypes.
func New() *Builder { return &Builder{kind: PandasDataFrame} }

// Kind makes it build another kind of table.
func (b *Builder) Kind(kind string) *Builder {
	b.kind = kind
	return b
}

// Int64 adds a column of ints.
func (b *Builder) Int64(name string, values []int64, valid ...[]bool) *Builder {
	ints := array.NewInt64Builder(memory.DefaultAllocator)
	return add(b, name, len(values), valid, "int64", "Int64", ints, func(valid []bool) { ints.AppendValues(values, valid) })
}

// Float64 adds a column of floats.
func (b *Builder) Float64(name string, values []float64, valid ...[]bool) *Builder {
	floats := array.NewFloat64Builder(memory.DefaultAllocator)
	return add(b, name, len(values), valid, "float64", "Float64", floats, func(valid []bool) { floats.AppendValues(values, valid) })
}

// String adds a column of texts.
func (b *Builder) String(name string, values []string, valid ...[]bool) *Builder {
	texts := array.NewStringBuilder(memory.DefaultAllocator)
	return add(b, name, len(values), valid, "object", "object", texts, func(valid []bool) { texts.AppendValues(values, valid) })
}

// Bool adds a column of bools.
func (b *Builder) Bool(name string, values []bool, valid ...[]bool) *Builder {
	bools := array.NewBooleanBuilder(memory.DefaultAllocator)
	return add(b, name, len(values), valid, "bool", "boolean", bools, func(valid []bool) { bools.AppendValues(values, valid) })
}

// Bytes adds a column of bytes.
func (b *Builder) Bytes(name string, values [][]byte, valid ...[]bool) *Builder {
	octets := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	return add(b, name, len(values), valid, "object", "object", octets, func(valid []bool) { octets.AppendValues(values, valid) })
}

// Time adds a column of times to the nanosecond, all of one zone, as FromStructs has them.
func (b *Builder) Time(name string, values []time.Time, valid ...[]bool) *Builder {
	isNull := func(i int) bool { return len(valid) > 0 && len(valid[0]) > i && !valid[0][i] }
	var in zone
	for i, t := range values {
		if isNull(i) {
			continue
		}
		if !fitsNanoseconds(t) {
			b.failf(name, "row %d: the time %s does not fit: nanoseconds reach from 1677 to 2262", i, t)
		}
		if err := in.see(t); err != nil {
			b.failf(name, "row %d: %v", i, err)
		}
	}
	times := array.NewTimestampBuilder(memory.DefaultAllocator, in.timestamp(arrow.Nanosecond))
	return add(b, name, len(values), valid, "datetime64[ns]", "datetime64[ns]", times, func([]bool) {
		for i, t := range values {
			if isNull(i) {
				times.AppendNull()
				continue
			}
			times.Append(arrow.Timestamp(t.UnixNano()))
		}
	})
}

// Array adds a column of any Arrow type.
func (b *Builder) Array(name string, values arrow.Array) *Builder {
	return b.column(arrow.Field{Name: name, Type: values.DataType(), Nullable: true}, values, "object")
}

func add(b *Builder, name string, n int, valid [][]bool, dtype, nullable string, to array.Builder, fill func([]bool)) *Builder {
	var known []bool
	if len(valid) > 0 {
		known = valid[0]
	}
	if known != nil && len(known) != n {
		b.failf(name, "valid has %d rows, values have %d", len(known), n)
		return b
	}
	fill(known)
	values := to.NewArray()
	if values.NullN() > 0 {
		dtype = nullable
	}
	return b.column(arrow.Field{Name: name, Type: values.DataType(), Nullable: true}, values, dtype)
}

func (b *Builder) column(field arrow.Field, values arrow.Array, dtype string) *Builder {
	name := field.Name
	if !utf8.ValidString(name) {
		b.failf(name, "want a name in valid UTF-8, got %.60q", name)
	}
	for _, f := range b.fields {
		if f.Name == name {
			b.failf(name, "there are two of this name")
		}
	}
	if len(b.arrays) > 0 && values.Len() != b.arrays[0].Len() {
		b.failf(name, "it has %d rows, the first column has %d", values.Len(), b.arrays[0].Len())
	}
	b.fields = append(b.fields, field)
	b.arrays = append(b.arrays, values)
	kind := pandasType(values.DataType())
	if field.HasMetadata() {
		kind = "object"
	}
	b.notes = append(b.notes, map[string]any{
		"name": name, "field_name": name, "pandas_type": kind, "numpy_type": dtype, "metadata": pandasDetail(values.DataType()),
	})
	return b
}

func (b *Builder) failf(column, format string, args ...any) {
	if b.err == nil {
		b.err = failf("$"+step(column), "column %s: %s", strings.ToValidUTF8(column, "\uFFFD"), fmt.Sprintf(format, args...))
	}
}

// Build makes the table, or says what was wrong with the first bad column.
func (b *Builder) Build() (*Table, error) {
	if b.err != nil {
		return nil, b.err
	}
	rows := 0
	if len(b.arrays) > 0 {
		rows = b.arrays[0].Len()
	}
	schema := arrow.NewSchema(b.fields, b.metadata(rows))
	batch := array.NewRecordBatch(schema, b.arrays, int64(rows))
	return FromBatches(b.kind, schema, []arrow.RecordBatch{batch})
}

// metadata says how pandas makes index and dtypes of the columns.
func (b *Builder) metadata(rows int) *arrow.Metadata {
	if b.kind != PandasDataFrame {
		return nil
	}
	columns := b.notes
	if columns == nil {
		columns = []map[string]any{}
	}
	text, err := json.Marshal(map[string]any{
		"index_columns": []any{map[string]any{"kind": "range", "name": nil, "start": 0, "stop": rows, "step": 1}},
		"column_indexes": []any{map[string]any{
			"name": nil, "field_name": nil, "pandas_type": "unicode", "numpy_type": "object", "metadata": map[string]any{"encoding": "UTF-8"},
		}},
		"columns":        columns,
		"creator":        map[string]any{"library": "toolbridge", "version": "1"},
		"pandas_version": "2.2.0",
	})
	if err != nil {
		b.failf("", "metadata: %v", err)
		return nil
	}
	m := arrow.NewMetadata([]string{"pandas", notesKey}, []string{string(text), b.objects()})
	return &m
}

// objects notes the columns whose cells are lists and dicts in Python, and not arrays.
func (b *Builder) objects() string {
	objects := []any{}
	for i, f := range b.fields {
		if arrow.IsNested(f.Type.ID()) {
			objects = append(objects, i)
		}
	}
	text, err := value.EncodeJSON(map[string]any{"objects": objects})
	if err != nil {
		b.failf("", "notes: %v", err)
	}
	return string(text)
}

func pandasType(t arrow.DataType) string {
	switch t.ID() {
	case arrow.INT64, arrow.UINT64, arrow.FLOAT64, arrow.BOOL:
		return t.Name()
	case arrow.STRING:
		return "unicode"
	case arrow.BINARY, arrow.FIXED_SIZE_BINARY:
		return "bytes"
	case arrow.TIMESTAMP:
		if t.(*arrow.TimestampType).TimeZone == "" {
			return "datetime"
		}
		return "datetimetz"
	case arrow.DURATION:
		return "timedelta"
	case arrow.DATE32:
		return "date"
	case arrow.TIME64:
		return "time"
	case arrow.DECIMAL128, arrow.DECIMAL256:
		return "decimal"
	default:
		return "object"
	}
}

// pandasDetail is what pandas' metadata says of a column beyond its type.
func pandasDetail(t arrow.DataType) any {
	switch x := t.(type) {
	case *arrow.TimestampType:
		if x.TimeZone != "" {
			return map[string]string{"timezone": x.TimeZone}
		}
	case arrow.DecimalType:
		return map[string]int32{"precision": x.GetPrecision(), "scale": x.GetScale()}
	}
	return nil
}
