package valuetest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// innerLevels is how many levels of containers a value has at most, unless its depth is what it is for.
const innerLevels = 3

// Values generates values of every kind, in the Go types that untyped decoding gives, so that they come back as they are.
// Some stand at the borders of what is small and lossless, and some as deep as a value may be.
func Values() *rapid.Generator[any] {
	return rapid.OneOf(Scalars(), Scalars(), nested(innerLevels), nested(innerLevels), Borders())
}

// nested generates scalars and containers of at most so many levels.
func nested(levels int) *rapid.Generator[any] {
	if levels == 0 {
		return Scalars()
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return nested(levels - 1) })
	return rapid.OneOf(
		Scalars(),
		runs(),
		rapid.Map(rapid.SliceOfN(inner, 0, 6), func(s []any) any { return s }),
		rapid.Map(rapid.SliceOfN(inner, 0, 6), func(s []any) any { return value.Tuple(s) }),
		sets(),
		rapid.Custom(func(t *rapid.T) any { return dict(t, inner) }),
		rapid.Custom(func(t *rapid.T) any { return record(t, inner) }),
		rapid.Custom(func(t *rapid.T) any {
			return value.Enum{Class: names().Draw(t, "class"), Name: names().Draw(t, "name"), Value: inner.Draw(t, "value")}
		}),
	)
}

// runs generates lists and tuples of one type, which are packed.
func runs() *rapid.Generator[any] {
	list := rapid.OneOf(
		rapid.Map(rapid.SliceOf(rapid.Int64()), boxed[int64]),
		rapid.Map(rapid.SliceOf(floats()), boxed[float64]),
		rapid.Map(rapid.SliceOf(rapid.String()), boxed[string]),
	)
	return rapid.OneOf(
		rapid.Map(list, func(s []any) any { return s }),
		rapid.Map(list, func(s []any) any { return value.Tuple(s) }),
	)
}

func boxed[T any](s []T) []any {
	items := make([]any, len(s))
	for i, x := range s {
		items[i] = x
	}
	return items
}

func sets() *rapid.Generator[any] {
	items := rapid.OneOf(
		rapid.SliceOfN(Keys(), 0, 6),
		rapid.Map(rapid.SliceOf(rapid.Int64()), boxed[int64]),
		rapid.Map(rapid.SliceOf(rapid.String()), boxed[string]),
	)
	return rapid.OneOf(
		rapid.Map(items, func(s []any) any { return value.SetOf(s...) }),
		rapid.Map(items, func(s []any) any { return value.FrozenSetOf(s...) }),
	)
}

func dict(t *rapid.T, inner *rapid.Generator[any]) any {
	d := value.NewDict()
	keys := rapid.Map(names(), func(s string) any { return s })
	if rapid.Bool().Draw(t, "mixed") {
		keys = Keys()
	}
	for range rapid.IntRange(0, 5).Draw(t, "entries") {
		d.Set(keys.Draw(t, "key"), inner.Draw(t, "value"))
	}
	return d
}

func record(t *rapid.T, inner *rapid.Generator[any]) any {
	r := value.Record{Class: names().Draw(t, "class"), Fields: []value.Field{}}
	for _, name := range rapid.SliceOfNDistinct(names(), 0, 4, rapid.ID[string]).Draw(t, "fields") {
		r.Fields = append(r.Fields, value.Field{Name: name, Value: inner.Draw(t, "value")})
	}
	return r
}

// names generates names of classes, fields and keys; some look like the keys of the JSON form.
func names() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z_]{1,8}`), rapid.SampledFrom([]string{
		"$bytes", "$object", "$", "$any", "$map", "", "class_name", "fields", "@type", "price", "Größe",
	}))
}

// Borders generates lists and dicts just within and just beyond what is small and lossless (64 elements, 16 levels), and up
// to the greatest depth that a value may have.
func Borders() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any {
			return countTo(rapid.IntRange(61, 67).Draw(t, "items"), edgeNumbers().Draw(t, "last"))
		}),
		rapid.Custom(func(t *rapid.T) any {
			return keyed(rapid.IntRange(61, 67).Draw(t, "keys"), rapid.Bool().Draw(t, "descending"))
		}),
		rapid.Custom(func(t *rapid.T) any {
			levels := rapid.OneOf(rapid.IntRange(14, 18), rapid.IntRange(31, 34), rapid.IntRange(62, value.MaxDepth)).Draw(t, "levels")
			of := rapid.SampledFrom([]string{"list", "dict", "tuple", "record", "both"}).Draw(t, "of")
			if levels == value.MaxDepth {
				return deep(levels, of, edgeNumbers().Draw(t, "inmost"))
			}
			return deep(levels, of, Scalars().Draw(t, "inmost")) // which may be a level, such as a tuple
		}),
		rapid.Map(rapid.SliceOfN(edgeNumbers(), 1, 4), func(s []any) any { return s }),
	)
}

// countTo is a list of so many items: small ints and, as the last, another value.
func countTo(n int, last any) any {
	items := make([]any, n)
	for i := range items {
		items[i] = int64(i)
	}
	items[n-1] = last
	return items
}

func keyed(n int, descending bool) any {
	d := value.NewDict()
	for i := range n {
		if descending {
			i = n - i
		}
		d.Set(fmt.Sprintf("k%03d", i), int64(i))
	}
	return d
}

// deep puts containers around a scalar.
func deep(levels int, of string, inmost any) any {
	v := inmost
	for i := range levels {
		switch {
		case of == "list" || of == "both" && i%2 == 0:
			v = []any{v}
		case of == "tuple":
			v = value.Tuple{v}
		case of == "record":
			v = value.Record{Class: "C", Fields: []value.Field{{Name: "f", Value: v}}}
		default:
			v = value.NewDict("a", v)
		}
	}
	return v
}
