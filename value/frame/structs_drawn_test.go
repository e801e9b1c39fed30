package frame_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

type (
	named   string
	kilo    int16
	token   [16]byte
	octet   uint8
	labels  []named
	celsius float32
	marked  string
)

// MarshalText implements encoding.TextMarshaler by a pointer.
func (m *marked) MarshalText() ([]byte, error) { return []byte("#" + string(*m)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *marked) UnmarshalText(text []byte) error {
	*m = marked(text[1:])
	return nil
}

// drawnRows draws a slice of structs of a type that no source has.
func drawnRows() *rapid.Generator[reflect.Value] {
	return rapid.Custom(func(t *rapid.T) reflect.Value {
		return drawnSlice(t, drawnStruct(t, 2, false, new(int)), rapid.IntRange(0, 4).Draw(t, "rows"))
	})
}

// plainTypes are those of fields that a column may hold, whatever their value.
func plainTypes() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[uint](), reflect.TypeFor[uint16](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](),
		reflect.TypeFor[string](), reflect.TypeFor[named](), reflect.TypeFor[kilo](), reflect.TypeFor[celsius](), reflect.TypeFor[marked](), reflect.TypeFor[labels](),
		reflect.TypeFor[[]byte](), reflect.TypeFor[[3]byte](), reflect.TypeFor[token](), reflect.TypeFor[[2]octet](), reflect.TypeFor[[]octet](),
		reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](), reflect.TypeFor[value.Date](), reflect.TypeFor[value.TimeOfDay](),
		reflect.TypeFor[value.LocalDateTime](), reflect.TypeFor[value.Decimal](), reflect.TypeFor[value.UUID](), reflect.TypeFor[uuid.UUID](),
		reflect.TypeFor[big.Int](), reflect.TypeFor[*big.Int](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[level](), reflect.TypeFor[place](),
	}
}

// oddTypes are those of which most are refused.
func oddTypes() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[**int](), reflect.TypeFor[**big.Int](), reflect.TypeFor[**time.Time](), reflect.TypeFor[*[]*string](), reflect.TypeFor[[0]int](),
		reflect.TypeFor[[0]byte](), reflect.TypeFor[big.Rat](), reflect.TypeFor[json.Number](), reflect.TypeFor[complex128](), reflect.TypeFor[struct{}](),
		reflect.TypeFor[value.Timedelta](), reflect.TypeFor[map[time.Duration]int](), reflect.TypeFor[map[level]int](), reflect.TypeFor[map[float64]int](),
		reflect.TypeFor[map[value.UUID]int](), reflect.TypeFor[map[string]struct{}](), reflect.TypeFor[map[[2]int]bool](), reflect.TypeFor[***uint8](),
	}
}

func drawnType(t *rapid.T, levels int, names *int) reflect.Type {
	kind := rapid.IntRange(0, 20).Draw(t, "kind")
	switch {
	case kind == 0:
		return rapid.SampledFrom(oddTypes()).Draw(t, "odd")
	case kind < 11 || levels == 0:
		return rapid.SampledFrom(plainTypes()).Draw(t, "plain")
	case kind < 14:
		return reflect.PointerTo(drawnType(t, levels-1, names))
	case kind < 16:
		return reflect.SliceOf(drawnType(t, levels-1, names))
	case kind < 17:
		return reflect.ArrayOf(rapid.IntRange(0, 3).Draw(t, "length"), drawnType(t, levels-1, names))
	case kind < 19:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[named](), reflect.TypeFor[kilo](), reflect.TypeFor[uint64]()}
		return reflect.MapOf(rapid.SampledFrom(keys).Draw(t, "key"), drawnType(t, levels-1, names))
	default:
		return drawnStruct(t, levels-1, false, names)
	}
}

// drawnStruct draws a struct. Its fields have names that no other has. Those behind an embedded pointer are not left
// out, for if all were, nobody could tell it from nil.
func drawnStruct(t *rapid.T, levels int, behind bool, names *int) reflect.Type {
	var fields []reflect.StructField
	for range rapid.IntRange(1, 4).Draw(t, "fields") {
		*names++
		f := reflect.StructField{Name: fmt.Sprintf("F%d", *names)}
		if f.Anonymous = levels > 0 && rapid.IntRange(0, 4).Draw(t, "embedded") == 0; f.Anonymous {
			pointer := rapid.Bool().Draw(t, "by pointer")
			f.Type = drawnStruct(t, levels-1, behind || pointer, names)
			if pointer {
				f.Type = reflect.PointerTo(f.Type)
			}
			f.Tag = rapid.SampledFrom([]reflect.StructTag{"", "", reflect.StructTag(fmt.Sprintf(`bridge:"whole%d"`, *names)), `bridge:",optional"`}).Draw(t, "tag")
		} else {
			f.Type = drawnType(t, levels, names)
			name := reflect.StructTag(fmt.Sprintf(`bridge:"a %d"`, *names))
			tags := []reflect.StructTag{"", "", name, `bridge:",optional"`, `bridge:"-"`, reflect.StructTag(fmt.Sprintf(`json:"x%d,omitempty"`, *names)), `bridge:",omitempty"`, `bridge:",omitzero"`}
			if behind {
				tags = tags[:4]
			}
			f.Tag = rapid.SampledFrom(tags).Draw(t, "tag")
			if f.Type.Kind() == reflect.Int && f.Tag == "" {
				f.Tag = `default:"7"`
			}
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

func drawnSlice(t *rapid.T, of reflect.Type, n int) reflect.Value {
	slice := reflect.MakeSlice(reflect.SliceOf(of), n, n)
	for i := range n {
		draw(t, slice.Index(i))
	}
	return slice
}

// draw draws a value into its place.
func draw(t *rapid.T, to reflect.Value) {
	if drawOwn(t, to) {
		return
	}
	switch to.Kind() {
	case reflect.Bool:
		to.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		to.SetInt(rapid.Int64().Draw(t, "int") >> (64 - to.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		to.SetUint(rapid.Uint64().Draw(t, "uint") >> (64 - to.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		to.SetFloat(float64(float32(rapid.SampledFrom([]float64{0, 1.5, math.Copysign(0, -1), math.Inf(-1), math.NaN(), math.MaxFloat32, -math.SmallestNonzeroFloat32}).Draw(t, "float"))))
		if f := rapid.Float64().Draw(t, "wide"); to.Kind() == reflect.Float64 && rapid.Bool().Draw(t, "any") {
			to.SetFloat(f)
		}
	case reflect.Complex128:
		to.SetComplex(1i)
	case reflect.String:
		to.SetString(rapid.SampledFrom([]string{"", "a", "é\x00", "2020-01-01", "1.10", "\xff"}[:6-rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 0}).Draw(t, "valid")]).Draw(t, "text"))
	case reflect.Pointer:
		if rapid.IntRange(0, 2).Draw(t, "nil") > 0 {
			to.Set(reflect.New(to.Type().Elem()))
			draw(t, to.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 3).Draw(t, "length"); n >= 0 {
			to.Set(drawnSlice(t, to.Type().Elem(), n).Convert(to.Type()))
		}
	case reflect.Array:
		for i := range to.Len() {
			draw(t, to.Index(i))
		}
	case reflect.Map:
		to.Set(reflect.MakeMap(to.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			key, item := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
			draw(t, key)
			draw(t, item)
			to.SetMapIndex(key, item)
		}
	case reflect.Struct:
		for i := range to.NumField() {
			draw(t, to.Field(i))
		}
	}
}

// drawOwn draws a value of a type that is more than its kind.
func drawOwn(t *rapid.T, to reflect.Value) bool {
	switch at := to.Addr().Interface().(type) {
	case *time.Time:
		*at = rapid.SampledFrom([]time.Time{
			{}, time.Unix(1, 5).UTC(), time.Unix(-5e9, 0).UTC(), time.Date(2024, 3, 31, 2, 30, 0, 1000, time.FixedZone("", 3600)),
			time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		}).Draw(t, "time")
	case *time.Duration:
		*at = rapid.SampledFrom([]time.Duration{0, 1, -time.Hour, math.MaxInt64, math.MinInt64 + 1}).Draw(t, "span")
	case *value.Timedelta:
		*at = value.Timedelta{Days: 1}
	case *value.Date:
		*at = rapid.SampledFrom([]value.Date{{Year: 1, Month: 1, Day: 1}, {Year: 1969, Month: 12, Day: 31}, {Year: 9999, Month: 12, Day: 31}}).Draw(t, "day")
	case *value.TimeOfDay:
		*at = rapid.SampledFrom([]value.TimeOfDay{{}, {Hour: 23, Minute: 59, Second: 59, Nanosecond: 999999000}, {Nanosecond: 1}}).Draw(t, "clock")
	case *value.LocalDateTime:
		day := value.Date{Year: 2020, Month: 1, Day: 1}
		*at = rapid.SampledFrom([]value.LocalDateTime{{Date: day}, {Date: value.Date{Year: 1, Month: 1, Day: 1}}, {Date: day, Nanosecond: 1000}, {Date: day, Fold: true}}).Draw(t, "local")
	case *value.Decimal:
		*at = value.MustDecimal(rapid.SampledFrom([]string{"1.10", "-2.50", "0.00", "99999999999999999999999999999999999999.25", "0.01", "1.10", "1.1", "-0", "NaN", "1E+2"}).Draw(t, "decimal"))
	case *big.Int:
		at.SetString(rapid.SampledFrom([]string{"0", "5", "-5", "9223372036854775807", "18446744073709551615", "-99999999999999999999"}).Draw(t, "big"), 10)
	case *big.Rat:
		at.SetFrac64(1, 3)
	case *json.Number:
		*at = "1"
	case *netip.Addr:
		*at = netip.MustParseAddr(rapid.SampledFrom([]string{"::1", "10.0.0.1"}).Draw(t, "address"))
	case *level:
		*at = level(rapid.IntRange(0, 3).Draw(t, "level"))
	default:
		return false
	}
	return true
}
