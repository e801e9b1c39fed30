package link_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func wireValue(b []byte) *anypb.Any { return &anypb.Any{TypeUrl: "t/bytes", Value: b} }

func TestEveryViolationIsNamedAndEndsTheLink(t *testing.T) {
	t.Parallel()
	var crowd []*bridgepb.Frame
	for range 600 {
		crowd = append(crowd, pingFrame(1))
	}
	for name, c := range map[string]struct {
		frames []*bridgepb.Frame
		raw    []byte
		ack    uint64
		says   string
	}{
		"a call with the bridge's parity":    {frames: []*bridgepb.Frame{callFrame(2, &bridgepb.ToolCallRequest{})}, says: "other side's calls"},
		"a call without an id":               {frames: []*bridgepb.Frame{callFrame(0, &bridgepb.ToolCallRequest{})}, says: "other side's calls"},
		"a parent that was never called":     {frames: []*bridgepb.Frame{callFrame(1, &bridgepb.ToolCallRequest{ParentCall: 44})}, says: "never made"},
		"a result of a call never made":      {frames: []*bridgepb.Frame{resultFrame(44)}, says: "never issued"},
		"a result of the process's own call": {frames: []*bridgepb.Frame{resultFrame(1)}, says: "other side's calls"},
		"a cancel of a call never made":      {frames: []*bridgepb.Frame{cancelFrame(7)}, says: "never issued"},
		"a cancel of the bridge's call":      {frames: []*bridgepb.Frame{cancelFrame(2)}, says: "other side's calls"},
		"a cancel of no call":                {frames: []*bridgepb.Frame{cancelFrame(0)}, says: "other side's calls"},
		"a credit of a call never made":      {frames: []*bridgepb.Frame{creditFrame(7, 1)}, says: "never issued"},
		"a chunk of a call never made":       {frames: []*bridgepb.Frame{dataChunk(44, 1)}, says: "never issued"},
		"a fragment without beginning":       {frames: []*bridgepb.Frame{fragmentFrame(1, 1, []byte("x"), 0)}, says: "no beginning"},
		"a fragment that is too long":        {frames: []*bridgepb.Frame{fragmentFrame(1, 1, []byte("x"), 17<<20)}, says: "a frame that is cut"},
		"a fragment beyond its total":        {frames: []*bridgepb.Frame{fragmentFrame(1, 1, []byte("xyz"), 2)}, says: "a piece of"},
		"a fragment that begins twice":       {frames: []*bridgepb.Frame{fragmentFrame(1, 1, []byte("x"), 9), fragmentFrame(1, 1, []byte("x"), 9)}, says: "has begun"},
		"a fragment of two calls":            {frames: []*bridgepb.Frame{fragmentFrame(1, 1, []byte("x"), 9), fragmentFrame(3, 1, []byte("x"), 0)}, says: "not to call"},
		"a fragment that makes no frame":     {frames: []*bridgepb.Frame{fragmentFrame(1, 1, []byte("x"), 1)}, says: "cannot be decoded"},
		"a fragment of the bridge's call":    {frames: []*bridgepb.Frame{fragmentFrame(44, 1, []byte("x"), 9)}, says: "never issued"},
		"a second hello":                     {frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Hello{Hello: &bridgepb.Hello{}}}}, says: "first messages"},
		"progress of no call":                {frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Progress{Progress: &bridgepb.Progress{}}}}, says: "other side's calls"},
		"bytes that are no message":          {raw: []byte{0x12, 0x05, 0x01}, says: "cannot be decoded"},
		"a frame that cannot be decoded":     {raw: []byte{0x12, 0x04, 0x08, 0x01, 0x12, 0x7f}, says: "cannot be decoded"},
		"text that is not UTF-8":             {raw: []byte{0x12, 0x07, 0x08, 0x01, 0x12, 0x03, 0x0a, 0x01, 0xff}, says: "UTF-8"},
		"too many frames":                    {frames: crowd, says: "more than 512 frames"},
		"a message that is too long":         {raw: make([]byte, 500<<10), says: "the limit is"},
		"an ack of what was never sent":      {ack: 9, frames: []*bridgepb.Frame{pingFrame(1)}, says: "only 0 were sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, link.BridgeConfig{})
			if c.raw != nil {
				s.sendRaw(c.raw)
			} else {
				s.send(c.ack, c.frames...)
			}
			says := s.violation()
			require.Contains(t, says, "ProtocolError")
			require.Contains(t, says, c.says)
			require.Nil(t, s.recv(), "the link is closed")
			require.Equal(t, link.Gone, s.bridge.State())
		})
	}
}

func TestAnAckThatGoesBackIsAViolation(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	s.send(0, pingFrame(1))
	s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil })
	s.send(1)
	s.send(0)
	require.Contains(t, s.violation(), "after an earlier one")
}

func TestACallIDIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{Handler: blocking(nil)})
	s.send(0, callFrame(1, &bridgepb.ToolCallRequest{}), callFrame(1, &bridgepb.ToolCallRequest{}))
	require.Contains(t, s.violation(), "used twice")
}

// blocking runs until it is cancelled, and says that it has begun.
func blocking(begun chan<- struct{}) handler {
	wait := func(ctx context.Context) error {
		if begun != nil {
			begun <- struct{}{}
		}
		<-ctx.Done()
		return ctx.Err()
	}
	return handler{
		call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) { return tool.Result{}, wait(ctx) },
		stream: func(ctx context.Context, _ *tool.Call, _ func(tool.Chunk) error) (tool.Metrics, error) {
			return tool.Metrics{}, wait(ctx)
		},
	}
}

func TestMoreChunkBytesThanCreditAreAViolation(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	taking, goOn := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		first := true
		_, err := s.bridge.Stream(context.Background(), call("t"), func(tool.Chunk) error {
			if first {
				close(taking)
				first = false
			}
			<-goOn // takes nothing: no further credit
			return nil
		})
		ended <- err
	}()
	id := s.frame(func(f *bridgepb.Frame) bool { return f.GetCall() != nil }).GetCallId()
	s.send(1, dataChunk(id, 60_000))
	<-taking
	for range 4 { // 21 chunks of 60,000 bytes are more than 1 MiB; these messages are full, so that the window allows them
		chunk := dataChunk(id, 60_000)
		s.send(1, chunk, chunk, chunk, chunk, chunk)
	}
	require.Contains(t, s.violation(), "credit overrun")
	close(goOn)
	require.Equal(t, tool.WorkerLost, tool.CodeOf(<-ended))
}

func TestFramesForCallsThatHaveEndedAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := s.bridge.Call(ctx, call("t"))
		ended <- err
	}()
	id := s.frame(func(f *bridgepb.Frame) bool { return f.GetCall() != nil }).GetCallId()
	cancel()
	require.Equal(t, tool.Cancelled, tool.CodeOf(<-ended))
	require.NotNil(t, s.frame(func(f *bridgepb.Frame) bool { return f.GetCancel() != nil && f.GetCallId() == id }))

	s.send(2, resultFrame(id), dataChunk(id, 1), fragmentFrame(id, 1, []byte("late"), 100), pingFrame(5))
	require.NotNil(t, s.frame(func(f *bridgepb.Frame) bool { return f.GetPong().GetId() == 5 }))
	require.Equal(t, uint64(3), s.bridge.Stats().LateFrames)
}

func TestAnUnknownFrameIsIgnored(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	s.sendRaw([]byte{0x12, 0x03, 0xaa, 0x02, 0x00}) // field 37
	s.send(0, pingFrame(5))
	require.NotNil(t, s.frame(func(f *bridgepb.Frame) bool { return f.GetPong().GetId() == 5 }))
}

func TestABadHelloIsRefused(t *testing.T) {
	t.Parallel()
	for name, m := range map[string][]byte{
		"no frame":     {},
		"not a hello":  {0x12, 0x02, 0x72, 0x00},
		"no identity":  {0x12, 0x07, 0x82, 0x01, 0x04, 0x08, 0x01, 0x10, 0x01},
		"other tongue": {0x12, 0x0a, 0x82, 0x01, 0x07, 0x08, 0x09, 0x10, 0x09, 0x1a, 0x01, 'x'},
		"garbage":      {0xff},
		"two frames":   {0x12, 0x03, 0x82, 0x01, 0x00, 0x12, 0x03, 0x82, 0x01, 0x00},
		"too long":     make([]byte, 500<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there, back := link.Pipe(t.Context())
			accepted := make(chan error, 1)
			go func() {
				_, err := link.Accept(t.Context(), back)
				back.Close()
				accepted <- err
			}()
			require.NoError(t, there.Send(link.Message{m}, nil))
			s := script{t: t, stream: there}
			require.Contains(t, s.violation(), "ProtocolError")
			require.Equal(t, tool.ProtocolError, tool.CodeOf(<-accepted))
		})
	}
}
