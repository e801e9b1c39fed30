package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAgent_is_created_listed_and_deleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/agents"
	made := d.post(at, `{"agent_id": "a", "signature": "question -> answer", "tool_names": ["calculate"], "max_iters": 3,
		"model": "m", "instructions": "be brief", "metadata": {"k": "v"}}`).is(http.StatusCreated)
	require.Equal(t, at+"/a", made.header.Get("Location"))
	agent := made.object()
	require.NotEmpty(t, agent["created_at"])
	delete(agent, "created_at")
	require.Equal(t, map[string]any{
		"agent_id": "a", "signature": "question -> answer", "tool_names": []any{"calculate"}, "max_iters": json.Number("3"),
		"model": "m", "instructions": "be brief", "metadata": map[string]any{"k": "v"},
	}, agent)
	minted := d.post(at, `{"signature": "q -> a"}`).is(http.StatusCreated).object()
	require.Equal(t, []any{}, minted["tool_names"])
	require.Len(t, d.get(at).is(http.StatusOK).object()["agents"], 2)
	d.del(at + "/a").is(http.StatusNoContent)
	d.del(at+"/a").refused(http.StatusNotFound, "AgentNotFound")
	require.Len(t, d.get(at).object()["agents"], 1)
}

func TestAgent_requests_that_are_wrong_name_the_place(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/agents"
	for body, path := range map[string]string{
		`[]`: "$", `{}`: "", `{"signature": 1}`: "$.signature", `{"signature": "a -> b", "agent_id": ""}`: "", `{"agent_id": 1}`: "$.agent_id",
		`{"tool_names": ["a", 1]}`: "$.tool_names[1]", `{"tool_names": "a"}`: "$.tool_names", `{"max_iters": 1.5}`: "$.max_iters",
		`{"model": []}`: "$.model", `{"instructions": {}}`: "$.instructions", `{"metadata": 1}`: "$.metadata", `{"tools": []}`: "$.tools",
	} {
		details, _ := d.post(at, body).is(http.StatusUnprocessableEntity).object()["details"].(map[string]any)
		if path != "" {
			require.Equal(t, path, details["path"], body)
		}
	}
	d.post(at+"?x=1", `{"signature": "a -> b"}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get("/api/sessions/none/agents").refused(http.StatusNotFound, "SessionNotFound")
	run := at + "/a/run"
	d.post(run, `{}`).refused(http.StatusNotFound, "AgentNotFound")
	for _, body := range []string{`[]`, `{"input": []}`, `{"history": {}}`, `{"model": 1}`, `{"question": "?"}`, "\xff"} {
		d.post(run, body).refused(http.StatusUnprocessableEntity, map[bool]string{true: "ValidationError", false: "SerializationError"}[body == `{"question": "?"}`])
	}
	d.post(run+"?timeout=-1", `{}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	d.post(run, `{}`, "Accept", "text/html").refused(http.StatusNotAcceptable, "ValidationError")
}

// event is a chunk that carries an event of a run.
func event(e *bridgepb.AgentEvent) tool.Chunk {
	data := must(proto.Marshal(e))
	return tool.Chunk{Value: tool.Value{TypeURL: "type.googleapis.com/dspex.bridge.AgentEvent", Bytes: data}}
}

func encoded(v any) *anypb.Any { return wire.ValueProto(must(value.Encode(v))) }

// hosting offers an agent's hidden tool and creates the agent a.
func (d *desk) hosting(run func(r *bridgepb.ReActRun, send func(tool.Chunk) error) error) (path string) {
	d.t.Helper()
	d.offer(&scripted{run: func(_ context.Context, call *tool.Call, send func(tool.Chunk) error) error {
		asked := &bridgepb.ReActRun{}
		if err := proto.Unmarshal(call.Args[0].Bytes, asked); err != nil {
			return err
		}
		return run(asked, send)
	}}, wire.AgentTool, true)
	at := d.session("s") + "/agents"
	d.post(at, `{"agent_id": "a", "signature": "question -> answer"}`).is(http.StatusCreated)
	return at + "/a/run"
}

func TestAgent_run_sends_each_step(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	run := d.hosting(func(r *bridgepb.ReActRun, send func(tool.Chunk) error) error {
		question := must(value.As[string](wire.ValueFromProto(r.GetRequest().GetInput()["question"])))
		for _, e := range []*bridgepb.AgentEvent{
			{Type: "thought", Text: "asked " + question},
			{Type: "action", ToolName: "calculate", ToolArgs: map[string]*anypb.Any{"expression": encoded("2+2")}},
			{Type: "observation", ToolName: "calculate", Observation: encoded(4.0)},
			{Type: "observation", Step: 1, ToolName: "search", Error: wire.ErrorProto(tool.Errorf(tool.ToolNotFound, "no search"))},
			{Type: "new\nkind"},
			{Type: "result", Step: 2, FinalAnswer: encoded("4"), Outputs: map[string]*anypb.Any{"answer": encoded("4")}, Metrics: &bridgepb.ExecutionMetrics{DurationMs: 5}},
		} {
			if err := send(event(e)); err != nil {
				return err
			}
		}
		return nil
	})
	body := `{"input": {"question": "2+2?"}, "history": [{"question": "1"}], "model": "m"}`
	out := d.post(run, body, "Idempotency-Key", "r1").is(http.StatusOK)
	require.Equal(t, "r1", out.header.Get("Run-Id"))
	lines := out.lines()
	require.Len(t, lines, 6)
	require.Equal(t, map[string]any{"run_id": "r1", "sequence": json.Number("0"), "type": "thought", "step": json.Number("0"), "text": "asked 2+2?"}, lines[0])
	require.Equal(t, map[string]any{"expression": "2+2"}, lines[1]["args"])
	require.Equal(t, json.Number("4.0"), lines[2]["observation"])
	require.Equal(t, "ToolNotFound", lines[3]["error"].(map[string]any)["code"])
	require.Equal(t, "4", lines[5]["answer"])
	require.Equal(t, map[string]any{"answer": "4"}, lines[5]["outputs"])
	require.Contains(t, lines[5]["metrics"], "duration_ms")

	events := d.post(run, body, "Accept", "text/event-stream").is(http.StatusOK).body
	require.True(t, strings.HasPrefix(events, "event: thought\nid: 0\ndata: {"), events)
	require.Contains(t, events, "event: message\nid: 4\n")
}

func TestAgent_run_that_cannot_begin_or_go_on_says_why(t *testing.T) {
	t.Parallel()
	alone := newDesk(t)
	at := alone.session("s") + "/agents"
	alone.post(at, `{"agent_id": "a", "signature": "q -> a"}`)
	p := alone.post(at+"/a/run", `{}`).refused(http.StatusServiceUnavailable, "WorkerUnavailable")
	require.Contains(t, p["detail"], "no worker hosts agents")

	for want, run := range map[string]func(*bridgepb.ReActRun, func(tool.Chunk) error) error{
		"without a result": func(_ *bridgepb.ReActRun, send func(tool.Chunk) error) error {
			return send(event(&bridgepb.AgentEvent{Type: "thought"}))
		},
		"want an AgentEvent": func(_ *bridgepb.ReActRun, send func(tool.Chunk) error) error {
			if err := send(event(&bridgepb.AgentEvent{Type: "thought"})); err != nil {
				return err
			}
			return send(chunk("a text"))
		},
		"cannot be decoded": func(_ *bridgepb.ReActRun, send func(tool.Chunk) error) error {
			if err := send(event(&bridgepb.AgentEvent{Type: "thought"})); err != nil {
				return err
			}
			broken := event(&bridgepb.AgentEvent{})
			broken.Value.Bytes = []byte{0xff}
			return send(broken)
		},
	} {
		d := newDesk(t)
		lines := d.post(d.hosting(run), `{}`).is(http.StatusOK).lines()
		require.Len(t, lines, 2)
		require.Equal(t, "error", lines[1]["type"])
		problem, _ := lines[1]["error"].(map[string]any)
		require.Equal(t, "ProtocolError", problem["code"])
		require.Contains(t, problem["detail"], want)
	}
}
