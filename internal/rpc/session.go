package rpc

import (
	"context"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
)

// InitializeSession attaches to a session or creates it.
func (s *Service) InitializeSession(ctx context.Context, r *bridgepb.InitializeSessionRequest) (*bridgepb.InitializeSessionResponse, error) {
	out, err := s.initializeSession(ctx, r)
	if err != nil {
		return &bridgepb.InitializeSessionResponse{Error: wire.ErrorProto(err)}, nil
	}
	return out, nil
}

func (s *Service) initializeSession(ctx context.Context, r *bridgepb.InitializeSessionRequest) (*bridgepb.InitializeSessionResponse, error) {
	rec, created, err := s.broker.InitializeSession(ctx, principal(ctx), broker.SessionRequest{
		ID: r.GetSessionId(), Metadata: r.GetMetadata(), CreateOnly: r.GetCreateOnly(), TTL: r.GetTtl().AsDuration(),
	})
	if err != nil {
		return nil, err
	}
	specs, err := s.broker.ToolsOf(ctx, rec)
	if err != nil {
		return nil, err
	}
	session := sessionProto(rec, time.Now(), len(specs))
	return &bridgepb.InitializeSessionResponse{
		Success:      true,
		ToolCount:    session.GetToolCount(),
		Capabilities: s.capabilities,
		Session:      session,
		Created:      created,
		BridgeRun:    s.broker.Run(),
		Limits:       s.accepted,
		Tools:        wire.SpecsProto(specs),
	}, nil
}

func sessionProto(rec *broker.SessionRecord, lastUsed time.Time, tools int) *bridgepb.Session {
	out := wire.SessionProto(rec.Session)
	out.LastUsedAt = wire.TimeProto(lastUsed)
	out.ToolCount = uint32(tools)
	return out
}

// CleanupSession ends a session.
func (s *Service) CleanupSession(ctx context.Context, r *bridgepb.CleanupSessionRequest) (*bridgepb.CleanupSessionResponse, error) {
	removed, err := s.broker.CleanupSession(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetForce())
	return &bridgepb.CleanupSessionResponse{
		Success:          err == nil,
		Error:            wire.ErrorProto(err),
		ToolsRemoved:     uint32(removed.Tools),
		VariablesRemoved: uint32(removed.Variables),
		AgentsRemoved:    uint32(removed.Agents),
	}, nil
}

// GetSession reads a session.
func (s *Service) GetSession(ctx context.Context, r *bridgepb.GetSessionRequest) (*bridgepb.GetSessionResponse, error) {
	rec, lastUsed, err := s.broker.Session(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetMinRevision())
	if err != nil {
		return &bridgepb.GetSessionResponse{Error: wire.ErrorProto(err)}, nil
	}
	tools, err := s.broker.ToolCount(ctx, rec)
	if err != nil {
		return &bridgepb.GetSessionResponse{Error: wire.ErrorProto(err)}, nil
	}
	return &bridgepb.GetSessionResponse{Success: true, Session: sessionProto(rec, lastUsed, tools)}, nil
}

// ListSessions lists sessions, a page at a time.
func (s *Service) ListSessions(ctx context.Context, r *bridgepb.ListSessionsRequest) (*bridgepb.ListSessionsResponse, error) {
	page, err := s.broker.Sessions(ctx, principal(ctx), r.GetPrefix(), r.GetPageToken(), int(r.GetPageSize()))
	if err != nil {
		return &bridgepb.ListSessionsResponse{Error: wire.ErrorProto(err)}, nil
	}
	out := &bridgepb.ListSessionsResponse{Success: true, NextPageToken: page.Next}
	for i, rec := range page.Sessions {
		tools, err := s.broker.ToolCount(ctx, rec)
		if err != nil {
			return &bridgepb.ListSessionsResponse{Error: wire.ErrorProto(err)}, nil
		}
		out.Sessions = append(out.Sessions, sessionProto(rec, page.LastUsed[i], tools))
	}
	return out, nil
}

// GetSessionTools lists what a session sees.
func (s *Service) GetSessionTools(ctx context.Context, r *bridgepb.GetSessionToolsRequest) (*bridgepb.GetSessionToolsResponse, error) {
	specs, revision, err := s.broker.Tools(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetMinRevision())
	return &bridgepb.GetSessionToolsResponse{
		Success: err == nil, Error: wire.ErrorProto(err), Tools: wire.SpecsProto(specs), Revision: revision,
	}, nil
}

// RegisterTools records tools of a session.
func (s *Service) RegisterTools(ctx context.Context, r *bridgepb.RegisterToolsRequest) (*bridgepb.RegisterToolsResponse, error) {
	ids, revision, err := s.broker.RegisterTools(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), wire.OffersFromProto(r.GetTools()))
	return &bridgepb.RegisterToolsResponse{Success: err == nil, Error: wire.ErrorProto(err), ToolIds: ids, Revision: revision}, nil
}

// UnregisterTools forgets tools of a session.
func (s *Service) UnregisterTools(ctx context.Context, r *bridgepb.UnregisterToolsRequest) (*bridgepb.UnregisterToolsResponse, error) {
	revision, err := s.broker.UnregisterTools(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetToolIds())
	return &bridgepb.UnregisterToolsResponse{Success: err == nil, Error: wire.ErrorProto(err), Revision: revision}, nil
}
