package valuetest

import (
	"math"
	"math/big"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// The first and last seconds of the years that datetimes may have, a day away from the border so that no offset crosses it.
const (
	firstSecond = -62135596800 + 86400
	lastSecond  = 253402300799 - 86400
)

// Scalars generates values without items.
func Scalars() *rapid.Generator[any] {
	return rapid.OneOf(
		Keys(),
		rapid.Just[any](nil),
		boxes(rapid.String()),
		boxes(floats()),
		edgeNumbers(),
		bigInts(),
		rapid.Custom(func(t *rapid.T) any { return complex(floats().Draw(t, "re"), floats().Draw(t, "im")) }),
		rapid.Custom(opaque),
		rapid.Map(rapid.Int64Range(firstSecond, lastSecond), func(s int64) any { return &timestamppb.Timestamp{Seconds: s, Nanos: 7} }),
		rapid.Map(rapid.Int64Range(-1e9, 1e9), func(s int64) any { return &durationpb.Duration{Seconds: s} }),
	)
}

func boxes[T any](g *rapid.Generator[T]) *rapid.Generator[any] {
	return rapid.Map(g, func(x T) any { return x })
}

// Keys generates hashable values. What is equal in Python is not equal here by another path only: no two of them are equal
// though they are of different zones.
func Keys() *rapid.Generator[any] {
	return rapid.OneOf(
		boxes(rapid.String()),
		boxes(rapid.Int64()),
		boxes(rapid.Bool()),
		boxes(floats()),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return append([]byte{}, b...) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) any { return value.UUID(b) }),
		rapid.Map(rapid.SliceOfN(rapid.Int64(), 0, 3), func(s []int64) any { return value.Tuple(boxed(s)) }),
		rapid.Map(rapid.SliceOfN(rapid.String(), 0, 3), func(s []string) any { return value.FrozenSetOf(boxed(s)...) }),
		moments(),
		rapid.Map(decimals(), func(s string) any { return value.MustDecimal(s) }),
		rapid.Map(rapid.Int64(), func(n int64) any { return new(big.Rat).SetFrac64(n, 2*max(n/3, -n/3)+1) }),
		rapid.Custom(func(t *rapid.T) any {
			return value.Enum{Class: names().Draw(t, "class"), Name: names().Draw(t, "name"), Value: rapid.Int64().Draw(t, "value")}
		}),
	)
}

// moments generates dates, times, datetimes and spans of time.
func moments() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return instant(t).In(zone(t)) }),
		rapid.Custom(func(t *rapid.T) any { return value.LocalDateTimeOf(instant(t).UTC()) }),
		rapid.Custom(func(t *rapid.T) any { return value.DateOf(instant(t).UTC()) }),
		rapid.Custom(timeOfDay),
		rapid.Map(rapid.Int64(), func(n int64) any { return time.Duration(n) }),
		rapid.Map(rapid.Int64Range(200_000, 999_999_998), func(days int64) any { return value.Timedelta{Days: days, Nanoseconds: days} }),
		rapid.Map(rapid.Int64Range(-999_999_999, -200_000), func(days int64) any { return value.Timedelta{Days: days} }),
	)
}

func instant(t *rapid.T) time.Time {
	seconds := rapid.OneOf(rapid.Int64Range(firstSecond, lastSecond), rapid.Int64Range(0, 2_000_000_000)).Draw(t, "seconds")
	fraction := rapid.OneOf(rapid.Just(int64(0)), rapid.Map(rapid.Int64Range(0, 999_999), func(n int64) int64 { return n * 1000 }),
		rapid.Int64Range(0, 999_999_999)).Draw(t, "nanoseconds")
	return time.Unix(seconds, fraction)
}

// zone generates UTC, offsets, zones of the database, and zones that no database has.
func zone(t *rapid.T) *time.Location {
	offset := rapid.IntRange(-86399, 86399).Draw(t, "offset")
	switch name := rapid.SampledFrom([]string{
		"", "", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Japan", "Mars/Olympus",
	}).Draw(t, "zone"); name {
	case "":
		if offset == 0 {
			return time.UTC
		}
		return time.FixedZone("", offset)
	case "Mars/Olympus":
		return time.FixedZone(name, offset)
	case "UTC":
		return time.UTC
	default:
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatalf("zone %s: %v", name, err)
		}
		return z
	}
}

func timeOfDay(t *rapid.T) any {
	at := instant(t).UTC()
	v := value.TimeOfDay{Hour: at.Hour(), Minute: at.Minute(), Second: at.Second(), Nanosecond: at.Nanosecond()}
	if rapid.Bool().Draw(t, "aware") {
		v.HasOffset, v.Offset = true, rapid.IntRange(-86399, 86399).Draw(t, "offset")
	}
	return v
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

// bigInts generates ints of up to 4,300 digits.
func bigInts() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		digits := rapid.StringMatching(`[1-9][0-9]{18,60}`).Draw(t, "digits")
		if rapid.IntRange(0, 9).Draw(t, "long") == 9 {
			digits = strings.Repeat(digits, value.MaxDigits/len(digits)+1)[:rapid.IntRange(value.MaxDigits-3, value.MaxDigits).Draw(t, "length")]
		}
		n, _ := new(big.Int).SetString(digits, 10)
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

func decimals() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?`),
		rapid.StringMatching(`-?[0-9]{1,3}(\.[0-9]{1,3})?[eE][+-]?[0-9]{1,17}`),
		rapid.SampledFrom([]string{"NaN", "-NaN", "NaN123", "Infinity", "-Infinity", "-0", "0E+3", "0E-7", "1.10"}),
	)
}

func opaque(t *rapid.T) any {
	if rapid.Bool().Draw(t, "kind") {
		return value.Unknown{Kind: 99, Bytes: []byte{8, 99, 34, 1, rapid.ByteRange('a', 'z').Draw(t, "letter")}}
	}
	return value.Opaque{
		TypeURL: rapid.SampledFrom([]string{"type.googleapis.com/com.example.Unknown", "example.com/a.B"}).Draw(t, "url"),
		Bytes:   append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")...),
	}
}
