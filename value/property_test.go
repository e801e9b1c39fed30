package value_test

import (
	"encoding/hex"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// anyValue draws a value of any kind, of at most so many levels.
func anyValue(levels int) *rapid.Generator[any] {
	if levels == 0 {
		return anyScalar()
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anyValue(levels - 1) })
	return rapid.OneOf(
		anyScalar(),
		anyScalar(),
		rapid.Map(rapid.SliceOfN(inner, 0, 6), func(s []any) any { return s }),
		rapid.Map(rapid.SliceOfN(inner, 0, 6), func(s []any) any { return value.Tuple(s) }),
		rapid.Map(rapid.SliceOf(rapid.Int64()), boxed[int64]),
		rapid.Map(rapid.SliceOf(rapid.Float64()), boxed[float64]),
		rapid.Map(rapid.SliceOf(rapid.String()), boxed[string]),
		rapid.Map(rapid.SliceOfN(anyKey(), 0, 6), func(s []any) any { return value.SetOf(s...) }),
		rapid.Custom(func(t *rapid.T) any { return anyDict(t, inner) }),
		rapid.Custom(func(t *rapid.T) any { return anyRecord(t, inner) }),
	)
}

func boxed[T any](s []T) any {
	items := make([]any, len(s))
	for i, x := range s {
		items[i] = x
	}
	return items
}

func anyDict(t *rapid.T, inner *rapid.Generator[any]) any {
	d := value.NewDict()
	keys := rapid.SampledFrom([]*rapid.Generator[any]{rapid.Map(rapid.String(), func(s string) any { return s }), anyKey()}).Draw(t, "keys")
	for range rapid.IntRange(0, 5).Draw(t, "entries") {
		d.Set(keys.Draw(t, "key"), inner.Draw(t, "value"))
	}
	return d
}

func anyRecord(t *rapid.T, inner *rapid.Generator[any]) any {
	r := value.Record{Class: rapid.String().Draw(t, "class"), Fields: []value.Field{}}
	for _, name := range rapid.SliceOfNDistinct(rapid.String(), 0, 4, rapid.ID[string]).Draw(t, "names") {
		r.Fields = append(r.Fields, value.Field{Name: name, Value: inner.Draw(t, "value")})
	}
	return r
}

// anyKey draws a hashable value.
func anyKey() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return append([]byte{}, b...) }),
		rapid.Map(rapid.SliceOfN(rapid.Int64(), 0, 3), func(s []int64) any { return value.Tuple(boxed(s).([]any)) }),
		rapid.Custom(anyDate),
		rapid.Just[any](nil),
	)
}

func anyDate(t *rapid.T) any {
	return value.DateOf(time.Unix(rapid.Int64Range(-60000000000, 250000000000).Draw(t, "seconds"), 0).UTC())
}

func anyScalar() *rapid.Generator[any] {
	return rapid.OneOf(
		anyKey(),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Uint64(), func(b uint64) any { return canonicalFloat(math.Float64frombits(b)) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 9, 40), bigInt),
		rapid.Map(rapid.Int64(), func(i int64) any { return time.Duration(i) }),
		rapid.Map(rapid.Int64(), func(i int64) any { return big.NewRat(i, 7) }),
		rapid.Custom(func(t *rapid.T) any {
			at := time.Unix(rapid.Int64Range(-60000000000, 250000000000).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds"))
			return at.In(time.FixedZone("", rapid.IntRange(-86399, 86399).Draw(t, "offset")))
		}),
		rapid.Map(rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?`), func(s string) any { return value.MustDecimal(s) }),
		rapid.Custom(func(t *rapid.T) any { return complex(rapid.Float64().Draw(t, "re"), rapid.Float64().Draw(t, "im")) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) any { return value.UUID(b) }),
		rapid.Map(anyKey(), func(v any) any { return value.Enum{Class: "C", Name: "N", Value: v} }),
	)
}

func canonicalFloat(f float64) float64 {
	if math.IsNaN(f) {
		return math.NaN()
	}
	return f
}

func bigInt(b []byte) any {
	n := new(big.Int).SetBytes(b)
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func TestEveryValueComesBackWithItsTypeThroughBothForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := anyValue(3).Draw(t, "value")
		encoded, err := value.Encode(in)
		require.NoError(t, err)
		out, err := value.Decode(encoded)
		require.NoError(t, err)
		requireSame(t, in, out)

		again, err := value.Encode(out)
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(encoded.Bytes), hex.EncodeToString(again.Bytes))
		plain, err := value.New(value.Plain()).Encode(in)
		require.NoError(t, err)
		fromPlain, err := value.Decode(plain)
		require.NoError(t, err)
		requireSame(t, in, fromPlain)

		text, err := value.ToJSON(encoded)
		require.NoError(t, err)
		back, err := value.FromJSON(text)
		require.NoError(t, err)
		require.Equal(t, encoded.TypeURL, back.TypeURL)
		require.Equal(t, hex.EncodeToString(encoded.Bytes), hex.EncodeToString(back.Bytes))
	})
}

// requireSame compares type and value: NaN is itself, sets have no order, dicts have one.
func requireSame(t require.TestingT, want, got any) {
	switch w := want.(type) {
	case float64:
		g, ok := got.(float64)
		require.True(t, ok, "%T", got)
		require.Equal(t, math.IsNaN(w), math.IsNaN(g))
		if !math.IsNaN(w) {
			require.Equal(t, math.Float64bits(w), math.Float64bits(g))
		}
	case []any:
		requireSameItems(t, w, got)
	case value.Tuple:
		g, ok := got.(value.Tuple)
		require.True(t, ok, "%T", got)
		requireSameItems(t, w, []any(g))
	case value.Set:
		g, ok := got.(value.Set)
		require.True(t, ok, "%T", got)
		require.Len(t, g, len(w))
		for _, item := range w {
			require.True(t, g.Contains(item), "%v", item)
		}
	case *value.Dict:
		g, ok := got.(*value.Dict)
		require.True(t, ok, "%T", got)
		requireSameItems(t, flat(w), flat(g))
	case value.Record:
		g, ok := got.(value.Record)
		require.True(t, ok, "%T", got)
		require.Equal(t, w.Class, g.Class)
		require.Len(t, g.Fields, len(w.Fields))
		for i := range w.Fields {
			require.Equal(t, w.Fields[i].Name, g.Fields[i].Name)
			requireSame(t, w.Fields[i].Value, g.Fields[i].Value)
		}
	case time.Time:
		g, ok := got.(time.Time)
		require.True(t, ok, "%T", got)
		require.Equal(t, w.Format(time.RFC3339Nano), g.Format(time.RFC3339Nano))
	case *big.Rat:
		require.Zero(t, w.Cmp(got.(*big.Rat)))
	case value.Enum:
		g, ok := got.(value.Enum)
		require.True(t, ok, "%T", got)
		requireSame(t, w.Value, g.Value)
	default:
		require.Equal(t, want, got)
	}
}

func requireSameItems(t require.TestingT, want []any, got any) {
	g, ok := got.([]any)
	require.True(t, ok, "%T", got)
	require.Len(t, g, len(want))
	for i := range want {
		requireSame(t, want[i], g[i])
	}
}

func flat(d *value.Dict) []any {
	var items []any
	for k, v := range d.All() {
		items = append(items, k, v)
	}
	return items
}

func TestADictBehavesLikeAListOfPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, model, order := value.NewDict(), map[int64]any{}, []int64{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			key := rapid.Int64Range(0, 30).Draw(t, "key")
			_, there := model[key]
			if rapid.Bool().Draw(t, "delete") {
				require.Equal(t, there, d.Delete(float64(key)))
				delete(model, key)
				for i, k := range order {
					if k == key {
						order = append(order[:i], order[i+1:]...)
						break
					}
				}
				continue
			}
			d.Set(key, len(order))
			model[key] = len(order)
			if !there {
				order = append(order, key)
			}
		}
		require.Equal(t, len(order), d.Len())
		i := 0
		for k, v := range d.All() {
			require.Equal(t, order[i], k)
			require.Equal(t, model[order[i]], v)
			got, ok := d.Get(k)
			require.True(t, ok)
			require.Equal(t, v, got)
			i++
		}
	})
}
