package link_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

// script is a process that a test plays message by message against a Bridge.
type script struct {
	t      testing.TB
	stream link.Stream
	bridge *link.Bridge
	served chan error
	// welcome is what the bridge has answered.
	welcome *bridgepb.Welcome
	// through wraps the bridge's end of a stream; may be nil.
	through func(link.Stream) link.Stream
}

// play opens a link to a new Bridge.
func play(tb testing.TB, config link.BridgeConfig) *script {
	tb.Helper()
	return playThrough(tb, config, nil)
}

// playThrough does the same over streams that are wrapped at the bridge's end.
func playThrough(tb testing.TB, config link.BridgeConfig, through func(link.Stream) link.Stream) *script {
	tb.Helper()
	if config.Handler == nil {
		config.Handler = echo()
	}
	config.Incarnation, config.BridgeRun = "incarnation-1", "run-1"
	s := &script{t: tb, through: through}
	s.open(&config, &bridgepb.Hello{Revision: 1, MinRevision: 1, Identity: "script"})
	tb.Cleanup(func() {
		s.stream.Close()
		tb.Log("the connection ended:", <-s.served)
		require.NoError(tb, s.bridge.Close(context.Background(), nil))
	})
	return s
}

// open opens a connection; config makes the Bridge that the first one needs.
func (s *script) open(config *link.BridgeConfig, hello *bridgepb.Hello) {
	s.t.Helper()
	there, back := link.Pipe(context.Background())
	if s.through != nil {
		back = s.through(back)
	}
	s.stream, s.served = there, make(chan error, 1)
	made := make(chan struct{})
	go func() {
		h, err := link.Accept(context.Background(), back)
		if err == nil && s.bridge == nil {
			s.bridge = link.NewBridge(*config, h.Hello)
		}
		close(made)
		if err == nil {
			_, err = s.bridge.Serve(context.Background(), h)
		}
		back.Close()
		s.served <- err
	}()
	s.send(0, &bridgepb.Frame{Body: &bridgepb.Frame_Hello{Hello: hello}})
	<-made
	s.welcome = s.recv().GetFrames()[0].GetWelcome()
}

func (s *script) send(ack uint64, frames ...*bridgepb.Frame) {
	s.t.Helper()
	m, err := proto.Marshal(&bridgepb.LinkMessage{Ack: ack, Frames: frames})
	require.NoError(s.t, err)
	s.sendRaw(m)
}

func (s *script) sendRaw(m []byte) { _ = s.stream.Send(link.Message{m}, nil) } // a stream that has ended is seen by recv

// recv returns the next message, nil when the stream has ended.
func (s *script) recv() *bridgepb.LinkMessage {
	s.t.Helper()
	b, err := s.stream.Recv()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	require.NoError(s.t, err)
	var m bridgepb.LinkMessage
	require.NoError(s.t, proto.Unmarshal(slices.Concat(b...), &m))
	return &m
}

// frame returns the next frame that is wanted, passing over others.
func (s *script) frame(wanted func(*bridgepb.Frame) bool) *bridgepb.Frame {
	s.t.Helper()
	for m := s.recv(); m != nil; m = s.recv() {
		for _, f := range m.GetFrames() {
			if wanted(f) {
				return f
			}
		}
	}
	return nil
}

// violation returns what the bridge says is wrong.
func (s *script) violation() string {
	s.t.Helper()
	f := s.frame(func(f *bridgepb.Frame) bool { return f.GetProtocolError() != nil })
	require.NotNil(s.t, f, "the link ended without protocol_error")
	return f.GetProtocolError().GetError().GetType() + ": " + f.GetProtocolError().GetError().GetMessage()
}

func callFrame(id uint64, r *bridgepb.ToolCallRequest) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Call{Call: r}}
}

func pingFrame(id uint64) *bridgepb.Frame {
	return &bridgepb.Frame{Body: &bridgepb.Frame_Ping{Ping: &bridgepb.Ping{Id: id}}}
}

func resultFrame(id uint64) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Result{Result: &bridgepb.ToolCallResponse{Success: true}}}
}

func fragmentFrame(call, id uint64, data []byte, total uint64) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: call, Body: &bridgepb.Frame_Fragment{Fragment: &bridgepb.Fragment{Id: id, Data: data, Total: total}}}
}

func dataChunk(id uint64, size int) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Chunk{Chunk: &bridgepb.ToolStreamChunk{
		Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{Data: wireValue(make([]byte, size))}},
	}}}
}

func cancelFrame(id uint64) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Cancel{Cancel: &bridgepb.Cancel{}}}
}

func creditFrame(id, bytes uint64) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Credit{Credit: &bridgepb.Credit{Bytes: bytes}}}
}

// elapse lets time pass in a bubble of synctest.
func elapse(d time.Duration) { <-time.After(d) }

// soon is a context for what must not take long.
func soon(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	tb.Cleanup(cancel)
	return ctx
}
