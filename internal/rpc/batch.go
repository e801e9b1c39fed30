package rpc

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// BatchExecuteTools makes many calls and answers them in order.
func (s *Service) BatchExecuteTools(ctx context.Context, r *bridgepb.BatchExecuteToolsRequest) (*bridgepb.BatchExecuteToolsResponse, error) {
	out := &bridgepb.BatchExecuteToolsResponse{Responses: make([]*bridgepb.ToolCallResponse, len(r.GetRequests()))}
	room := s.broker.Limits().ValueBytes
	err := s.batch(ctx, r, func(i int, response *bridgepb.ToolCallResponse) {
		if n := answerBytes(response); n > room {
			response = s.noRoom(response, n)
		} else {
			room -= n
		}
		out.Responses[i] = response
	})
	if err != nil {
		return &bridgepb.BatchExecuteToolsResponse{Error: wire.ErrorProto(err)}, nil
	}
	out.Success = true
	return out, nil
}

// answerBytes is how much of a batch's answer one item takes.
func answerBytes(r *bridgepb.ToolCallResponse) int {
	return len(r.GetResult().GetTypeUrl()) + len(r.GetResult().GetValue()) + proto.Size(r.GetError())
}

// noRoom stands for the answer of an item that does not fit in one message with those before it.
func (s *Service) noRoom(r *bridgepb.ToolCallResponse, bytes int) *bridgepb.ToolCallResponse {
	limit := s.broker.Limits().ValueBytes
	why := tool.Errorf(tool.MessageTooLarge, "message too large: the results of the batch: there is no room for %d bytes of this item, the limit is %d for all; "+
		"the tool has run; make smaller batches, or have each item streamed as it ends", bytes, limit).
		With("limit", strconv.Itoa(limit)).With("started", "true")
	return &bridgepb.ToolCallResponse{RequestId: r.GetRequestId(), Metrics: r.GetMetrics(), Error: wire.ErrorProto(why)}
}

// StreamBatchExecuteTools makes many calls and answers each as it ends.
func (s *Service) StreamBatchExecuteTools(r *bridgepb.BatchExecuteToolsRequest, to grpc.ServerStreamingServer[bridgepb.BatchItemResponse]) error {
	ctx, cancel := context.WithCancel(to.Context())
	defer cancel()
	var broken error
	err := s.batch(ctx, r, func(i int, response *bridgepb.ToolCallResponse) {
		if broken == nil {
			broken = to.Send(&bridgepb.BatchItemResponse{Index: uint32(i), Response: response})
		}
		if broken != nil {
			cancel() // nobody listens any more
		}
	})
	if err != nil && broken == nil {
		return to.Send(&bridgepb.BatchItemResponse{Refused: wire.ErrorProto(err)})
	}
	return broken
}

// batch runs the items and tells each of every answer, by one goroutine at a time. An error refuses the batch as such.
func (s *Service) batch(ctx context.Context, r *bridgepb.BatchExecuteToolsRequest, each func(int, *bridgepb.ToolCallResponse)) error {
	ctx, cancel := withTimeout(ctx, r.GetTimeoutUs())
	defer cancel()
	calls, err := batchCalls(ctx, r)
	if err != nil {
		return err
	}
	batch := broker.Batch{Calls: calls, MaxConcurrency: int(r.GetMaxConcurrency()), FailFast: r.GetFailFast()}
	return s.broker.Batch(ctx, batch, func(i int, result tool.Result, err error) {
		each(i, wire.ResponseProto(r.GetRequests()[i].GetRequestId(), result, err))
	})
}

func batchCalls(ctx context.Context, r *bridgepb.BatchExecuteToolsRequest) ([]*tool.Call, error) {
	received, p := time.Now(), principal(ctx)
	calls := make([]*tool.Call, len(r.GetRequests()))
	for i, item := range r.GetRequests() {
		call := wire.CallFromProto(item)
		call.Received, call.Principal, call.Stream, call.Timeout = received, p, false, wire.Duration(item.GetTimeoutUs())
		call.Linger = true
		call.TraceParent, call.TraceState = traced(ctx, call.TraceParent, call.TraceState)
		switch call.SessionID {
		case "":
			call.SessionID = r.GetSessionId()
		case r.GetSessionId():
		default:
			return nil, tool.Errorf(tool.ValidationError, "item %d of the batch names session %q, the batch is of session %q: leave it out, or make one batch a session",
				i, call.SessionID, r.GetSessionId())
		}
		if call.RequestID == "" && r.GetBatchId() != "" {
			call.RequestID = fmt.Sprintf("%s/%d", r.GetBatchId(), i)
		}
		calls[i] = call
	}
	return calls, nil
}
