package link_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// tapped is a stream that needs what it is sent no longer than Send runs, as gRPC soon does, and that says who sends. Two who send at once
// fail the test.
type tapped struct {
	link.Stream
	tb      testing.TB
	sending atomic.Bool
	// held stops the next message before it is sent; may be nil.
	held atomic.Pointer[hold]

	mu     sync.Mutex
	byHand []bool // of each message with frames: it was sent by another goroutine than the writer
}

type hold struct{ reached, let chan struct{} }

func (s *tapped) Send(m link.Message, release func()) error {
	if !s.sending.CompareAndSwap(false, true) {
		s.tb.Error("two goroutines send at once")
	}
	defer s.sending.Store(false)
	if h := s.held.Swap(nil); h != nil {
		close(h.reached)
		<-h.let
	}
	if release != nil {
		s.mu.Lock()
		s.byHand = append(s.byHand, !runs("(*engine).write"))
		s.mu.Unlock()
	}
	copied := link.Message{bytes.Join(m, nil)}
	if release != nil {
		release()
	}
	return s.Stream.Send(copied, nil)
}

// hold stops the next message that is sent.
func (s *tapped) hold() *hold {
	h := &hold{make(chan struct{}), make(chan struct{})}
	s.held.Store(h)
	return h
}

// last are how the newest messages were sent.
func (s *tapped) last(n int) []bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.byHand[max(0, len(s.byHand)-n):])
}

// runs reports whether a function is on the stack of this goroutine.
func runs(function string) bool {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, function) {
			return true
		}
		if !more {
			return false
		}
	}
}

// tap links both ends by streams that say who sends.
func (b *bundle) tap() (there, back *tapped) {
	b.t.Helper()
	one, other := link.Pipe(context.Background())
	there, back = &tapped{Stream: one, tb: b.t}, &tapped{Stream: other, tb: b.t}
	b.connectBy(there, back)
	return there, back
}

func callTimes(t *testing.T, b *bundle, n int) {
	t.Helper()
	for i := range n {
		r, err := b.process.Call(soon(t), call("echo", value(fmt.Sprint(i))))
		require.NoError(t, err)
		require.Equal(t, value(fmt.Sprint(i)), r.Value)
	}
}

func TestCallsOneAtATimeAndTheirAnswersLeaveWithoutTheWriter(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	there, back := b.tap()

	callTimes(t, b, 10)

	require.Equal(t, []bool{true, true, true, true}, there.last(4))
	require.Equal(t, []bool{true, true, true, true}, back.last(4))
}

func TestWhatASocketMayNotTakeAtOnceIsSentByTheWriter(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	there, back := b.tap()
	callTimes(t, b, 5)
	long := value(strings.Repeat("x", 20_000))

	for range 4 {
		r, err := b.process.Call(soon(t), call("echo", long))
		require.NoError(t, err)
		require.Equal(t, long, r.Value)
	}

	require.Equal(t, []bool{false, false, false, false}, there.last(4))
	require.Equal(t, []bool{false, false, false, false}, back.last(4))
}

func TestWhereSeveralCallsAreUnderWayTheWriterSends(t *testing.T) {
	t.Parallel()
	begun, over := make(chan struct{}), make(chan struct{})
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
		call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
			if c.Tool == "waits" {
				close(begun)
				<-over
				return tool.Result{}, nil
			}
			return tool.Result{Value: c.Args[0]}, nil
		},
	}})
	there, back := b.tap()
	callTimes(t, b, 5)

	waiting := make(chan error, 1)
	go func() {
		_, err := b.process.Call(soon(t), call("waits"))
		waiting <- err
	}()
	<-begun
	callTimes(t, b, 4)

	require.Equal(t, []bool{false, false, false, false}, there.last(4))
	require.Equal(t, []bool{false, false, false, false}, back.last(4))
	close(over)
	require.NoError(t, <-waiting)
}

func TestWhatIsQueuedWhileACallIsSentByItsCallerLeavesAfterIt(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	there, _ := b.tap()
	callTimes(t, b, 5)

	h := there.hold()
	results := make(chan error, 2)
	ask := func() {
		_, err := b.process.Call(soon(t), call("echo", value("x")))
		results <- err
	}
	go ask()
	<-h.reached
	go ask()
	require.Eventually(t, func() bool { return b.process.Stats().Waiting == 2 }, 10*time.Second, time.Millisecond)
	close(h.let)

	require.NoError(t, <-results)
	require.NoError(t, <-results)
}

func TestTheLastWordsOfALinkWaitForTheMessageThatIsBeingSent(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	_, back := b.tap()
	callTimes(t, b, 5)

	h := back.hold() // the answer to the next call
	answered := make(chan error, 1)
	go func() {
		_, err := b.process.Call(soon(t), call("echo", value("x")))
		answered <- err
	}()
	<-h.reached
	closed := make(chan error, 1)
	go func() { closed <- b.end().Close(context.Background(), tool.Errorf(tool.PermissionDenied, "enough")) }()
	require.Eventually(t, func() bool { return b.end().State() == link.Gone }, 10*time.Second, time.Millisecond)
	close(h.let)

	err := <-answered // nil, or why the link ended; the stream itself sees to it that nobody else sent meanwhile
	require.True(t, err == nil || tool.CodeOf(err) != "", err)
	require.NoError(t, <-closed)
}

func TestWhereverConnectionsBreakCallsOneAtATimeRunOnceAndAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	there, back := &counted{runs: map[string]int{}}, &counted{runs: map[string]int{}}
	b := setup(t, link.ProcessConfig{Handler: there}, link.BridgeConfig{Handler: back, ReattachGrace: time.Minute})
	b.connect()()
	random := rand.New(rand.NewPCG(1, 1))
	stop := b.flaky(func() (int64, bool) { return 2 + random.Int64N(40), random.IntN(2) == 0 })
	defer stop()

	for i := range 200 {
		v := sized(fmt.Sprint(i), 100)
		for _, host := range []link.Handler{b.process, b.end()} {
			r, err := host.Call(soon(t), call("t", v))
			require.NoError(t, err)
			require.Equal(t, v.Bytes, r.Value.Bytes)
		}
	}
	for _, c := range []*counted{there, back} {
		require.Len(t, c.runs, 200)
		for name, n := range c.runs {
			require.Equal(t, 1, n, name)
		}
	}
}

// stuffed is a stream that never says that it has written what it was sent.
type stuffed struct{ *tapped }

func (s stuffed) Send(m link.Message, release func()) error {
	if release == nil {
		return s.tapped.Send(m, nil)
	}
	return s.tapped.Send(m, func() {})
}

func TestTheWriterSendsWhereTheStreamHasNotWrittenWhatTheOtherSideSaysItHasRead(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	one, other := link.Pipe(context.Background())
	back := &tapped{Stream: other, tb: t}
	b.connectBy(one, stuffed{back})

	callTimes(t, b, 10)

	require.NotContains(t, back.last(10), true)
}
