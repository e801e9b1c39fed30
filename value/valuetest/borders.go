package valuetest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Borders generates lists and dicts just within and just beyond what is small and lossless, and up to the greatest depth that a
// value may have.
func Borders() *rapid.Generator[any] { return Of(borderKinds()...) }

// borderKinds lists lists and dicts just within and just beyond what is small and lossless (64 elements, 16 levels), and up
// to the greatest depth that a value may have.
func borderKinds() []Kind {
	return []Kind{
		{"list at the border", 4, rapid.Custom(longList), suits(func(s []any) bool { return len(s) > 60 })},
		{"dict at the border", 4, rapid.Custom(longDict), suits(func(d *value.Dict) bool { return d.Len() > 60 })},
		{"depth at the border", 8, rapid.Custom(deepValue), func(v any) bool { return depth(v) >= 14 }},
		{"few numbers at the border", 4, rapid.Map(rapid.SliceOfN(edgeNumbers(), 1, 4), func(s []any) any { return s }), isA[[]any]},
	}
}

func longList(t *rapid.T) any {
	return countTo(rapid.IntRange(61, 67).Draw(t, "items"), edgeNumbers().Draw(t, "last"))
}

func longDict(t *rapid.T) any {
	return keyed(rapid.IntRange(61, 67).Draw(t, "keys"), rapid.Bool().Draw(t, "descending"))
}

func deepValue(t *rapid.T) any {
	levels := rapid.OneOf(rapid.IntRange(14, 18), rapid.IntRange(31, 34), rapid.IntRange(62, value.MaxDepth)).Draw(t, "levels")
	of := rapid.SampledFrom([]string{"list", "dict", "tuple", "record", "both"}).Draw(t, "of")
	return deep(levels, of, Scalars().Draw(t, "inmost"))
}

// depth counts levels down the first items.
func depth(v any) int {
	levels := 0
	for items := itemsOf(v); len(items) > 0; items = itemsOf(items[0]) {
		levels++
	}
	return levels
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
