package link_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// many is enough calls in a row for one goroutine to watch their context for all of them.
const many = 100

// answering is a bridge that answers a call of "go" at once, and others when their context ends or release is closed.
func answering(release <-chan struct{}) link.BridgeConfig {
	return link.BridgeConfig{Handler: handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		if call.Tool == "go" {
			return tool.Result{}, nil
		}
		select {
		case <-ctx.Done():
			return tool.Result{}, ctx.Err()
		case <-release:
			return tool.Result{}, nil
		}
	}}}
}

// callAll makes calls that wait, under each of the contexts in turn, and returns the codes that they end with, context by context.
func callAll(b *bundle, name string, contexts ...context.Context) (ended []chan tool.Code) {
	b.t.Helper()
	for _, ctx := range contexts {
		codes := make(chan tool.Code, many)
		ended = append(ended, codes)
		for range many {
			before := b.process.Stats().Waiting
			go func() {
				_, err := b.process.Call(ctx, call(name))
				codes <- tool.CodeOf(err)
			}()
			under := func() bool { return b.process.Stats().Waiting > before || ctx.Err() != nil } // a context of 100 ms may end first
			require.Eventually(b.t, under, 10*time.Second, 10*time.Microsecond)
		}
	}
	return ended
}

func requireAll(t *testing.T, codes <-chan tool.Code, want tool.Code) {
	t.Helper()
	for range many {
		require.Equal(t, want, <-codes)
	}
}

func TestManyCallsUnderOneContextEndWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, answering(nil))
	b.connect()
	cancelled, cancel := context.WithCancel(t.Context())
	ended := callAll(b, "wait", cancelled)
	cancel()
	requireAll(t, ended[0], tool.Cancelled)

	told, end := context.WithCancelCause(t.Context())
	ended = callAll(b, "wait", told)
	end(tool.Errorf(tool.RateLimitExceeded, "enough"))
	requireAll(t, ended[0], tool.RateLimitExceeded)
	require.Eventually(t, func() bool { return b.process.Stats().Waiting == 0 }, 10*time.Second, time.Millisecond)
	_, err := b.process.Call(t.Context(), call("go"))
	require.NoError(t, err, "the link serves others")
}

func TestManyCallsUnderOneContextEndWithItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // whose time passes only when all calls wait
		b := setup(t, link.ProcessConfig{}, answering(nil))
		b.connect()
		late, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		requireAll(t, callAll(b, "wait", late)[0], tool.DeadlineExceeded)
		_, err := b.process.Call(t.Context(), call("go"))
		require.NoError(t, err, "the link serves others")
	})
}

func TestTheEndOfOneContextIsNotThatOfCallsUnderAnother(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := setup(t, link.ProcessConfig{}, answering(release))
	b.connect()
	first, cancelFirst := context.WithCancel(t.Context())
	second, cancelSecond := context.WithCancel(t.Context())
	defer cancelSecond()
	ended := callAll(b, "wait", first, second, first)
	cancelFirst()
	requireAll(t, ended[0], tool.Cancelled)
	requireAll(t, ended[2], tool.Cancelled)
	require.Equal(t, many, b.process.Stats().Waiting)
	close(release)
	requireAll(t, ended[1], "")
}

func TestCallsUnderOneContextEndWithTheLink(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, answering(nil))
	b.connect()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := callAll(b, "wait", ctx)
	require.NoError(t, b.process.Close(t.Context()))
	requireAll(t, ended[0], tool.WorkerLost)
}

func TestAnswersAndTheEndOfTheirContextMayComeTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, answering(nil))
	b.connect()
	for range 50 {
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls sync.WaitGroup
		answered := make(chan struct{}, 8*many)
		for range 8 {
			calls.Go(func() {
				for range many {
					_, err := b.process.Call(ctx, call("go"))
					if err != nil && tool.CodeOf(err) != tool.Cancelled {
						b.t.Errorf("a call ended with %v", err)
					}
					answered <- struct{}{}
				}
			})
		}
		for range 3 * many {
			<-answered
		}
		cancel(errors.New("in the middle"))
		calls.Wait()
	}
	require.Eventually(t, func() bool { return b.process.Stats().Waiting == 0 }, 10*time.Second, time.Millisecond)
}
