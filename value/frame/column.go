package frame

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Column is a column of a table.
type Column struct {
	name   string
	label  string // in rows, where that is another
	field  arrow.Field
	read   cellReader // nil for cellOf
	rows   int
	chunks []arrow.Array
	within *Table  // nil for a range
	grown  *growth // of rows that are read together; nil for a column of its own
	shared *shared // texts of the rows that are read together; nil for none
}

// Name returns its name.
func (c *Column) Name() string { return c.name }

// Len returns the number of rows.
func (c *Column) Len() int { return c.rows }

// Int64s returns the column as ints; valid says of each row whether it is not null, and is nil if none is. Columns of all
// integer types are accepted, floats are not; of an array of days or other units that Arrow lacks it is how many of these are counted.
func (c *Column) Int64s() (values []int64, valid []bool, err error) {
	counts := *c
	if c.field.Type == arrow.PrimitiveTypes.Int64 && extensionOf(c.field).name == "" {
		counts.read = nil
	}
	return cells(&counts, "ints", func(v any) (int64, bool) {
		n, ok := v.(int64)
		return n, ok
	})
}

// Float64s returns the column as floats; valid as in Int64s. Ints that a float can hold exactly are accepted.
func (c *Column) Float64s() (values []float64, valid []bool, err error) {
	return cells(c, "floats", func(v any) (float64, bool) {
		switch x := v.(type) {
		case float64:
			return x, true
		case int64:
			return float64(x), int64(float64(x)) == x
		}
		return 0, false
	})
}

// Strings returns the column as texts; valid as in Int64s. Categories of texts are accepted.
func (c *Column) Strings() (values []string, valid []bool, err error) {
	return cells(c, "texts", func(v any) (string, bool) {
		s, ok := v.(string)
		return s, ok
	})
}

// Bools returns the column as bools; valid as in Int64s.
func (c *Column) Bools() (values []bool, valid []bool, err error) {
	return cells(c, "bools", func(v any) (bool, bool) {
		b, ok := v.(bool)
		return b, ok
	})
}

// Times returns the column as times; valid as in Int64s. Times without a zone are taken for UTC.
func (c *Column) Times() (values []time.Time, valid []bool, err error) {
	return cells(c, "times", func(v any) (time.Time, bool) {
		switch x := v.(type) {
		case time.Time:
			return x, true
		case value.LocalDateTime:
			return x.In(time.UTC), true
		}
		return time.Time{}, false
	})
}

// Values returns the column as untyped decoding would give each cell, nil for null; of an array of moments or spans as its items, dates of days.
func (c *Column) Values() (values []any, err error) {
	values, _, err = cells(c, "values", func(v any) (any, bool) { return v, true })
	return values, err
}

// Shown returns the column as Values does, for people who want to look: periods and intervals, which no value stands for, are the texts
// that Python's str gives.
func (c *Column) Shown() ([]any, error) {
	shown := *c
	if read := readerOf(c.field, meantToShow); read != nil {
		shown.read = read
	}
	return shown.Values()
}

func cells[T any](c *Column, want string, convert func(any) (T, bool)) (values []T, valid []bool, err error) {
	defer recovered(&err, "read")
	texts := c.shared
	if texts == nil {
		texts = &shared{}
	}
	if err := c.grow(); err != nil {
		return nil, nil, err
	}
	values = make([]T, 0, c.rows)
	valid = make([]bool, 0, c.rows)
	for _, chunk := range c.chunks {
		for i := range chunk.Len() {
			cell, err := c.cell(texts, chunk, i)
			if err != nil {
				return nil, nil, failf("$"+step(c.called()), "column %q: %v", c.called(), err)
			}
			var v T
			ok := cell == nil
			if !ok {
				v, ok = convert(cell)
			}
			if !ok {
				return nil, nil, failf("$"+step(c.name), "column %q: want %s, got %s", c.name, want, chunk.DataType())
			}
			values, valid = append(values, v), append(valid, cell != nil)
		}
	}
	if !slices.Contains(valid, false) {
		valid = nil
	}
	return values, valid, nil
}

// called is what the column is called in errors.
func (c *Column) called() string {
	if c.label != "" {
		return c.label
	}
	return c.name
}

func (c *Column) cell(s *shared, a arrow.Array, i int) (any, error) {
	if c.read != nil {
		return c.read(s, a, i)
	}
	return cellOf(s, a, i)
}

// cellOf gives the Go value of a cell.
func cellOf(s *shared, a arrow.Array, i int) (any, error) {
	if a.IsNull(i) {
		return nil, nil
	}
	switch x := a.(type) {
	case *array.Int64:
		return x.Value(i), nil
	case *array.Float64:
		return x.Value(i), nil
	case *array.String:
		return strings.Clone(x.Value(i)), nil
	case *array.LargeString:
		return strings.Clone(x.Value(i)), nil
	case *array.StringView:
		return s.view(x, i), nil
	case *array.Boolean:
		return x.Value(i), nil
	case *array.Dictionary:
		return s.cell(x.Dictionary(), x.GetValueIndex(i))
	case array.ExtensionArray:
		return cellOf(s, x.Storage(), i)
	case *array.Struct:
		return structCell(s, x, i, func(int) cellReader { return cellOf })
	case *array.RunEndEncoded:
		return s.cell(x.Values(), x.GetPhysicalIndex(i))
	case *array.Map:
		return mapCell(s, x, i, cellOf, cellOf)
	case array.ListLike:
		return listCell(s, x, i, cellOf)
	}
	if v, ok := numberCell(a, i); ok {
		return v, nil
	}
	return rareCell(a, i)
}

func numberCell(a arrow.Array, i int) (any, bool) {
	switch x := a.(type) {
	case *array.Int8:
		return int64(x.Value(i)), true
	case *array.Int16:
		return int64(x.Value(i)), true
	case *array.Int32:
		return int64(x.Value(i)), true
	case *array.Uint8:
		return int64(x.Value(i)), true
	case *array.Uint16:
		return int64(x.Value(i)), true
	case *array.Uint32:
		return int64(x.Value(i)), true
	case *array.Uint64:
		if n := x.Value(i); n > 1<<63-1 {
			return new(big.Int).SetUint64(n), true
		}
		return int64(x.Value(i)), true
	case *array.Float32:
		return float64(x.Value(i)), true
	case *array.Float16:
		return halfFloat(x.Value(i).Uint16()), true
	}
	return nil, false
}

// halfFloat is a float of 16 bits. The library's own reading of those below 2^-14 is another number.
func halfFloat(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	value := math.Ldexp(fraction+1<<10, exponent-25)
	switch {
	case exponent == 0:
		value = math.Ldexp(fraction, -24)
	case exponent == 0x1f && fraction == 0:
		value = math.Inf(1)
	case exponent == 0x1f:
		value = math.NaN()
	}
	if bits>>15 == 1 {
		return math.Copysign(value, -1)
	}
	return value
}

func rareCell(a arrow.Array, i int) (any, error) {
	switch x := a.(type) {
	case *array.Binary:
		return append([]byte{}, x.Value(i)...), nil
	case *array.LargeBinary:
		return append([]byte{}, x.Value(i)...), nil
	case *array.BinaryView:
		return append([]byte{}, x.Value(i)...), nil
	case *array.FixedSizeBinary:
		return append([]byte{}, x.Value(i)...), nil
	case *array.Timestamp:
		t := x.DataType().(*arrow.TimestampType)
		return inZone(x.Value(i).ToTime(t.Unit), t)
	case *array.Date32:
		return value.DateOf(x.Value(i).ToTime()), nil
	case *array.Date64:
		return value.DateOf(x.Value(i).ToTime()), nil
	case *array.Duration:
		return spanOf(int64(x.Value(i)), x.DataType().(*arrow.DurationType).Unit.Multiplier()), nil
	case *array.Time32:
		return clockOf(int64(x.Value(i)), x.DataType().(*arrow.Time32Type).Unit.Multiplier())
	case *array.Time64:
		return clockOf(int64(x.Value(i)), x.DataType().(*arrow.Time64Type).Unit.Multiplier())
	case *array.Decimal32:
		return decimalOf(big.NewInt(int64(x.Value(i))), x.DataType())
	case *array.Decimal64:
		return decimalOf(big.NewInt(int64(x.Value(i))), x.DataType())
	case *array.Decimal128:
		return decimalOf(x.Value(i).BigInt(), x.DataType())
	case *array.Decimal256:
		return decimalOf(x.Value(i).BigInt(), x.DataType())
	case *array.Null:
		return nil, nil
	}
	return nil, unread(a)
}

func unread(a arrow.Array) error {
	return fmt.Errorf("cells of type %s are not read; Batches has them", a.DataType())
}

// decimalOf is a decimal with all digits of its scale, zeros too.
func decimalOf(unscaled *big.Int, t arrow.DataType) (any, error) {
	scale := t.(arrow.DecimalType).GetScale()
	return value.ParseDecimal(unscaled.String() + "E" + strconv.Itoa(-int(scale)))
}

// spanOf is a number of units: a time.Duration, or a value.Timedelta where that is too short.
func spanOf(n int64, unit time.Duration) any {
	if d := time.Duration(n) * unit; int64(d/unit) == n {
		return d
	}
	day := int64(24 * time.Hour / unit)
	days, rest := n/day, n%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	return value.Timedelta{Days: days, Nanoseconds: rest * int64(unit)}
}

// clockOf is a time of day, a number of units after midnight.
func clockOf(n int64, unit time.Duration) (any, error) {
	if n < 0 || n >= int64(24*time.Hour/unit) {
		return nil, fmt.Errorf("%d of %s after midnight is no time of day", n, unit)
	}
	at := time.Duration(n) * unit
	return value.TimeOfDay{
		Hour: int(at / time.Hour), Minute: int(at / time.Minute % 60), Second: int(at / time.Second % 60), Nanosecond: int(at % time.Second),
	}, nil
}
