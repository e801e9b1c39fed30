package numbered_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/internal/numbered"
)

func TestATableHoldsWhatAMapHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var table numbered.Table[uint64]
		model := map[uint64]*uint64{}
		number := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.Uint64(), rapid.Map(rapid.Uint64Range(0, 20), func(n uint64) uint64 { return n << 58 }))
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				n := number.Draw(rt, "number")
				table.Put(n, &n)
				model[n] = &n
			},
			"delete": func(rt *rapid.T) {
				n := number.Draw(rt, "number")
				table.Delete(n)
				delete(model, n)
			},
			"delete one that is there": func(rt *rapid.T) {
				if len(model) == 0 {
					rt.Skip("none")
				}
				n := rapid.SampledFrom(slices.Sorted(maps.Keys(model))).Draw(rt, "number")
				table.Delete(n)
				delete(model, n)
			},
			"": func(rt *rapid.T) {
				require.Equal(rt, len(model), table.Len())
				require.Same(rt, model[7], table.Get(7))
				for n, want := range model {
					require.Same(rt, want, table.Get(n))
				}
				var all []uint64
				for thing := range table.All() {
					all = append(all, *thing)
				}
				require.ElementsMatch(rt, slices.Collect(maps.Keys(model)), all)
			},
		})
	})
}

func TestAnEmptyTableHasNothing(t *testing.T) {
	t.Parallel()
	var table numbered.Table[int]

	table.Delete(1)

	require.Nil(t, table.Get(1))
	require.Zero(t, table.Len())
	for range table.All() {
		t.Fatal("there is nothing")
	}
}

func TestGoingThroughATableStopsWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	var table numbered.Table[int]
	for n := range uint64(10) {
		table.Put(n, new(int))
	}

	seen := 0
	for range table.All() {
		if seen++; seen == 3 {
			break
		}
	}

	require.Equal(t, 3, seen)
}

func TestATableThatIsLargeEnoughTakesNoMemory(t *testing.T) {
	var table numbered.Table[int]
	thing, next := new(int), uint64(0)
	turn := func() {
		table.Put(next, thing)
		if next >= 100 {
			table.Delete(next - 100)
		}
		next++
	}
	for range 1000 {
		turn()
	}

	require.Zero(t, testing.AllocsPerRun(10_000, turn))
}

func BenchmarkComingAndGoing(b *testing.B) {
	const under = 300 // at once
	b.Run("table", func(b *testing.B) {
		var table numbered.Table[int]
		thing := new(int)
		for n := range uint64(b.N) {
			table.Put(2*n, thing)
			_ = table.Get(2 * n)
			table.Delete(2*n - 2*under)
		}
	})
	b.Run("map", func(b *testing.B) {
		table := map[uint64]*int{}
		thing := new(int)
		for n := range uint64(b.N) {
			table[2*n] = thing
			_ = table[2*n]
			delete(table, 2*n-2*under)
		}
	})
}
