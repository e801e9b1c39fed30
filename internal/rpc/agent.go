package rpc

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CreateReActAgent stores an agent.
func (s *Service) CreateReActAgent(ctx context.Context, r *bridgepb.CreateReActAgentRequest) (*bridgepb.CreateReActAgentResponse, error) {
	agent, err := s.broker.CreateAgent(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), wire.AgentFromProto(r.GetAgent()))
	if err != nil {
		return &bridgepb.CreateReActAgentResponse{Error: wire.ErrorProto(err)}, nil
	}
	return &bridgepb.CreateReActAgentResponse{Success: true, AgentId: agent.ID}, nil
}

// ListAgents lists a session's agents.
func (s *Service) ListAgents(ctx context.Context, r *bridgepb.ListAgentsRequest) (*bridgepb.ListAgentsResponse, error) {
	agents, err := s.broker.Agents(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch())
	out := &bridgepb.ListAgentsResponse{Success: err == nil, Error: wire.ErrorProto(err)}
	for _, a := range agents {
		out.Agents = append(out.Agents, wire.AgentProto(a))
	}
	return out, nil
}

// DeleteAgent deletes an agent.
func (s *Service) DeleteAgent(ctx context.Context, r *bridgepb.DeleteAgentRequest) (*bridgepb.DeleteAgentResponse, error) {
	err := s.broker.DeleteAgent(ctx, principal(ctx), r.GetSessionId(), r.GetEpoch(), r.GetAgentId())
	return &bridgepb.DeleteAgentResponse{Success: err == nil, Error: wire.ErrorProto(err)}, nil
}

// ExecuteAgent runs an agent: a streaming call of agentTool whose chunks are events.
func (s *Service) ExecuteAgent(r *bridgepb.ExecuteAgentRequest, to grpc.ServerStreamingServer[bridgepb.AgentEvent]) error {
	run := &agentRun{service: s, request: r, to: to, received: time.Now()}
	if r.GetRunId() == "" {
		r.RunId = uuid.NewString()
	}
	ctx, cancel := withTimeout(to.Context(), r.GetTimeoutUs())
	defer cancel()
	metrics, err := run.do(ctx)
	if run.ended || run.broken != nil {
		return run.broken
	}
	err = wire.AgentError(r.GetRunId(), r.GetAgentId(), metrics, err)
	metrics.Duration = time.Since(run.received)
	return run.send(&bridgepb.AgentEvent{Type: "error", Error: wire.ErrorProto(err), Metrics: wire.MetricsProto(metrics)})
}

// agentRun is one run on its way to its caller. Only the goroutine of its RPC touches it.
type agentRun struct {
	service  *Service
	request  *bridgepb.ExecuteAgentRequest
	to       grpc.ServerStreamingServer[bridgepb.AgentEvent]
	received time.Time
	sequence uint64
	ended    bool
	broken   error
}

func (run *agentRun) do(ctx context.Context) (tool.Metrics, error) {
	r, p := run.request, principal(ctx)
	agent, err := run.service.broker.Agent(ctx, p, r.GetSessionId(), r.GetEpoch(), r.GetAgentId())
	if err != nil {
		return tool.Metrics{}, err
	}
	call, err := wire.AgentCall(agent, r)
	if err != nil {
		return tool.Metrics{}, err
	}
	call.Principal, call.Received = p, run.received
	call.TraceParent, call.TraceState = traced(ctx, call.TraceParent, call.TraceState)
	return run.service.broker.Stream(ctx, call, run.forward)
}

// forward passes an event on: every one, or only the last if the caller wants no others.
func (run *agentRun) forward(c tool.Chunk) error {
	event, err := wire.AgentEventProto(c)
	if err != nil {
		return err
	}
	last := event.GetType() == "result" || event.GetType() == "error"
	if !last && !run.request.GetStream() {
		return nil
	}
	run.ended = last
	return run.send(event)
}

func (run *agentRun) send(event *bridgepb.AgentEvent) error {
	event.RunId, event.Sequence = run.request.GetRunId(), run.sequence
	run.sequence++
	if err := run.to.Send(event); err != nil {
		run.broken = errors.Join(run.broken, err)
		return err
	}
	return nil
}
