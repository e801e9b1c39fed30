package broker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// elapse lets the clock of a synctest bubble run.
func elapse(d time.Duration) { <-time.After(d) }

// timedRun makes a run that ends after d, and tells when it did.
func timedRun(d *deadlines, limit time.Duration) (*run, func() bool) {
	r := &run{began: time.Now(), limit: time.Now().Add(limit)}
	r.under(context.Background())
	d.add(r)
	return r, func() bool { return r.Err() != nil }
}

func TestDeadlines_end_runs_never_early_and_at_most_a_tick_late(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeadlines()
		defer d.close()
		for _, limit := range []time.Duration{30 * time.Second, 3 * time.Millisecond, time.Second, time.Second + time.Millisecond, -time.Second} {
			_, over := timedRun(d, limit)
			elapse(limit - time.Nanosecond)
			synctest.Wait()
			require.Equal(t, limit < 0 && over(), over(), limit)
			elapse(tick)
			synctest.Wait()
			require.True(t, over(), limit)
		}
	})
}

func TestDeadlines_forget_what_was_removed_and_keep_its_neighbours(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeadlines()
		defer d.close()
		var overs []func() bool
		var runs []*run
		for range 5 {
			r, over := timedRun(d, time.Second)
			runs, overs = append(runs, r), append(overs, over)
		}
		for _, i := range []int{0, 2, 4} {
			d.remove(runs[i])
			d.remove(runs[i])
		}
		elapse(2 * time.Second)
		synctest.Wait()
		for i, over := range overs {
			require.Equal(t, i%2 == 1, over(), i)
		}
		require.Empty(t, d.buckets)
		require.Empty(t, d.order)
	})
}

func TestDeadlines_reuse_their_buckets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeadlines()
		for range 1000 {
			r, _ := timedRun(d, time.Second)
			elapse(tick)
			d.remove(r)
		}
		require.Less(t, len(d.buckets), 200)
		d.close()
		_, over := timedRun(d, time.Second)
		elapse(time.Minute)
		require.False(t, over(), "closed deadlines end nothing")
	})
}
