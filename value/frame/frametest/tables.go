// Package frametest generates tables, for property tests with rapid, and compares them strictly.
package frametest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// Tables generates tables of a kind: of no rows and no columns up to 8 rows of 6 columns of every type that frame.New
// builds, with nulls and without.
func Tables(kind string) *rapid.Generator[*frame.Table] {
	return rapid.Custom(func(t *rapid.T) *frame.Table {
		b := frame.New().Kind(kind)
		rows := rapid.IntRange(0, 8).Draw(t, "rows")
		for _, name := range rapid.SliceOfNDistinct(rapid.String(), 0, 6, rapid.ID[string]).Draw(t, "names") {
			column(t, b, name, rows)
		}
		table, err := b.Build()
		if err != nil {
			t.Fatalf("build a table: %v", err)
		}
		return table
	})
}

func column(t *rapid.T, b *frame.Builder, name string, rows int) {
	var valid [][]bool
	if rapid.Bool().Draw(t, "nulls") {
		valid = append(valid, rapid.SliceOfN(rapid.Bool(), rows, rows).Draw(t, "valid"))
	}
	switch rapid.IntRange(0, 5).Draw(t, "type") {
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

func floats() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
		math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 5e-324, math.NaN(), math.Copysign(math.NaN(), -1),
	}))
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
		w, err := cells(want, i)
		if err != nil {
			return err.Error()
		}
		g, err := cells(got, i)
		if err != nil {
			return err.Error()
		}
		if d := valuetest.Difference(w, g); d != "" {
			return fmt.Sprintf("column %q: %s", name, d)
		}
	}
	return ""
}

func cells(t *frame.Table, at int) ([]any, error) {
	c, err := t.ColumnAt(at)
	if err != nil {
		return nil, err
	}
	return c.Values()
}
