package rpc_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// agents is a worker that hosts agents: it sends these chunks and ends with this error.
type agents struct {
	got    chan *bridgepb.ReActRun
	events []*bridgepb.AgentEvent
	raw    []tool.Value
	err    error
}

func (a *agents) Call(context.Context, *tool.Call) (tool.Result, error) {
	return tool.Result{}, tool.Errorf(tool.Internal, "agents stream")
}

func (a *agents) Stream(_ context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	run := &bridgepb.ReActRun{}
	if err := proto.Unmarshal(call.Args[0].Bytes, run); err != nil {
		return tool.Metrics{}, err
	}
	a.got <- run
	chunks := a.raw
	for _, event := range a.events {
		packed, err := anypb.New(event)
		if err != nil {
			return tool.Metrics{}, err
		}
		chunks = append(chunks, wire.ValueFromProto(packed))
	}
	for _, c := range chunks {
		if err := send(tool.Chunk{Value: c}); err != nil {
			return tool.Metrics{}, err
		}
	}
	return tool.Metrics{}, a.err
}

func (b *bundle) host(a *agents) {
	b.t.Helper()
	a.got = make(chan *bridgepb.ReActRun, 1)
	spec := &tool.Spec{ID: "$react_agent", Name: "$react_agent", Hidden: true, Type: tool.Streaming, Arguments: []tool.Argument{{Name: "run", Type: "any", Required: true}}}
	b.worker("agents", a, spec)
	accepted[*bridgepb.CreateReActAgentResponse](b.t)(b.createAgent(&bridgepb.Agent{AgentId: "a1", Signature: "question -> answer", ToolNames: []string{"add_numbers"}}))
}

func (b *bundle) createAgent(a *bridgepb.Agent) (*bridgepb.CreateReActAgentResponse, error) {
	return b.stub.CreateReActAgent(b.t.Context(), &bridgepb.CreateReActAgentRequest{SessionId: session, Agent: a})
}

func (b *bundle) runAgent(r *bridgepb.ExecuteAgentRequest) []*bridgepb.AgentEvent {
	b.t.Helper()
	r.SessionId = session
	if r.AgentId == "" {
		r.AgentId = "a1"
	}
	s, err := b.stub.ExecuteAgent(b.t.Context(), r)
	require.NoError(b.t, err)
	return received(b.t, s)
}

func TestAgentsAreStoredListedAndDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := accepted[*bridgepb.CreateReActAgentResponse](t)(b.createAgent(&bridgepb.Agent{Signature: "q -> a"}))
	require.NotEmpty(t, made.GetAgentId())
	accepted[*bridgepb.CreateReActAgentResponse](t)(b.createAgent(&bridgepb.Agent{AgentId: "named", Signature: "q -> a"}))
	accepted[*bridgepb.CreateReActAgentResponse](t)(b.createAgent(&bridgepb.Agent{AgentId: "named", Signature: "q -> a"}))
	refused[*bridgepb.CreateReActAgentResponse](t, tool.ValidationError)(b.createAgent(&bridgepb.Agent{AgentId: "named", Signature: "x -> y"}))
	list := func() []*bridgepb.Agent {
		return accepted[*bridgepb.ListAgentsResponse](t)(b.stub.ListAgents(t.Context(), &bridgepb.ListAgentsRequest{SessionId: session})).GetAgents()
	}
	require.Equal(t, []string{made.GetAgentId(), "named"}, []string{list()[0].GetAgentId(), list()[1].GetAgentId()})
	remove := func() (*bridgepb.DeleteAgentResponse, error) {
		return b.stub.DeleteAgent(t.Context(), &bridgepb.DeleteAgentRequest{SessionId: session, AgentId: "named"})
	}
	accepted[*bridgepb.DeleteAgentResponse](t)(remove())
	refused[*bridgepb.DeleteAgentResponse](t, tool.AgentNotFound, `"named"`)(remove())
	require.Len(t, list(), 1)
	refused[*bridgepb.ListAgentsResponse](t, tool.SessionNotFound)(b.stub.ListAgents(t.Context(), &bridgepb.ListAgentsRequest{SessionId: "never"}))
}

func TestARunSendsItsEventsInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := &agents{events: []*bridgepb.AgentEvent{
		{Type: "thought", Text: "hm"}, {Type: "action", ToolName: "add_numbers"}, {Type: "observation", ToolName: "add_numbers", Observation: encoded(t, 4)},
		{Type: "result", FinalAnswer: encoded(t, "4")},
	}}
	b.host(a)
	got := b.runAgent(&bridgepb.ExecuteAgentRequest{RunId: "run-1", Stream: true, Input: map[string]*anypb.Any{"question": encoded(t, "2+2?")}})
	require.Len(t, got, 4)
	for i, event := range got {
		require.Equal(t, uint64(i), event.GetSequence())
		require.Equal(t, "run-1", event.GetRunId())
		require.Equal(t, a.events[i].GetType(), event.GetType())
	}
	run := <-a.got
	require.Equal(t, "question -> answer", run.GetAgent().GetSignature())
	require.Equal(t, "2+2?", decoded(t, run.GetRequest().GetInput()["question"]))

	last := b.runAgent(&bridgepb.ExecuteAgentRequest{})
	require.Len(t, last, 1, "without stream only the last event comes")
	require.Equal(t, "4", decoded(t, last[0].GetFinalAnswer()))
	require.NotEmpty(t, last[0].GetRunId())
}

func TestARunThatCannotBeOrBreaksOffEndsWithAnErrorEvent(t *testing.T) {
	t.Parallel()
	thought := []*bridgepb.AgentEvent{{Type: "thought"}}
	for what, c := range map[string]struct {
		agents  *agents
		request *bridgepb.ExecuteAgentRequest
		events  int
		code    tool.Code
		says    string
	}{
		"nobody hosts agents":         {nil, &bridgepb.ExecuteAgentRequest{Stream: true}, 1, tool.WorkerUnavailable, "--agents"},
		"there is no such agent":      {&agents{}, &bridgepb.ExecuteAgentRequest{AgentId: "a9", Stream: true}, 1, tool.AgentNotFound, `"a9"`},
		"the worker fails":            {&agents{events: thought, err: tool.Errorf(tool.ExecutionError, "broke")}, &bridgepb.ExecuteAgentRequest{Stream: true}, 2, tool.ExecutionError, "broke"},
		"the worker ends without one": {&agents{events: thought}, &bridgepb.ExecuteAgentRequest{Stream: true}, 2, tool.ProtocolError, "without a result"},
		"it sends something else":     {&agents{raw: []tool.Value{{TypeURL: "type.googleapis.com/x"}}}, &bridgepb.ExecuteAgentRequest{Stream: true}, 1, tool.ProtocolError, "AgentEvent"},
		"it sends nonsense":           {&agents{raw: []tool.Value{{TypeURL: "type.googleapis.com/dspex.bridge.AgentEvent", Bytes: []byte{0xff}}}}, &bridgepb.ExecuteAgentRequest{}, 1, tool.ProtocolError, "decoded"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t, withGrace(1))
			if c.agents != nil {
				b.host(c.agents)
			} else {
				accepted[*bridgepb.CreateReActAgentResponse](t)(b.createAgent(&bridgepb.Agent{AgentId: "a1", Signature: "q -> a"}))
			}
			got := b.runAgent(c.request)
			require.Len(t, got, c.events)
			last := got[len(got)-1]
			require.Equal(t, "error", last.GetType())
			require.Equal(t, uint64(c.events-1), last.GetSequence())
			failed(t, last.GetError(), c.code, c.says)
			require.Positive(t, last.GetMetrics().GetDurationMs())
		})
	}
}
