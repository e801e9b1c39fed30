package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// accessLines is a log that several goroutines write.
type accessLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *accessLines) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// lines are the lines that hold all of these parts.
func (j *accessLines) lines(parts ...string) (found []map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
next:
	for line := range strings.Lines(j.text.String()) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil {
			found = append(found, fields)
		}
	}
	return found
}

// one waits for the one line that holds all of these parts.
func (j *accessLines) one(t *testing.T, parts ...string) map[string]any {
	t.Helper()
	require.Eventually(t, func() bool { return len(j.lines(parts...)) > 0 }, 10*time.Second, time.Millisecond, "%v in %s", parts, &j.text)
	found := j.lines(parts...)
	require.Len(t, found, 1, "%v", parts)
	return found[0]
}

func TestAccessLog_has_a_line_for_each_request_and_call_and_none_of_their_values(t *testing.T) {
	t.Parallel()
	log := &accessLines{}
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0", AccessLog: true, AccessLogger: slog.New(slog.NewJSONHandler(log, nil))})
	offer(t, b, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "echo", func(_ context.Context, s string) (string, error) { return s, nil })
		toolbridge.AddStreamingTool(w, "stream", func(_ context.Context, s string, yield func(string) error) error { return yield(s) })
	})
	linked := session(t, b, "s")
	client, err := toolbridge.Dial(t.Context(), b.Addr(), toolbridge.WithoutLink())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	plain, err := client.Session(t.Context(), "s")
	require.NoError(t, err)

	_, err = linked.With(toolbridge.RequestID("by-link")).Call(t.Context(), "echo", "hush")
	require.NoError(t, err)
	line := log.one(t, `"edge":"link"`, `"request_id":"by-link"`)
	require.Equal(t, "OK", line["code"])
	require.Equal(t, "s", line["session"])
	require.Equal(t, "echo", line["tool"])
	require.Positive(t, line["duration_ms"])
	require.NotEmpty(t, line["peer"])
	id, _ := line["call"].(string)
	seen, err := client.CallInfo(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "by-link", seen.RequestID)

	_, err = plain.With(toolbridge.RequestID("by-rpc")).Call(t.Context(), "echo", "hush")
	require.NoError(t, err)
	line = log.one(t, `"edge":"grpc"`, `"request_id":"by-rpc"`)
	require.Equal(t, "/dspex.bridge.SnakepitBridge/ExecuteTool", line["method"])
	require.NotEmpty(t, line["call"])
	_, err = plain.Call(t.Context(), "none", "hush")
	require.Error(t, err)
	log.one(t, `"edge":"grpc"`, `"tool":"none"`, `"code":"ToolNotFound"`)
	for _, err := range toolbridge.Stream[string](t.Context(), plain, "stream", "hush") {
		require.NoError(t, err)
	}
	require.NotEmpty(t, log.one(t, `StreamTool`, `"code":"OK"`)["call"])

	path := "/api/sessions/s/tools/"
	status, _ := fetch(t, b, http.MethodPost, path+"echo/execute", `{"args":["hush"]}`)
	require.Equal(t, http.StatusOK, status)
	line = log.one(t, `"edge":"http"`, `"path":"/api/sessions/s/tools/echo/execute"`)
	require.InDelta(t, 200, line["status"], 0)
	require.NotEmpty(t, line["call"])
	fetch(t, b, http.MethodGet, path+"stream/stream?args=%5B%22hush%22%5D", "")
	require.NotEmpty(t, log.one(t, `"edge":"http"`, `"path":"/api/sessions/s/tools/stream/stream"`)["call"])
	fetch(t, b, http.MethodPost, path+"none/execute", `{"args":["hush"]}`)
	line = log.one(t, `"edge":"http"`, `"path":"/api/sessions/s/tools/none/execute"`)
	require.Equal(t, "ToolNotFound", line["code"])
	require.InDelta(t, 404, line["status"], 0)

	require.Empty(t, log.lines("hush"))
}

func TestAccessLog_is_off_unless_it_is_asked_for(t *testing.T) {
	t.Parallel()
	log := &accessLines{}
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0", AccessLogger: slog.New(slog.NewJSONHandler(log, nil))})
	s := session(t, b, "s")
	_, err := s.Call(t.Context(), "none")
	require.Error(t, err)
	fetch(t, b, http.MethodGet, "/readyz", "")
	require.Empty(t, log.lines("access"))
}
