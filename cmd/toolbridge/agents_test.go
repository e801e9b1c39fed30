package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAgents_are_created_listed_and_deleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, "created helper\n", d.works("agents", "create", "question -> answer", "--id", "helper", "--tool", "search_web", "--tool", "calculate", "--max-iters", "3"))
	require.Regexp(t, `(?m)^helper +question -> answer +3 +search_web calculate +- `, d.works("agents"))
	var created struct {
		ID string `json:"agent_id"`
	}
	d.run("agents", "create", "q -> a", "--model", "m", "--instructions", "be brief", "--json").document(t, &created)
	var listed []struct {
		ID           string `json:"agent_id"`
		Signature    string
		Tools        []string
		MaxIters     int `json:"max_iters"`
		Model        string
		Instructions string
	}
	d.run("agents", "list", "--json").document(t, &listed)
	require.Len(t, listed, 2)
	require.Equal(t, created.ID, listed[1].ID)
	require.Equal(t, 5, listed[1].MaxIters)
	require.Equal(t, "m", listed[1].Model)
	require.Equal(t, "be brief", listed[1].Instructions)
	require.Regexp(t, `\(all\)`, d.works("agents"))

	require.Equal(t, "deleted helper\n", d.works("agents", "delete", "helper"))
	var deleted struct{ Deleted string }
	d.run("agents", "delete", created.ID, "--json").document(t, &deleted)
	require.Equal(t, created.ID, deleted.Deleted)
	out := d.run("agents", "delete", "helper")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "error: AgentNotFound: ")
}

func TestAgents_run_refuses_what_it_cannot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Contains(t, alone(t, "agents", "run", "helper", "words").stderr, "error: Usage: the input of an agent is given by name")
	require.Contains(t, alone(t, "agents", "run", "helper", "q=[").stderr, `argument "q" begins like JSON`)
	out := d.run("agents", "run", "nobody", "q=1")
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "error: AgentNotFound: ")
	require.Contains(t, d.run("agents", "create", "").stderr, "error: ValidationError: ")
}

func TestEvents_of_a_run_are_printed_one_a_line(t *testing.T) {
	t.Parallel()
	for want, event := range map[string]toolbridge.AgentEvent{
		"thought      I look\n":                     {Type: toolbridge.AgentThought, Text: "I\nlook"},
		"progress     half\n":                       {Type: toolbridge.AgentProgress, Text: "half"},
		"action       search {\"q\":\"x\"}\n":       {Type: toolbridge.AgentAction, Tool: "search", Args: map[string]any{"q": "x"}},
		"observation  [1]\n":                        {Type: toolbridge.AgentObservation, Tool: "search", Observation: []any{int64(1)}},
		"observation  search failed: Internal: x\n": {Type: toolbridge.AgentObservation, Tool: "search", Err: tool.Errorf(tool.Internal, "x")},
		"result       four\n":                       {Type: toolbridge.AgentResult, Answer: "four"},
		"result       4\n":                          {Type: toolbridge.AgentResult, Answer: int64(4)},
		"reflection   hm\n":                         {Type: "reflection", Text: "hm"},
	} {
		var out strings.Builder
		s := &shell{stdout: &out, codec: value.New()}
		require.NoError(t, printEvent(s, &event))
		require.Equal(t, want, out.String())

		out.Reset()
		s.json = true
		require.NoError(t, printEvent(s, &event))
		var document map[string]any
		require.NoError(t, json.Unmarshal([]byte(out.String()), &document))
		require.Equal(t, string(event.Type), document["type"])
	}
}

func TestWorkers_lists_who_offers_tools(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	client := d.client()
	worker := toolbridge.NewWorker(client)
	toolbridge.AddTool(worker, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	d.works("call", "double", "21")

	lines := strings.Split(strings.TrimSpace(d.works("workers")), "\n")
	require.Len(t, lines, 2)
	require.Regexp(t, `^WORKER +STATE +RUNNING +CALLS +SINCE +ADDRESS +TOOLS +LABELS$`, lines[0])
	require.Regexp(t, ` ready +0 +1 .* 127\.0\.0\.1:\d+ +double +language=go pid=`, lines[1])
	var workers []struct {
		State string
		Tools []string
		Calls int `json:"calls_total"`
	}
	d.run("workers", "--json").document(t, &workers)
	require.Len(t, workers, 1)
	require.Equal(t, []string{"double"}, workers[0].Tools)
	require.Equal(t, 1, workers[0].Calls)

	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, client.Close())
	require.Eventually(t, func() bool { return strings.Count(d.works("workers"), "\n") == 1 }, 10*time.Second, 20*time.Millisecond)
}

func TestWorkers_with_all_lists_those_who_only_call_too(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.client()
	require.Equal(t, 1, strings.Count(d.works("workers"), "\n"))
	require.Equal(t, 2, strings.Count(d.works("workers", "--all"), "\n"))
}
