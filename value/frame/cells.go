package frame

import (
	"fmt"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// checkCells checks what the library's own validation leaves out and that of Arrow for C++ does not: that times of day, days and decimals
// are in their range, and texts UTF-8, but for what stands under null.
func checkCells(a arrow.Array) error {
	switch x := a.(type) {
	case *array.String:
		return checkTexts(x, arrow.Int32Traits.CastFromBytes)
	case *array.LargeString:
		return checkTexts(x, arrow.Int64Traits.CastFromBytes)
	}
	return checkNumbers(a)
}

// checkNumbers checks cells whose numbers are not all of some.
func checkNumbers(a arrow.Array) error {
	day := int64(24 * time.Hour)
	switch x := a.(type) {
	case *array.Time32:
		end := arrow.Time32(day / int64(x.DataType().(*arrow.Time32Type).Unit.Multiplier()))
		return each(x, func(i int) bool { return x.Value(i) >= 0 && x.Value(i) < end }, "time of day")
	case *array.Time64:
		end := arrow.Time64(day / int64(x.DataType().(*arrow.Time64Type).Unit.Multiplier()))
		return each(x, func(i int) bool { return x.Value(i) >= 0 && x.Value(i) < end }, "time of day")
	case *array.Date64:
		whole := arrow.Date64(day / int64(time.Millisecond))
		return each(x, func(i int) bool { return x.Value(i)%whole == 0 }, "whole day")
	case *array.Decimal32:
		return each(x, fits(x.DataType(), func(i int) *big.Int { return big.NewInt(int64(x.Value(i))) }), "decimal of its digits")
	case *array.Decimal64:
		return each(x, fits(x.DataType(), func(i int) *big.Int { return big.NewInt(int64(x.Value(i))) }), "decimal of its digits")
	case *array.Decimal128:
		return each(x, func(i int) bool { return fits128(x.Value(i), x.DataType()) }, "decimal of its digits")
	case *array.Decimal256:
		return each(x, func(i int) bool { return fits256(x.Value(i), x.DataType()) }, "decimal of its digits")
	}
	return nil
}

func fits(t arrow.DataType, unscaled func(int) *big.Int) func(int) bool {
	end := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.(arrow.DecimalType).GetPrecision())), nil)
	return func(i int) bool { return unscaled(i).CmpAbs(end) < 0 }
}

func fits128(n decimal128.Num, t arrow.DataType) bool {
	return n.FitsInPrecision(t.(arrow.DecimalType).GetPrecision())
}

func fits256(n decimal256.Num, t arrow.DataType) bool {
	return n.FitsInPrecision(t.(arrow.DecimalType).GetPrecision())
}

// each checks the cells that are not null.
func each(a arrow.Array, ok func(int) bool, want string) error {
	for i := range a.Len() {
		if !ok(i) && a.IsValid(i) {
			return fmt.Errorf("row %d is no %s", i, want)
		}
	}
	return nil
}

// checkTexts checks where texts begin and end, and that they are UTF-8: all at once, which
// is quicker, and one by one where that says no.
func checkTexts[T int32 | int64](a array.StringLike, cast func([]byte) []T) error {
	if a.Len() == 0 {
		return nil
	}
	buffers := a.Data().Buffers()
	first := a.Data().Offset()
	offsets, data := cast(buffers[1].Bytes())[first:first+a.Len()+1], buffers[2].Bytes()
	if offsets[0] < 0 || int64(offsets[a.Len()]) > int64(len(data)) {
		return fmt.Errorf("its offsets lead from %d to %d of %d bytes", offsets[0], offsets[a.Len()], len(data))
	}
	inside := false
	for i, at := range offsets[1:] {
		if at < offsets[i] {
			return fmt.Errorf("its offsets go back from %d to %d in row %d", offsets[i], at, i)
		}
		inside = inside || int64(at) < int64(len(data)) && !utf8.RuneStart(data[at])
	}
	if !inside && utf8.Valid(data[offsets[0]:offsets[a.Len()]]) {
		return nil
	}
	return each(a, func(i int) bool { return a.IsNull(i) || utf8.ValidString(a.Value(i)) }, "text in UTF-8")
}

// checkViews checks the lists, texts and bytes of an array of views under null as well, and empty lists, which the library does not.
func checkViews(a arrow.Array) error {
	switch x := a.(type) {
	case *array.StringView:
		if err := checkShown(x); err != nil {
			return err
		}
		return checkViewedTexts(x)
	case array.ViewLike:
		if x.NullN() == 0 {
			return nil
		}
		return checkShown(x)
	case *array.ListView:
		return checkStarts(x.Offsets(), x.Len(), x.ListValues().Len())
	case *array.LargeListView:
		return checkStarts(x.Offsets(), x.Len(), x.ListValues().Len())
	}
	return nil
}

// checkShown checks views of texts and bytes, as if none were null: readers of Arrow look at what stands under null.
func checkShown(a array.ViewLike) error {
	data := a.Data()
	buffers := append([]*memory.Buffer{nil}, data.Buffers()[1:]...)
	shown := array.NewData(arrow.BinaryTypes.BinaryView, data.Len(), buffers, nil, 0, data.Offset())
	defer shown.Release()
	all := array.NewBinaryViewData(shown)
	defer all.Release()
	return all.ValidateFull()
}

func checkStarts[T int32 | int64](starts []T, n, items int) error {
	for i, from := range starts[:n] {
		if from < 0 || int64(from) > int64(items) {
			return fmt.Errorf("its list %d begins at %d of %d items", i, from, items)
		}
	}
	return nil
}

// checkIndices checks that the indices of a dictionary lead into it.
func checkIndices(d *array.Dictionary) error {
	for i := range d.Len() {
		if !d.IsNull(i) {
			if at := d.GetValueIndex(i); at < 0 || at >= d.Dictionary().Len() {
				return fmt.Errorf("category %d of %d", at, d.Dictionary().Len())
			}
		}
	}
	return nil
}
