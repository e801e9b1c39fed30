package rpc

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ExecuteTool calls a tool and waits for its result.
func (s *Service) ExecuteTool(ctx context.Context, r *bridgepb.ToolCallRequest) (*bridgepb.ToolCallResponse, error) {
	call := wire.CallFromProto(r)
	call.Received, call.Principal, call.Stream, call.Linger = time.Now(), principal(ctx), false, true
	call.TraceParent, call.TraceState = traced(ctx, call.TraceParent, call.TraceState)
	ctx, cancel := withTimeout(ctx, r.GetTimeoutUs())
	defer cancel()
	result, err := s.broker.Call(ctx, call)
	s.access.note(ctx, s.broker.CallID, call)
	return wire.ResponseProto(r.GetRequestId(), result, err), nil
}

// StreamTool calls a tool and sends its results as it makes them.
func (s *Service) StreamTool(r *bridgepb.ToolStreamRequest, to grpc.ServerStreamingServer[bridgepb.ToolStreamChunk]) error {
	call := wire.StreamCallFromProto(r)
	call.Received, call.Principal = time.Now(), principal(to.Context())
	call.TraceParent, call.TraceState = traced(to.Context(), call.TraceParent, call.TraceState)
	if call.StreamID == "" {
		call.StreamID = uuid.NewString()
	}
	ctx, cancel := withTimeout(to.Context(), r.GetTimeoutUs())
	defer cancel()

	var sent uint64
	metrics, err := tool.Metrics{}, resumable(r.GetResumeFrom())
	if err == nil {
		metrics, err = s.broker.Stream(ctx, call, func(c tool.Chunk) error {
			if err := to.Send(wire.ChunkProto(call.StreamID, sent, c)); err != nil {
				return err
			}
			sent++
			return nil
		})
	}
	s.access.note(ctx, s.broker.CallID, call)
	return to.Send(wire.LastChunkProto(call.StreamID, sent, metrics, err))
}

// resumable refuses what is in the protocol and not served yet.
func resumable(from uint64) error {
	if from == 0 {
		return nil
	}
	return tool.Errorf(tool.Unimplemented, "resume_from is %d: streams cannot be resumed yet; start a new one with 0", from)
}
