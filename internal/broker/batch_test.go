package broker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestBatch_one_items_failure_harms_no_other(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
		return tool.Result{Value: c.Args[0]}, nil
	}}, &tool.Spec{Name: "x", Arguments: []tool.Argument{{Name: "n", Type: "int", Required: true}}})
	var calls []*tool.Call
	for i := range 100 {
		calls = append(calls, to("x", number(i)))
	}
	calls[7] = to("x", text("seven"))
	got := make(map[int]tool.Value)

	err := b.Batch(b.ctx, broker.Batch{Calls: calls}, func(i int, r tool.Result, err error) {
		require.NotContains(t, got, i)
		got[i] = r.Value
		if i == 7 {
			refused(t, err, tool.ValidationError)
			return
		}
		require.NoError(t, err)
	})

	require.NoError(t, err)
	require.Len(t, got, 100)
	require.Equal(t, number(99), got[99])
}

func TestBatch_runs_no_more_at_once_than_asked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, plain("x"))
		done := make(chan int, 200)
		for _, c := range []struct{ asked, want int }{{0, 64}, {3, 3}, {1000, 100}} {
			calls := make([]*tool.Call, 100)
			for i := range calls {
				calls[i] = to("x")
			}
			g.open = make(chan struct{})
			over := make(chan error)
			go func() {
				over <- b.Batch(b.ctx, broker.Batch{Calls: calls, MaxConcurrency: c.asked}, func(i int, _ tool.Result, err error) {
					if err != nil {
						t.Error(err)
					}
					done <- i
				})
			}()
			synctest.Wait()
			require.Len(t, g.entered, c.want)
			close(g.open)
			require.NoError(t, <-over)
			require.Len(t, done, 100)
			for range 100 {
				<-done
				<-g.entered
			}
		}
	})
}

func TestBatch_an_items_wait_for_its_turn_is_in_its_queue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		const each = 20 * time.Millisecond
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			<-time.After(each)
			return tool.Result{Metrics: tool.Metrics{Execute: each}}, nil
		}}, plain("x"))
		received := time.Now()
		calls := make([]*tool.Call, 3)
		for i := range calls {
			calls[i] = to("x")
			calls[i].Received = received
		}
		calls[1].RequestID = "named"

		err := b.Batch(b.ctx, broker.Batch{Calls: calls, MaxConcurrency: 1}, func(i int, r tool.Result, err error) {
			require.NoError(t, err)
			require.Equal(t, time.Duration(i)*each, r.Metrics.Queue)
			require.Equal(t, time.Duration(i+1)*each, r.Metrics.Duration)
			require.Zero(t, r.Metrics.Route+r.Metrics.Transport)
		})

		require.NoError(t, err)
	})
}

func TestBatch_fail_fast_cancels_the_rest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	b.host(&fakeHost{call: g.call}, plain("x"))
	calls := []*tool.Call{to("x"), to("missing"), to("x"), to("x")}
	codes := make([]tool.Code, len(calls))

	err := b.Batch(b.ctx, broker.Batch{Calls: calls, MaxConcurrency: 2, FailFast: true}, func(i int, _ tool.Result, err error) {
		codes[i] = tool.CodeOf(err)
	})

	require.NoError(t, err)
	require.Equal(t, []tool.Code{tool.Cancelled, tool.ToolNotFound, tool.Cancelled, tool.Cancelled}, codes)
}

func TestBatch_fail_fast_cancels_named_items_at_once_and_starts_no_other(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: func(ctx context.Context, c *tool.Call) (tool.Result, error) {
			if c.Tool == "fails" {
				<-g.entered
				return tool.Result{}, tool.Errorf(tool.ExecutionError, "oh")
			}
			return g.call(ctx, c)
		}}, echoes(false), plain("fails"))
		calls := []*tool.Call{named("b/0"), to("fails"), named("b/2"), named("b/3")}
		for _, call := range calls {
			call.Linger = true
		}
		began := time.Now()

		err := b.Batch(b.ctx, broker.Batch{Calls: calls, MaxConcurrency: 2, FailFast: true}, func(i int, _ tool.Result, err error) {
			if i != 1 {
				refused(t, err, tool.Cancelled, "item 1 of the batch failed")
			}
		})

		require.NoError(t, err)
		require.Zero(t, time.Since(began), "no grace for a caller who is still there")
		require.Empty(t, g.entered)
		_, err = b.Call(b.ctx, named("b/0"))
		refused(t, err, tool.OutcomeUnknown, "Cancelled")
	})
}

func TestBatch_is_refused_whole(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *broker.Config) { c.Limits.BatchItems, c.Limits.ValueBytes = 3, 300 })
	never := func(int, tool.Result, error) { t.Error("an item ran") }
	x := to("x")
	big := to("x", text(strings.Repeat("x", 100)))
	refused(t, b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{x, x, x, x}}, never), tool.BatchTooLarge, "4 items", "the limit is 3")
	refused(t, b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{big, big, big}}, never), tool.MessageTooLarge, "message too large")
	refused(t, b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{x}, MaxConcurrency: -1}, never), tool.ValidationError)
	require.NoError(t, b.Batch(b.ctx, broker.Batch{}, never))
}

func TestBatch_in_a_session_that_is_not_there_is_refused_as_such(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, plain("x"))
	none := func(int, tool.Result, error) { require.Fail(t, "an item was answered") }
	in := func(id string, epoch uint64) *tool.Call {
		c := to("x")
		c.SessionID, c.Epoch = id, epoch
		return c
	}

	err := b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{in("none", 0), in("none", 0)}}, none)
	refused(t, err, tool.SessionNotFound)
	err = b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{in("s", 7), in("s", 7)}}, none)
	refused(t, err, tool.SessionExpired)
	_, err = b.CleanupSession(b.ctx, nobody, "s", 0, false)
	require.NoError(t, err)
	err = b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{in("s", 0), in("s", 0)}}, none)
	refused(t, err, tool.SessionExpired)

	answered := 0 // items that do not agree on the session say for themselves
	err = b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{in("s", 0), in("none", 0)}}, func(int, tool.Result, error) { answered++ })
	require.NoError(t, err)
	require.Equal(t, 2, answered)
}

func TestBatch_an_item_has_no_more_than_its_own_time(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		item, tool, batch time.Duration
		want              time.Duration
	}{
		"its own":                  {item: time.Second, want: time.Second},
		"its own, not the tool's":  {item: 3 * time.Second, tool: time.Second, want: 3 * time.Second},
		"its own, over the limit":  {item: time.Hour, want: time.Hour},
		"the batch's if shorter":   {item: 3 * time.Second, batch: time.Second, want: time.Second},
		"its own within the batch": {item: time.Second, batch: 3 * time.Second, want: time.Second},
		"the tool's without it":    {tool: 2 * time.Second, want: 2 * time.Second},
		"the batch's without it":   {batch: time.Minute, tool: time.Second, want: time.Minute},
	} {
		for _, id := range []string{"", "named"} {
			t.Run(what+" "+id, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := setup(t)
					var left time.Duration
					b.host(&fakeHost{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
						at, _ := ctx.Deadline()
						left = time.Until(at)
						<-ctx.Done()
						return tool.Result{}, ctx.Err()
					}}, &tool.Spec{Name: "x", Timeout: c.tool})
					ctx := b.ctx
					if c.batch > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, c.batch)
						defer cancel()
					}
					call := to("x")
					call.Timeout, call.RequestID = c.item, id
					began := time.Now()
					err := b.Batch(ctx, broker.Batch{Calls: []*tool.Call{call}}, func(_ int, _ tool.Result, err error) {
						refused(t, err, tool.DeadlineExceeded, "the deadline passed", "was running")
					})
					require.NoError(t, err)
					require.Equal(t, c.want, left, "what the host is told")
					require.InDelta(t, c.want, time.Since(began), float64(10*time.Millisecond))
				})
			})
		}
	}
}

func TestBatch_an_items_time_counts_while_it_waits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		g := newGate()
		b.host(&fakeHost{call: g.call}, &tool.Spec{Name: "x", MaxConcurrency: 1})
		holds, waits := to("x"), to("x")
		waits.Timeout = time.Second
		began := time.Now()
		err := b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{holds, waits}}, func(i int, _ tool.Result, err error) {
			if i == 1 {
				refused(t, err, tool.DeadlineExceeded, "was queued")
				require.InDelta(t, time.Second, time.Since(began), float64(10*time.Millisecond))
				close(g.open)
				return
			}
			require.NoError(t, err)
		})
		require.NoError(t, err)
	})
}

func TestBatch_an_items_time_counts_while_it_waits_for_a_revision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.Store = blind{c.Store} })
		b.host(&fakeHost{}, plain("x"))
		first, late := to("x"), to("x")
		late.Timeout, late.MinRevision = time.Second, "later"
		began := time.Now()
		err := b.Batch(b.ctx, broker.Batch{Calls: []*tool.Call{first, late}}, func(i int, _ tool.Result, err error) {
			if i == 1 {
				refused(t, err, tool.DeadlineExceeded)
				require.InDelta(t, time.Second, time.Since(began), float64(10*time.Millisecond))
			}
		})
		require.NoError(t, err)
	})
}
