package memory_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/memory"
)

// What is lent is counted for the whole process, so these tests do not run at the same time.

const chunk = 65 << 10

// collectUntil collects garbage until something is so, which it must be soon.
func collectUntil(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); {
		require.True(t, time.Now().Before(end), "it did not come to be so")
		runtime.GC()
		runtime.Gosched()
	}
}

// lendAll takes all that is lent, once what earlier tests have dropped is back.
func lendAll(t *testing.T) (all [][]byte) {
	t.Helper()
	collectUntil(t, func() bool {
		for len(all) < 64 {
			b := memory.Lend(chunk)
			if b == nil {
				return false
			}
			all = append(all, b[:chunk])
		}
		return true
	})
	return all
}

func TestLentMemoryIsForWhatNearlyFillsABlock(t *testing.T) { //nolint:paralleltest // see above
	for n, fits := range map[int]bool{-1: false, 0: false, memory.Most*7/8 - 1: false, memory.Most + 1: false, memory.Most * 7 / 8: true, chunk: true, memory.Most: true} {
		b := memory.Lend(n)
		require.Equal(t, fits, b != nil, n)
		require.Empty(t, b)
		require.True(t, !fits || cap(b) >= n, n)
	}
}

func TestLentMemoryIsUsedAgainWhenNobodyHoldsItAndNeverBefore(t *testing.T) { //nolint:paralleltest // see above
	held := lendAll(t)
	for i, b := range held {
		copy(b, bytes.Repeat([]byte{byte(i)}, chunk))
	}
	require.Nil(t, memory.Lend(chunk), "so much is lent at once, and no more")
	for i := range held {
		switch i % 4 {
		case 0:
			held[i] = held[i][chunk-1:] // of this one only a part is held
		case 1:
			held[i] = nil
		default:
		}
	}
	dropped, seen := len(held)/4, 0
	collectUntil(t, func() bool {
		for b := memory.Lend(chunk); b != nil; b = memory.Lend(chunk) {
			copy(b[:chunk], bytes.Repeat([]byte{0xEE}, chunk)) // and is dropped at once
			seen++
		}
		return seen >= 10*dropped
	})
	for i, b := range held {
		require.Equal(t, len(b), bytes.Count(b, []byte{byte(i)}), "block %d was written to while it was held", i)
	}
}

func TestLentMemoryIsNotMadeAnewWhileThereIsSome(t *testing.T) { //nolint:paralleltest // see above
	lendAll(t) // and drop it
	collectUntil(t, func() bool { return memory.Lend(chunk) != nil })
	runs := testing.AllocsPerRun(1, func() { memory.Lend(chunk) })
	require.LessOrEqual(t, runs, 2.0) // the race detector lets a pool forget some; a finalizer costs none of the heap
}

func TestLentMemoryGoesBackToTheSystemWhenNobodyNeedsAny(t *testing.T) { //nolint:paralleltest // see above
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	all := lendAll(t)
	full := inUse()
	clear(all)
	collectUntil(t, func() bool { return inUse() < full-60*memory.Most })
}
