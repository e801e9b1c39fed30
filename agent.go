package toolbridge

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"

	"github.com/google/uuid"
)

// CreateReActAgent stores the description of an agent in the session, durably, and returns its id; an empty id is made
// here. Creating the same again is no error; another description under the same id is a ValidationError.
func (s *Session) CreateReActAgent(ctx context.Context, agent tool.Agent) (id string, err error) {
	if agent.ID == "" {
		agent.ID = uuid.Must(uuid.NewV7()).String()
	}
	answer, err := ask(ctx, s.client, s.client.stub.CreateReActAgent, &bridgepb.CreateReActAgentRequest{
		SessionId: s.id, Agent: wire.AgentProto(agent), Epoch: s.Epoch(),
	})
	return answer.GetAgentId(), err
}

// Agents lists the session's agents in the order in which they were created.
func (s *Session) Agents(ctx context.Context) ([]tool.Agent, error) {
	answer, err := ask(ctx, s.client, s.client.stub.ListAgents, &bridgepb.ListAgentsRequest{SessionId: s.id, Epoch: s.Epoch()})
	if err != nil {
		return nil, err
	}
	agents := make([]tool.Agent, len(answer.GetAgents()))
	for i, agent := range answer.GetAgents() {
		agents[i] = wire.AgentFromProto(agent)
	}
	return agents, nil
}

// DeleteAgent deletes an agent. One that does not exist is AgentNotFound. Runs under way go on.
func (s *Session) DeleteAgent(ctx context.Context, id string) error {
	_, err := ask(ctx, s.client, s.client.stub.DeleteAgent, &bridgepb.DeleteAgentRequest{SessionId: s.id, Epoch: s.Epoch(), AgentId: id})
	return err
}

// AgentEventType says what an agent did. There may be others than these.
type AgentEventType string

// The types of an agent's events.
const (
	// AgentThought is what the model thinks, in Text.
	AgentThought AgentEventType = "thought"
	// AgentAction is a tool that is about to be called: Tool and Args.
	AgentAction AgentEventType = "action"
	// AgentObservation is what the tool returned, or what it failed with: Tool, and Observation or Err.
	AgentObservation AgentEventType = "observation"
	// AgentProgress says in Text what is being done.
	AgentProgress AgentEventType = "progress"
	// AgentResult is the last event of a run that succeeded: Answer and Outputs.
	AgentResult AgentEventType = "result"
	// AgentError is the last event of a run that failed: Err.
	AgentError AgentEventType = "error"
)

// AgentEvent is one step of an agent's run.
type AgentEvent struct {
	// RunID names the run.
	RunID string
	// Sequence is 0, 1, 2 … without gaps where every event is sent.
	Sequence uint64
	// Type says which of the other fields are set.
	Type AgentEventType
	// Step of the run, from 0.
	Step int
	// Text of a thought or of progress.
	Text string
	// Tool of an action or observation.
	Tool string
	// Args of an action.
	Args map[string]any
	// Observation is what the tool returned.
	Observation any
	// Err is what the tool of an observation failed with, or why the run ended.
	Err error
	// Answer is the value of the signature's first output field.
	Answer any
	// Outputs are all output fields.
	Outputs map[string]any
	// Metrics of a run that ended.
	Metrics tool.Metrics
}

// RunOption configures Session.RunAgent.
type RunOption func(*runOptions)

type runOptions struct {
	request *bridgepb.ExecuteAgentRequest
	history []any
}

// OnlyResult leaves out every event but the last.
func OnlyResult() RunOption { return func(o *runOptions) { o.request.Stream = false } }

// RunID names the run.
func RunID(id string) RunOption { return func(o *runOptions) { o.request.RunId = id } }

// Model is used instead of the agent's.
func Model(name string) RunOption { return func(o *runOptions) { o.request.Model = name } }

// History passes earlier turns, oldest first, each a dict of the signature's fields. Without it a run remembers nothing.
func History(turns ...any) RunOption { return func(o *runOptions) { o.history = turns } }

// RunTimeout limits how long the whole run may take; without it only silence ends a run, after 30 s.
func RunTimeout(d time.Duration) RunOption {
	return func(o *runOptions) { o.request.TimeoutUs = wire.Micros(d) }
}

// RunAgent runs an agent on a worker that hosts agents and yields what it thinks and does as it happens. The input's keys are
// the signature's input fields. Leaving the loop cancels the run. The last event is an AgentResult, or comes with the error
// that ended the run.
func (s *Session) RunAgent(ctx context.Context, id string, input map[string]any, options ...RunOption) iter.Seq2[AgentEvent, error] {
	return func(yield func(AgentEvent, error) bool) {
		err := s.runAgent(ctx, id, input, options, func(event AgentEvent, err error) error {
			if !yield(event, err) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(AgentEvent{Type: AgentError, Err: err}, err)
		}
	}
}

func (s *Session) runAgent(ctx context.Context, id string, input map[string]any, options []RunOption, take func(AgentEvent, error) error) error {
	request, err := s.agentRequest(ctx, id, input, options)
	if err != nil {
		return err
	}
	carrier := wire.TraceContext{Parent: &request.Traceparent, State: new(string)}
	ctx, end := s.client.tracing.begin(ctx, trace.SpanKindClient, "agent "+id, carrier)
	var failed error // what the run ended with, which take has heard
	err = s.followAgent(ctx, id, request, func(event AgentEvent, err error) error {
		failed = err
		return take(event, err)
	})
	end(cmp.Or(err, failed))
	return err
}

func (s *Session) followAgent(ctx context.Context, id string, request *bridgepb.ExecuteAgentRequest, take func(AgentEvent, error) error) error {
	began := time.Now()
	if err := s.client.ready(ctx); err != nil {
		return s.client.asError(ctx, err, "agent "+strconv.Quote(id), began)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if request.GetTimeoutUs() == 0 {
		request.TimeoutUs = wire.TimeLeft(ctx)
	}
	events, err := s.client.stub.ExecuteAgent(ctx, request)
	if err != nil {
		return s.client.asError(ctx, err, "agent "+strconv.Quote(id), began)
	}
	for {
		message, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return tool.Errorf(tool.ProtocolError, "the run of agent %q ended without a result", id)
		case err != nil:
			return s.client.asError(ctx, err, "agent "+strconv.Quote(id), began)
		}
		event, err := s.client.agentEvent(message)
		if err != nil {
			return err
		}
		last := event.Type == AgentResult || event.Type == AgentError
		if event.Type == AgentError {
			err = event.Err
		}
		if err := take(event, err); err != nil || last {
			return err
		}
	}
}

func (s *Session) agentRequest(ctx context.Context, id string, input map[string]any, options []RunOption) (*bridgepb.ExecuteAgentRequest, error) {
	o := runOptions{request: &bridgepb.ExecuteAgentRequest{
		SessionId: s.id, AgentId: id, Stream: true, Epoch: s.Epoch(), Traceparent: s.options.traceParent, CallDepth: depthOf(ctx),
	}}
	if outer := FromContext(ctx); outer != nil && o.request.GetTraceparent() == "" {
		o.request.Traceparent = outer.call.TraceParent
	}
	for _, option := range options {
		option(&o)
	}
	_, fields, err := s.client.encodeArguments("agent "+id, []any{Kw(input)}, nil)
	if err != nil {
		return nil, err
	}
	o.request.Input = make(map[string]*anypb.Any, len(fields))
	for _, f := range fields {
		o.request.Input[f.Name] = wire.ValueProto(f.Value)
	}
	for _, turn := range o.history {
		encoded, err := s.client.encode(turn, nil)
		if err != nil {
			return nil, reworded(err, "the history cannot be encoded")
		}
		o.request.History = append(o.request.History, wire.ValueProto(encoded))
	}
	return o.request, nil
}

func (c *Client) agentEvent(m *bridgepb.AgentEvent) (AgentEvent, error) {
	event := AgentEvent{
		RunID: m.GetRunId(), Sequence: m.GetSequence(), Type: AgentEventType(m.GetType()), Step: int(m.GetStep()),
		Text: m.GetText(), Tool: m.GetToolName(), Metrics: wire.MetricsFromProto(m.GetMetrics()),
	}
	if m.GetError() != nil || event.Type == AgentError {
		event.Err = wire.ErrorFromProto(m.GetError())
	}
	var errs [4]error
	event.Args, errs[0] = c.decodeAll(m.GetToolArgs())
	event.Outputs, errs[1] = c.decodeAll(m.GetOutputs())
	event.Observation, errs[2] = c.decodeAny(m.GetObservation())
	event.Answer, errs[3] = c.decodeAny(m.GetFinalAnswer())
	return event, errors.Join(errs[:]...)
}

// decodeAny decodes a value; one that is absent is nil.
func (c *Client) decodeAny(a *anypb.Any) (any, error) {
	if a == nil {
		return nil, nil //nolint:nilnil // nothing is a value
	}
	return c.codec.Decode(wire.ValueFromProto(a))
}

func (c *Client) decodeAll(values map[string]*anypb.Any) (map[string]any, error) {
	if len(values) == 0 {
		return nil, nil //nolint:nilnil // no fields is what was sent
	}
	out := make(map[string]any, len(values))
	for name, a := range values {
		decoded, err := c.decodeAny(a)
		if err != nil {
			return nil, reworded(err, "field "+name)
		}
		out[name] = decoded
	}
	return out, nil
}
