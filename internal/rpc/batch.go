package rpc

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// BatchExecuteTools makes many calls and answers them in order.
func (s *Service) BatchExecuteTools(ctx context.Context, r *bridgepb.BatchExecuteToolsRequest) (*bridgepb.BatchExecuteToolsResponse, error) {
	out := &bridgepb.BatchExecuteToolsResponse{Responses: make([]*bridgepb.ToolCallResponse, len(r.GetRequests()))}
	left := newRoom(s.broker)
	err := s.batch(ctx, r, func(i int, result tool.Result, err error) {
		out.Responses[i] = wire.ResponseProto(r.GetRequests()[i].GetRequestId(), result, left.take(result, err))
	})
	if err != nil {
		return &bridgepb.BatchExecuteToolsResponse{Error: wire.ErrorProto(err)}, nil
	}
	out.Success = true
	return out, nil
}

// room is how many bytes the answers to a batch may still have that travel in one message.
type room struct{ left, limit int }

func newRoom(b *broker.Broker) room { return room{b.Limits().ValueBytes, b.Limits().ValueBytes} }

// take makes room for the answer to an item, and returns why there is no value: where it does not fit with those before it, that.
func (r *room) take(result tool.Result, err error) error {
	n := result.Value.Size()
	if err != nil {
		n = proto.Size(wire.ErrorProto(err))
	}
	if n > r.left {
		return tool.Errorf(tool.MessageTooLarge, "message too large: the results of the batch: there is no room for %d bytes of this item, the limit is %d for all; "+
			"the tool has run; make smaller batches, or have each item streamed as it ends", n, r.limit).
			With("limit", strconv.Itoa(r.limit)).With("started", "true")
	}
	r.left -= n
	return err
}

// StreamBatchExecuteTools makes many calls and answers each as it ends.
func (s *Service) StreamBatchExecuteTools(r *bridgepb.BatchExecuteToolsRequest, to grpc.ServerStreamingServer[bridgepb.BatchItemResponse]) error {
	ctx, cancel := context.WithCancel(to.Context())
	defer cancel()
	var broken error
	err := s.batch(ctx, r, func(i int, result tool.Result, err error) {
		if broken == nil {
			response := wire.ResponseProto(r.GetRequests()[i].GetRequestId(), result, err)
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
func (s *Service) batch(ctx context.Context, r *bridgepb.BatchExecuteToolsRequest, each func(int, tool.Result, error)) error {
	ctx, cancel := withTimeout(ctx, r.GetTimeoutUs())
	defer cancel()
	calls, err := batchCalls(ctx, r)
	if err != nil {
		return err
	}
	batch := broker.Batch{Calls: calls, MaxConcurrency: int(r.GetMaxConcurrency()), FailFast: r.GetFailFast()}
	return s.broker.Batch(ctx, batch, each)
}

func batchCalls(ctx context.Context, r *bridgepb.BatchExecuteToolsRequest) ([]*tool.Call, error) {
	received, p := time.Now(), principal(ctx)
	calls := make([]*tool.Call, len(r.GetRequests()))
	for i, item := range r.GetRequests() {
		call := wire.CallFromProto(item)
		call.Received, call.Principal, call.Stream, call.Timeout = received, p, false, wire.Duration(item.GetTimeoutUs())
		call.Linger = true
		call.TraceParent, call.TraceState = traced(ctx, call.TraceParent, call.TraceState)
		calls[i] = call
	}
	return calls, nameItems(calls, r.GetSessionId(), r.GetBatchId())
}

// nameItems gives the items of a batch its session, and, if it has an id, request ids.
func nameItems(calls []*tool.Call, sessionID, batchID string) error {
	for i, call := range calls {
		switch call.SessionID {
		case "":
			call.SessionID = sessionID
		case sessionID:
		default:
			return tool.Errorf(tool.ValidationError, "item %d of the batch names session %q, the batch is of session %q: leave it out, or make one batch a session",
				i, call.SessionID, sessionID)
		}
		if call.RequestID == "" && batchID != "" {
			call.RequestID = batchID + "/" + strconv.Itoa(i)
		}
	}
	return nil
}

// Batch runs the calls of a batch that the process makes.
func (p *process) Batch(ctx context.Context, b *link.Batch) (answers []link.Answer, err error) {
	began := p.links.access.now()
	defer func() { p.links.access.batch(p, b, err, began) }()
	p.use(b.SessionID)
	answers = make([]link.Answer, len(b.Calls))
	for i, call := range b.Calls {
		call.Principal = p.principal
		answers[i].RequestID = call.RequestID
	}
	if err := nameItems(b.Calls, b.SessionID, b.ID); err != nil {
		return nil, err
	}
	batch := broker.Batch{Calls: b.Calls, MaxConcurrency: b.MaxConcurrency, FailFast: b.FailFast}
	if b.Tell != nil {
		return nil, p.links.broker.Batch(ctx, batch, func(i int, result tool.Result, err error) {
			answers[i].Result, answers[i].Err = result, err
			b.Tell(i, &answers[i])
			answers[i] = link.Answer{}
		})
	}
	left := newRoom(p.links.broker)
	err = p.links.broker.Batch(ctx, batch, func(i int, result tool.Result, err error) {
		answers[i].Result, answers[i].Err = result, left.take(result, err)
	})
	return answers, err
}
