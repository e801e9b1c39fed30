package valuetest

import (
	"math"
	"math/big"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Scalars generates values without items.
func Scalars() *rapid.Generator[any] { return Of(scalarKinds()...) }

// scalarKinds lists the kinds of values without items.
func scalarKinds() []Kind {
	return append(plainKeys(), []Kind{
		{"Timestamp", 1, rapid.Custom(timestamp), isA[*timestamppb.Timestamp]},
		{"Duration message", 1, rapid.Custom(durationMessage), isA[*durationpb.Duration]},
		{"FieldMask", 1, rapid.Custom(fieldMask), isA[*fieldmaskpb.FieldMask]},
	}...)
}

// plainKeys lists the kinds of scalars that can be keys.
func plainKeys() []Kind {
	numbers := []Kind{
		{"nil", 2, rapid.Just[any](nil), func(v any) bool { return v == nil }},
		{"bool", 1, boxes(rapid.Bool()), isA[bool]},
		{"int64", 2, boxes(rapid.Int64()), isA[int64]},
		{"number at a border", 2, edgeNumbers(), func(v any) bool { return isA[int64](v) || isA[float64](v) || isA[*big.Int](v) }},
		{"big int", 1, bigInts(20, 60), isA[*big.Int]},
		{"longest int", 1, bigInts(value.MaxDigits-3, value.MaxDigits), suits(func(n *big.Int) bool { return n.BitLen() > 14_000 })},
		{"float64", 2, boxes(floats()), isA[float64]},
		{"-0.0", 1, boxes(rapid.Just(math.Copysign(0, -1))), suits(func(f float64) bool { return f == 0 && math.Signbit(f) })},
		{"NaN", 1, boxes(rapid.Just(math.Float64frombits(quietNaN))), suits(func(f float64) bool { return math.IsNaN(f) && !math.Signbit(f) })},
		{"-NaN", 1, boxes(rapid.Just(math.Float64frombits(quietNaN | signBit))), suits(func(f float64) bool { return math.IsNaN(f) && math.Signbit(f) })},
		{"infinity", 1, boxes(rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1)})), suits(func(f float64) bool { return math.IsInf(f, 0) })},
		{"subnormal float", 1, boxes(rapid.Map(rapid.Uint64Range(1, 1<<52-1), math.Float64frombits)), suits(subnormal)},
		{"complex", 1, rapid.Custom(complexNumber), isA[complex128]},
		{"Decimal", 2, decimals(`-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?`), isA[value.Decimal]},
		{"long Decimal", 1, decimals(`-?[1-9][0-9]{29,60}(\.[0-9]{1,30})?`), suits(longDecimal)},
		{"Decimal of a large exponent", 2, decimals(`-?[1-9][0-9]{0,2}(\.[0-9]{1,3})?[eE][+-]?[1-9][0-9]{5,16}`), suits(exponential)},
		{"Decimal zero with a sign", 1, decimals(`-0(\.0{1,5}|[eE][+-][1-9])?`), suits(negativeZero)},
		{"Decimal that is no number", 1, decimals(`-?(NaN[1-9]{0,3}|Infinity)`), suits(func(d value.Decimal) bool { _, is := d.Rat(); return !is && !exponential(d) })},
		{"fraction", 1, rapid.Map(rapid.Int64(), func(n int64) any { return new(big.Rat).SetFrac64(n, 2*max(n/3, -n/3)+1) }), isA[*big.Rat]},
	}
	others := []Kind{
		{"str", 3, boxes(rapid.String()), isA[string]},
		{"bytes", 1, rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return append([]byte{}, b...) }), isA[[]byte]},
		{"UUID", 1, rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) any { return value.UUID(b) }), isA[value.UUID]},
		{"opaque", 1, rapid.Custom(opaque), suits(func(o value.Opaque) bool { _, object := o.Text(); return !object })},
		{"object of a Python class", 1, rapid.Custom(pythonObject), suits(func(o value.Opaque) bool { _, object := o.Text(); return object })},
		{"kind of a later version", 1, rapid.Custom(unknown), isA[value.Unknown]},
	}
	return append(append(numbers, others...), momentKinds()...)
}

func boxes[T any](g *rapid.Generator[T]) *rapid.Generator[any] {
	return rapid.Map(g, func(x T) any { return x })
}

// floats generates floats of all bits; a NaN keeps its sign only.
func floats() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.Map(rapid.Uint64(), func(b uint64) float64 { return canonical(math.Float64frombits(b)) }),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, -1, 1 << 53, 1<<53 + 2, 1e16, 1e22, 5e-324, 2.2250738585072014e-308, math.MaxFloat64,
			math.Inf(1), math.Inf(-1), math.Float64frombits(quietNaN), math.Float64frombits(quietNaN | signBit), 1e-5, 0.1,
		}),
	)
}

const (
	quietNaN = 0x7ff8000000000000
	signBit  = 1 << 63
)

func canonical(f float64) float64 {
	if math.IsNaN(f) {
		return math.Float64frombits(quietNaN | math.Float64bits(f)&signBit)
	}
	return f
}

func subnormal(f float64) bool { return f != 0 && math.Abs(f) < 0x1p-1022 }

func complexNumber(t *rapid.T) any {
	return complex(floats().Draw(t, "re"), floats().Draw(t, "im"))
}

// edgeNumbers generates numbers around the borders of what a double holds, what an int64 holds, and of the packed forms.
func edgeNumbers() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := new(big.Int).Lsh(big.NewInt(1), rapid.SampledFrom([]uint{0, 7, 8, 31, 32, 53, 53, 62, 63, 64, 71}).Draw(t, "bits"))
		n.Add(n, big.NewInt(rapid.Int64Range(-2, 2).Draw(t, "plus")))
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		if f, exact := new(big.Float).SetInt(n).Float64(); exact == big.Exact && rapid.Bool().Draw(t, "float") {
			return f
		}
		return short(n)
	})
}

// bigInts generates ints of so many digits; 4,300 are the most.
func bigInts(least, most int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		digits := rapid.StringMatching(`[1-9][0-9]{18,60}`).Draw(t, "digits")
		length := rapid.IntRange(least, most).Draw(t, "length")
		n, _ := new(big.Int).SetString(strings.Repeat(digits, length/len(digits)+1)[:length], 10)
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		return short(n)
	})
}

func short(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func decimals(pattern string) *rapid.Generator[any] {
	return rapid.Map(rapid.StringMatching(pattern), func(s string) any { return value.MustDecimal(s) })
}

// longDecimal reports whether a decimal has more digits than Python's decimals have when they are computed with.
func longDecimal(d value.Decimal) bool {
	digits, _, _ := strings.Cut(d.String(), "E")
	return len(strings.Trim(digits, "-.0")) > 29
}

func exponential(d value.Decimal) bool {
	_, exponent, _ := strings.Cut(d.String(), "E")
	return len(exponent) > 5
}

func negativeZero(d value.Decimal) bool {
	digits, _, _ := strings.Cut(d.String(), "E")
	return digits[0] == '-' && strings.Trim(digits, "-0.") == ""
}

func opaque(t *rapid.T) any {
	return value.Opaque{
		TypeURL: rapid.SampledFrom([]string{"type.googleapis.com/com.example.Unknown", "example.com/a.B"}).Draw(t, "url"),
		Bytes:   append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")...),
	}
}

// pythonObject generates what comes of an object of which only the text travels. The text says the class, so that no other
// value has the same.
func pythonObject(t *rapid.T) any {
	class := rapid.SampledFrom([]string{"Pattern", "Größe", "Thing"}).Draw(t, "class")
	return value.Opaque{
		TypeURL: "type.googleapis.com/python." + class,
		Bytes:   []byte("<" + class + rapid.String().Draw(t, "text") + ">"),
	}
}

func unknown(t *rapid.T) any {
	return value.Unknown{Kind: 99, Bytes: []byte{8, 99, 34, 1, rapid.ByteRange('a', 'z').Draw(t, "letter")}}
}

func timestamp(t *rapid.T) any {
	return &timestamppb.Timestamp{
		Seconds: rapid.Int64Range(firstSecond, lastSecond).Draw(t, "seconds"), Nanos: rapid.Int32Range(0, 999_999_999).Draw(t, "nanos"),
	}
}

func durationMessage(t *rapid.T) any {
	return &durationpb.Duration{Seconds: rapid.Int64Range(-1e9, 1e9).Draw(t, "seconds")}
}

func fieldMask(t *rapid.T) any {
	return &fieldmaskpb.FieldMask{Paths: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b.c"}), 0, 3).Draw(t, "paths")}
}
