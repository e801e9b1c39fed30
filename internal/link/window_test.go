package link_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The tests of this file and of packing_test.go play a process message by message and stand in a bubble, so that "nothing
// more comes" can be said without waiting.

// hear reads what the bridge sends, without ever acknowledging it, and returns what has come since it was last asked.
func (s *script) hear() func() []*bridgepb.LinkMessage {
	messages := make(chan *bridgepb.LinkMessage, 100_000)
	go func() {
		for m := s.recv(); m != nil; m = s.recv() {
			messages <- m
		}
	}()
	return func() []*bridgepb.LinkMessage {
		synctest.Wait()
		var all []*bridgepb.LinkMessage
		for len(messages) > 0 {
			all = append(all, <-messages)
		}
		return all
	}
}

// begin makes a call of the bridge that lasts until the test ends.
func (s *script) begin(args ...tool.Value) {
	go func() { _, _ = s.bridge.Call(context.Background(), call("t", args...)) }()
	synctest.Wait()
}

func logFrame(size int) *bridgepb.Frame {
	return &bridgepb.Frame{Body: &bridgepb.Frame_Log{Log: &bridgepb.LogRecord{Message: string(make([]byte, size))}}}
}

func TestASideHasFourMessagesUnacknowledgedAndPacksTheRestIntoTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		for range 10 {
			s.begin()
		}
		first := heard()
		require.Len(t, first, 4)
		for _, m := range first {
			require.Len(t, m.GetFrames(), 1)
		}
		s.send(1)
		next := heard()
		require.Len(t, next, 1)
		require.Len(t, next[0].GetFrames(), 6, "what waited leaves in one message")
		for range 10 {
			s.begin()
		}
		require.Empty(t, heard())
		s.send(5)
		require.Len(t, heard(), 1, "an acknowledgement of many frees the whole window, but one message is enough")
	})
}

func TestFullMessagesAreLimitedByTheirBytesAndNotAmongTheFour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const full, window = 256 << 10, 8 << 20
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		s.begin(sized("x", 9<<20))
		total, count := 0, 0
		for _, m := range heard() {
			size := framesSize(m)
			total += size
			count++
			require.GreaterOrEqual(t, size, full, "message %d", count)
		}
		require.Greater(t, count, 4)
		require.LessOrEqual(t, total, window)
		require.Greater(t, total, window-2*full, "the window is used")

		s.send(2)
		require.Len(t, heard(), 2, "as many bytes as were acknowledged")
		s.send(uint64(count))
		require.NotEmpty(t, heard())
	})
}

func TestSmallMessagesAndFullOnesDoNotTakeEachOthersPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		for range 4 {
			s.begin()
		}
		require.Len(t, heard(), 4)
		s.begin()
		require.Empty(t, heard())
		s.begin(sized("x", 1<<20))
		require.GreaterOrEqual(t, len(heard()), 4, "four small messages do not hold up full ones")
	})
}

func TestAnAcknowledgementIsSentAloneWhenTwoAreOwed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		s.send(0, logFrame(1))
		require.Empty(t, heard(), "one is owed")
		s.send(0, logFrame(1))
		alone := heard()
		require.Len(t, alone, 1)
		require.Empty(t, alone[0].GetFrames())
		require.Equal(t, uint64(2), alone[0].GetAck())

		s.send(0, logFrame(1))
		require.Empty(t, heard())
		s.send(0, pingFrame(1))
		riding := heard()
		require.Len(t, riding, 1, "it rides on the pong")
		require.NotEmpty(t, riding[0].GetFrames())
		require.Equal(t, uint64(4), riding[0].GetAck())
	})
}

func TestAMessageWithoutFramesIsNeverCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		for range 100 { // far more than the window
			s.send(0)
		}
		require.Empty(t, heard())
		require.Zero(t, s.bridge.Stats().MessagesRead)
		s.send(0, pingFrame(1))
		require.Equal(t, uint64(1), heard()[0].GetAck(), "nor was the hello")
	})
}

func TestTheAcknowledgementIsSetInEveryMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		for i := range uint64(20) {
			s.send(i, pingFrame(i))
			require.Equal(t, i+1, heard()[0].GetAck())
		}
	})
}

// gated is a stream whose Send waits until the gate is opened.
type gated struct {
	link.Stream
	gate <-chan struct{}
}

func (g gated) Send(m link.Message, release func()) error {
	<-g.gate
	return g.Stream.Send(m, release)
}

// playGated opens a link to a Bridge whose messages wait until open is called, so that it acknowledges nothing.
func playGated(t *testing.T) (s *script, open func()) {
	t.Helper()
	gate := make(chan struct{}, 1)
	gate <- struct{}{} // the welcome
	s = playThrough(t, link.BridgeConfig{Handler: echo()}, func(back link.Stream) link.Stream { return gated{back, gate} })
	s.send(0, pingFrame(1)) // its pong is what waits at the gate
	synctest.Wait()
	return s, func() { close(gate) }
}

func TestMoreMessagesThanTheWindowAreAViolation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t)
		for range 4 {
			s.send(0, logFrame(1))
		}
		synctest.Wait()
		require.Equal(t, uint64(5), s.bridge.Stats().MessagesRead)
		require.Equal(t, link.Ready, s.bridge.State(), "the window is not exceeded yet")
		s.send(0, logFrame(1))
		synctest.Wait()
		require.Equal(t, link.Gone, s.bridge.State())
		open()
		require.Contains(t, s.violation(), "window overrun: 5 messages")
		require.Nil(t, s.recv())
	})
}

func TestMoreBytesOfFullMessagesThanTheWindowAreAViolation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t)
		full := func() {
			s.send(0, logFrame(60<<10), logFrame(60<<10), logFrame(60<<10), logFrame(60<<10), logFrame(60<<10))
		}
		for range 8 << 20 / (301 << 10) {
			full()
		}
		synctest.Wait()
		require.Equal(t, link.Ready, s.bridge.State(), "these are 8 MiB")
		for range 3 {
			full()
		}
		synctest.Wait()
		require.Equal(t, link.Gone, s.bridge.State())
		open()
		require.Contains(t, s.violation(), "window overrun")
	})
}

// logFrames are frames of so many bytes in all, without the tags around them.
func logFrames(t *testing.T, bytes int) (frames []*bridgepb.Frame) {
	t.Helper()
	m := &bridgepb.LinkMessage{}
	for bytes-framesSize(m) > 64<<10 {
		m.Frames = append(m.Frames, logFrame(60_000))
	}
	rest := bytes - framesSize(m)
	beside := proto.Size(logFrame(rest)) - rest
	m.Frames = append(m.Frames, logFrame(rest-beside))
	require.Equal(t, bytes, framesSize(m))
	return m.GetFrames()
}

// What is full is told by the frames' own bytes: the tags around them, and the acknowledgement, make no message full.
func TestAMessageOfOneByteLessThan256KiBOfFramesIsOneOfTheFour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t)
		for range 4 {
			s.send(0, logFrames(t, 256<<10-1)...)
		}
		synctest.Wait()
		require.Equal(t, link.Ready, s.bridge.State(), "the window is not exceeded yet")
		s.send(0, logFrames(t, 256<<10-1)...)
		synctest.Wait()
		open()
		require.Contains(t, s.violation(), "window overrun: 5 messages and 0 bytes of full messages")
	})
}

func TestFullMessagesOfExactly8MiBOfFramesAreTheWholeWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t)
		for range 4 {
			s.send(0, logFrames(t, 256<<10-1)...)
		}
		for range 32 {
			s.send(0, logFrames(t, 256<<10)...)
		}
		synctest.Wait()
		require.Equal(t, link.Ready, s.bridge.State(), "the window is not exceeded yet")
		s.send(0, logFrames(t, 256<<10)...)
		synctest.Wait()
		open()
		require.Contains(t, s.violation(), "window overrun: 4 messages and 8650752 bytes of full messages")
	})
}

func TestAReaderThatTakesNothingOffTheStreamLosesItsConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t)
		elapse(9 * time.Second)
		require.Equal(t, link.Ready, s.bridge.State())
		elapse(2 * time.Second)
		require.Equal(t, link.Detached, s.bridge.State())
		open()
	})
}

func TestWhatWasNotReadIsSentAgainUnchangedAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{})
		heard := s.hear()
		for i := range 4 {
			s.begin(value(fmt.Sprint(i)))
		}
		s.send(0, logFrame(1), logFrame(1))
		sent := heard()
		require.Len(t, sent, 4)
		s.stream.Close()
		require.Error(t, <-s.served)
		s.begin(value("later"))

		s.open(nil, &bridgepb.Hello{Revision: 1, Identity: "script", Incarnation: "incarnation-1", Received: 1})
		require.True(t, s.welcome.GetResumed())
		require.Equal(t, uint64(1), s.welcome.GetReceived())
		again := s.hear()()
		require.Len(t, again, 4)
		for i, m := range again[:3] {
			require.Empty(t, cmpFrames(sent[i+1], m))
		}
		require.Equal(t, value("later").Bytes, again[3].GetFrames()[0].GetCall().GetArgs()[0].GetValue())
	})
}

func cmpFrames(want, got *bridgepb.LinkMessage) string {
	if proto.Equal(&bridgepb.LinkMessage{Frames: want.GetFrames()}, &bridgepb.LinkMessage{Frames: got.GetFrames()}) {
		return ""
	}
	return want.String() + " is not " + got.String()
}

func TestAProcessThatCountsDifferentlyIsNotResumed(t *testing.T) {
	t.Parallel()
	for name, received := range map[string]uint64{"more than was sent": 9, "less than it acknowledged": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := link.NewBridge(link.BridgeConfig{Incarnation: "i", Handler: echo()}, link.Hello{})
			t.Cleanup(func() { require.NoError(t, b.Close(context.Background(), nil)) })
			s := &script{t: t, bridge: b}
			s.open(nil, &bridgepb.Hello{Revision: 1, Identity: "script"})
			s.send(0, pingFrame(1))
			require.NotNil(t, s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil }))
			s.send(1, pingFrame(2))
			require.NotNil(t, s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil }))
			s.stream.Close()
			require.Error(t, <-s.served)

			there, back := link.Pipe(t.Context())
			defer there.Close()
			m, err := proto.Marshal(&bridgepb.LinkMessage{Frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Hello{
				Hello: &bridgepb.Hello{Revision: 1, Identity: "script", Incarnation: "i", Received: received},
			}}}})
			require.NoError(t, err)
			require.NoError(t, there.Send(link.Message{m}, nil))
			h, err := link.Accept(t.Context(), back)
			require.NoError(t, err)
			ok, err := b.Serve(t.Context(), h)
			require.False(t, ok, "a new incarnation may serve it")
			require.ErrorContains(t, err, "cannot resume")
		})
	}
}
