package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestReActAgentsRunInPythonForBothLanguages(t *testing.T) { //nolint:tparallel // the last one kills the worker of all
	processes(t)
	b := serve(t, "--memory", "--demo", "--config", impatient(t))
	goWorker(t, b.address, 8)
	host := pythonHost(t, b.address, "--agents")
	s := session(t, b.address, "agents")
	awaitTools(t, s, "go_hold")

	t.Run("started from Go", func(t *testing.T) {
		id, err := s.CreateReActAgent(t.Context(), tool.Agent{Signature: "question -> answer", Tools: []string{"search_web", "calculate"}, MaxIters: 4})
		require.NoError(t, err)
		var types []toolbridge.AgentEventType
		var last toolbridge.AgentEvent
		for event, err := range s.RunAgent(t.Context(), id, map[string]any{"question": "Search for ReAct agents and calculate 6 * 7."}) {
			require.NoError(t, err)
			require.Equal(t, uint64(len(types)), event.Sequence)
			types, last = append(types, event.Type), event
		}
		require.Subset(t, types, []toolbridge.AgentEventType{toolbridge.AgentThought, toolbridge.AgentAction, toolbridge.AgentObservation})
		require.Equal(t, toolbridge.AgentResult, last.Type)
		require.Contains(t, last.Answer, "42")
	})
	t.Run("started from Python", func(t *testing.T) {
		var got agentRun
		pythonCaller(t, &got, b.address, "agent", "What is 2 + 2?", "search_web", "calculate")
		require.Empty(t, got.Failure)
		require.Contains(t, got.types(), "thought")
		require.Contains(t, got.types(), "action")
		last := got.Events[len(got.Events)-1]
		require.Equal(t, "result", last.Type)
		require.Contains(t, last.Answer, "4")
	})
	t.Run("whose worker dies in the middle", func(t *testing.T) {
		call := newHeld(t)
		fromPython := newHeld(t)
		answered := pythonCalling[agentRun](t, b.address, "agent", fromPython.path, "go_hold")
		fromPython.began()
		id, err := s.CreateReActAgent(t.Context(), tool.Agent{Signature: "question -> answer", Tools: []string{"go_hold"}})
		require.NoError(t, err)
		var types []toolbridge.AgentEventType
		var end error
		for event, err := range s.RunAgent(t.Context(), id, map[string]any{"question": call.path}) {
			types, end = append(types, event.Type), err
			if event.Type == toolbridge.AgentAction {
				call.began()
				host.kill()
			}
		}
		require.Equal(t, []toolbridge.AgentEventType{toolbridge.AgentThought, toolbridge.AgentAction, toolbridge.AgentError}, types)
		failed(t, end, tool.WorkerLost)
		python := within(t, "the run of the Python caller ends", answered)
		require.NoError(t, python.err)
		require.Equal(t, "WorkerLost", python.got.Failure)
		require.Equal(t, []string{"thought", "action", "error"}, python.got.types())
		call.ended() // what the run was waiting for is cancelled with it
		fromPython.ended()
	})
}

// agentRun is what the Python caller saw of a run.
type agentRun struct {
	Events  []struct{ Type, Tool, Answer string }
	Failure string
}

func (r agentRun) types() []string {
	out := make([]string, len(r.Events))
	for i, e := range r.Events {
		out[i] = e.Type
	}
	return out
}
