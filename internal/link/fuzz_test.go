package link_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// A peer costs so much memory before it has sent a byte, and for each byte. An argument of two bytes becomes a value of 40, an item of a batch
// of two bytes a call and an answer of 560.
const (
	fuzzMemory        = 4 << 20
	fuzzMemoryPerByte = 400
)

// FuzzPeer plays arbitrary messages against a bridge's end that has calls of its own under way: whatever comes, it neither
// panics nor hangs, and it allocates in proportion to what came.
func FuzzPeer(f *testing.F) {
	for _, m := range []*bridgepb.LinkMessage{
		{Frames: []*bridgepb.Frame{callFrame(1, &bridgepb.ToolCallRequest{ToolId: "t"}), cancelFrame(1), creditFrame(1, 5)}},
		{Frames: []*bridgepb.Frame{resultFrame(2), dataChunk(4, 10), pingFrame(3)}},
		{Frames: []*bridgepb.Frame{fragmentFrame(2, 1, []byte{0x08, 0x02, 0x1a, 0x00}, 4), fragmentFrame(4, 1, []byte("abc"), 9)}},
		{Frames: []*bridgepb.Frame{batchFrame(1, &bridgepb.ToolCallRequest{ToolId: "t", TimeoutUs: 7}, &bridgepb.ToolCallRequest{}), cancelFrame(1), batchFrame(3)}},
		{Frames: []*bridgepb.Frame{{CallId: 2, Body: &bridgepb.Frame_BatchResult{BatchResult: &bridgepb.BatchExecuteToolsResponse{Success: true}}}}},
		{Ack: 1, Frames: []*bridgepb.Frame{{Body: &bridgepb.Frame_Drain{}}, {Body: &bridgepb.Frame_Register{Register: &bridgepb.Register{Id: 1}}}}},
	} {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(protowire.AppendBytes(protowire.AppendBytes(nil, b), b))
	}
	f.Fuzz(func(t *testing.T, messages []byte) {
		before, most := alloctest.SoFar(), uint64(fuzzMemory+fuzzMemoryPerByte*len(messages))
		s := play(t, link.BridgeConfig{MaxCalls: 8, Handler: echoOrNothing{}})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		ended := make(chan struct{}, 2)
		go func() { _, _ = s.bridge.Call(ctx, call("t")); ended <- struct{}{} }()
		go func() {
			_, _ = s.bridge.Stream(ctx, call("t"), func(tool.Chunk) error { return nil })
			ended <- struct{}{}
		}()
		go func() {
			for {
				if _, err := s.stream.Recv(); err != nil {
					return
				}
			}
		}()
		for len(messages) > 0 && s.stream.Context().Err() == nil {
			m, n := protowire.ConsumeBytes(messages)
			if n < 0 {
				break
			}
			messages = messages[n:]
			s.sendRaw(m)
		}
		require.LessOrEqual(t, s.bridge.Stats().Running, 4096, "the most that run when nested calls are counted")
		require.NoError(t, s.bridge.Close(ctx, nil))
		<-ended
		<-ended
		require.NoError(t, ctx.Err(), "a call did not end with its link")
		require.LessOrEqual(t, alloctest.SoFar()-before, most)
	})
}

type echoOrNothing struct{}

func (echoOrNothing) Call(_ context.Context, call *tool.Call) (tool.Result, error) {
	if len(call.Args) == 0 {
		return tool.Result{}, nil
	}
	return tool.Result{Value: call.Args[0]}, nil
}

func (e echoOrNothing) Batch(ctx context.Context, b *link.Batch) ([]link.Answer, error) {
	out := make([]link.Answer, len(b.Calls))
	for i, c := range b.Calls {
		out[i].RequestID = c.RequestID
		out[i].Result, out[i].Err = e.Call(ctx, c)
	}
	return out, nil
}

func (echoOrNothing) Stream(_ context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	for _, v := range call.Args {
		if err := send(tool.Chunk{Value: v}); err != nil {
			return tool.Metrics{}, err
		}
	}
	return tool.Metrics{}, nil
}
