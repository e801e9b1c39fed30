package link

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEveryIDIsNewOnceWhateverTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.Uint64Range(1, 2).Draw(rt, "first id of the side")
		var ids issued
		known := map[uint64]bool{}
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(0, 60), 1, 200).Draw(rt, "ids") {
			id := first + 2*n
			require.Equal(rt, known[id], ids.used(id))
			require.Equal(rt, !known[id], ids.use(id))
			known[id] = true
		}
	})
}

func TestSkippedIDsAreRememberedWithinLimits(t *testing.T) {
	t.Parallel()
	var ids issued
	for n := range uint64(1 << 20) {
		require.True(t, ids.use(4*n+1)) // every other one
	}
	require.LessOrEqual(t, len(ids.skipped), maxSkipped)
	require.True(t, ids.use(4*(1<<20)-5), "one of the newest")
	require.False(t, ids.use(3), "an old one counts as used")

	var wide issued
	require.True(t, wide.use(1<<60+1))
	for n := range uint64(1 << 18) {
		require.True(t, wide.use(4*n+3))
	}
	require.LessOrEqual(t, len(wide.skipped), maxSkipped)
}
