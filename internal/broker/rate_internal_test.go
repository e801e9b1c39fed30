package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func keyOf(i int) tool.SessionKey { return tool.SessionKey{ID: fmt.Sprint("session-", i)} }

// counted compares the count of buckets with the buckets.
func (a *rates) counted(t *testing.T) int {
	t.Helper()
	n := 0
	for _, s := range a.sessions {
		n += len(s.tools)
		if s.all != nil {
			n++
		}
	}
	require.Equal(t, n, a.count)
	return n
}

func TestBuckets_go_with_their_session_and_when_they_are_full_again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRates(Rates{Session: Rate{PerSecond: 1}})
		own := &tool.Spec{ID: "x", Name: "x", RatePerSecond: 0.1}
		for i := range 10 {
			require.NoError(t, a.take(keyOf(i), 1, own))
		}
		require.Equal(t, 20, a.counted(t))

		a.forget(keyOf(0), 1)
		require.Equal(t, 18, a.counted(t))
		require.NoError(t, a.take(keyOf(0), 2, own))
		a.forget(keyOf(0), 1) // news of the end of an epoch that is long over
		require.Equal(t, 20, a.counted(t))

		<-time.After(time.Second)
		a.sweep(time.Now())
		require.Equal(t, 10, a.counted(t))
		<-time.After(9 * time.Second)
		a.sweep(time.Now())
		require.Zero(t, a.counted(t))
		require.Empty(t, a.sessions)
	})
}

func TestBuckets_are_bounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRates(Rates{Session: Rate{PerSecond: 0.001}})
		a.most = 100
		for i := range 1000 {
			require.NoError(t, a.take(keyOf(i), 1, &tool.Spec{ID: "x", RatePerSecond: 0.001}))
			require.LessOrEqual(t, a.counted(t), 101)
		}
		require.Greater(t, a.counted(t), 80)
	})
}

func TestSessions_own_tool_and_a_shared_one_of_the_same_id_have_buckets_of_their_own(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRates(Rates{})
		require.NoError(t, a.take(keyOf(0), 1, &tool.Spec{ID: "x", RatePerSecond: 0.1}))
		require.NoError(t, a.take(keyOf(0), 1, &tool.Spec{ID: "x", RatePerSecond: 0.1, SessionID: keyOf(0).ID}))
		require.Equal(t, 2, a.counted(t))
	})
}

func TestLimit_by_tool_is_found_by_id_before_name(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRates(Rates{Tools: map[string]Rate{"id": {PerSecond: 0.1, Burst: 2}, "name": {PerSecond: 0.1, Burst: 1}}})
		both := &tool.Spec{ID: "id", Name: "name"}
		require.NoError(t, a.take(keyOf(0), 1, both))
		require.NoError(t, a.take(keyOf(0), 1, both))
		require.Error(t, a.take(keyOf(0), 1, both))
		named := &tool.Spec{ID: "other", Name: "name"}
		require.NoError(t, a.take(keyOf(0), 1, named))
		require.Error(t, a.take(keyOf(0), 1, named))
	})
}

func TestWait_that_no_duration_holds_is_cut_off(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRates(Rates{})
		rare := &tool.Spec{ID: "x", RatePerSecond: 1e-300}
		require.NoError(t, a.take(keyOf(0), 1, rare))
		var e *tool.Error
		require.ErrorAs(t, a.take(keyOf(0), 1, rare), &e)
		require.Equal(t, longestWait, e.RetryAfter)
		often := &tool.Spec{ID: "y", RatePerSecond: 1e300}
		for range 1000 {
			require.NoError(t, a.take(keyOf(0), 1, often))
		}
	})
}

func TestCall_that_no_limit_binds_costs_neither_memory_nor_a_lock(t *testing.T) {
	a := newRates(Rates{Tools: map[string]Rate{"unlimited": {}}})
	a.mu.Lock() // taking it again would hang
	defer a.mu.Unlock()
	spec, key := &tool.Spec{ID: "x"}, keyOf(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := a.take(key, 1, spec); err != nil {
			t.Fatal(err)
		}
	}))
}
