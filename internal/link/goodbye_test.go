package link_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// held is a stream that hands on nothing that it receives until it is let go.
type held struct {
	link.Stream
	let <-chan struct{}
}

func (h held) Recv() (link.Message, error) {
	m, err := h.Stream.Recv()
	<-h.let
	return m, err
}

func TestWhatAProcessHasSentBeforeItClosesArrivesAndItIsNotTakenForLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const records = 2000 // far more than the window and the pipe take
		var logged []string
		reading := make(chan struct{})
		b := setup(t, link.ProcessConfig{}, link.BridgeConfig{OnLog: func(_ uint64, r link.LogRecord) {
			<-reading
			logged = append(logged, r.Message)
		}})
		b.connect()
		for i := range records {
			b.process.Log(t.Context(), link.LogRecord{Message: fmt.Sprint(i)})
			if i%100 == 0 {
				synctest.Wait() // the reader is held, so that these leave in messages of their own
			}
		}
		start := time.Now()
		closed := make(chan error, 1)
		go func() { closed <- b.process.Close(context.Background()) }()
		synctest.Wait()
		require.Empty(t, closed, "frames wait")

		_, err := b.process.Call(t.Context(), call("late"))
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err))
		require.ErrorContains(t, err, "was closed")

		close(reading)
		require.NoError(t, <-closed)
		synctest.Wait()
		require.Len(t, logged, records)
		require.Equal(t, fmt.Sprint(records-1), logged[records-1])
		require.Zero(t, time.Since(start), "nobody waited for a timer")

		last := b.states[len(b.states)-1]
		require.Equal(t, link.Gone, last.State)
		require.ErrorContains(t, last.Err, "has left")
		for _, c := range b.states {
			require.NotEqual(t, link.Detached, c.State)
		}
	})
}

func TestACallThatRunsAtAProcessThatClosesIsLostAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		b := setup(t, link.ProcessConfig{Handler: blocking(begun)}, link.BridgeConfig{Handler: blocking(begun)})
		b.connect()
		end, start := b.end(), time.Now()
		byBridge, byProcess := make(chan error, 1), make(chan error, 1)
		go func() { _, err := end.Call(t.Context(), call("t")); byBridge <- err }()
		<-begun
		go func() { _, err := b.process.Call(t.Context(), call("t")); byProcess <- err }()
		<-begun
		require.NoError(t, b.process.Close(t.Context()))
		require.Equal(t, tool.WorkerLost, tool.CodeOf(<-byBridge))
		require.Equal(t, tool.WorkerLost, tool.CodeOf(<-byProcess))
		require.Zero(t, time.Since(start), "the grace is for those who may come back")
		require.NoError(t, end.Close(t.Context(), nil), "the handlers of the process's calls have returned")
	})
}

func TestAProcessDoesNotWaitLongForABridgeThatReadsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{}, 1)
		there, back := link.Pipe(t.Context())
		b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
		defer close(let)
		let <- struct{}{} // the hello
		var running sync.WaitGroup
		running.Go(func() { _ = b.accept(t.Context(), held{back, let}) })
		running.Go(func() { _ = b.process.Run(t.Context(), there) })
		synctest.Wait()
		require.Equal(t, link.Ready, b.process.State())
		for range 2000 {
			b.process.Log(t.Context(), link.LogRecord{})
		}
		start := time.Now()
		require.NoError(t, b.process.Close(t.Context()))
		require.Equal(t, time.Second, time.Since(start))
		b.process.Log(t.Context(), link.LogRecord{}) // goes nowhere, and does no harm
	})
}

func TestAProcessThatClosesOverGRPCIsGoneAndNotDetached(t *testing.T) {
	t.Parallel()
	gone := make(chan link.StateChange, 8)
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{ReattachGrace: time.Hour, OnState: func(c link.StateChange) { gone <- c }})
	overTCP(t, b)
	require.Equal(t, link.Ready, (<-gone).State)
	require.NoError(t, b.process.Close(soon(t)))
	last := <-gone
	require.Equal(t, link.Gone, last.State)
	require.ErrorContains(t, last.Err, "has left")
}
