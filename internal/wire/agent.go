package wire

import (
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// AgentTool is the hidden tool by which a worker hosts agents: see ReActRun in the protocol.
const AgentTool = "$react_agent"

const typePrefix = "type.googleapis.com/"

// AgentRun asks for a run of an agent.
type AgentRun struct {
	// SessionID is the agent's session.
	SessionID string
	// AgentID says which agent.
	AgentID string
	// Input are the signature's input fields.
	Input []tool.Keyword
	// History are earlier turns, oldest first.
	History []tool.Value
	// RunID names the run; it is its stream id.
	RunID string
	// Model instead of the agent's; empty for that.
	Model string
	// TimeoutUs is the total time that is left; 0 for no limit.
	TimeoutUs uint64
	// TraceParent is the W3C trace context.
	TraceParent string
}

// AgentRunProto returns the request that asks for a run, every event wanted.
func AgentRunProto(r *AgentRun) *bridgepb.ExecuteAgentRequest {
	return &bridgepb.ExecuteAgentRequest{
		SessionId: r.SessionID, AgentId: r.AgentID, Input: kwargsProto(r.Input), History: argsProto(r.History), Stream: true,
		RunId: r.RunID, Model: r.Model, TimeoutUs: r.TimeoutUs, Traceparent: r.TraceParent,
	}
}

// AgentCall returns the streaming call that runs an agent. Principal and Received are the edge's to set.
func AgentCall(agent tool.Agent, r *bridgepb.ExecuteAgentRequest) (*tool.Call, error) {
	run := &bridgepb.ReActRun{Agent: AgentProto(agent), Request: r}
	data, err := proto.Marshal(run)
	if err != nil {
		return nil, tool.Errorf(tool.SerializationError, "the run of agent %q cannot be encoded: %w", r.GetAgentId(), err)
	}
	argument := tool.Value{TypeURL: typePrefix + string(run.ProtoReflect().Descriptor().FullName()), Bytes: data}
	return &tool.Call{
		SessionID: r.GetSessionId(), Epoch: r.GetEpoch(), Tool: AgentTool, Args: []tool.Value{argument},
		Stream: true, StreamID: r.GetRunId(), Depth: clampInt(uint64(r.GetCallDepth())), TraceParent: r.GetTraceparent(),
	}, nil
}

// AgentEventProto returns the event that a chunk of an agent's run carries; anything else is a ProtocolError.
func AgentEventProto(c tool.Chunk) (*bridgepb.AgentEvent, error) {
	event := &bridgepb.AgentEvent{}
	if c.Value.TypeURL != typePrefix+string(event.ProtoReflect().Descriptor().FullName()) {
		return nil, tool.Errorf(tool.ProtocolError, "a worker that hosts agents sent a chunk of type %q: want an AgentEvent", c.Value.TypeURL)
	}
	if err := proto.Unmarshal(c.Value.Bytes, event); err != nil {
		return nil, tool.Errorf(tool.ProtocolError, "a worker that hosts agents sent an event that cannot be decoded: %w", err)
	}
	return event, nil
}

// AgentError returns the error with which a run ended, given what the broker said: that nobody offers the hidden tool
// means that no worker hosts agents, and a stream that ended well without its last event broke the protocol.
func AgentError(runID, agentID string, m tool.Metrics, err error) error {
	switch {
	case err == nil:
		return tool.Errorf(tool.ProtocolError, "the worker %q ended run %q of agent %q without a result", m.Worker, runID, agentID)
	case tool.CodeOf(err) == tool.ToolNotFound:
		return tool.Errorf(tool.WorkerUnavailable, "no worker hosts agents: start one with `python -m grpc_tool_bridge.worker --agents`")
	default:
		return err
	}
}

// AgentEvent is one event of a run. Its fields are those of the protocol's message.
type AgentEvent struct {
	// Type says what it is, such as "thought"; an unknown one is passed on.
	Type string
	// Step of the run, from 0.
	Step int
	// Text of a thought or of progress.
	Text string
	// Tool of an action or observation.
	Tool string
	// Args of an action.
	Args []tool.Keyword
	// Observation is what the tool returned.
	Observation tool.Value
	// Err is what the tool failed with, or why the run ended.
	Err error
	// Answer is the value of the first output field.
	Answer tool.Value
	// Outputs are every output field.
	Outputs []tool.Keyword
	// Metrics of the run; nil but for its last event.
	Metrics *tool.Metrics
}

// Last reports whether nothing follows.
func (e *AgentEvent) Last() bool { return e.Type == "result" || e.Type == "error" }

// AgentEventFromChunk returns the event that a chunk of an agent's run carries; see AgentEventProto.
func AgentEventFromChunk(c tool.Chunk) (*AgentEvent, error) {
	e, err := AgentEventProto(c)
	if err != nil {
		return nil, err
	}
	out := &AgentEvent{
		Type: e.GetType(), Step: clampInt(uint64(e.GetStep())), Text: e.GetText(), Tool: e.GetToolName(), Args: kwargsFromProto(e.GetToolArgs()),
		Observation: ValueFromProto(e.GetObservation()), Answer: ValueFromProto(e.GetFinalAnswer()), Outputs: kwargsFromProto(e.GetOutputs()),
	}
	if e.GetError() != nil {
		out.Err = ErrorFromProto(e.GetError())
	}
	if e.GetMetrics() != nil {
		m := MetricsFromProto(e.GetMetrics())
		out.Metrics = &m
	}
	return out, nil
}
