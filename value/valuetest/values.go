package valuetest

import (
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// innerLevels is how many levels of containers a value has at most, unless its depth is what it is for.
const innerLevels = 3

// Values generates values of every kind, in the Go types that untyped decoding gives, so that they come back as they are.
// Some stand at the borders of what is small and lossless, and some as deep as a value may be. More kinds, such as tables, are
// drawn as often as scalars of their weight, alone and inside of containers.
func Values(more ...Kind) *rapid.Generator[any] { return Of(Kinds(more...)...) }

// Kinds lists the kinds that Values draws.
func Kinds(more ...Kind) []Kind { return append(nested(innerLevels, more), borderKinds()...) }

// nested lists scalars and containers of at most so many levels.
func nested(levels int, more []Kind) []Kind {
	scalars := append(scalarKinds(), more...)
	if levels == 0 {
		return scalars
	}
	return append(scalars, containerKinds(inner(func() []Kind { return nested(levels-1, more) }))...)
}

// inner puts off to list kinds, which may have more of the same inside.
func inner(kinds func() []Kind) *rapid.Generator[any] {
	return rapid.Deferred(func() *rapid.Generator[any] { return Of(kinds()...) })
}

// containerKinds lists the kinds of containers of such items.
func containerKinds(items *rapid.Generator[any]) []Kind {
	keys := Keys()
	return append([]Kind{
		{"list", 8, rapid.Map(few(items), func(s []any) any { return s }), isA[[]any]},
		{"set", 6, rapid.Map(few(keys), func(s []any) any { return value.SetOf(s...) }), isA[value.Set]},
		{"set of one type", 1, rapid.Map(runs(), func(s []any) any { return value.SetOf(s...) }), isA[value.Set]},
		{"dict of texts", 4, rapid.Custom(func(t *rapid.T) any { return dict(t, boxes(names()), items) }), isA[*value.Dict]},
		{"dict of other keys", 12, rapid.Custom(func(t *rapid.T) any { return dict(t, keys, items) }), isA[*value.Dict]},
		{"list of one type", 4, rapid.Map(runs(), func(s []any) any { return s }), isA[[]any]},
		{"tuple of one type", 2, rapid.Map(runs(), func(s []any) any { return value.Tuple(s) }), isA[value.Tuple]},
		{"empty container", 1, empty(), func(any) bool { return true }},
	}, frozenKinds(items, keys)...)
}

// frozenKinds lists the kinds of containers that can be keys, if their items can.
func frozenKinds(items, keys *rapid.Generator[any]) []Kind {
	return []Kind{
		{"tuple", 6, rapid.Map(few(items), func(s []any) any { return value.Tuple(s) }), isA[value.Tuple]},
		{"frozenset", 2, rapid.Map(few(keys), func(s []any) any { return value.FrozenSetOf(s...) }), isA[value.FrozenSet]},
		{"record", 3, rapid.Custom(func(t *rapid.T) any { return record(t, items) }), isA[value.Record]},
		{"member of an enumeration", 2, rapid.Custom(func(t *rapid.T) any { return member(t, items) }), isA[value.Enum]},
	}
}

// Keys generates hashable values. What is equal in Python is not equal here by another path only: no two of them are equal
// though they are of different zones.
func Keys() *rapid.Generator[any] { return Of(keyKinds(1)...) }

// keyKinds lists the kinds of keys; those with items have at most so many levels.
func keyKinds(levels int) []Kind {
	if levels == 0 {
		return plainKeys()
	}
	items := inner(func() []Kind { return keyKinds(levels - 1) })
	return append(plainKeys(), frozenKinds(items, items)...)
}

// few generates up to 5 items; rapid's own slices are mostly empty.
func few(items *rapid.Generator[any]) *rapid.Generator[[]any] {
	count := Evenly(6)
	return rapid.Custom(func(t *rapid.T) []any {
		drawn := make([]any, count.Draw(t, "items"))
		for i := range drawn {
			drawn[i] = items.Draw(t, "item")
		}
		return drawn
	})
}

// runs generates items of one type, which are packed.
func runs() *rapid.Generator[[]any] {
	return rapid.OneOf(
		rapid.Map(rapid.SliceOf(rapid.Int64()), boxed[int64]),
		rapid.Map(rapid.SliceOf(floats()), boxed[float64]),
		rapid.Map(rapid.SliceOf(rapid.String()), boxed[string]),
	)
}

func boxed[T any](s []T) []any {
	items := make([]any, len(s))
	for i, x := range s {
		items[i] = x
	}
	return items
}

func empty() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := []any{[]any{}, value.Tuple{}, value.SetOf(), value.FrozenSetOf(), value.NewDict(), value.Record{Class: "C", Fields: []value.Field{}}}
		return kinds[Evenly(len(kinds)).Draw(t, "container")]
	})
}

func dict(t *rapid.T, keys, items *rapid.Generator[any]) any {
	d := value.NewDict()
	for range Evenly(6).Draw(t, "entries") {
		d.Set(keys.Draw(t, "key"), items.Draw(t, "value"))
	}
	return d
}

func record(t *rapid.T, items *rapid.Generator[any]) any {
	r := value.Record{Class: names().Draw(t, "class"), Fields: []value.Field{}}
	for _, name := range rapid.SliceOfNDistinct(names(), 0, 4, rapid.ID[string]).Draw(t, "fields") {
		r.Fields = append(r.Fields, value.Field{Name: name, Value: items.Draw(t, "value")})
	}
	return r
}

func member(t *rapid.T, items *rapid.Generator[any]) any {
	return value.Enum{Class: names().Draw(t, "class"), Name: names().Draw(t, "name"), Value: items.Draw(t, "value")}
}

// names generates names of classes, fields and keys; some look like the keys of the JSON form.
func names() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z_]{1,8}`), rapid.SampledFrom([]string{
		"$bytes", "$object", "$", "$any", "$map", "", "class_name", "fields", "@type", "price", "Größe",
	}))
}
