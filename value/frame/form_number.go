package frame

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

const (
	// shortDecimal and longDecimal are how many digits the decimals of Arrow have at most that have 16 and 32 bytes.
	shortDecimal, longDecimal = 38, 76
)

// decimalForm is that of decimals. Arrow keeps one exponent for all decimals of a column.
func decimalForm() *form {
	f := objectForm(nil, nil)
	var first value.Decimal
	var scale, digits int64
	seen := false
	f.see = func(v reflect.Value) error {
		d := v.Interface().(value.Decimal)
		unscaled, at, err := scaled(d)
		switch {
		case err != nil:
			return err
		case seen && at != scale:
			return fmt.Errorf("the decimal %s has another exponent than %s, and a column of Arrow has one: write both with as many digits behind the point, or"+
				" make the column one of texts", short(d), short(first))
		}
		if !seen {
			first, scale, seen = d, at, true
		}
		digits = max(digits, int64(len(strings.TrimPrefix(unscaled.String(), "-"))), at)
		if digits > longDecimal || at < -longDecimal {
			return fmt.Errorf("the decimal %s has more than %d digits, which is Arrow's limit: make the column one of texts", short(d), longDecimal)
		}
		return nil
	}
	f.settle = func() {
		if digits <= shortDecimal {
			f.arrow = &arrow.Decimal128Type{Precision: int32(max(digits, 1)), Scale: int32(scale)}
		} else {
			f.arrow = &arrow.Decimal256Type{Precision: int32(digits), Scale: int32(scale)}
		}
	}
	f.put = func(b array.Builder, v reflect.Value) error {
		unscaled, _, err := scaled(v.Interface().(value.Decimal))
		if err != nil {
			return err
		}
		if to, ok := b.(*array.Decimal128Builder); ok {
			to.Append(decimal128.FromBigInt(unscaled))
		} else {
			b.(*array.Decimal256Builder).Append(decimal256.FromBigInt(unscaled))
		}
		return nil
	}
	return f
}

// short is a decimal in a message.
func short(d value.Decimal) string { return shortened(d.String()) }

// scaled splits a decimal into an int and how many of its digits stand behind the point.
func scaled(d value.Decimal) (unscaled *big.Int, scale int64, err error) {
	text := d.String()
	mantissa, power, _ := strings.Cut(text, "E")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent, isNumber := new(big.Int).SetString("0"+strings.TrimLeft(power, "+-"), 10)
	unscaled, isFinite := new(big.Int), len(mantissa) <= 10*longDecimal
	if isFinite {
		unscaled, isFinite = unscaled.SetString(whole+fraction, 10)
	}
	switch {
	case !isFinite && len(mantissa) > 10*longDecimal || !isNumber || !exponent.IsInt64() || exponent.Int64() > 10*longDecimal:
		return nil, 0, fmt.Errorf("the decimal %s has more than %d digits, which is Arrow's limit: make the column one of texts", short(d), longDecimal)
	case !isFinite:
		return nil, 0, fmt.Errorf("a column has no decimal %s: make it a nil pointer, or the column one of texts", short(d))
	case unscaled.Sign() == 0 && strings.HasPrefix(text, "-"):
		return nil, 0, errors.New("a column has no decimal -0: Arrow would drop its sign")
	}
	if scale = int64(len(fraction)) + exponent.Int64(); strings.HasPrefix(power, "+") || power != "" && power[0] != '-' {
		scale = int64(len(fraction)) - exponent.Int64()
	}
	return unscaled, scale, nil
}

// bigForm is that of ints of any size: one of 64 bits, with a sign where that holds all.
func bigForm() *form {
	f := &form{}
	signed, unsigned := true, true
	f.see = func(v reflect.Value) error {
		n := bigInt(v)
		signed, unsigned = signed && n.IsInt64(), unsigned && n.IsUint64()
		if !signed && !unsigned {
			return fmt.Errorf("the int %s does not fit beside the others of its column, which has 64 bits: make the column one of value.Decimal or of texts",
				shortened(n.String()))
		}
		return nil
	}
	f.settle = func() {
		f.arrow, f.dtype, f.nullable = arrow.PrimitiveTypes.Int64, "int64", "Int64"
		if !signed {
			f.arrow, f.dtype, f.nullable = arrow.PrimitiveTypes.Uint64, "uint64", "UInt64"
		}
	}
	f.put = func(b array.Builder, v reflect.Value) error {
		if to, ok := b.(*array.Int64Builder); ok {
			to.Append(bigInt(v).Int64())
		} else {
			b.(*array.Uint64Builder).Append(bigInt(v).Uint64())
		}
		return nil
	}
	return f
}

func bigInt(v reflect.Value) *big.Int {
	n := v.Interface().(big.Int)
	return &n
}
