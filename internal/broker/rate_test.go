package broker_test

import (
	"context"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// rated is a tool without arguments whose calls are limited in each session.
func rated(name string, perSecond float64, burst int) *tool.Spec {
	s := plain(name)
	s.RatePerSecond, s.RateBurst = perSecond, burst
	return s
}

// in makes a call in another session than "s".
func in(session, name string) *tool.Call { return &tool.Call{SessionID: session, Tool: name} }

// limited asserts that a call is refused for its rate and returns the error.
func (b *bundle) limited(c *tool.Call, parts ...string) *tool.Error {
	b.t.Helper()
	_, err := b.Call(b.ctx, c)
	e := refusal(b.t, err, tool.RateLimitExceeded, parts...)
	require.True(b.t, e.Retryable)
	require.Equal(b.t, "false", e.Details["started"])
	require.Positive(b.t, e.RetryAfter)
	seconds, err := strconv.ParseFloat(e.Details["retry_after"], 64)
	require.NoError(b.t, err)
	require.InDelta(b.t, e.RetryAfter.Seconds(), seconds, 1e-9)
	return e
}

// turnedAway asserts the same.
func (b *bundle) turnedAway(c *tool.Call, parts ...string) {
	b.t.Helper()
	_ = b.limited(c, parts...)
}

func (b *bundle) passes(c *tool.Call) {
	b.t.Helper()
	_, err := b.Call(b.ctx, c)
	require.NoError(b.t, err)
}

func (b *bundle) session(ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		_, _, err := b.InitializeSession(b.ctx, nobody, broker.SessionRequest{ID: id})
		require.NoError(b.t, err)
	}
}

func TestTool_that_names_a_rate_is_limited_in_each_session_by_itself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.session("other")
		b.host(&fakeHost{}, rated("slow", 2, 3), plain("free"))
		for range 3 {
			b.passes(to("slow"))
		}
		e := b.limited(to("slow"), `tool "slow"`, `session "s"`, "2 calls a second, 3 at once", "try again in 500ms", "fewer calls")
		require.Equal(t, "tool_in_session", e.Details["scope"])
		require.Equal(t, "2", e.Details["limit"])
		require.Equal(t, "3", e.Details["burst"])
		require.Equal(t, "slow", e.Details["tool"])
		require.Equal(t, "s", e.Details["session"])
		b.passes(to("free"))
		b.passes(in("other", "slow"))

		elapse(e.RetryAfter)
		b.passes(to("slow"))
		b.turnedAway(to("slow"))
		elapse(time.Minute)
		for range 3 {
			b.passes(to("slow"))
		}
		b.turnedAway(to("slow"))
	})
}

func TestRetry_after_is_exactly_when_the_next_token_is_there(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []float64{0.1, 1, 3, 7, 10, 999, 12_345} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			b.host(&fakeHost{}, rated("slow", perSecond, 1))
			for range 20 {
				b.passes(to("slow"))
				e := b.limited(to("slow"))
				require.LessOrEqual(t, e.RetryAfter.Seconds(), 1/perSecond+0.0011)
				elapse(e.RetryAfter)
			}
		})
	}
}

func TestRate_without_a_burst_allows_a_second_at_once_and_at_least_one(t *testing.T) {
	t.Parallel()
	for perSecond, want := range map[float64]int{0.25: 1, 1: 1, 2.5: 3, 40: 40} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			b.host(&fakeHost{}, rated("slow", perSecond, 0))
			for range want {
				b.passes(to("slow"))
			}
			b.turnedAway(to("slow"), strconv.Itoa(want)+" at once")
		})
	}
}

func TestOperators_limit_each_session_and_each_tool_of_all_sessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) {
			c.Rates = broker.Rates{
				Session: broker.Rate{PerSecond: 1, Burst: 4},
				Tools:   map[string]broker.Rate{"shared": {PerSecond: 1, Burst: 3}, "unlimited": {}},
			}
		})
		b.session("other", "third")
		b.host(&fakeHost{}, plain("shared"), plain("unlimited"))
		for range 2 {
			b.passes(to("shared"))
		}
		b.passes(in("other", "shared"))
		e := b.limited(in("third", "shared"), `tool "shared"`, "all sessions together", "1 calls a second, 3 at once")
		require.Equal(t, "tool", e.Details["scope"])

		for range 2 { // the refused call of "third" took nothing from its session
			b.passes(to("unlimited"))
		}
		e = b.limited(to("unlimited"), `session "s"`, "1 calls a second, 4 at once")
		require.Equal(t, "session", e.Details["scope"])
		for range 4 {
			b.passes(in("third", "unlimited"))
		}
		b.turnedAway(in("third", "unlimited"))
	})
}

func TestRefusal_advises_the_longest_wait_of_all_limits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) {
			c.Rates = broker.Rates{Session: broker.Rate{PerSecond: 0.1}, Tools: map[string]broker.Rate{"x": {PerSecond: 1}}}
		})
		b.host(&fakeHost{}, rated("x", 0.5, 1))
		b.passes(to("x"))
		e := b.limited(to("x"))
		require.Equal(t, 10*time.Second, e.RetryAfter)
		require.Equal(t, "session", e.Details["scope"])
		elapse(e.RetryAfter)
		b.passes(to("x"))
	})
}

func TestRate_holds_for_streams_and_for_each_item_of_a_batch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		stream := func(context.Context, *tool.Call, func(tool.Chunk) error) (tool.Metrics, error) {
			return tool.Metrics{}, nil
		}
		b.host(&fakeHost{stream: stream}, rated("slow", 1, 2))
		items := []*tool.Call{to("slow"), to("slow"), to("slow"), to("slow")}
		refusals := 0
		require.NoError(t, b.Batch(b.ctx, broker.Batch{Calls: items}, func(_ int, _ tool.Result, err error) {
			if err != nil {
				refused(t, err, tool.RateLimitExceeded)
				refusals++
			}
		}))
		require.Equal(t, 2, refusals)
		_, err := b.Stream(b.ctx, to("slow"), func(tool.Chunk) error { return nil })
		refused(t, err, tool.RateLimitExceeded)
		elapse(time.Second)
		_, err = b.Stream(b.ctx, to("slow"), func(tool.Chunk) error { return nil })
		require.NoError(t, err)
	})
}

func TestCall_that_is_refused_for_other_reasons_takes_no_token(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		spec := adder()
		spec.RatePerSecond = 1
		b.host(&fakeHost{}, spec)
		for range 3 {
			_, err := b.Call(b.ctx, to("add_numbers", number(1)))
			refused(t, err, tool.ValidationError)
		}
		b.passes(to("add_numbers", number(1), number(2)))
	})
}

func TestCall_takes_one_token_however_often_it_is_given_to_hosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		spec := rated("slow", 0.01, 2)
		var refusals atomic.Int32
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			if refusals.Add(1) < 3 {
				return tool.Result{}, tool.Errorf(tool.WorkerUnavailable, "not now")
			}
			return tool.Result{Value: text("done")}, nil
		}}, spec)
		b.passes(to("slow"))
		require.EqualValues(t, 3, refusals.Load())
		b.passes(to("slow"))
		b.turnedAway(to("slow"))
	})
}

func TestRate_that_is_registered_anew_holds_from_then_on(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		a := b.host(&fakeHost{}, rated("slow", 0.001, 1))
		b.passes(to("slow"))
		b.turnedAway(to("slow"))
		_, err := a.Register(b.ctx, []*tool.Spec{rated("slow", 100, 1)})
		require.NoError(t, err)
		elapse(b.limited(to("slow"), "100 calls a second").RetryAfter)
		b.passes(to("slow"))
		_, err = a.Register(b.ctx, []*tool.Spec{plain("slow")})
		require.NoError(t, err)
		for range 10 {
			b.passes(to("slow"))
		}
	})
}

func TestSession_that_begins_anew_begins_with_full_buckets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(c *broker.Config) { c.Rates.Session = broker.Rate{PerSecond: 0.001} })
		b.host(&fakeHost{}, plain("x"))
		b.passes(to("x"))
		b.turnedAway(to("x"))
		_, err := b.CleanupSession(b.ctx, nobody, "s", 0, true)
		require.NoError(t, err)
		b.session("s")
		b.passes(to("x"))
		b.turnedAway(to("x"))
	})
}

func TestLimit_is_kept_exactly_by_callers_at_once(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{}, rated("slow", 1e-6, 100))
	var passed atomic.Int32
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			for range 20 {
				if _, err := b.Call(b.ctx, to("slow")); err == nil {
					passed.Add(1)
				}
			}
		})
	}
	callers.Wait()
	require.EqualValues(t, 100, passed.Load())
}

func TestRates_that_are_none_are_refused(t *testing.T) {
	t.Parallel()
	for want, rates := range map[string]broker.Rates{
		"rates.session.per_second is NaN":   {Session: broker.Rate{PerSecond: math.NaN()}},
		"rates.session.per_second is +Inf":  {Session: broker.Rate{PerSecond: math.Inf(1)}},
		"rates.tools.x.per_second is -1":    {Tools: map[string]broker.Rate{"x": {PerSecond: -1}}},
		"rates.tools.x.burst is -1":         {Tools: map[string]broker.Rate{"x": {PerSecond: 1, Burst: -1}}},
		"rates.session.burst is 3 without":  {Session: broker.Rate{Burst: 3}},
		"tool in rates.tools \"\" is empty": {Tools: map[string]broker.Rate{"": {PerSecond: 1}}},
	} {
		store := memstore.New()
		_, err := broker.New(broker.Config{Store: store, Rates: rates})
		require.NoError(t, store.Close())
		refused(t, err, tool.ValidationError, want[:14])
		require.ErrorContains(t, err, want)
	}
	b := setup(t)
	a, err := b.Attach(&fakeHost{}, broker.AttachOptions{})
	require.NoError(t, err)
	for _, spec := range []*tool.Spec{rated("x", math.NaN(), 0), rated("x", math.Inf(1), 0), rated("x", -1, 0), rated("x", 1, -1), rated("x", 0, 5)} {
		_, err := a.Register(b.ctx, []*tool.Spec{spec})
		refused(t, err, tool.ValidationError, `tool "x" has rate_`)
	}
}
