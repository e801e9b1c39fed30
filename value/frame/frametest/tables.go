// Package frametest generates tables, for property tests with rapid, and compares them strictly.
package frametest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// Kinds lists the kinds of tables, series and arrays, for valuetest.Values.
func Kinds() []valuetest.Kind {
	names := []string{frame.PandasDataFrame, frame.PandasSeries, frame.PolarsDataFrame, frame.PolarsSeries, frame.PyarrowTable, frame.NumpyArray}
	kinds := make([]valuetest.Kind, len(names))
	for i, name := range names {
		kinds[i] = valuetest.Kind{
			Name: name, Weight: 1, Values: Tables(name).AsAny(),
			Is: func(v any) bool { t, is := v.(*frame.Table); return is && t.Kind() == name },
		}
	}
	return kinds
}

// Tables generates tables of a kind: of no rows and no columns up to 8 rows of 6 columns of every type, with nulls and
// without; series and arrays have one column, arrays no nulls.
func Tables(kind string) *rapid.Generator[*frame.Table] {
	return rapid.Custom(func(t *rapid.T) *frame.Table {
		table, err := made(t, kind)
		if err != nil {
			t.Fatalf("make a %s: %v", kind, err)
		}
		return table
	})
}

func made(t *rapid.T, kind string) (*frame.Table, error) {
	rows, least, most := rapid.IntRange(0, 8).Draw(t, "rows"), 0, 6
	switch kind {
	case frame.PandasDataFrame:
		if rapid.Bool().Draw(t, "built") {
			return built(t, rows)
		}
	case frame.PandasSeries, frame.PolarsSeries, frame.NumpyArray:
		least, most = 1, 1
	}
	var fields []arrow.Field
	var columns []arrow.Array
	for _, name := range rapid.SliceOfNDistinct(rapid.String(), least, most, rapid.ID[string]).Draw(t, "names") {
		if kind == frame.NumpyArray {
			name = "values" // an array has no name
		}
		of := drawnType(t, kind)
		fields = append(fields, arrow.Field{Name: name, Type: of.of, Nullable: true})
		columns = append(columns, drawn(t, of, rows, kind != frame.NumpyArray))
	}
	if len(fields) == 0 {
		rows = 0
	}
	schema := arrow.NewSchema(fields, nil)
	return frame.FromBatches(kind, schema, []arrow.RecordBatch{array.NewRecordBatch(schema, columns, int64(rows))})
}

// built draws a DataFrame by a Builder, which says of each column what it is to pandas.
func built(t *rapid.T, rows int) (*frame.Table, error) {
	b := frame.New()
	for _, name := range rapid.SliceOfNDistinct(rapid.String(), 0, 6, rapid.ID[string]).Draw(t, "names") {
		if rapid.Bool().Draw(t, "of Go's types") {
			column(t, b, name, rows)
			continue
		}
		b.Array(name, drawn(t, drawnType(t, builtFrame), rows, true))
	}
	return b.Build()
}

// column draws a column of one of the types that a Builder has a method for.
func column(t *rapid.T, b *frame.Builder, name string, rows int) {
	var valid [][]bool
	if rapid.Bool().Draw(t, "nulls") {
		valid = append(valid, rapid.SliceOfN(rapid.Bool(), rows, rows).Draw(t, "valid"))
	}
	switch valuetest.Evenly(6).Draw(t, "type") {
	case 0:
		b.Int64(name, rapid.SliceOfN(rapid.Int64(), rows, rows).Draw(t, name), valid...)
	case 1:
		b.Float64(name, rapid.SliceOfN(floats(), rows, rows).Draw(t, name), valid...)
	case 2:
		b.String(name, rapid.SliceOfN(rapid.String(), rows, rows).Draw(t, name), valid...)
	case 3:
		b.Bool(name, rapid.SliceOfN(rapid.Bool(), rows, rows).Draw(t, name), valid...)
	case 4:
		b.Bytes(name, rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), rows, rows).Draw(t, name), valid...)
	default:
		b.Time(name, rapid.SliceOfN(times(), rows, rows).Draw(t, name), valid...)
	}
}

// times generates what 64 bits of nanoseconds hold, but for the least, which pandas takes for NaT.
func times() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(math.MinInt64+1, math.MaxInt64), func(n int64) time.Time { return time.Unix(0, n).UTC() })
}

// Difference says where two tables first differ: in kind, names, number of rows, or in the type or value of a cell; ""
// if they do not.
func Difference(want, got *frame.Table) string {
	if want.Kind() != got.Kind() || want.Rows() != got.Rows() || !slices.Equal(want.Names(), got.Names()) {
		return fmt.Sprintf("want %v with columns %q, got %v with columns %q", want, want.Names(), got, got.Names())
	}
	for i, name := range want.Names() {
		w, err := cellsOf(want, i)
		if err != nil {
			return err.Error()
		}
		g, err := cellsOf(got, i)
		if err != nil {
			return err.Error()
		}
		if d := valuetest.Difference(w, g); d != "" {
			return fmt.Sprintf("column %q of a %s: %s", name, want.Kind(), d)
		}
	}
	return ""
}

// ValueDifference says where two values first differ in which there may be tables, as valuetest.Difference does.
func ValueDifference(want, got any) string {
	return valuetest.Difference(valuetest.Changed(want, opened), valuetest.Changed(got, opened))
}

// opened makes a record of a table, with the cells of each column.
func opened(part any) any {
	t, is := part.(*frame.Table)
	if !is {
		return part
	}
	r := value.Record{Class: fmt.Sprintf("%s of %d rows", t.Kind(), t.Rows())}
	for i, name := range t.Names() {
		cells, err := cellsOf(t, i)
		if err != nil {
			cells = []any{err.Error()}
		}
		r.Fields = append(r.Fields, value.Field{Name: name, Value: cells})
	}
	return r
}

func cellsOf(t *frame.Table, at int) ([]any, error) {
	c, err := t.ColumnAt(at)
	if err != nil {
		return nil, err
	}
	return c.Values()
}
