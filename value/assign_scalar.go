package value

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
)

func assignText(v any, to reflect.Value) *failure {
	switch x := v.(type) {
	case string:
		to.SetString(x)
		return nil
	case UUID:
		to.SetString(x.String())
		return nil
	case Opaque:
		if text, ok := x.Text(); ok {
			to.SetString(text)
			return nil
		}
	}
	return misfit(to, v)
}

func assignInt(v any, to reflect.Value) *failure {
	n, ok := v.(int64)
	if !ok {
		if big, isBig := v.(*big.Int); isBig {
			return outOfRange(to, big)
		}
		return misfit(to, v)
	}
	if to.OverflowInt(n) {
		return outOfRange(to, n)
	}
	to.SetInt(n)
	return nil
}

func assignUint(v any, to reflect.Value) *failure {
	n := bigOf(v)
	if n == nil {
		return misfit(to, v)
	}
	if !n.IsUint64() || to.OverflowUint(n.Uint64()) {
		return outOfRange(to, n)
	}
	to.SetUint(n.Uint64())
	return nil
}

func outOfRange(to reflect.Value, n any) *failure {
	bits := to.Type().Bits()
	limits := fmt.Sprintf("-2**%d to 2**%d-1", bits-1, bits-1)
	switch {
	case to.CanUint() && bits <= 32:
		limits = fmt.Sprintf("0 to %d", int64(1)<<bits-1)
	case to.CanUint():
		limits = fmt.Sprintf("0 to 2**%d-1", bits)
	case bits <= 32:
		limits = fmt.Sprintf("%d to %d", int64(-1)<<(bits-1), int64(1)<<(bits-1)-1)
	}
	shown := fmt.Sprint(n)
	if len(shown) > shownBytes {
		shown = fmt.Sprintf("an int of %d digits", len(shown))
	}
	return mismatch(fmt.Sprintf("%s (%s)", to.Type(), limits), shown)
}

// assignFloat takes ints only where the float can hold them exactly.
func assignFloat(v any, to reflect.Value) *failure {
	f, ok := v.(float64)
	if !ok {
		n := bigOf(v)
		if n == nil {
			return misfit(to, v)
		}
		var exact big.Accuracy
		if f, exact = new(big.Float).SetInt(n).Float64(); exact != big.Exact {
			return mismatch("float", "an int that no float can hold exactly")
		}
		if to.Kind() == reflect.Float32 && float64(float32(f)) != f {
			return mismatch("float32", "an int that no float32 can hold exactly")
		}
	}
	if to.Kind() == reflect.Float32 && !fitsFloat32(f) {
		return mismatch("float32 (1.4e-45 to 3.4e38)", fmt.Sprint(f))
	}
	to.SetFloat(f)
	return nil
}

// fitsFloat32 reports whether a float is rounded to a float32 that is neither 0 nor infinite if it is not.
func fitsFloat32(f float64) bool {
	narrow := float64(float32(f))
	return (narrow == 0) == (f == 0) && math.IsInf(narrow, 0) == math.IsInf(f, 0)
}

func assignComplex(v any, to reflect.Value) *failure {
	switch x := v.(type) {
	case complex128:
		if to.Kind() == reflect.Complex64 && !(fitsFloat32(real(x)) && fitsFloat32(imag(x))) {
			return mismatch("complex64", fmt.Sprint(x))
		}
		to.SetComplex(x)
		return nil
	case float64:
		return assignComplex(complex(x, 0), to)
	}
	return misfit(to, v)
}
