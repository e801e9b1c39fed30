package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

const atAgent = inSession + "/agents/{agent_id}"

// Agent is the description of a ReAct agent as documents say it.
type Agent struct {
	AgentID      string            `json:"agent_id"`
	Signature    string            `json:"signature"`
	ToolNames    []string          `json:"tool_names" nullable:"false"`
	MaxIters     int               `json:"max_iters"`
	Model        string            `json:"model"`
	Instructions string            `json:"instructions"`
	Metadata     map[string]string `json:"metadata"`
	CreatedAt    string            `json:"created_at" format:"date-time"`
}

// AgentRequest describes an agent.
type AgentRequest struct {
	AgentID      string            `json:"agent_id,omitempty" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"Its id. Defaults to one that the bridge makes."`
	Signature    string            `json:"signature" minLength:"1" example:"question -> answer" doc:"As in DSPy."`
	ToolNames    []string          `json:"tool_names,omitempty" nullable:"false" maxItems:"10000" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"Tools that it may call. Defaults to every tool that the session lists."`
	MaxIters     int               `json:"max_iters,omitempty" minimum:"0" maximum:"1000000" doc:"Most steps. Defaults to 10."`
	Model        string            `json:"model,omitempty" doc:"Defaults to the worker's own."`
	Instructions string            `json:"instructions,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty" doc:"Free labels."`
}

// AgentRunRequest asks for a run of an agent.
type AgentRunRequest struct {
	Input   map[string]Value `json:"input,omitempty" doc:"The signature's input fields."`
	History []Value          `json:"history,omitempty" nullable:"false" doc:"Earlier turns, oldest first."`
	Model   string           `json:"model,omitempty" doc:"Instead of the agent's."`
}

// AgentEvent is an event of a run.
type AgentEvent struct {
	RunID       string                     `json:"run_id,omitempty"`
	Sequence    uint64                     `json:"sequence" doc:"0, 1, 2 … without gaps."`
	Type        string                     `json:"type,omitempty" doc:"thought, action, observation, progress, result, error."`
	Step        int                        `json:"step"`
	Text        string                     `json:"text,omitempty"`
	Tool        string                     `json:"tool,omitempty"`
	Args        map[string]json.RawMessage `json:"args,omitempty"`
	Observation json.RawMessage            `json:"observation,omitempty"`
	Error       *Problem                   `json:"error,omitempty"`
	Answer      json.RawMessage            `json:"answer,omitempty" doc:"The value of the first output field."`
	Outputs     map[string]json.RawMessage `json:"outputs,omitempty" doc:"Every output field."`
	Metrics     *Metrics                   `json:"metrics,omitempty"`
	Heartbeat   bool                       `json:"heartbeat,omitempty" doc:"Nothing happened for a while; the line says nothing else."`
}

func agentOf(a tool.Agent) Agent {
	out := Agent{
		AgentID: a.ID, Signature: a.Signature, ToolNames: a.Tools, MaxIters: a.MaxIters, Model: a.Model, Instructions: a.Instructions,
		Metadata: labels(a.Metadata), CreatedAt: moment(a.CreatedAt),
	}
	if out.ToolNames == nil {
		out.ToolNames = []string{}
	}
	return out
}

func (g *Gateway) routeAgents(mux *http.ServeMux) {
	g.serve(mux, operation(http.MethodPost, inSession+"/agents", "create-agent", "Agents", "Store the description of a ReAct agent"), g.createAgent,
		takes(g.schema(AgentRequest{})), answers(http.StatusCreated, jsonType, g.schema(Agent{})))
	register(g, operation(http.MethodGet, inSession+"/agents", "list-agents", "Agents", "List a session's agents"), g.listAgents)
	register(g, operation(http.MethodDelete, atAgent, "delete-agent", "Agents", "Delete an agent; its runs go on"), g.deleteAgent)
	g.serve(mux, operation(http.MethodPost, atAgent+"/run", "run-agent", "Agents", "Run an agent and get its steps as it makes them"), g.runAgent,
		ofCall, takes(g.schema(AgentRunRequest{})), g.streams(AgentEvent{}))
}

func (g *Gateway) createAgent(w http.ResponseWriter, r *http.Request) {
	agent, err := g.createdAgent(w, r)
	if err != nil {
		g.fail(w, err)
		return
	}
	w.Header().Set("Location", "/api/sessions/"+url.PathEscape(r.PathValue("session_id"))+"/agents/"+url.PathEscape(agent.ID))
	writeDocument(w, jsonType, http.StatusCreated, agentOf(agent))
}

func (g *Gateway) createdAgent(w http.ResponseWriter, r *http.Request) (tool.Agent, error) {
	if _, err := query(r); err != nil {
		return tool.Agent{}, err
	}
	data, done, err := g.read(w, r)
	if err != nil {
		return tool.Agent{}, err
	}
	defer done()
	agent, err := g.readAgent(data)
	if err != nil {
		return tool.Agent{}, err
	}
	return g.broker.CreateAgent(r.Context(), principal(r.Context()), r.PathValue("session_id"), 0, agent)
}

func (g *Gateway) readAgent(data []byte) (tool.Agent, error) {
	var out tool.Agent
	err := body(data).members(func(m member) error { return g.intoAgent(m, &out) })
	return out, err
}

func (g *Gateway) intoAgent(m member, out *tool.Agent) (err error) {
	switch m.name {
	case "agent_id":
		if err = m.decode(&out.ID, "a text"); err == nil && out.ID == "" {
			return tool.CheckName("agent id", "")
		}
	case "signature":
		err = m.decode(&out.Signature, "a text")
	case "tool_names":
		out.Tools, err = m.names()
	case "max_iters":
		out.MaxIters, err = m.whole(maxWhole)
	case "model":
		err = m.decode(&out.Model, "a text")
	case "instructions":
		err = m.decode(&out.Instructions, "a text")
	case "metadata":
		out.Metadata, err = g.readLabels(m.text)
	default:
		err = unknownMember(m)
	}
	return err
}

// maxNames bounds the tools that an agent may name.
const maxNames = 10_000

// names reads a list of texts.
func (t text) names() ([]string, error) {
	names := []string{}
	err := t.items(func(i int, item text) error {
		if i == maxNames {
			return tool.Errorf(tool.ValidationError, "%s has more than %d names: name fewer", t.path, maxNames).
				With("path", t.path).With("limit", strconv.Itoa(maxNames))
		}
		var name string
		err := item.decode(&name, "a text")
		names = append(names, name)
		return err
	})
	return names, err
}

type agentsOutput struct{ Body AgentList }

// AgentList is what a session has of agents.
type AgentList struct {
	Agents []Agent `json:"agents" nullable:"false" doc:"In the order in which they were created."`
}

func (g *Gateway) listAgents(ctx context.Context, in *SessionPath) (*agentsOutput, error) {
	agents, err := g.broker.Agents(ctx, principal(ctx), in.SessionID, 0)
	if err != nil {
		return nil, err
	}
	out := AgentList{Agents: make([]Agent, len(agents))}
	for i, a := range agents {
		out.Agents[i] = agentOf(a)
	}
	return &agentsOutput{out}, nil
}

type deleteAgentInput struct {
	SessionPath
	AgentID string `path:"agent_id" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$"`
}

func (g *Gateway) deleteAgent(ctx context.Context, in *deleteAgentInput) (*struct{}, error) {
	return nil, g.broker.DeleteAgent(ctx, principal(ctx), in.SessionID, 0, in.AgentID)
}

// agentRun is a run on its way to its client. Only the goroutine of its request touches it.
type agentRun struct {
	gateway *Gateway
	codec   *value.Codec
	id      string
	feed    *feed
	sent    uint64
	ended   bool
}

// runAgent runs an agent and sends its steps. Closing the connection cancels the run.
func (g *Gateway) runAgent(w http.ResponseWriter, r *http.Request) {
	kind, err := negotiate(r, ndjsonType, eventsType)
	if err != nil {
		g.fail(w, err)
		return
	}
	q, call, err := g.agentCall(w, r)
	if err != nil {
		g.fail(w, err)
		return
	}
	ctx, cancel := q.context(r.Context())
	defer cancel()
	w.Header().Set("Run-Id", call.StreamID)
	f, stop := g.newFeed(w, kind, cancel)
	defer stop()
	run := &agentRun{gateway: g, codec: q.codec, id: call.StreamID, feed: f}
	metrics, err := g.broker.Stream(ctx, call, run.forward)
	stop()
	if run.ended {
		return
	}
	err = wire.AgentError(call.StreamID, r.PathValue("agent_id"), metrics, err)
	if !f.started() {
		g.fail(w, err)
		return
	}
	metrics.Duration = time.Since(q.received)
	_ = run.send(&AgentEvent{Type: "error", Error: g.newProblem(err), Metrics: metricsOf(metrics)})
}

// agentCall reads the run that a body asks for.
func (g *Gateway) agentCall(w http.ResponseWriter, r *http.Request) (*request, *tool.Call, error) {
	q, err := g.newRequest(r)
	if err != nil {
		return nil, nil, err
	}
	data, done, err := q.read(g, w, r)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	run := wire.AgentRun{
		SessionID: q.session, AgentID: r.PathValue("agent_id"), RunID: streamID(q), TimeoutUs: wire.Micros(q.timeout), TraceParent: r.Header.Get("Traceparent"),
	}
	if err := g.readRun(r.Context(), data, &run); err != nil {
		return nil, nil, err
	}
	agent, err := g.broker.Agent(r.Context(), principal(r.Context()), q.session, 0, run.AgentID)
	if err != nil {
		return nil, nil, err
	}
	call, err := wire.AgentCall(agent, wire.AgentRunProto(&run))
	if err != nil {
		return nil, nil, err
	}
	call.Principal, call.Received = principal(r.Context()), q.received
	return q, call, nil
}

func (g *Gateway) readRun(ctx context.Context, data []byte, run *wire.AgentRun) error {
	t := body(data)
	left := g.newRoom()
	return t.members(func(m member) (err error) {
		switch m.name {
		case "input":
			run.Input, err = g.readKwargs(ctx, m.text, left)
		case "history":
			run.History, err = g.readArgs(ctx, m.text, left)
		case "model":
			err = m.decode(&run.Model, "a text")
		default:
			err = unknownMember(m)
		}
		return err
	})
}

func (run *agentRun) forward(c tool.Chunk) error {
	e, err := wire.AgentEventFromChunk(c)
	if err != nil {
		return err
	}
	event, err := run.event(e)
	if err != nil {
		return err
	}
	run.ended = e.Last()
	return run.send(event)
}

func (run *agentRun) event(e *wire.AgentEvent) (*AgentEvent, error) {
	out := &AgentEvent{Type: e.Type, Step: e.Step, Text: e.Text, Tool: e.Tool}
	var err error
	for _, part := range []struct {
		value tool.Value
		to    *json.RawMessage
	}{{e.Observation, &out.Observation}, {e.Answer, &out.Answer}} {
		if part.value.IsZero() {
			continue
		}
		if *part.to, err = run.codec.ToJSON(part.value); err != nil {
			return nil, err
		}
	}
	if out.Args, err = fields(run.codec, e.Args); err != nil {
		return nil, err
	}
	if out.Outputs, err = fields(run.codec, e.Outputs); err != nil {
		return nil, err
	}
	if e.Err != nil {
		out.Error = run.gateway.newProblem(e.Err)
	}
	if e.Metrics != nil {
		out.Metrics = metricsOf(*e.Metrics)
	}
	return out, nil
}

func (run *agentRun) send(event *AgentEvent) error {
	event.RunID, event.Sequence = run.id, run.sent
	run.sent++
	return run.feed.send(eventName(event.Type), event.Sequence, event)
}

// eventName is a type as the name of a server-sent event, which must be one line: those that the protocol knows.
func eventName(of string) string {
	switch of {
	case "thought", "action", "observation", "progress", "result", "error":
		return of
	default:
		return "message"
	}
}

func fields(codec *value.Codec, keywords []tool.Keyword) (map[string]json.RawMessage, error) {
	if len(keywords) == 0 {
		return nil, nil //nolint:nilnil // none is left out of the document
	}
	out := make(map[string]json.RawMessage, len(keywords))
	for _, k := range keywords {
		text, err := toJSON(codec, k.Value)
		if err != nil {
			return nil, err
		}
		out[k.Name] = text
	}
	return out, nil
}
