package broker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// unhurried is a host that answers when its call has ended, and says how.
func unhurried(ended chan<- error) *fakeHost {
	return &fakeHost{
		call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return tool.Result{}, tool.Errorf(tool.Cancelled, "stopped")
		},
		stream: func(ctx context.Context, _ *tool.Call, _ func(tool.Chunk) error) (tool.Metrics, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return tool.Metrics{}, tool.Errorf(tool.Cancelled, "stopped")
		},
	}
}

// told is the context of a caller who has said why it leaves, as those of links are.
type told struct{ context.Context }

func (told) Watch(interface{ ContextEnded() }) bool   { return false }
func (told) Unwatch(interface{ ContextEnded() }) bool { return true }

func TestCall_whose_caller_leaves_when_its_time_is_over_or_nearly_has_run_out_of_it(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		leaves time.Duration // of a second
		why    error
		said   bool
		want   tool.Code
		sees   error
	}{
		"never":                         {time.Hour, nil, false, tool.DeadlineExceeded, context.DeadlineExceeded},
		"a moment before":               {999 * time.Millisecond, nil, false, tool.DeadlineExceeded, context.DeadlineExceeded},
		"the way of a request before":   {900 * time.Millisecond, nil, false, tool.DeadlineExceeded, context.DeadlineExceeded},
		"well before":                   {500 * time.Millisecond, nil, false, tool.Cancelled, context.Canceled},
		"a moment before, and says why": {999 * time.Millisecond, nil, true, tool.Cancelled, context.Canceled},
		"a moment before, for a reason": {999 * time.Millisecond, tool.Errorf(tool.Cancelled, "another item failed"), false, tool.Cancelled, context.Canceled},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t)
				ended := make(chan error, 1)
				b.host(unhurried(ended), plain("x"))
				named := to("x")
				named.RequestID = "named"
				for _, run := range []func(ctx context.Context) error{
					func(ctx context.Context) error { _, err := b.Call(ctx, to("x")); return err },
					func(ctx context.Context) error { _, err := b.Call(ctx, named); return err },
					func(ctx context.Context) error { _, err := b.Stream(ctx, to("x"), nil); return err },
				} {
					ctx, cancel := context.WithTimeout(b.ctx, time.Second)
					ctx, leave := context.WithCancelCause(ctx)
					timer := time.AfterFunc(c.leaves, func() { leave(c.why) })
					if c.said {
						ctx = told{ctx}
					}

					err := run(ctx)

					refused(t, err, c.want)
					require.ErrorIs(t, <-ended, c.sees)
					timer.Stop()
					leave(nil)
					cancel()
				}
			})
		})
	}
}

func TestStream_whose_way_to_the_caller_ends_with_its_time_has_run_out_of_it(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host(&fakeHost{stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		return tool.Metrics{}, send(tool.Chunk{Value: number(1)})
	}}, plain("x"))
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)

	_, err := b.Stream(ctx, to("x"), func(tool.Chunk) error {
		end(context.DeadlineExceeded)
		return errors.New("the stream is closed")
	})

	refused(t, err, tool.DeadlineExceeded)
}

func TestMetrics_of_a_call_that_its_host_did_not_answer_say_that_it_was_there(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.host(unhurried(make(chan error, 10)), plain("x"))
		b.host(&fakeHost{name: "lost", call: func(context.Context, *tool.Call) (tool.Result, error) {
			elapse(time.Second)
			return tool.Result{}, tool.Errorf(tool.WorkerLost, "gone")
		}}, plain("y"))
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()

		timedOut, err := b.Call(ctx, to("x"))
		refused(t, err, tool.DeadlineExceeded)
		lost, err := b.Call(b.ctx, to("y"))
		refused(t, err, tool.WorkerLost)
		left, leave := context.WithCancel(b.ctx)
		time.AfterFunc(time.Second, leave)
		cancelled, err := b.Call(left, to("x"))
		refused(t, err, tool.Cancelled)
		again, stop := context.WithTimeout(b.ctx, time.Second)
		defer stop()
		streamed, err := b.Stream(again, to("x"), nil)
		refused(t, err, tool.DeadlineExceeded)

		for _, m := range []tool.Metrics{timedOut.Metrics, lost.Metrics, cancelled.Metrics, streamed} {
			requireParts(t, m, 0, 0, time.Second, 0)
			require.Equal(t, 1, m.Attempts)
		}
	})
}

// requireParts checks where the time of a call went, and that it is all of it.
func requireParts(t *testing.T, m tool.Metrics, queue, route, execute, transport time.Duration) {
	t.Helper()
	require.Equal(t, []time.Duration{queue, route, execute, transport}, []time.Duration{m.Queue, m.Route, m.Execute, m.Transport}, "queue, route, execute, transport")
	require.Equal(t, m.Queue+m.Route+m.Execute+m.Transport, m.Duration)
}

func TestMetrics_of_a_call_that_went_twice_have_each_attempt_where_it_was(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		runs := 0
		host := &fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			if runs++; runs == 1 {
				elapse(time.Second)
				return tool.Result{}, tool.Errorf(tool.WorkerLost, "gone")
			}
			elapse(500 * time.Millisecond)
			return tool.Result{Metrics: tool.Metrics{Execute: 400 * time.Millisecond}}, nil
		}}
		b.host(host, &tool.Spec{Name: "x", Idempotent: true})
		b.host(host, &tool.Spec{Name: "x", Idempotent: true})
		refusals := 0
		refuser := &fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			elapse(100 * time.Millisecond)
			if refusals++; refusals == 1 {
				return tool.Result{}, tool.Errorf(tool.WorkerUnavailable, "it leaves")
			}
			return tool.Result{Metrics: tool.Metrics{Execute: 90 * time.Millisecond}}, nil
		}}
		b.host(refuser, plain("y"))

		lost, err := b.Call(b.ctx, to("x"))
		require.NoError(t, err)
		unavailable, err := b.Call(b.ctx, to("y"))
		require.NoError(t, err)

		require.Equal(t, 2, lost.Metrics.Attempts)
		requireParts(t, lost.Metrics, 0, 0, 1400*time.Millisecond, 100*time.Millisecond)
		require.Equal(t, 2, unavailable.Metrics.Attempts)
		require.Positive(t, unavailable.Metrics.Queue, "the pause before another attempt")
		requireParts(t, unavailable.Metrics, unavailable.Metrics.Queue, 0, 90*time.Millisecond, 110*time.Millisecond)
	})
}

func TestMetrics_of_a_host_that_claims_more_time_than_there_was_add_up(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			elapse(time.Second)
			return tool.Result{Metrics: tool.Metrics{Execute: time.Hour}}, nil
		}}, plain("x"))

		r, err := b.Call(b.ctx, to("x"))

		require.NoError(t, err)
		requireParts(t, r.Metrics, 0, 0, time.Second, 0)
	})
}

func TestMetrics_of_a_call_that_joined_another_have_its_wait_in_the_queue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.host(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) {
			elapse(time.Second)
			return tool.Result{Metrics: tool.Metrics{Execute: time.Second}}, nil
		}}, plain("x"))
		named := func() *tool.Call {
			call := to("x")
			call.RequestID = "named"
			return call
		}
		first := b.begin(b.ctx, named())
		elapse(400 * time.Millisecond)

		joined, err := b.Call(b.ctx, named())
		require.NoError(t, err)
		require.NoError(t, (<-first).err)
		replayed, err := b.Call(b.ctx, named())
		require.NoError(t, err)

		requireParts(t, joined.Metrics, 600*time.Millisecond, 0, 0, 0)
		requireParts(t, replayed.Metrics, 0, 1, 0, 0)
	})
}

// outcomes is an Observer that keeps which tool each call was for.
type outcomes struct {
	broker.Observer

	ended []string
}

func (o *outcomes) CallEnded(call *tool.Call, _ tool.Metrics, _ int, err error) {
	name := "unknown"
	if call.Spec != nil {
		name = call.Spec.ID
	}
	o.ended = append(o.ended, name+" "+string(tool.CodeOf(err)))
}

func TestObserver_is_told_the_tool_of_a_call_that_ended_before_it_was_looked_up(t *testing.T) {
	t.Parallel()
	seen := &outcomes{Observer: &recorder{}}
	b := setup(t, func(c *broker.Config) { c.Observer = seen })
	b.host(&fakeHost{}, plain("shared"), &tool.Spec{Name: "own", SessionID: "s"})
	over, cancel := context.WithDeadline(b.ctx, time.Now().Add(-time.Second))
	defer cancel()
	named := to("shared")
	named.RequestID = "named"
	elsewhere := to("shared")
	elsewhere.SessionID = "nowhere"

	for _, call := range []*tool.Call{to("shared"), to("own"), to("nobody_s"), named, elsewhere} {
		_, err := b.Call(over, call)
		refused(t, err, tool.DeadlineExceeded)
	}

	require.Equal(t, []string{
		"shared DeadlineExceeded", "own DeadlineExceeded", "unknown DeadlineExceeded", "shared DeadlineExceeded", "unknown DeadlineExceeded",
	}, seen.ended)
}
