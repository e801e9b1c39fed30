package valuetest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawnOf draws 1,000 values, always the same, and counts of each kind how often it is there, by place.
func drawnOf(values *rapid.Generator[any], kinds []Kind) map[string]map[Place]int {
	counts := make(map[string]map[Place]int, len(kinds))
	for _, k := range kinds {
		counts[k.Name] = map[Place]int{}
	}
	for seed := range 1000 {
		for part, at := range Parts(values.Example(seed)) {
			for _, k := range kinds {
				if k.Is(part) {
					counts[k.Name][at]++
				}
			}
		}
	}
	return counts
}

func TestEveryKindIsAmongAThousandValuesAloneAndInsideOfOthers(t *testing.T) {
	t.Parallel()
	for kind, drawn := range drawnOf(Values(), Kinds()) {
		require.GreaterOrEqual(t, drawn[Whole]+drawn[Inside], 12, kind)
	}
}

func TestEveryKindOfKeyIsAmongThoseOfAThousandValues(t *testing.T) {
	t.Parallel()
	for kind, drawn := range drawnOf(Values(), keyKinds(1)) {
		require.GreaterOrEqual(t, drawn[AsKey], 8, kind)
	}
}

func TestWhatAKindGeneratesIsOfTheKind(t *testing.T) {
	t.Parallel()
	for _, k := range append(Kinds(), keyKinds(1)...) {
		for seed := range 20 {
			v := k.Values.Example(seed)
			require.True(t, k.Is(v), "%s: %T %.200v", k.Name, v, v)
		}
	}
}

func TestKindsAreDrawnAsOftenAsTheirWeightsSay(t *testing.T) {
	t.Parallel()
	values := Of(
		Kind{Name: "first", Weight: 1, Values: rapid.Just[any]("first")},
		Kind{Name: "second", Weight: 2, Values: rapid.Just[any]("second")},
		Kind{Name: "last", Weight: 1, Values: rapid.Just[any]("last")},
	)
	counts := map[any]int{}
	for seed := range 4000 {
		counts[values.Example(seed)]++
	}
	require.InDelta(t, 1000, counts["first"], 200)
	require.InDelta(t, 2000, counts["second"], 200)
	require.InDelta(t, 1000, counts["last"], 200)
}
