package bridge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// worker offers one tool until the test's end.
func worker(t *testing.T, b *bridge.Bridge) {
	t.Helper()
	w := toolbridge.NewWorker(dial(t, b), toolbridge.DrainTimeout(time.Second))
	toolbridge.AddTool(w, "echo", func(_ context.Context, v any) (any, error) { return v, nil })
	ctx, end := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	t.Cleanup(func() {
		end()
		require.NoError(t, <-ran)
	})
	select {
	case <-w.Ready():
	case err := <-ran:
		require.FailNow(t, "the worker ended", err)
	}
}

// read reads a page at an address.
func read(t *testing.T, address, path string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	require.NoError(t, err)
	return answered(t, r)
}

// answered makes a request on a connection of its own.
func answered(t *testing.T, r *http.Request) (status int, text string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }() // only read
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(all)
}

func TestTelemetry_counts_what_happens_and_serves_it_where_asked_for(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0", Telemetry: bridge.Telemetry{Metrics: true, Debug: "127.0.0.1:0"}})
	worker(t, b)
	s := session(t, b, "counted-session")
	_, err := s.Call(t.Context(), "echo", "canary-argument")
	require.NoError(t, err)
	_, err = s.Call(t.Context(), "canary-tool")
	require.Error(t, err)

	for _, address := range []string{b.HTTPAddr(), b.DebugAddr()} {
		status, text := read(t, address, "/metrics")
		require.Equal(t, http.StatusOK, status)
		for _, line := range []string{
			`toolbridge_calls_total{kind="call",outcome="ok",tool="echo"} 1`,
			`toolbridge_calls_total{kind="call",outcome="ToolNotFound",tool="unknown"} 1`,
			`toolbridge_sessions 1`, `toolbridge_links{state="ready"} 2`, `toolbridge_calls_running 0`,
		} {
			require.Contains(t, text, line+"\n")
		}
		require.Regexp(t, `toolbridge_link_messages_total\{direction="read"\} [1-9]`, text)
		require.Regexp(t, `toolbridge_store_write_seconds_count\{outcome="ok",verb="create_session"\} 1`, text)
		require.NotContains(t, text, "canary")
		require.NotContains(t, text, "counted-session")
	}
	status, _ := read(t, b.DebugAddr(), "/debug/pprof/heap")
	require.Equal(t, http.StatusOK, status)
	status, _ = read(t, b.HTTPAddr(), "/debug/pprof/heap")
	require.Equal(t, http.StatusNotFound, status, "profiles are at the debug address only")
}

func TestTelemetry_is_off_until_asked_for(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0"})
	require.Empty(t, b.DebugAddr())
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		status, _ := read(t, b.HTTPAddr(), path)
		require.Equal(t, http.StatusNotFound, status, path)
	}
}

func TestTelemetry_gives_every_kind_of_request_a_span_of_its_trace(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0", Telemetry: bridge.Telemetry{TracerProvider: provider}})
	worker(t, b)
	parent := func(n int) string { return fmt.Sprintf("00-%032d-b7ad6b7169203331-01", n) }
	linked := session(t, b, "s")
	plain, err := toolbridge.Dial(t.Context(), b.Addr(), toolbridge.WithoutLink())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, plain.Close()) })
	unlinked, err := plain.Session(t.Context(), "s")
	require.NoError(t, err)

	_, err = linked.With(toolbridge.Trace(parent(1), "")).Call(t.Context(), "echo", 1)
	require.NoError(t, err)
	_, err = unlinked.With(toolbridge.Trace(parent(2), "")).Call(t.Context(), "echo", 1)
	require.NoError(t, err)
	overHTTP(t, b, parent(3))
	_, err = linked.Call(t.Context(), "echo", 1) // of no trace
	require.NoError(t, err)

	var traces []string
	for _, s := range spans.Ended() {
		require.Equal(t, "bridge echo", s.Name())
		require.Equal(t, "b7ad6b7169203331", s.Parent().SpanID().String())
		traces = append(traces, s.SpanContext().TraceID().String())
	}
	require.Equal(t, []string{fmt.Sprintf("%032d", 1), fmt.Sprintf("%032d", 2), fmt.Sprintf("%032d", 3)}, traces)
}

// overHTTP calls echo over HTTP as a part of a trace.
func overHTTP(t *testing.T, b *bridge.Bridge, parent string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.HTTPAddr()+"/api/sessions/s/tools/echo/execute", strings.NewReader(`{"args": [1]}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Traceparent", parent)
	status, text := answered(t, r)
	require.Equal(t, http.StatusOK, status, text)
}

func TestTelemetry_a_collector_that_is_away_keeps_nobody_from_starting_calling_or_stopping(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := listener.Addr().String()
	require.NoError(t, listener.Close())
	b := made(t, bridge.Config{Memory: true, Telemetry: bridge.Telemetry{OTLP: "http://" + nobody, TraceRatio: 1}})
	require.NoError(t, b.Start(t.Context()))
	worker(t, b)
	_, err = session(t, b, "s").Call(t.Context(), "echo", 1)
	require.NoError(t, err)
	began := time.Now()
	stop(t, b)
	require.Less(t, time.Since(began), 8*time.Second)
}

// collector takes spans that are exported to it, and remembers where they came from.
type collector struct {
	collectortrace.UnimplementedTraceServiceServer

	from chan string
}

// Export implements the service.
func (c *collector) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	for _, of := range r.GetResourceSpans() {
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.instance.id" {
				c.from <- a.GetValue().GetStringValue()
			}
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

func TestTelemetry_names_the_run_of_the_bridge_that_exports(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c, server := &collector{from: make(chan string, 10)}, grpc.NewServer()
	collectortrace.RegisterTraceServiceServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	var runs []string
	for range 2 {
		b := made(t, bridge.Config{Memory: true, Telemetry: bridge.Telemetry{OTLP: "http://" + listener.Addr().String(), TraceRatio: 1}})
		require.NoError(t, b.Start(t.Context()))
		_, err = session(t, b, "s").Call(t.Context(), "nobody")
		require.Error(t, err)
		stop(t, b) // exports what is left
		runs = append(runs, <-c.from)
	}
	require.Len(t, runs[0], 32)
	require.NotEqual(t, runs[0], runs[1], "two bridges that share a collector are told apart")
}

func TestTelemetry_says_what_is_wrong_with_its_settings(t *testing.T) {
	t.Parallel()
	for says, telemetry := range map[string]bridge.Telemetry{
		"where HTTP listens, which is off":                             {Metrics: true},
		`debug address "0.0.0.0:6060" can be reached by others`:        {Debug: "0.0.0.0:6060"},
		`debug address "6060"`:                                         {Debug: "6060"},
		`telemetry.otlp "localhost:4317": want the URL of a collector`: {OTLP: "localhost:4317"},
		`telemetry.otlp "http://u:xxxxx@h:1": want`:                    {OTLP: "http://u:secret@h:1"},
		`telemetry.otlp is not a URL (invalid port ":x" after host)`:   {OTLP: "http://localhost:x"},
		"telemetry.otlp is not a URL (":                                {OTLP: "http://u:secret@[h:1"},
		"telemetry.trace_ratio is 2":                                   {TraceRatio: 2},
		"telemetry.trace_ratio is -1":                                  {TraceRatio: -1},
		"telemetry.trace_ratio is 0.5, but nobody takes the traces":    {TraceRatio: 0.5},
	} {
		_, err := bridge.New(bridge.Config{Memory: true, Telemetry: telemetry})
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestLoadConfig_reads_what_operators_are_told(t *testing.T) {
	t.Parallel()
	path := file(t, "bridge.yaml", "telemetry: {metrics: true, debug: '127.0.0.1:1', otlp: 'http://a:1', trace_ratio: 0.5}\n")
	got, err := bridge.LoadConfig(path, environment(nil))
	require.NoError(t, err)
	require.Equal(t, bridge.Telemetry{Metrics: true, Debug: "127.0.0.1:1", OTLP: "http://a:1", TraceRatio: 0.5}, got.Telemetry)

	got, err = bridge.LoadConfig(path, environment(map[string]string{
		"TOOLBRIDGE_METRICS": "false", "TOOLBRIDGE_DEBUG": "127.0.0.1:2", "TOOLBRIDGE_OTLP": "http://b:2", "TOOLBRIDGE_TRACE_RATIO": "0.25",
	}))
	require.NoError(t, err)
	require.Equal(t, bridge.Telemetry{Debug: "127.0.0.1:2", OTLP: "http://b:2", TraceRatio: 0.25}, got.Telemetry)

	for name, value := range map[string]string{"TOOLBRIDGE_METRICS": "perhaps", "TOOLBRIDGE_TRACE_RATIO": "some"} {
		_, err = bridge.LoadConfig("", environment(map[string]string{name: value}))
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, value)
	}
}

func TestTelemetry_names_a_debug_address_that_is_taken(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close() //nolint:errcheck // the test is over
	b := made(t, bridge.Config{Memory: true, Telemetry: bridge.Telemetry{Debug: listener.Addr().String()}})
	err = b.Start(t.Context())
	require.ErrorContains(t, err, "debug address "+listener.Addr().String())
	require.ErrorContains(t, err, "--debug ADDR")
}
