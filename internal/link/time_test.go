package link_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestADeadlineTravelsAndEndsBothEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		b := setup(t, link.ProcessConfig{Handler: handler{
			call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
				at, ok := ctx.Deadline()
				require.True(t, ok)
				require.InDelta(t, 3*time.Second, time.Until(at), float64(time.Millisecond))
				derived, cancel := context.WithCancel(ctx)
				defer cancel()
				<-derived.Done()
				ended <- derived.Err()
				return tool.Result{}, derived.Err()
			},
		}}, link.BridgeConfig{})
		b.connect()
		for _, timeout := range []func() (context.Context, context.CancelFunc){
			func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), 3*time.Second) },
			func() (context.Context, context.CancelFunc) {
				return link.WithTimeout(t.Context(), 3*time.Second), func() {}
			},
		} {
			ctx, cancel := timeout()
			start := time.Now()
			_, err := b.end().Call(ctx, call("slow"))
			require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
			require.Equal(t, 3*time.Second, time.Since(start))
			require.Error(t, <-ended)
			cancel()
		}
	})
}

func TestTheEarlierDeadlineCounts(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.Equal(t, ctx, link.WithTimeout(ctx, time.Hour))
}

func TestThreeMissedPingsMakeAProcessUnresponsiveUntilItIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{PingInterval: 15 * time.Second})
		pings := make(chan struct{}, 100)
		go func() {
			for s.frame(func(f *bridgepb.Frame) bool { return f.GetPing() != nil }) != nil {
				pings <- struct{}{}
			}
		}()
		elapse(59 * time.Second)
		require.Equal(t, link.Ready, s.bridge.State())
		elapse(2 * time.Second)
		require.Equal(t, link.Unresponsive, s.bridge.State())
		require.NotEmpty(t, pings)

		s.send(1)
		synctest.Wait()
		require.Equal(t, link.Ready, s.bridge.State())
	})
}

func TestCallsEndWhenTheGraceIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		cancelled := make(chan struct{})
		b := setup(t, link.ProcessConfig{Handler: handler{
			call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
				begun <- struct{}{}
				<-ctx.Done()
				close(cancelled)
				return tool.Result{}, ctx.Err()
			},
		}}, link.BridgeConfig{ReattachGrace: 5 * time.Second})
		cut := b.connect()
		sent, unsent := make(chan error, 1), make(chan error, 1)
		end := b.end()
		go func() { _, err := end.Call(t.Context(), call("sent")); sent <- err }()
		<-begun
		cut()
		require.Equal(t, link.Detached, end.State())
		go func() { _, err := end.Call(t.Context(), call("unsent")); unsent <- err }()
		elapse(4900 * time.Millisecond)
		require.Empty(t, sent, "the call is kept for the grace")
		elapse(200 * time.Millisecond)
		require.Equal(t, tool.WorkerLost, tool.CodeOf(<-sent))
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(<-unsent))
		require.Equal(t, link.Gone, end.State())
		<-cancelled

		_, err := end.Call(t.Context(), call("later"))
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err))
		_, err = b.process.Call(t.Context(), call("later"))
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err))
	})
}

func TestACallGoesOnOverALostConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, answer := make(chan struct{}), make(chan struct{})
		b := setup(t, link.ProcessConfig{Handler: handler{
			call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
				close(begun)
				<-answer
				return tool.Result{Value: call.Args[0]}, nil
			},
		}}, link.BridgeConfig{})
		cut := b.connect()
		first := b.end()
		got := make(chan error, 1)
		go func() { _, err := first.Call(t.Context(), call("slow", value("x"))); got <- err }()
		<-begun
		cut()
		close(answer)
		elapse(3 * time.Second)
		b.connect()
		require.NoError(t, <-got)
		require.Same(t, first, b.end())
		elapse(time.Minute)
		require.Equal(t, link.Ready, first.State())
		w, _ := b.process.Welcome()
		require.True(t, w.Resumed)
	})
}

func TestAProcessBeginsAnewWhenTheBridgeForgotIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		var states []link.StateChange
		b := setup(t, link.ProcessConfig{OnState: func(c link.StateChange) { states = append(states, c) }},
			link.BridgeConfig{Handler: blocking(begun)})
		cut := b.connect()
		lost := make(chan error, 1)
		go func() { _, err := b.process.Call(t.Context(), call("t")); lost <- err }()
		<-begun
		cut()
		require.NoError(t, b.end().Close(t.Context(), nil))
		b.mu.Lock()
		b.bridge = nil // the bridge was restarted
		b.mu.Unlock()
		elapse(time.Second)
		b.connect()
		require.Equal(t, tool.WorkerLost, tool.CodeOf(<-lost))
		w, ok := b.process.Welcome()
		require.True(t, ok)
		require.False(t, w.Resumed)
		synctest.Wait()
		require.Equal(t, link.Ready, states[len(states)-1].State)
		require.False(t, states[len(states)-1].Resumed)
		require.Equal(t, w.Incarnation, states[len(states)-1].Incarnation)
	})
}

func TestAReaderThatMakesNoProgressLosesItsConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{ReattachGrace: time.Minute})
		for range 6 { // more than the window: the last ones wait for acknowledgements that do not come
			go func() { _, _ = s.bridge.Call(t.Context(), call("t")) }()
			synctest.Wait()
		}
		elapse(9 * time.Second)
		require.Equal(t, link.Ready, s.bridge.State())
		elapse(2 * time.Second)
		require.Equal(t, link.Detached, s.bridge.State())
		err := <-s.served
		require.Equal(t, tool.WorkerLost, tool.CodeOf(err))
		s.served <- err
		require.NoError(t, s.bridge.Close(context.Background(), nil))
	})
}

func TestAnIdleLinkIsNotTakenForSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
		b.connect()
		_, err := b.process.Call(t.Context(), call("echo", value("x")))
		require.NoError(t, err)
		elapse(time.Hour)
		require.Equal(t, link.Ready, b.end().State())
		_, err = b.end().Call(t.Context(), call("echo", value("x")))
		require.NoError(t, err)
	})
}

func TestBothSidesOpenWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		there, back := link.Pipe(t.Context())
		defer there.Close()
		start := time.Now()
		_, err := link.Accept(t.Context(), back)
		require.Equal(t, tool.ProtocolError, tool.CodeOf(err))
		there.Close()
		there, _ = link.Pipe(t.Context())
		p := link.NewProcess(link.ProcessConfig{Identity: "p"})
		err = p.Run(t.Context(), there)
		require.Equal(t, tool.ProtocolError, tool.CodeOf(err))
		require.Equal(t, 10*time.Second, time.Since(start))
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestDrainWaitsUntilResultsAreRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		b := setup(t, link.ProcessConfig{Handler: handler{
			call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
				begun <- struct{}{}
				elapse(7 * time.Second)
				return tool.Result{Value: call.Args[0]}, nil
			},
		}}, link.BridgeConfig{})
		cut := b.connect()
		end := b.end()
		got := make(chan error, 1)
		go func() { _, err := end.Call(t.Context(), call("slow", value("x"))); got <- err }()
		<-begun
		start := time.Now()
		require.NoError(t, b.process.Drain(t.Context(), "it is late"))
		require.Equal(t, 7*time.Second, time.Since(start))
		require.NoError(t, <-got)
		require.Equal(t, link.Draining, end.State())
		_, err := end.Call(t.Context(), call("new", value("x")))
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err))
		cut()
		require.Equal(t, link.Gone, end.State(), "who has drained does not come back")
	})
}
