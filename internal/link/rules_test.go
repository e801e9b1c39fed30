package link_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	b, err := proto.Marshal(m)
	require.NoError(tb, err)
	return b
}

// cut is a frame in pieces of so many bytes.
func cut(tb testing.TB, fragment uint64, size int, f *bridgepb.Frame) (out []*bridgepb.Frame) {
	tb.Helper()
	whole := marshal(tb, f)
	total := uint64(len(whole))
	for piece := range slices.Chunk(whole, size) {
		out = append(out, fragmentFrame(f.GetCallId(), fragment, piece, total))
		total = 0
	}
	return out
}

func isResult(id uint64) func(*bridgepb.Frame) bool {
	return func(f *bridgepb.Frame) bool {
		return f.GetProtocolError() != nil || f.GetCallId() == id && f.GetResult() != nil
	}
}

func isPong(id uint64) func(*bridgepb.Frame) bool {
	return func(f *bridgepb.Frame) bool { return f.GetProtocolError() != nil || f.GetPong().GetId() == id }
}

func echoRequest(text string) *bridgepb.ToolCallRequest {
	return &bridgepb.ToolCallRequest{ToolId: "echo", Args: []*anypb.Any{wireValue([]byte(text))}}
}

func TestACallIDIsNotUsedAgainAfterItsCallHasEnded(t *testing.T) {
	t.Parallel()
	for name, again := range map[string][]*bridgepb.Frame{
		"whole":     {callFrame(1, echoRequest("b"))},
		"in pieces": cut(t, 9, 5, callFrame(1, echoRequest("b"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, link.BridgeConfig{})
			s.send(0, callFrame(1, echoRequest("a")))
			require.NotNil(t, s.frame(isResult(1)).GetResult())
			s.send(1, again...)
			require.Contains(t, s.violation(), "call id 1 is used twice")
		})
	}
}

func TestACallInPiecesMayBeginAfterLaterOnesAndOthersMayNeverCome(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	early := cut(t, 1, 20, callFrame(5, echoRequest("early")))
	s.send(0, append([]*bridgepb.Frame{callFrame(11, echoRequest("late"))}, early...)...) // 1, 3, 7 and 9 were given up
	got := map[uint64]string{}
	s.frame(func(f *bridgepb.Frame) bool {
		require.Nil(t, f.GetProtocolError())
		if f.GetResult() != nil {
			got[f.GetCallId()] = string(f.GetResult().GetResult().GetValue())
		}
		return len(got) == 2
	})
	require.Equal(t, map[uint64]string{5: "early", 11: "late"}, got)
}

func TestACancelMayOvertakePiecesOfItsCall(t *testing.T) {
	t.Parallel()
	ran := make(chan string, 3)
	s := play(t, link.BridgeConfig{Handler: handler{call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
		ran <- c.Tool
		return tool.Result{}, nil
	}}})
	parts := cut(t, 1, 5, callFrame(1, echoRequest("never")))
	s.send(0, parts[0], cancelFrame(1))
	s.send(0, append(parts[1:], pingFrame(5))...)
	require.NotNil(t, s.frame(isPong(5)).GetPong(), "the rest is dropped, not a violation")
	require.Equal(t, uint64(len(parts)), s.bridge.Stats().LateFrames)
	require.Empty(t, ran)
}

func TestChunksOfACallWaitForCreditAndACreditMayOvertakeOtherFrames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{Handler: handler{
			call: echo().call,
			stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
				return tool.Metrics{}, send(tool.Chunk{Value: sized("x", 3<<20)})
			},
		}})
		heard := s.hear()
		inner := cut(t, 1, 5, callFrame(3, echoRequest("inner")))
		s.send(0, callFrame(1, &bridgepb.ToolCallRequest{Stream: true}), inner[0])
		received := func(messages []*bridgepb.LinkMessage) (n int) {
			for _, m := range messages {
				for _, f := range m.GetFrames() {
					n += len(f.GetFragment().GetData())
				}
			}
			return n
		}
		first := s.exchange(heard)
		require.Equal(t, 1<<20, received(first), "what may be sent before the first credit")
		acked := uint64(0)
		for _, m := range first {
			if len(m.GetFrames()) > 0 {
				acked++
			}
		}
		s.send(acked, append([]*bridgepb.Frame{creditFrame(1, 2*pieceSize), creditFrame(3, 7)}, inner[1:]...)...)
		second := heard()
		require.Equal(t, 2*pieceSize, received(second), "what the credit is for")
		require.True(t, slices.ContainsFunc(second, func(m *bridgepb.LinkMessage) bool {
			return slices.ContainsFunc(m.GetFrames(), isResult(3))
		}), "the credit did no harm to the call whose pieces it overtook")
	})
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	t.Parallel()
	unknown := []byte{0xfa, 0x7f, 0x03, 'n', 'e', 'w', 0xf0, 0x7f, 0x07} // fields 2047 and 2046
	request := echoRequest("x")
	request.ProtoReflect().SetUnknown(unknown)
	frame := callFrame(1, request)
	m := &bridgepb.LinkMessage{Frames: []*bridgepb.Frame{frame}}
	m.ProtoReflect().SetUnknown(unknown)
	s := play(t, link.BridgeConfig{})
	s.sendRaw(marshal(t, m))
	require.Equal(t, "x", string(s.frame(isResult(1)).GetResult().GetResult().GetValue()))
}

func TestAnUnknownFrameInPiecesIsIgnored(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	b := []byte{0xaa, 0x02, 0x02, 'a', 'b'} // field 37
	s.send(0, fragmentFrame(0, 1, b[:2], uint64(len(b))), fragmentFrame(0, 1, b[2:], 0), pingFrame(5))
	require.NotNil(t, s.frame(isPong(5)).GetPong())
}

func TestABodyInManyPartsIsMergedAsProtobufDoesAndCostsNoMore(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	frame := []byte{0x08, 0x01}
	for range 50_000 {
		frame = append(frame, 0x12, 0x02, 0x12, 0x00) // a call with an empty tool id, in parts
	}
	frame = append(frame, 0x12, 0x09, 0x1a, 0x07, 0x12, 0x05, 'h', 'e', 'l', 'l', 'o')
	s.sendRaw(protowire.AppendBytes([]byte{0x12}, frame))
	require.Equal(t, "hello", string(s.frame(isResult(1)).GetResult().GetResult().GetValue()))
}

func TestManyBeginningsOfLargeFramesCostLittle(t *testing.T) { //nolint:paralleltest // it measures the heap
	s := play(t, link.BridgeConfig{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	id := uint64(0)
	for i := range uint64(60) {
		var frames []*bridgepb.Frame
		for range 500 {
			id++
			frames = append(frames, fragmentFrame(0, id, []byte("x"), 16<<20))
		}
		s.send(i, append(frames, pingFrame(id))...)
		require.NotNil(t, s.frame(isPong(id)).GetPong())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(16<<20), "30,000 frames of 16 MiB were announced, 30,000 bytes came")
}

func TestUnfinishedFramesAreLimited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first  *bridgepb.Frame
		callID func(fragment uint64) uint64
	}{
		"of the peer's own calls":           {callFrame(1, &bridgepb.ToolCallRequest{}), func(id uint64) uint64 { return 2*id + 1 }},
		"of chunks for no call":             {dataChunk(1, 1), func(id uint64) uint64 { return 2*id + 1 }},
		"of chunks for the peer's own call": {dataChunk(1, 1), func(uint64) uint64 { return 1 }},
		"of chunks that belong to no call":  {dataChunk(1, 1), func(uint64) uint64 { return 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := make(chan struct{}, 1)
			s := play(t, link.BridgeConfig{Handler: blocking(begun)})
			s.send(0, callFrame(1, &bridgepb.ToolCallRequest{Stream: true}))
			<-begun
			head := append(marshal(t, c.first), make([]byte, pieceSize-100)...)
			id, violation := uint64(0), ""
			for round := uint64(0); violation == "" && round < 1024; round++ { // four pieces fill a message
				var frames []*bridgepb.Frame
				for range 4 {
					id++
					frames = append(frames, fragmentFrame(c.callID(id), id, head, 16<<20))
				}
				s.send(round, append(frames, pingFrame(id))...)
				f := s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil || f.GetProtocolError() != nil })
				violation = f.GetProtocolError().GetError().GetMessage()
			}
			require.Contains(t, violation, "frames in pieces have")
			require.Less(t, id*pieceSize, uint64(130<<20))
		})
	}
}

func TestOneChunkOfACallIsUnfinishedAtMost(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	ended := make(chan error, 1)
	go func() {
		_, err := s.bridge.Stream(context.Background(), call("t"), func(tool.Chunk) error { return nil })
		ended <- err
	}()
	id := s.frame(func(f *bridgepb.Frame) bool { return f.GetCall() != nil }).GetCallId()
	chunk := dataChunk(id, 100)
	s.send(1, append(cut(t, 1, 50, chunk), cut(t, 2, 50, chunk)...)...) // one after the other
	s.send(1, cut(t, 3, 50, chunk)[0], cut(t, 4, 50, chunk)[0])
	require.Contains(t, s.violation(), "before the last one is whole")
	require.Equal(t, tool.WorkerLost, tool.CodeOf(<-ended))
}

func TestABridgeTakes4096CallsAtOnceAndAProcessThatSaysNothingToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, link.BridgeConfig{Handler: blocking(nil)})
		require.Equal(t, uint32(4096), s.welcome.GetMaxCalls())
		heard := s.hear()
		var all []*bridgepb.LinkMessage
		for id := uint64(1); id < 2*4096; {
			var frames []*bridgepb.Frame
			for range 512 {
				frames = append(frames, callFrame(id, &bridgepb.ToolCallRequest{}))
				id += 2
			}
			s.send(0, frames...)
			all = append(all, heard()...)
		}
		require.Equal(t, 4096, s.bridge.Stats().Running)
		for _, m := range all {
			require.Empty(t, m.GetFrames(), "none is refused")
		}
		s.send(0, callFrame(9001, &bridgepb.ToolCallRequest{}))
		require.Equal(t, "Overloaded", heard()[0].GetFrames()[0].GetResult().GetError().GetType())

		for range 5000 {
			go func() { _, _ = s.bridge.Call(context.Background(), call("t")) }()
		}
		synctest.Wait()
		require.Equal(t, 4096, s.bridge.Stats().Waiting, "others wait for a place")
	})
}

func TestABridgeThatDrainsGetsNoNewCallsAndTheRunningOnesGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := make(chan struct{}, 2), make(chan struct{})
		b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: handler{
			call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
				begun <- struct{}{}
				<-goOn
				return tool.Result{Value: c.Args[0]}, nil
			},
		}})
		b.connect()
		running := make(chan error, 1)
		go func() { _, err := b.process.Call(t.Context(), call("t", value("x"))); running <- err }()
		<-begun
		drained := make(chan error, 1)
		go func() { drained <- b.end().Drain(t.Context(), "the bridge stops") }()
		synctest.Wait()
		require.Equal(t, link.Draining, b.process.State())
		_, err := b.process.Call(t.Context(), call("t", value("x")))
		require.Equal(t, tool.WorkerUnavailable, tool.CodeOf(err))
		require.ErrorContains(t, err, "takes no new calls")
		_, err = b.end().Call(t.Context(), call("t", value("x")))
		require.NoError(t, err, "the other direction is not drained")
		require.Empty(t, drained)
		close(goOn)
		require.NoError(t, <-running)
		require.NoError(t, <-drained)
	})
}

func TestDrainGivesUpWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		b := setup(t, link.ProcessConfig{Handler: blocking(begun)}, link.BridgeConfig{})
		b.connect()
		go func() { _, _ = b.end().Call(context.Background(), call("t")) }()
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(b.process.Drain(ctx, "enough")))
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestAHelloOfARangeOfRevisionsIsAnsweredWithTheOneThatBothKnow(t *testing.T) {
	t.Parallel()
	s := &script{t: t}
	s.open(&link.BridgeConfig{Incarnation: "i", Handler: echo()}, &bridgepb.Hello{Revision: 7, MinRevision: 1, Identity: "from the future"})
	require.Equal(t, uint32(1), s.welcome.GetRevision())
	require.Equal(t, uint64(1<<20), s.welcome.GetInitialCredit())
	require.Equal(t, uint64(5_000_000), s.welcome.GetReattachGraceUs())
	require.Equal(t, uint64(15_000_000), s.welcome.GetPingIntervalUs())
	s.stream.Close()
	require.Error(t, <-s.served)
	require.NoError(t, s.bridge.Close(context.Background(), nil))
}

func TestABadWelcomeIsRefused(t *testing.T) {
	t.Parallel()
	welcome := func(w *bridgepb.Welcome) []byte {
		return marshal(t, &bridgepb.LinkMessage{Frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Welcome{Welcome: w}}}})
	}
	for name, c := range map[string]struct {
		answer []byte
		says   string
	}{
		"another revision":             {welcome(&bridgepb.Welcome{Revision: 2, Incarnation: "i"}), "revision 2"},
		"no incarnation":               {welcome(&bridgepb.Welcome{Revision: 1}), `incarnation ""`},
		"resumes what never was":       {welcome(&bridgepb.Welcome{Revision: 1, Incarnation: "i", Resumed: true}), "resumed true"},
		"a hello":                      {marshal(t, &bridgepb.LinkMessage{Frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Hello{Hello: &bridgepb.Hello{}}}}}), "is a welcome"},
		"a ping":                       {marshal(t, &bridgepb.LinkMessage{Frames: []*bridgepb.Frame{pingFrame(1)}}), "cannot have a frame"},
		"nothing":                      {nil, "welcome"},
		"what cannot be decoded":       {[]byte{0xff}, "cannot be decoded"},
		"a message that is too long":   {make([]byte, 500<<10), "the limit is"},
		"a frame that is not readable": {[]byte{0x12, 0x01, 0xff}, "cannot be decoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there, back := link.Pipe(t.Context())
			p := link.NewProcess(link.ProcessConfig{Identity: "p"})
			ran := make(chan error, 1)
			go func() { ran <- p.Run(t.Context(), there) }()
			_, err := back.Recv()
			require.NoError(t, err)
			require.NoError(t, back.Send(link.Message{c.answer}, nil))
			err = <-ran
			require.Equal(t, tool.ProtocolError, tool.CodeOf(err))
			require.ErrorContains(t, err, c.says)
			require.NoError(t, p.Close(t.Context()))
		})
	}
}

func TestAStreamThatEndsBeforeTheLinkIsOpenIsALostOne(t *testing.T) {
	t.Parallel()
	there, back := link.Pipe(t.Context())
	require.NoError(t, there.CloseSend())
	require.NoError(t, there.CloseSend(), "twice does no harm")
	require.Error(t, there.Send(nil, nil))
	_, err := link.Accept(t.Context(), back)
	require.Equal(t, tool.WorkerLost, tool.CodeOf(err))
	require.NoError(t, t.Context().Err())
}

// In a bubble, time passes only when nobody can go on: a caller who is not woken runs into its deadline at once.
func TestManyCallersWhoWaitForRoomOrAPlaceAllGetTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		b := setup(t, link.ProcessConfig{MaxCalls: 2, Handler: handler{
			call: func(_ context.Context, c *tool.Call) (tool.Result, error) {
				most.Store(max(most.Load(), running.Add(1)))
				runtime.Gosched()
				running.Add(-1)
				return tool.Result{Value: c.Args[0]}, nil
			},
		}}, link.BridgeConfig{})
		b.connect()
		large, small := sized("large", 5<<20), value("small")
		start := time.Now()
		var all sync.WaitGroup
		for i := range 60 {
			v := small
			if i%20 == 0 {
				v = large
			}
			all.Go(func() {
				for n := range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					if n == 1 {
						cancel() // who gives up passes its turn on
					}
					r, err := b.end().Call(ctx, call("t", v))
					cancel()
					if n != 1 && (err != nil || len(r.Value.Bytes) != len(v.Bytes)) {
						t.Errorf("call %d: %v", i, err)
					}
				}
			})
		}
		all.Wait()
		require.LessOrEqual(t, most.Load(), int64(2))
		require.Zero(t, time.Since(start))
	})
}

func TestACallerWhoGivesUpALargeCallMakesRoomForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, open := playGated(t)
		defer open()
		ctx, cancel := context.WithCancel(t.Context())
		given := make(chan error, 2)
		for range 2 { // more than the queue holds
			go func() { _, err := s.bridge.Call(ctx, call("t", sized("x", 5<<20))); given <- err }()
		}
		synctest.Wait()
		go func() { _, _ = s.bridge.Call(context.Background(), call("t", sized("y", 5<<20))) }()
		synctest.Wait()
		require.Equal(t, 2, s.bridge.Stats().Waiting)
		cancel()
		require.Equal(t, tool.Cancelled, tool.CodeOf(<-given))
		require.Equal(t, tool.Cancelled, tool.CodeOf(<-given))
		synctest.Wait()
		require.Equal(t, 1, s.bridge.Stats().Waiting, "the third one has room now")
	})
}

func TestTheReasonOfACancelIsHowTheCallEnds(t *testing.T) {
	t.Parallel()
	reason := func(code tool.Code) *bridgepb.Cancel {
		return &bridgepb.Cancel{Error: &bridgepb.ErrorInfo{Type: string(code), Message: "for a reason"}}
	}
	for what, c := range map[string]struct {
		cancel *bridgepb.Cancel
		stream bool
		sees   error
		hears  tool.Code // who sends a chunk
	}{
		"time":                       {reason(tool.DeadlineExceeded), false, context.DeadlineExceeded, ""},
		"the caller":                 {reason(tool.Cancelled), false, context.Canceled, ""},
		"none":                       {&bridgepb.Cancel{}, false, context.Canceled, ""},
		"something else":             {reason("Whim"), false, context.Canceled, ""},
		"time, of a stream":          {reason(tool.DeadlineExceeded), true, context.DeadlineExceeded, tool.DeadlineExceeded},
		"the caller, of a stream":    {reason(tool.Cancelled), true, context.Canceled, tool.Cancelled},
		"without one, of one stream": {&bridgepb.Cancel{}, true, context.Canceled, tool.Cancelled},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			begun, ended, refused := make(chan struct{}, 1), make(chan error, 1), make(chan tool.Code, 1)
			s := play(t, link.BridgeConfig{Handler: handler{
				call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
					begun <- struct{}{}
					<-ctx.Done()
					ended <- ctx.Err()
					return tool.Result{}, ctx.Err()
				},
				stream: func(ctx context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
					begun <- struct{}{}
					err := send(tool.Chunk{Value: sized("x", 3<<20)}) // more than there is credit for
					<-ctx.Done()
					ended <- ctx.Err()
					refused <- tool.CodeOf(err)
					return tool.Metrics{}, err
				},
			}})

			s.send(0, callFrame(1, &bridgepb.ToolCallRequest{TimeoutUs: uint64(time.Hour.Microseconds()), Stream: c.stream}))
			<-begun
			s.send(0, &bridgepb.Frame{CallId: 1, Body: &bridgepb.Frame_Cancel{Cancel: c.cancel}})

			require.Equal(t, c.sees, <-ended)
			if c.stream {
				require.Equal(t, c.hears, <-refused)
			}
		})
	}
}
