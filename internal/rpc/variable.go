package rpc

import (
	"context"

	"google.golang.org/grpc"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SetVariable writes a variable.
func (s *Service) SetVariable(ctx context.Context, r *bridgepb.SetVariableRequest) (*bridgepb.SetVariableResponse, error) {
	written, err := s.broker.SetVariables(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), []broker.VariableWrite{{
		Variable:  tool.Variable{Name: r.GetName(), Value: wire.ValueFromProto(r.GetValue()), Metadata: r.GetMetadata()},
		If:        broker.Condition{Revision: r.GetIfRevision(), Absent: r.GetIfAbsent()},
		RequestID: r.GetRequestId(),
	}})
	if err != nil {
		return &bridgepb.SetVariableResponse{Error: wire.ErrorProto(err)}, nil
	}
	return &bridgepb.SetVariableResponse{Success: true, Revision: written[0].Revision}, nil
}

// UpdateVariables writes several variables, all or none.
func (s *Service) UpdateVariables(ctx context.Context, r *bridgepb.UpdateVariablesRequest) (*bridgepb.UpdateVariablesResponse, error) {
	writes := make([]broker.VariableWrite, len(r.GetVariables()))
	for i, v := range r.GetVariables() {
		writes[i] = broker.VariableWrite{
			Variable: tool.Variable{Name: v.GetName(), Value: wire.ValueFromProto(v.GetValue()), Metadata: v.GetMetadata()},
			If:       broker.Condition{Revision: v.GetRevision()},
		}
	}
	written, err := s.broker.SetVariables(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), writes)
	out := &bridgepb.UpdateVariablesResponse{Success: err == nil, Error: wire.ErrorProto(err)}
	for _, v := range written {
		out.Revisions = append(out.Revisions, v.Revision)
	}
	return out, nil
}

// GetVariable reads a variable.
func (s *Service) GetVariable(ctx context.Context, r *bridgepb.GetVariableRequest) (*bridgepb.GetVariableResponse, error) {
	v, err := s.broker.Variable(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetName())
	if err != nil {
		return &bridgepb.GetVariableResponse{Error: wire.ErrorProto(err)}, nil
	}
	return &bridgepb.GetVariableResponse{Success: true, Variable: wire.VariableProto(v)}, nil
}

// DeleteVariable deletes a variable.
func (s *Service) DeleteVariable(ctx context.Context, r *bridgepb.DeleteVariableRequest) (*bridgepb.DeleteVariableResponse, error) {
	err := s.broker.DeleteVariable(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetName(), broker.Condition{Revision: r.GetIfRevision()})
	return &bridgepb.DeleteVariableResponse{Success: err == nil, Error: wire.ErrorProto(err)}, nil
}

// ListVariables lists variables, a page at a time.
func (s *Service) ListVariables(ctx context.Context, r *bridgepb.ListVariablesRequest) (*bridgepb.ListVariablesResponse, error) {
	vars, next, err := s.broker.Variables(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), broker.VariableQuery{
		Prefix: r.GetPrefix(), After: r.GetPageToken(), Limit: int(r.GetPageSize()), Values: r.GetWithValues(),
	})
	out := &bridgepb.ListVariablesResponse{Success: err == nil, Error: wire.ErrorProto(err), NextPageToken: next}
	for _, v := range vars {
		out.Variables = append(out.Variables, wire.VariableProto(v))
	}
	return out, nil
}

// WatchVariables streams the present variables and then each change.
func (s *Service) WatchVariables(r *bridgepb.WatchVariablesRequest, to grpc.ServerStreamingServer[bridgepb.VariableEvent]) error {
	err := s.broker.WatchVariables(to.Context(), principal(to.Context()), r.GetSessionId(), r.GetEpoch(), r.GetNames(),
		func(c broker.VariableChange) error { return to.Send(variableEvent(c)) })
	if err != nil && to.Context().Err() == nil {
		return to.Send(&bridgepb.VariableEvent{Error: wire.ErrorProto(err)})
	}
	return nil // there is nobody to tell
}

func variableEvent(c broker.VariableChange) *bridgepb.VariableEvent {
	switch {
	case c.Current:
		return &bridgepb.VariableEvent{Type: bridgepb.VariableEventType_VARIABLE_CURRENT}
	case c.Deleted:
		return &bridgepb.VariableEvent{
			Type:     bridgepb.VariableEventType_VARIABLE_DELETED,
			Variable: &bridgepb.Variable{Name: c.Variable.Name, Revision: c.Variable.Revision},
		}
	default:
		return &bridgepb.VariableEvent{Type: bridgepb.VariableEventType_VARIABLE_SET, Variable: wire.VariableProto(c.Variable)}
	}
}
