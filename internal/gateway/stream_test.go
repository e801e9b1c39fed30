package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// lines reads an answer as NDJSON.
func (a *answer) lines() []map[string]any {
	a.t.Helper()
	require.True(a.t, strings.HasSuffix(a.body, "\n"), a.body)
	var documents []map[string]any
	for line := range strings.Lines(a.body) {
		var document map[string]any
		require.NoError(a.t, decode(line, &document), line)
		documents = append(documents, document)
	}
	return documents
}

func TestStream_sends_chunks_as_lines_and_then_its_end(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/count_to_n/stream"
	for _, out := range []*answer{
		d.post(at, `{"args": [3]}`),
		d.get(at + "?args=" + url.QueryEscape(`[3]`)),
		d.get(at + "?kwargs=" + url.QueryEscape(`{"n": 3}`)),
		d.post(at, `{"args": [3]}`, "Accept", "application/x-ndjson"),
		d.post(at, `{"args": [3]}`, "Accept", "text/event-stream;q=0.5, application/*"),
		d.post(at, `{"args": [3]}`, "Accept", "*/*"),
		d.post(at, `{"args": [3]}`, "Accept", "application/json"),
	} {
		out.is(http.StatusOK)
		require.Equal(t, "application/x-ndjson", out.header.Get("Content-Type"))
		require.NotEmpty(t, out.header.Get("Stream-Id"))
		lines := out.lines()
		require.Len(t, lines, 4)
		for i, n := range []json.Number{"1", "2", "3"} {
			require.Equal(t, map[string]any{"sequence": json.Number(itoa(i)), "data": n}, lines[i])
		}
		require.Equal(t, json.Number("3"), lines[3]["sequence"])
		complete, _ := lines[3]["complete"].(map[string]any)
		require.Equal(t, json.Number("3"), complete["total_chunks"])
		require.Contains(t, complete["metrics"], "duration_ms")
	}
}

func TestStream_sends_server_sent_events_to_who_accepts_them(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	out := d.get(d.session("s")+"/tools/count_to_n/stream?args=[2]", "Accept", "text/event-stream", "Idempotency-Key", "mine").is(http.StatusOK)
	require.Equal(t, "text/event-stream", out.header.Get("Content-Type"))
	require.Equal(t, "mine", out.header.Get("Stream-Id"))
	require.True(t, strings.HasPrefix(out.body, "event: chunk\nid: 0\ndata: {\"sequence\":0,\"data\":1}\n\n"+
		"event: chunk\nid: 1\ndata: {\"sequence\":1,\"data\":2}\n\nevent: complete\nid: 2\ndata: {\"sequence\":2,\"complete\":{"), out.body)
	d.get("/api/sessions/s/tools/count_to_n/stream?args=[2]", "Accept", "text/html").refused(http.StatusNotAcceptable, "ValidationError")
}

func TestStream_refused_before_its_first_chunk_is_a_problem_document(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/"
	d.get(at+"none/stream").refused(http.StatusNotFound, "ToolNotFound")
	d.get(at+"count_to_n/stream").refused(http.StatusUnprocessableEntity, "ValidationError")
	for _, query := range []string{"args=1", "args=[", "args=[1]&args=[2]", "kwargs=[]", "n=3", "timeout=0", "timeout=-1", "timeout=1e9", "timeout=NaN", "timeout=soon", "stack=maybe", "ints=2", "%zz"} {
		d.get(at + "count_to_n/stream?" + query).is(http.StatusUnprocessableEntity)
	}
	d.post(at+"count_to_n/stream", `{"stream_id": "x"}`).refused(http.StatusUnprocessableEntity, "ValidationError")
}

// scripted is a host of one tool, whose stream a test plays. As a call it fails, or returns the result if there is one.
type scripted struct {
	run    func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) error
	result any
}

func (*scripted) Identity() string { return "scripted" }

func (s *scripted) Call(context.Context, *tool.Call) (tool.Result, error) {
	if s.result != nil {
		return tool.Result{Value: must(value.Encode(s.result))}, nil
	}
	e := tool.Errorf(tool.ExecutionError, "no")
	e.Class, e.Stack, e.Exception = "ValueError", "line 1", must(value.Encode([]any{1.0}))
	return tool.Result{}, e
}

func (s *scripted) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return tool.Metrics{}, s.run(ctx, call, send)
}

// offer attaches a host with one tool of any arguments.
func (d *desk) offer(h broker.Host, id string, hidden bool) {
	d.t.Helper()
	at, err := d.broker.Attach(h, broker.AttachOptions{Local: true})
	require.NoError(d.t, err)
	_, err = at.Register(d.t.Context(), []*tool.Spec{{
		ID: id, Name: id, Type: tool.Streaming, Hidden: hidden, Arguments: []tool.Argument{{Name: "args", Kind: tool.VarPositional}},
	}})
	require.NoError(d.t, err)
}

func chunk(v any) tool.Chunk { return tool.Chunk{Value: must(value.Encode(v))} }

func TestStream_that_breaks_off_ends_with_an_error_line_after_what_it_had(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.offer(&scripted{run: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		if err := send(chunk("one")); err != nil {
			return err
		}
		return tool.Errorf(tool.ExecutionError, "it broke")
	}}, "scripted", false)
	lines := d.get(d.session("s") + "/tools/scripted/stream").is(http.StatusOK).lines()
	require.Len(t, lines, 2)
	require.Equal(t, "one", lines[0]["data"])
	problem, _ := lines[1]["error"].(map[string]any)
	require.Equal(t, "ExecutionError", problem["code"])
	require.Equal(t, json.Number("1"), lines[1]["sequence"])
}

func TestExecute_tells_what_the_tool_raised(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.offer(&scripted{}, "scripted", false)
	p := d.post(d.session("s")+"/tools/scripted/execute?stack=true", `{}`).refused(http.StatusInternalServerError, "ExecutionError")
	require.Equal(t, "ValueError", p["class_name"])
	require.Equal(t, []any{json.Number("1.0")}, p["exception"])
	require.Equal(t, "line 1", p["stack_trace"])
}

func TestStream_that_is_silent_sends_heartbeats(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{Heartbeat: 10 * time.Millisecond}, broker.Limits{})
	proceed := make(chan struct{})
	d.offer(&scripted{run: func(ctx context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		select {
		case <-proceed:
			return send(chunk("late"))
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, "scripted", false)
	at := d.session("s") + "/tools/scripted/stream"
	for accept, heartbeat := range map[string]string{"application/x-ndjson": `{"heartbeat":true}`, "text/event-stream": ": heartbeat"} {
		response := d.open(http.MethodGet, at, "", "Accept", accept)
		scan := bufio.NewScanner(response.Body)
		for range 3 {
			require.True(t, scan.Scan(), scan.Err())
			require.Equal(t, heartbeat, scan.Text())
			if accept == "text/event-stream" {
				require.True(t, scan.Scan())
			}
		}
		proceed <- struct{}{}
		rest := ""
		for scan.Scan() {
			rest += scan.Text()
		}
		require.NoError(t, response.Body.Close())
		require.Contains(t, rest, "late")
		require.Contains(t, rest, "total_chunks")
	}
}

func TestStream_is_cancelled_when_its_client_closes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ended := make(chan error, 1)
	d.offer(&scripted{run: func(ctx context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		if err := send(chunk("first")); err != nil {
			return err
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}}, "scripted", false)
	response := d.open(http.MethodGet, d.session("s")+"/tools/scripted/stream", "")
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "first")
	require.NoError(t, response.Body.Close())
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the call was not cancelled")
	}
}

func TestStream_ends_when_its_time_is_up(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	out := d.get(d.session("s") + "/tools/count_to_n/stream?timeout=0.05&kwargs=" + url.QueryEscape(`{"n": 9, "delay_ms": 9000}`)).is(http.StatusOK)
	lines := out.lines()
	require.Len(t, lines, 2)
	problem, _ := lines[1]["error"].(map[string]any)
	require.Equal(t, "DeadlineExceeded", problem["code"])
}

func TestStream_whose_client_stops_reading_makes_the_producer_wait_and_then_ends(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{StallTimeout: 300 * time.Millisecond}, broker.Limits{})
	var mu sync.Mutex
	sent, ended := 0, make(chan error, 1)
	d.offer(&scripted{run: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) error {
		for {
			if err := send(chunk(make([]byte, 1<<20))); err != nil {
				ended <- err
				return err
			}
			mu.Lock()
			sent++
			mu.Unlock()
		}
	}}, "scripted", false)
	at := d.session("s")
	response := d.open(http.MethodGet, at+"/tools/scripted/stream", "")
	defer func() { _ = response.Body.Close() }() // only read
	d.get(at).is(http.StatusOK)                  // others notice nothing
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(20 * time.Second):
		require.Fail(t, "the stalled stream did not end")
	}
	mu.Lock()
	defer mu.Unlock()
	require.Less(t, sent, 64, "the producer did not wait")
}

func TestStream_chunk_as_large_as_allowed_passes_and_a_larger_one_does_not(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{Heartbeat: time.Hour}, broker.Limits{}) // one would begin the answer
	at := d.session("s") + "/tools/process_data/stream"
	text := strings.Repeat("x", 9<<20)
	response := d.open(http.MethodPost, at, `{"args":[["`+text+`"]]}`)
	defer func() { _ = response.Body.Close() }() // only read
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	// A chunk that holds the text twice is over the limit.
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	require.Contains(t, string(all), "message too large")
	echo := d.post("/api/sessions/s/tools/echo_tool/execute", `{"args":["`+text+`"]}`).is(http.StatusOK)
	require.Greater(t, len(echo.body), len(text))
	d.post("/api/sessions/s/tools/echo_tool/execute", `{"args":["`+strings.Repeat("x", 11<<20)+`"]}`).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
	d.post("/api/sessions/s/tools/echo_tool/execute", `{"args":["`+text+`","`+text+`"]}`).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
}
