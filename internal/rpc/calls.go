package rpc

import (
	"context"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
)

// GetCall says what a call does, or what became of it.
func (s *Service) GetCall(ctx context.Context, r *bridgepb.GetCallRequest) (*bridgepb.GetCallResponse, error) {
	name := broker.CallName{ID: r.GetCallId(), Session: r.GetSessionId(), RequestID: r.GetRequestId()}
	info, err := s.broker.FindCall(principal(ctx), name)
	if err != nil {
		return &bridgepb.GetCallResponse{Error: wire.ErrorProto(err)}, nil
	}
	return &bridgepb.GetCallResponse{Success: true, Call: callProto(&info)}, nil
}

// ListCalls lists running and recently ended calls, a page at a time.
func (s *Service) ListCalls(ctx context.Context, r *bridgepb.ListCallsRequest) (*bridgepb.ListCallsResponse, error) {
	filter := broker.CallFilter{
		Session: r.GetSessionId(), Tool: r.GetToolId(), RequestID: r.GetRequestId(), State: stateFromProto(r.GetState()),
	}
	page, err := s.broker.Calls(principal(ctx), filter, r.GetPageToken(), int(r.GetPageSize()))
	if err != nil {
		return &bridgepb.ListCallsResponse{Error: wire.ErrorProto(err)}, nil
	}
	out := &bridgepb.ListCallsResponse{Success: true, NextPageToken: page.Next}
	for i := range page.Calls {
		out.Calls = append(out.Calls, callProto(&page.Calls[i]))
	}
	return out, nil
}

// CancelCall cancels a running call for an operator.
func (s *Service) CancelCall(ctx context.Context, r *bridgepb.CancelCallRequest) (*bridgepb.CancelCallResponse, error) {
	name := broker.CallName{ID: r.GetCallId(), Session: r.GetSessionId(), RequestID: r.GetRequestId()}
	err := s.broker.CancelCall(principal(ctx), name)
	return &bridgepb.CancelCallResponse{Success: err == nil, Error: wire.ErrorProto(err)}, nil
}

func callProto(c *broker.CallInfo) *bridgepb.CallStatus {
	out := &bridgepb.CallStatus{
		RequestId: wire.Text(c.RequestID), SessionId: c.Session, ToolId: wire.Text(c.Tool), State: bridgepb.CallState(c.State),
		StartedAt: wire.TimeProto(c.StartedAt), Worker: wire.Text(c.Metrics.Worker), Metrics: wire.MetricsProto(c.Metrics),
		CallId: c.ID, Phase: c.Phase, CallDepth: uint32(c.Depth), ParentCallId: c.Parent, Stream: c.Stream,
	}
	if c.Error != "" {
		out.Error = &bridgepb.ErrorInfo{Type: string(c.Error), Retryable: c.Error.Retryable()}
	}
	return out
}

// stateFromProto takes a state that it does not know for any.
func stateFromProto(s bridgepb.CallState) broker.CallState {
	if s < 0 || s > bridgepb.CallState_CALL_OUTCOME_UNKNOWN {
		return 0
	}
	return broker.CallState(s)
}
