package toolbridge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// overtime is a worker's tools that end when their calls do, and say how.
type overtime struct {
	begun chan struct{}
	ended chan error
}

func (o *overtime) offer(w *toolbridge.Worker) {
	o.begun, o.ended = make(chan struct{}, 2000), make(chan error, 2000)
	wait := func(ctx context.Context) error {
		o.begun <- struct{}{}
		<-ctx.Done()
		o.ended <- ctx.Err()
		return ctx.Err()
	}
	toolbridge.AddTool(w, "stall", func(ctx context.Context, _ struct{}) (int, error) { return 0, wait(ctx) })
	toolbridge.AddTool(w, "nest", func(ctx context.Context, _ struct{}) (any, error) {
		return toolbridge.FromContext(ctx).Session().Call(ctx, "stall")
	})
	toolbridge.AddStreamingTool(w, "flow", func(ctx context.Context, _ struct{}, yield func(int) error) error {
		return errors.Join(yield(1), wait(ctx))
	})
}

// ways are those by which a client makes calls.
func ways() map[string][]toolbridge.DialOption {
	return map[string][]toolbridge.DialOption{"link": nil, "plain RPC": {toolbridge.WithoutLink()}}
}

// The time limits here are shorter than the latitude that plain RPCs have, so that nothing depends on which timer is the first.
func TestACallThatRunsOutOfTimeIsRecordedSoAndItsToolSeesIt(t *testing.T) {
	t.Parallel()
	for way, options := range ways() {
		for _, name := range []string{"stall", "nest", "flow"} {
			t.Run(name+" over "+way, func(t *testing.T) {
				t.Parallel()
				var o overtime
				b := bridgetest.New(t)
				b.Worker(o.offer)
				c := b.Dial(options...)
				s, err := c.Session(t.Context(), "late")
				require.NoError(t, err)
				var m tool.Metrics
				s = s.With(toolbridge.WithMetrics(&m), toolbridge.Timeout(30*time.Millisecond))

				for seen, tries := 0, 0; seen < 10; tries++ {
					require.Less(t, tries, 1000, "hardly any call reaches its tool in time")
					if name == "flow" {
						err = bridgetest.Record(s.Stream(t.Context(), name)).Err
					} else {
						_, err = s.Call(t.Context(), name)
					}
					require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code)
					require.Positive(t, m.Duration)
					select {
					case <-o.begun:
						require.ErrorIs(t, <-o.ended, context.DeadlineExceeded)
						seen++
					case <-time.After(time.Millisecond): // it may never have come so far
					}
				}

				require.Eventually(t, func() bool { return ended(t, c) }, 10*time.Second, time.Millisecond)
			})
		}
	}
}

// ended checks all calls that a bridge knows, once they have ended.
func ended(t *testing.T, c *toolbridge.Client) bool {
	t.Helper()
	for call, err := range c.Calls(t.Context(), toolbridge.CallFilter{}) {
		require.NoError(t, err)
		if call.State == toolbridge.CallQueued || call.State == toolbridge.CallRunning {
			return false
		}
		require.Equal(t, tool.DeadlineExceeded, call.Error, call)
		m := call.Metrics
		require.InDelta(t, m.Duration, m.Queue+m.Route+m.Execute+m.Transport, float64(time.Microsecond))
		if m.Attempts > 0 && call.Tool == "stall" {
			require.Positive(t, m.Execute, "the call was at its host, as far as anybody knows")
		}
	}
	return true
}

func TestMetricsOfACallThatNoAnswerReachedAreWhatItsCallerKnows(t *testing.T) {
	t.Parallel()
	for way, options := range ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var o overtime
			b := bridgetest.New(t)
			b.Worker(o.offer)
			var m tool.Metrics
			s := b.Session(options...).With(toolbridge.WithMetrics(&m))
			alone := func(t *testing.T, began time.Time) {
				t.Helper()
				require.Positive(t, m.Duration)
				require.LessOrEqual(t, m.Duration, time.Since(began))
				require.False(t, m.Split(), m)
				m = tool.Metrics{}
			}
			leaveIt := func() context.Context {
				ctx, leave := context.WithCancel(t.Context())
				go func() {
					<-o.begun
					leave()
					<-o.ended //nolint:errcheck // that it has ended is all
				}()
				return ctx
			}

			began := time.Now()
			_, err := s.Call(leaveIt(), "stall")
			require.Equal(t, tool.Cancelled, asError(t, err).Code)
			alone(t, began)

			began = time.Now()
			err = bridgetest.Record(s.Stream(leaveIt(), "flow")).Err
			require.Equal(t, tool.Cancelled, asError(t, err).Code)
			alone(t, began)

			began = time.Now()
			for _, err := range s.Stream(t.Context(), "flow") {
				require.NoError(t, err)
				break
			}
			alone(t, began)
			<-o.begun
			<-o.ended //nolint:errcheck // that it has ended is all

			began = time.Now()
			over, cancel := context.WithDeadline(t.Context(), began)
			defer cancel()
			_, err = s.Call(over, "stall")
			require.Equal(t, tool.DeadlineExceeded, asError(t, err).Code)
			alone(t, began)

			items, err := s.Batch(leaveIt(), []toolbridge.Item{toolbridge.ItemOf("stall")})
			require.Error(t, err)
			m = items[0].Metrics
			alone(t, began)

			m.Duration = time.Hour // of an earlier call
			_, err = s.Call(t.Context(), "stall", make(chan int))
			require.Error(t, err)
			require.Zero(t, m, "it was not made")
		})
	}
}
