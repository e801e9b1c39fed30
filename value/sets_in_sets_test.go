package value_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAnItemThatIsTwiceInASetInsideOfKeysIsRefusedWhereverItIs(t *testing.T) {
	t.Parallel()
	twice, fine := value.FrozenSet{1, true}, value.FrozenSet{1, "a"}
	for path, given := range map[string]any{
		"$[0][1]":             value.Set{twice},
		"$[1][1]":             value.Set{fine, twice},
		"$[1][0][1]":          value.Set{fine, value.FrozenSet{twice}},
		"$[1][1][1]":          value.Set{"x", value.Tuple{fine, twice}},
		"$[0].a[1]":           value.FrozenSet{value.Record{Class: "C", Fields: []value.Field{{Name: "a", Value: twice}}}, 2},
		"$[key 1][1]":         value.NewDict(fine, 1, twice, 2),
		"$[key 0][0][1]":      value.NewDict(value.Tuple{twice}, 1),
		`$[{"$tuple":[]}][1]`: value.NewDict(value.Tuple{}, value.Set{"a", "a"}, 1, 2),
		"$[0][1][0][1]":       []any{[]any{value.Set{fine}, value.Set{twice}}},
	} {
		_, err := value.Encode(given)
		requireRefusedAt(t, err, path)
		require.ErrorContains(t, err, "is there twice", path)
		_, err = value.EncodeJSON(given)
		require.ErrorContains(t, err, "is there twice", path)
	}
}

func TestNaNMayBeTwiceInSetsInSetsAndHidesNothingElse(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	numbers := value.FrozenSet{nan, nan, 1}
	encoded, err := value.Encode(value.Set{numbers, value.FrozenSet{numbers, 2}})
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	again, err := value.Encode(decoded)
	require.NoError(t, err)
	require.Equal(t, encoded, again)
	_, err = value.Encode(value.Set{value.FrozenSet{nan, nan, 1, 1.0}, 2})
	requireRefusedAt(t, err, "$[0][3]")
}

func TestSetsInSetsHaveOneFormWhateverOrderTheirItemsHave(t *testing.T) {
	t.Parallel()
	inner := func(items ...any) value.FrozenSet { return items }
	want, err := value.Encode(value.Set{inner(1, "a", inner(2.5, "b")), inner(inner(3), inner("c", nil)), inner(), "d"})
	require.NoError(t, err)
	for _, given := range []value.Set{
		{"d", inner(), inner(inner("c", nil), inner(3)), inner(inner("b", 2.5), "a", 1)},
		{inner(inner(nil, "c"), inner(3)), "d", inner("a", inner("b", 2.5), 1), inner()},
	} {
		got, err := value.Encode(given)
		require.NoError(t, err)
		require.Equal(t, want, got)
		text, err := value.EncodeJSON(given)
		require.NoError(t, err)
		wantText, err := value.ToJSON(want)
		require.NoError(t, err)
		require.Equal(t, string(wantText), string(text))
	}
}

//nolint:paralleltest // it counts what the process allocates
func TestWhatIsInSetsIsLookedThroughOnceHoweverDeepItIs(t *testing.T) {
	chain := func(levels int) any {
		v := any("innermost")
		for i := range levels {
			v = value.FrozenSet{v, i, "b"}
		}
		return v
	}
	half, whole := chain(30), chain(60)
	fewer := testing.AllocsPerRun(5, func() { _, _ = value.Encode(half) })
	more := testing.AllocsPerRun(5, func() { _, _ = value.Encode(whole) })
	require.Less(t, more, 2.3*fewer)
}
