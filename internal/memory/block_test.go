package memory_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/memory"
)

func TestABlockIsAsLargeAsAskedForAndNotMuchLarger(t *testing.T) {
	t.Parallel()
	for n := memory.Least; n <= memory.Most; n += 512 {
		block := memory.Get(n)
		require.Empty(t, block.Bytes())
		room := cap(block.Bytes())
		require.GreaterOrEqual(t, room, n)
		require.LessOrEqual(t, room, max(2*n, 18<<10), "of %d", n)
		block.Release()
	}
}

func TestWhatIsTooSmallOrTooLargeHasNoBlock(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, memory.Least - 1, memory.Most + 1} {
		require.Nil(t, memory.Get(n), n)
	}
}

func TestABlockThatIsNotGivenBackIsNobodyElses(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte{'k'}, memory.Most)
	kept := append(memory.Get(memory.Most).Bytes(), want...)
	for range 100 {
		other := memory.Get(memory.Most)
		_ = append(other.Bytes(), make([]byte, memory.Most)...)
		other.Release()
	}
	require.True(t, bytes.Equal(want, kept))
}

func TestBlocksAreUsedAgain(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	runs := testing.AllocsPerRun(100, func() { memory.Get(memory.Most).Release() })
	require.LessOrEqual(t, runs, 2.0) // the race detector lets a pool forget some
}
