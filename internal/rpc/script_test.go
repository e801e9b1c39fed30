package rpc_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// script is a process that a test plays frame by frame, with nothing but the generated stubs.
type script struct {
	t       *testing.T
	link    grpc.BidiStreamingClient[bridgepb.LinkMessage, bridgepb.LinkMessage]
	welcome *bridgepb.Welcome
	read    uint64 // counted messages
	left    bool   // it has said its last
}

func hello(identity string) *bridgepb.LinkMessage {
	return &bridgepb.LinkMessage{Frames: []*bridgepb.Frame{{
		Body: &bridgepb.Frame_Hello{Hello: &bridgepb.Hello{Revision: 1, MinRevision: 1, Identity: identity}},
	}}}
}

// play opens a link and reads the welcome.
func (b *bundle) play(identity string) *script {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	b.t.Cleanup(cancel)
	s := &script{t: b.t}
	var err error
	s.link, err = b.stub.Link(ctx)
	require.NoError(b.t, err)
	require.NoError(b.t, s.link.Send(hello(identity)))
	answer, err := s.link.Recv()
	require.NoError(b.t, err)
	s.welcome = answer.GetFrames()[0].GetWelcome()
	require.NotNil(b.t, s.welcome)
	return s
}

func (s *script) send(frames ...*bridgepb.Frame) {
	s.t.Helper()
	err := s.link.Send(&bridgepb.LinkMessage{Ack: s.read, Frames: frames})
	if err != nil {
		require.ErrorIs(s.t, err, io.EOF, "the bridge has closed the link")
	}
}

// leave says that nothing follows.
func (s *script) leave() {
	s.left = true
	s.link.CloseSend() //nolint:errcheck // the stream may have ended
}

// register offers a tool and waits for the answer.
func (s *script) register(name string) {
	s.t.Helper()
	s.send(&bridgepb.Frame{Body: &bridgepb.Frame_Register{Register: &bridgepb.Register{Id: 1, Tools: []*bridgepb.ToolSpec{{Name: name}}}}})
	answer := s.await("registered", func(f *bridgepb.Frame) bool { return f.GetRegistered() != nil })
	require.Nil(s.t, answer.GetRegistered().GetError())
}

// await reads on to a frame that the test waits for.
func (s *script) await(what string, wanted func(*bridgepb.Frame) bool) *bridgepb.Frame {
	s.t.Helper()
	for {
		m, err := s.link.Recv()
		require.NoError(s.t, err, what)
		if len(m.GetFrames()) > 0 {
			s.read++
			if !s.left {
				s.send() // that it was read: what is awaited may wait for room in the window
			}
		}
		for _, f := range m.GetFrames() {
			if wanted(f) {
				return f
			}
		}
	}
}

// end reads on to the protocol error that closes the link.
func (s *script) end() *bridgepb.ErrorInfo {
	s.t.Helper()
	frame := s.await("the protocol error", func(f *bridgepb.Frame) bool { return f.GetProtocolError() != nil })
	for {
		if _, err := s.link.Recv(); err != nil {
			require.NotErrorIs(s.t, err, context.DeadlineExceeded, "the link stays open")
			return frame.GetProtocolError().GetError()
		}
	}
}

func resultFrame(id uint64, t *testing.T, v any) *bridgepb.Frame {
	t.Helper()
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Result{Result: &bridgepb.ToolCallResponse{Success: true, Result: encoded(t, v)}}}
}

func chunkFrame(id uint64, t *testing.T, v any) *bridgepb.Frame {
	t.Helper()
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Chunk{Chunk: &bridgepb.ToolStreamChunk{
		Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{Data: encoded(t, v)}},
	}}}
}

func isCall(f *bridgepb.Frame) bool { return f.GetCall() != nil }

func TestAnswersThatComeTwiceOrLateAreDropped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := b.play("raw")
	raw.register("odd")
	answered := make(chan *bridgepb.ToolCallResponse, 1)
	call := func(timeout uint64) {
		response, _ := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "odd", TimeoutUs: timeout})
		answered <- response
	}
	go call(0)
	id := raw.await("the call", isCall).GetCallId()
	require.Zero(t, id%2, "calls of the bridge are even")
	raw.send(resultFrame(id, t, "first"), resultFrame(id, t, "second"))
	require.Equal(t, "first", decoded(t, within(t, "the call ends", answered).GetResult()))

	go call(50_000)
	late := raw.await("the call", isCall).GetCallId()
	failed(t, within(t, "the call ends", answered).GetError(), tool.DeadlineExceeded)
	raw.await("the cancel", func(f *bridgepb.Frame) bool { return f.GetCallId() == late && f.GetCancel() != nil })
	raw.send(resultFrame(late, t, "too late"))

	go call(0)
	again := raw.await("the next call", isCall).GetCallId()
	raw.send(resultFrame(again, t, "still there"))
	require.Equal(t, "still there", decoded(t, within(t, "the call ends", answered).GetResult()))
	require.Equal(t, uint64(2), b.service.End("raw").Stats().LateFrames)
}

func TestAProcessThatBreaksTheProtocolIsClosedAndNobodyElseNotices(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		misbehave func(t *testing.T, s *script, id uint64)
		says      string
	}{
		"it answers a call that was never made": {func(t *testing.T, s *script, id uint64) {
			t.Helper()
			s.send(resultFrame(id+1000, t, 1))
		}, "never issued"},
		"it calls with an id of the bridge": {func(_ *testing.T, s *script, _ uint64) {
			s.send(&bridgepb.Frame{CallId: 2, Body: &bridgepb.Frame_Call{Call: &bridgepb.ToolCallRequest{SessionId: session, ToolId: "add_numbers"}}})
		}, ""},
		"it sends more than its credit": {func(t *testing.T, s *script, id uint64) {
			t.Helper()
			for range 100 {
				s.send(chunkFrame(id, t, make([]byte, 60<<10)))
			}
		}, ""},
		"it sends more than its window": {func(_ *testing.T, s *script, _ uint64) {
			for i := range uint64(2000) {
				s.send(&bridgepb.Frame{Body: &bridgepb.Frame_Ping{Ping: &bridgepb.Ping{Id: i + 1}}})
			}
			s.leave()
		}, ""},
		"it acknowledges what was never sent": {func(_ *testing.T, s *script, _ uint64) {
			s.read = 1 << 40
			s.send()
		}, "ack"},
		"it sends a piece without a beginning": {func(_ *testing.T, s *script, id uint64) {
			s.send(&bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Fragment{Fragment: &bridgepb.Fragment{Id: 9, Data: []byte("x")}}})
		}, ""},
		"it sends a frame that cannot be decoded": {func(_ *testing.T, s *script, id uint64) {
			broken := &bridgepb.Frame{CallId: id}
			broken.ProtoReflect().SetUnknown([]byte{3<<3 | 2, 2, 0xff, 0xff}) // a result whose body is no message
			s.send(broken)
		}, ""},
		"it says hello twice": {func(_ *testing.T, s *script, _ uint64) {
			s.send(hello("raw").GetFrames()...)
		}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t, withGrace(100*time.Millisecond))
			raw := b.play("raw")
			raw.register("odd")
			s, err := b.stub.StreamTool(t.Context(), &bridgepb.ToolStreamRequest{SessionId: session, ToolId: "odd"})
			require.NoError(t, err)
			id := raw.await("the call", isCall).GetCallId()
			beside := b.worker("beside", hosting{func(context.Context, *tool.Call) (tool.Result, error) { return result(t, "fine"), nil }},
				&tool.Spec{Name: "beside"})

			c.misbehave(t, raw, id)
			failed(t, raw.end(), tool.ProtocolError, c.says)

			chunks := received(t, s)
			failed(t, chunks[len(chunks)-1].GetContent().GetError(), tool.WorkerLost)
			accepted[*bridgepb.ToolCallResponse](t)(b.execute("beside"))
			_, err = beside.process.Ping(t.Context())
			require.NoError(t, err)
		})
	}
}

func TestAFirstMessageThatIsNoHelloIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := hello("old")
	old.GetFrames()[0].GetHello().MinRevision, old.GetFrames()[0].GetHello().Revision = 7, 9
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'x'
	}
	for what, c := range map[string]struct {
		first *bridgepb.LinkMessage
		code  tool.Code
		says  string
	}{
		"another frame":       {&bridgepb.LinkMessage{Frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Ping{Ping: &bridgepb.Ping{Id: 1}}}}}, tool.ProtocolError, ""},
		"no identity":         {hello(""), tool.ProtocolError, "identity"},
		"an identity so long": {hello(string(long)), tool.ValidationError, "256"},
		"another revision":    {old, tool.ProtocolError, "revision"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			link, err := b.stub.Link(t.Context())
			require.NoError(t, err)
			require.NoError(t, link.Send(c.first))
			answer, err := link.Recv()
			if err != nil { // undecodable for who wants a hello
				require.ErrorContains(t, err, "first message")
				return
			}
			failed(t, answer.GetFrames()[0].GetProtocolError().GetError(), c.code, c.says)
			_, err = link.Recv()
			require.Error(t, err)
		})
	}
}
