package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// batcher is a bridge's handler that takes batches.
type batcher struct {
	handler
	batch func(context.Context, *link.Batch) ([]link.Answer, error)
}

func (b batcher) Batch(ctx context.Context, batch *link.Batch) ([]link.Answer, error) {
	return b.batch(ctx, batch)
}

// echoes answers each item with its first argument, and one without with an error.
func echoes() batcher {
	return batcher{handler: echo(), batch: func(_ context.Context, b *link.Batch) ([]link.Answer, error) {
		out := make([]link.Answer, len(b.Calls))
		for i, c := range b.Calls {
			out[i].RequestID = c.RequestID
			if len(c.Args) == 0 {
				out[i].Err = tool.Errorf(tool.ValidationError, "item %d has no argument", i)
				continue
			}
			out[i].Result = tool.Result{Value: c.Args[0], Metrics: tool.Metrics{Duration: time.Millisecond}}
		}
		return out, nil
	}}
}

// waits is a handler whose batches end with their contexts.
func waits(begun chan<- *link.Batch, ended chan<- error) batcher {
	return batcher{handler: echo(), batch: func(ctx context.Context, b *link.Batch) ([]link.Answer, error) {
		begun <- b
		<-ctx.Done()
		ended <- ctx.Err()
		return make([]link.Answer, len(b.Calls)), nil
	}}
}

func batchFrame(id uint64, items ...*bridgepb.ToolCallRequest) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Batch{Batch: &bridgepb.BatchExecuteToolsRequest{Requests: items}}}
}

func isBatchResult(id uint64) func(*bridgepb.Frame) bool {
	return func(f *bridgepb.Frame) bool { return f.GetCallId() == id && f.GetBatchResult() != nil }
}

func TestABatchIsAnsweredByOneFrameItemForItem(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{Handler: echoes()})
	named := echoRequest("b")
	named.RequestId = "mine"
	s.send(0, batchFrame(1, echoRequest("a"), named, &bridgepb.ToolCallRequest{ToolId: "echo"}))
	answer := s.frame(isBatchResult(1)).GetBatchResult()
	require.True(t, answer.GetSuccess())
	require.Len(t, answer.GetResponses(), 3)
	require.Equal(t, "a", string(answer.GetResponses()[0].GetResult().GetValue()))
	require.Positive(t, answer.GetResponses()[0].GetMetrics().GetDurationMs())
	require.Equal(t, "b", string(answer.GetResponses()[1].GetResult().GetValue()))
	require.Equal(t, "mine", answer.GetResponses()[1].GetRequestId())
	require.False(t, answer.GetResponses()[2].GetSuccess())
	require.Equal(t, "ValidationError", answer.GetResponses()[2].GetError().GetType())
}

func TestAHandlerSeesWhatABatchSays(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan *link.Batch, 1), make(chan error, 1)
	s := play(t, link.BridgeConfig{Handler: waits(begun, ended)})
	item := echoRequest("a")
	item.SessionId, item.TimeoutUs, item.Stream, item.StreamId, item.Asks = "other", 1500, true, "stream", "GetSession"
	f := batchFrame(1, item)
	f.GetBatch().SessionId, f.GetBatch().BatchId, f.GetBatch().MaxConcurrency, f.GetBatch().FailFast = "s", "b", 7, true
	f.GetBatch().TimeoutUs = 1000
	s.send(0, f)
	b := <-begun
	require.Equal(t, context.DeadlineExceeded, <-ended, "the batch's own time limit")
	require.Equal(t, []any{"s", "b", 7, true, 1}, []any{b.SessionID, b.ID, b.MaxConcurrency, b.FailFast, b.Items})
	c := b.Calls[0]
	require.Equal(t, []any{"other", "echo", 1500 * time.Microsecond, false, "", ""}, []any{c.SessionID, c.Tool, c.Timeout, c.Stream, c.StreamID, c.Asks})
	require.False(t, c.Received.IsZero())
	require.NotNil(t, s.frame(isBatchResult(1)), "it answers although its time is over")
}

func TestABridgeThatTakesBatchesSaysSo(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"batches"}, play(t, link.BridgeConfig{Handler: echoes()}).welcome.GetCapabilities())

	s := play(t, link.BridgeConfig{})
	require.Empty(t, s.welcome.GetCapabilities())
	s.send(0, batchFrame(1, echoRequest("a")))
	require.Equal(t, "Unimplemented", s.frame(isBatchResult(1)).GetBatchResult().GetError().GetType())
}

func TestALongBatchAndItsLongAnswerTravelInPieces(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{Handler: echoes()})
	long := strings.Repeat("x", 60<<10)
	pieces := cut(t, 1, 60<<10, batchFrame(1, echoRequest(long), echoRequest("b"), echoRequest(long)))
	require.Greater(t, len(pieces), 1)
	for _, piece := range pieces {
		s.send(0, piece)
	}
	var whole bytes.Buffer
	total := uint64(0)
	s.frame(func(f *bridgepb.Frame) bool {
		require.Equal(t, uint64(1), f.GetCallId())
		whole.Write(f.GetFragment().GetData())
		total += f.GetFragment().GetTotal()
		return uint64(whole.Len()) == total
	})
	var answer bridgepb.Frame
	require.NoError(t, proto.Unmarshal(whole.Bytes(), &answer))
	require.Equal(t, "b", string(answer.GetBatchResult().GetResponses()[1].GetResult().GetValue()))
	require.Len(t, answer.GetBatchResult().GetResponses()[2].GetResult().GetValue(), len(long))
}

func TestACancelledBatchIsNotAnswered(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan *link.Batch, 1), make(chan error, 1)
	s := play(t, link.BridgeConfig{Handler: waits(begun, ended)})
	s.send(0, batchFrame(1, echoRequest("a")))
	<-begun
	s.send(0, cancelFrame(1))
	require.Equal(t, context.Canceled, <-ended)
	s.send(0, pingFrame(9))
	f := s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil || f.GetBatchResult() != nil })
	require.NotNil(t, f.GetPong(), "nobody wants its answer")
}

func TestABatchThatBreaksTheProtocolEndsTheLink(t *testing.T) {
	t.Parallel()
	broken := batchFrame(1)
	broken.GetBatch().ProtoReflect().SetUnknown([]byte{2<<3 | 2, 2, 0xff, 0xff}) // an item that is no message
	surplus := batchFrame(1)
	for range 10_001 {
		surplus.GetBatch().Requests = append(surplus.GetBatch().Requests, &bridgepb.ToolCallRequest{})
	}
	surplus.GetBatch().ProtoReflect().SetUnknown([]byte{2<<3 | 2, 2, 0xff, 0xff})
	head := &bridgepb.Frame{CallId: 1}
	head.ProtoReflect().SetUnknown([]byte{0xaa, 0x01, 1, 0x12}) // an item that ends too soon
	for what, c := range map[string]struct {
		frames []*bridgepb.Frame
		says   string
	}{
		"an id of the bridge":             {[]*bridgepb.Frame{batchFrame(2, echoRequest("a"))}, "one of the other side's calls"},
		"no id":                           {[]*bridgepb.Frame{batchFrame(0, echoRequest("a"))}, "kind 21"},
		"an id that was used":             {[]*bridgepb.Frame{batchFrame(1, echoRequest("a")), batchFrame(1, echoRequest("a"))}, "used twice"},
		"an item that cannot be decoded":  {[]*bridgepb.Frame{broken}, "cannot be decoded"},
		"one behind too many":             {[]*bridgepb.Frame{surplus}, "cannot be decoded"},
		"an item that ends too soon":      {[]*bridgepb.Frame{head}, "cannot be decoded"},
		"an answer to what nobody asked":  {[]*bridgepb.Frame{{CallId: 2, Body: &bridgepb.Frame_BatchResult{}}}, "has not made"},
		"a result for a batch of its own": {[]*bridgepb.Frame{batchFrame(1, echoRequest("a")), resultFrame(1)}, "other side's calls"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := play(t, link.BridgeConfig{Handler: echoes()})
			s.send(0, c.frames...)
			require.Contains(t, s.violation(), c.says)
		})
	}
}

func TestABatchOfTooManyItemsIsRefusedBeforeTheyCostMemory(t *testing.T) {
	t.Parallel()
	limits := wire.DefaultLimits()
	limits.MaxBatchItems = 2
	called := false
	h := echoes()
	h.batch = func(context.Context, *link.Batch) ([]link.Answer, error) { called = true; return nil, nil }
	s := play(t, link.BridgeConfig{Handler: h, Limits: limits})
	s.send(0, batchFrame(1, echoRequest("a"), echoRequest("b"), echoRequest("c")))
	answer := s.frame(isBatchResult(1)).GetBatchResult()
	require.False(t, answer.GetSuccess())
	require.Equal(t, "BatchTooLarge", answer.GetError().GetType())
	require.Contains(t, answer.GetError().GetMessage(), "3 items, the limit is 2")
	require.Equal(t, "2", answer.GetError().GetDetails()["limit"])
	require.False(t, called)
}

func TestABatchTakesAPlaceOfTheLink(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan *link.Batch, 1), make(chan error, 1)
	s := play(t, link.BridgeConfig{Handler: waits(begun, ended), MaxCalls: 1})
	s.send(0, batchFrame(1, echoRequest("a")))
	<-begun
	s.send(0, batchFrame(3, echoRequest("b")))
	require.Equal(t, "Overloaded", s.frame(isBatchResult(3)).GetBatchResult().GetError().GetType())
	s.send(1, callFrame(5, echoRequest("c")))
	require.Equal(t, "Overloaded", s.frame(isResult(5)).GetResult().GetError().GetType())
	s.send(0, cancelFrame(1))
	require.Equal(t, context.Canceled, <-ended)
}

func TestABatchThatPanicsOrEndsItsGoroutineIsAnswered(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		batch func(context.Context, *link.Batch) ([]link.Answer, error)
		says  string
	}{
		"panics":  {func(context.Context, *link.Batch) ([]link.Answer, error) { panic("oh") }, "the batch panicked: oh"},
		"exits":   {func(context.Context, *link.Batch) ([]link.Answer, error) { runtime.Goexit(); return nil, nil }, "Goexit"},
		"refuses": {func(context.Context, *link.Batch) ([]link.Answer, error) { return nil, errors.New("no") }, "no"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := echoes()
			h.batch = c.batch
			s := play(t, link.BridgeConfig{Handler: h})
			s.send(0, batchFrame(1, echoRequest("a")))
			answer := s.frame(isBatchResult(1)).GetBatchResult()
			require.Equal(t, "Internal", answer.GetError().GetType())
			require.Contains(t, answer.GetError().GetMessage(), c.says)
			require.Empty(t, answer.GetError().GetStackTrace())
			s.send(1, callFrame(3, echoRequest("still there")))
			require.NotNil(t, s.frame(isResult(3)))
		})
	}
}

func TestAnAnswerWhoseTextCannotTravelHarmsNoOther(t *testing.T) {
	t.Parallel()
	h := echoes()
	h.batch = func(_ context.Context, b *link.Batch) ([]link.Answer, error) {
		bad := tool.Result{Value: tool.Value{TypeURL: "\xff", Bytes: make([]byte, 300)}}
		return []link.Answer{{Result: bad}, {Result: tool.Result{Value: b.Calls[1].Args[0]}}}, nil
	}
	s := play(t, link.BridgeConfig{Handler: h})
	s.send(0, batchFrame(1, echoRequest("a"), echoRequest("b")))
	answer := s.frame(isBatchResult(1)).GetBatchResult()
	require.Equal(t, "SerializationError", answer.GetResponses()[0].GetError().GetType())
	require.Equal(t, "b", string(answer.GetResponses()[1].GetResult().GetValue()))
}

func TestABatchGoesOnOverALostConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := make(chan struct{}, 1), make(chan struct{})
		h := echoes()
		plain := h.batch
		h.batch = func(ctx context.Context, b *link.Batch) ([]link.Answer, error) {
			begun <- struct{}{}
			<-goOn
			require.NoError(t, ctx.Err())
			return plain(ctx, b)
		}
		s := play(t, link.BridgeConfig{Handler: h})
		s.send(0, batchFrame(1, echoRequest("a")))
		<-begun
		s.stream.Close()
		require.Error(t, <-s.served)
		elapse(3 * time.Second)
		s.open(nil, &bridgepb.Hello{Revision: 1, MinRevision: 1, Identity: "script", Incarnation: "incarnation-1"})
		require.True(t, s.welcome.GetResumed())
		require.Equal(t, uint64(1), s.welcome.GetReceived())
		close(goOn)
		require.Equal(t, "a", string(s.frame(isBatchResult(1)).GetBatchResult().GetResponses()[0].GetResult().GetValue()))
	})
}

func TestABatchEndsWhenItsLinkDoesNotComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, ended := make(chan *link.Batch, 1), make(chan error, 1)
		s := play(t, link.BridgeConfig{Handler: waits(begun, ended)})
		s.send(0, batchFrame(1, echoRequest("a")))
		<-begun
		began := time.Now()
		s.stream.Close()
		require.Equal(t, context.Canceled, <-ended)
		require.Equal(t, 5*time.Second, time.Since(began), "the grace")
	})
}

func TestADrainWaitsForABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := make(chan struct{}, 1), make(chan struct{})
		h := echoes()
		plain := h.batch
		h.batch = func(ctx context.Context, b *link.Batch) ([]link.Answer, error) {
			begun <- struct{}{}
			<-goOn
			return plain(ctx, b)
		}
		s := play(t, link.BridgeConfig{Handler: h})
		heard := s.hear()
		s.send(0, batchFrame(1, echoRequest("a")))
		<-begun
		drained := make(chan error, 1)
		go func() { drained <- s.bridge.Drain(t.Context(), "the bridge stops") }()
		answerPings(s, heard(), 0)
		require.Empty(t, drained)
		close(goOn)
		answered := heard()
		require.True(t, isBatchResult(1)(answered[0].GetFrames()[0]), fmt.Sprint(answered))
		answerPings(s, answered, 2)
		answerPings(s, heard(), 3)
		require.NoError(t, <-drained)
	})
}

// answerPings answers the pings in messages.
func answerPings(s *script, messages []*bridgepb.LinkMessage, ack uint64) {
	for _, m := range messages {
		for _, f := range m.GetFrames() {
			if p := f.GetPing(); p != nil {
				s.send(ack, &bridgepb.Frame{Body: &bridgepb.Frame_Pong{Pong: &bridgepb.Pong{Id: p.GetId()}}})
			}
		}
	}
}

func TestAProcessTakesNoBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		there, back := link.Pipe(t.Context())
		p := link.NewProcess(link.ProcessConfig{Identity: "p"})
		ran := make(chan error, 1)
		go func() { ran <- p.Run(t.Context(), there) }()
		_, err := back.Recv()
		require.NoError(t, err)
		welcome := &bridgepb.Frame{Body: &bridgepb.Frame_Welcome{Welcome: &bridgepb.Welcome{Revision: 1, Incarnation: "i"}}}
		for _, f := range []*bridgepb.Frame{welcome, batchFrame(2, echoRequest("a"))} {
			require.NoError(t, back.Send(link.Message{marshal(t, &bridgepb.LinkMessage{Frames: []*bridgepb.Frame{f}})}, nil))
		}
		require.ErrorContains(t, <-ran, "only a process sends frames of kind 21")
		back.Close()
		require.NoError(t, p.Close(context.Background()))
	})
}
