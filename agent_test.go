package toolbridge_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// offerAgents hosts agents as an SDK does, with a model that always thinks the same.
func offerAgents(w *toolbridge.Worker) {
	toolbridge.AddStreamingTool(w, "$react_agent", runScripted, toolbridge.Hidden())
}

func runScripted(ctx context.Context, run *bridgepb.ReActRun, yield func(*bridgepb.AgentEvent) error) error {
	session := toolbridge.FromContext(ctx).Session()
	encode := func(v any) tool.Value {
		encoded, _ := value.Encode(v)
		return encoded
	}
	question, err := value.Decode(wire.ValueFromProto(run.GetRequest().GetInput()["question"]))
	if err != nil {
		return err
	}
	if question == "nonsense" {
		return tool.Errorf(tool.ExecutionError, "the model gave up")
	}
	if err := yield(&bridgepb.AgentEvent{Type: "thought", Text: "I should calculate"}); err != nil {
		return err
	}
	action := &bridgepb.AgentEvent{Type: "action", ToolName: "add_numbers"}
	action.ToolArgs = wire.CallProto(&tool.Call{Kwargs: []tool.Keyword{{Name: "a", Value: encode(2)}, {Name: "b", Value: encode(40)}}}).GetKwargs()
	if err := yield(action); err != nil {
		return err
	}
	sum, err := session.Call(ctx, "add_numbers", toolbridge.Kw{"a": 2, "b": 40})
	observation := &bridgepb.AgentEvent{Type: "observation", ToolName: "add_numbers", Observation: wire.ValueProto(encode(sum))}
	if err != nil {
		observation.Observation, observation.Error = nil, wire.ErrorProto(err)
	}
	if err := yield(observation); err != nil {
		return err
	}
	return yield(&bridgepb.AgentEvent{
		Type: "result", Step: 1, FinalAnswer: wire.ValueProto(encode("42")),
		Outputs: wire.CallProto(&tool.Call{Kwargs: []tool.Keyword{{Name: "answer", Value: encode("42")}}}).GetKwargs(),
	})
}

func agents(t *testing.T) *toolbridge.Session {
	t.Helper()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	b.Worker(offerAgents)
	return b.Session()
}

func TestAnAgentsStepsArriveTyped(t *testing.T) {
	t.Parallel()
	s := agents(t)
	id, err := s.CreateReActAgent(t.Context(), tool.Agent{Signature: "question -> answer", Tools: []string{"add_numbers"}, MaxIters: 3})
	require.NoError(t, err)
	got := bridgetest.Record(s.RunAgent(t.Context(), id, map[string]any{"question": "2 + 40?"},
		toolbridge.RunID("run-1"), toolbridge.RunTimeout(time.Minute), toolbridge.Model("scripted"), toolbridge.History(map[string]any{"question": "1?"})))
	require.NoError(t, got.Err)
	require.Len(t, got.Items, 4)
	thought, action, observation, result := got.Items[0], got.Items[1], got.Items[2], got.Items[3]
	require.Equal(t, toolbridge.AgentThought, thought.Type)
	require.Equal(t, "I should calculate", thought.Text)
	require.Equal(t, "run-1", thought.RunID)
	require.Equal(t, toolbridge.AgentAction, action.Type)
	require.Equal(t, map[string]any{"a": int64(2), "b": int64(40)}, action.Args)
	require.Equal(t, uint64(1), action.Sequence)
	require.Equal(t, toolbridge.AgentObservation, observation.Type)
	require.Equal(t, "add_numbers", observation.Tool)
	require.Equal(t, int64(42), observation.Observation)
	require.NoError(t, observation.Err)
	require.Equal(t, toolbridge.AgentResult, result.Type)
	require.Equal(t, "42", result.Answer)
	require.Equal(t, map[string]any{"answer": "42"}, result.Outputs)

	last := bridgetest.Record(s.RunAgent(t.Context(), id, map[string]any{"question": "2 + 40?"}, toolbridge.OnlyResult()))
	require.NoError(t, last.Err)
	require.Len(t, last.Items, 1)
	require.Equal(t, toolbridge.AgentResult, last.Items[0].Type)
	require.Len(t, bridgetest.RecordSome(s.RunAgent(t.Context(), id, map[string]any{"question": "?"}), 2).Items, 2)
}

func TestARunThatFailsEndsWithItsError(t *testing.T) {
	t.Parallel()
	s := agents(t)
	id, err := s.CreateReActAgent(t.Context(), tool.Agent{Signature: "question -> answer"})
	require.NoError(t, err)
	var last toolbridge.AgentEvent
	var failed error
	for event, err := range s.RunAgent(t.Context(), id, map[string]any{"question": "nonsense"}) {
		last, failed = event, err
	}
	require.Equal(t, toolbridge.AgentError, last.Type)
	require.Equal(t, tool.ExecutionError, asError(t, failed).Code)
	require.Equal(t, failed, last.Err)
}

func TestAgentsAreCreatedListedAndDeleted(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t, bridgetest.WithReattachGrace(20*time.Millisecond)).Session()
	agent := tool.Agent{ID: "a", Signature: "question -> answer", MaxIters: 2}
	for range 2 {
		id, err := s.CreateReActAgent(t.Context(), agent)
		require.NoError(t, err, "creating the same again is no error")
		require.Equal(t, "a", id)
	}
	agent.Signature = "other -> answer"
	_, err := s.CreateReActAgent(t.Context(), agent)
	require.Equal(t, tool.ValidationError, asError(t, err).Code)
	listed, err := s.Agents(t.Context())
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Equal(t, 2, listed[0].MaxIters)

	got := bridgetest.Record(s.RunAgent(t.Context(), "a", map[string]any{"question": "?"}))
	require.Equal(t, tool.WorkerUnavailable, asError(t, got.Err).Code, "nobody hosts agents")
	require.NoError(t, s.DeleteAgent(t.Context(), "a"))
	require.Equal(t, tool.AgentNotFound, asError(t, s.DeleteAgent(t.Context(), "a")).Code)
	got = bridgetest.Record(s.RunAgent(t.Context(), "a", nil))
	require.Equal(t, tool.AgentNotFound, asError(t, got.Err).Code)
	got = bridgetest.Record(s.RunAgent(t.Context(), "a", map[string]any{"question": make(chan int)}))
	require.Equal(t, tool.SerializationError, asError(t, got.Err).Code)
	got = bridgetest.Record(s.RunAgent(t.Context(), "a", nil, toolbridge.History(func() {})))
	require.Equal(t, tool.SerializationError, asError(t, got.Err).Code)
}
