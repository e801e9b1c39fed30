package bridge_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// refusal asserts that a call was refused before it started, with advice when to come again.
func refusal(t *testing.T, err error, code tool.Code) *tool.Error {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Message)
	require.True(t, e.Retryable)
	require.Positive(t, e.RetryAfter)
	require.Equal(t, "false", e.Details["started"])
	return e
}

// offer starts a worker with tools.
func offer(t *testing.T, b *bridge.Bridge, add func(*toolbridge.Worker), options ...toolbridge.WorkerOption) {
	t.Helper()
	worker := toolbridge.NewWorker(dial(t, b), options...)
	add(worker)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended //nolint:errcheck // cancelled
	})
	select {
	case <-worker.Ready():
	case err := <-ended:
		require.NoError(t, err)
	}
}

func TestRateOfATool_holds_on_every_face_and_says_when_to_come_again(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0"})
	offer(t, b, func(w *toolbridge.Worker) {
		limit := toolbridge.RateLimit(0.01, 1)
		toolbridge.AddTool(w, "rare", func(_ context.Context, n int) (int, error) { return n, nil }, limit)
		toolbridge.AddStreamingTool(w, "rare_stream", func(_ context.Context, n int, yield func(int) error) error { return yield(n) }, limit)
	})
	linked := session(t, b, "limited")
	client, err := toolbridge.Dial(t.Context(), b.Addr(), toolbridge.WithoutLink())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	plain, err := client.Session(t.Context(), "limited")
	require.NoError(t, err)

	_, err = linked.Call(t.Context(), "rare", 1)
	require.NoError(t, err)
	for _, s := range []*toolbridge.Session{linked, plain} {
		_, err = s.Call(t.Context(), "rare", 1)
		e := refusal(t, err, tool.RateLimitExceeded)
		require.InDelta(t, 100, e.RetryAfter.Seconds(), 30)
		require.Equal(t, "tool_in_session", e.Details["scope"])
		results, err := s.Batch(t.Context(), []toolbridge.Item{{Tool: "rare", Args: []any{1}}, {Tool: "rare", Args: []any{2}}})
		require.NoError(t, err)
		for _, r := range results {
			_ = refusal(t, r.Err, tool.RateLimitExceeded)
		}
	}
	for chunk, err := range toolbridge.Stream[int](t.Context(), plain, "rare_stream", 5) {
		require.NoError(t, err)
		require.Equal(t, 5, chunk)
	}
	for _, err := range toolbridge.Stream[int](t.Context(), linked, "rare_stream", 5) {
		_ = refusal(t, err, tool.RateLimitExceeded)
	}

	at := "/api/sessions/limited/tools/"
	for _, path := range []string{at + "rare/execute", at + "rare_stream/stream"} {
		status, text, header := fetchAll(t, b, http.MethodPost, path, `{"args":[1]}`)
		require.Equal(t, http.StatusTooManyRequests, status, text)
		require.Regexp(t, `^\d{2,3}$`, header.Get("Retry-After"))
		var problem struct {
			Code       string
			Retryable  bool
			RetryAfter float64 `json:"retry_after"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &problem))
		require.Equal(t, "RateLimitExceeded", problem.Code)
		require.True(t, problem.Retryable)
		require.InDelta(t, 100, problem.RetryAfter, 30)
	}
	status, text, _ := fetchAll(t, b, http.MethodPost, at+"batch", `{"requests":[{"tool_id":"rare","args":[1]}]}`)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, `"code":"RateLimitExceeded"`)
	require.Contains(t, text, `"status":429`)
}

func TestRetry_waits_as_long_as_a_bridge_that_limits_rates_says(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true})
	var runs atomic.Int32
	offer(t, b, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "slow", func(context.Context, struct{}) (int32, error) { return runs.Add(1), nil }, toolbridge.RateLimit(5, 1))
	})
	retry := toolbridge.WithRetry(toolbridge.Retry{Max: 3, Initial: time.Millisecond, Longest: time.Millisecond})
	s := session(t, b, "s").With(retry)
	began := time.Now()
	for i := range 4 {
		got, err := s.Call(t.Context(), "slow")
		require.NoError(t, err)
		require.EqualValues(t, i+1, got)
	}
	require.GreaterOrEqual(t, time.Since(began), 590*time.Millisecond, "three calls had to wait 200 ms each")
	require.EqualValues(t, 4, runs.Load(), "a refused call was never started, and no answer was a recorded one")
}

func TestRates_of_the_config_file_bind_sessions_and_tools(t *testing.T) {
	t.Parallel()
	cfg, err := bridge.LoadConfig(file(t, "bridge.yaml", `
memory: true
http: 127.0.0.1:0
rates:
  session: {per_second: 0.01, burst: 4}
  tools:
    scarce: {per_second: 0.01, burst: 3}
`), environment(nil))
	require.NoError(t, err)
	b := start(t, cfg)
	offer(t, b, func(w *toolbridge.Worker) {
		for _, name := range []string{"scarce", "free"} {
			toolbridge.AddTool(w, name, func(context.Context, struct{}) (string, error) { return "ok", nil })
		}
	})
	one, other := session(t, b, "one"), session(t, b, "other")
	for _, s := range []*toolbridge.Session{one, other, one} {
		_, err := s.Call(t.Context(), "scarce")
		require.NoError(t, err)
	}
	_, err = other.Call(t.Context(), "scarce")
	require.Equal(t, "tool", refusal(t, err, tool.RateLimitExceeded).Details["scope"])
	for range 2 {
		_, err = one.Call(t.Context(), "free")
		require.NoError(t, err)
	}
	_, err = one.Call(t.Context(), "free")
	require.Equal(t, "session", refusal(t, err, tool.RateLimitExceeded).Details["scope"])
	_, err = other.Call(t.Context(), "free")
	require.NoError(t, err)
}

func TestQueue_of_a_tool_is_bounded_in_calls_and_bytes_as_the_config_file_says(t *testing.T) {
	t.Parallel()
	cfg, err := bridge.LoadConfig(file(t, "bridge.yaml", "memory: true\nhttp: 127.0.0.1:0\nlimits: {queue_calls: 2, queue_bytes: 100000}\n"), environment(nil))
	require.NoError(t, err)
	b := start(t, cfg)
	entered, open := make(chan struct{}, 100), make(chan struct{})
	offer(t, b, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "busy", func(ctx context.Context, s string) (int, error) {
			entered <- struct{}{}
			select {
			case <-open:
			case <-ctx.Done():
			}
			return len(s), nil
		}, toolbridge.MaxConcurrency(1))
		toolbridge.AddTool(w, "other", func(context.Context, struct{}) (int, error) { return 1, nil })
	})
	s := session(t, b, "s")
	ended := make(chan error, 10)
	wait := func(text string) {
		go func() {
			_, err := s.Call(t.Context(), "busy", text)
			ended <- err
		}()
	}
	operator := dial(t, b)
	queued := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool {
			count := 0
			for _, err := range operator.Calls(t.Context(), toolbridge.CallFilter{State: toolbridge.CallQueued}) {
				require.NoError(t, err)
				count++
			}
			return count == n
		}, 10*time.Second, time.Millisecond)
	}
	wait("runs")
	<-entered
	wait(strings.Repeat("x", 60_000))
	queued(1)

	_, err = s.Call(t.Context(), "busy", strings.Repeat("x", 50_000))
	e := refusal(t, err, tool.Overloaded)
	require.Contains(t, e.Message, "the limit is 100000")
	wait("small")
	queued(2)
	_, err = s.Call(t.Context(), "busy", "one too many")
	e = refusal(t, err, tool.Overloaded)
	require.Contains(t, e.Message, "2 calls wait for it, the limit is 2")

	status, text, header := fetchAll(t, b, http.MethodPost, "/api/sessions/s/tools/busy/execute", `{"args":["one too many"]}`)
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	require.Contains(t, text, `"code":"Overloaded"`)
	require.Equal(t, "1", header.Get("Retry-After"))
	close(open)
	for range 3 {
		require.NoError(t, <-ended)
	}
}
