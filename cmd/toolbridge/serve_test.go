package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listening starts `serve` and returns the address that it prints.
func listening(t *testing.T, args ...string) (server *running, address string) {
	t.Helper()
	server = startCommand(t, nil, append([]string{"serve", "--grpc", "127.0.0.1:0"}, args...)...)
	text := server.says("try: ")
	found := regexp.MustCompile(`(?m)^listening on (127\.0\.0\.1:\d+)$`).FindStringSubmatch(text)
	require.NotNil(t, found, text)
	return server, found[1]
}

func TestServe_says_where_it_listens_what_it_stores_and_how_to_make_the_first_call(t *testing.T) {
	t.Parallel()
	server, address := listening(t, "--demo", "--memory")

	said := server.says("hello\n")
	url := regexp.MustCompile(`(?m)^http on (http://127\.0\.0\.1:\d+)$`).FindStringSubmatch(said)
	require.NotNil(t, url, said)
	require.Equal(t, "listening on "+address+"\nhttp on "+url[1]+"\n"+
		"storing sessions, tools, variables and agents in memory: they end with this process\n"+
		"offering 17 demo tools\n"+
		"try: toolbridge --bridge "+address+" call echo_tool hello\n", said)
	first := strings.Fields("--bridge " + address + " call echo_tool hello")
	require.Equal(t, "hello\n", alone(t, first...).stdout)

	require.Equal(t, exitOK, server.stop())
	require.Equal(t, "stopping: running calls may end; a second signal kills\n", server.stderr.String())
}

func TestServe_with_json_says_it_in_one_document(t *testing.T) {
	t.Parallel()
	server := startCommand(t, nil, "serve", "--grpc", "127.0.0.1:0", "--memory", "--json")
	var said struct{ Listening, Store, Try string }
	require.NoError(t, json.Unmarshal([]byte(server.says("\n")), &said))
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, said.Listening)
	require.Contains(t, said.Store, "in memory")
	require.Equal(t, "toolbridge --bridge "+said.Listening+" tools", said.Try)
	require.Equal(t, exitOK, server.stop())
}

func TestServe_tells_operators_what_they_asked_for(t *testing.T) {
	t.Parallel()
	server := startCommand(t, nil, "serve", "--grpc", "127.0.0.1:0", "--memory", "--json", "--metrics", "--debug", "127.0.0.1:0")
	var said struct{ HTTP, Debug string }
	require.NoError(t, json.Unmarshal([]byte(server.says("\n")), &said))
	for _, url := range []string{said.HTTP + "/metrics", "http://" + said.Debug + "/metrics", "http://" + said.Debug + "/debug/pprof/cmdline"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		transport := &http.Transport{DisableKeepAlives: true}
		response, err := transport.RoundTrip(r)
		require.NoError(t, err, url)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, url)
	}
	require.Equal(t, exitOK, server.stop())

	server, _ = listening(t, "--memory", "--debug", "127.0.0.1:0")
	require.Regexp(t, `(?m)^profiles and metrics on http://127\.0\.0\.1:\d+/debug/pprof/$`, server.stdout.String())
	require.Equal(t, exitOK, server.stop())
}

func TestConfigCheck_knows_what_operators_are_told(t *testing.T) {
	t.Parallel()
	checked := alone(t, "config", "check", "--memory", "--otlp", "http://localhost:4317", "--trace-ratio", "0.5", "--metrics", "--json")
	require.Equal(t, exitOK, checked.code, checked.stderr)
	var said struct{ Telemetry map[string]any }
	require.NoError(t, json.Unmarshal([]byte(checked.stdout), &said))
	require.Equal(t, map[string]any{"metrics": true, "debug": "", "otlp": "http://localhost:4317", "trace_ratio": 0.5}, said.Telemetry)

	refused := alone(t, "config", "check", "--memory", "--trace-ratio", "7")
	require.Equal(t, exitUsage, refused.code)
	require.Contains(t, refused.stderr, "trace_ratio is 7")

	refused = alone(t, "config", "check", "--memory", "--trace-ratio", "0.5")
	require.Equal(t, exitUsage, refused.code)
	require.Contains(t, refused.stderr, "name a collector (telemetry.otlp, --otlp URL)")
}

func TestServe_keeps_everything_in_its_folder_over_a_restart(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	server, address := listening(t, "--data", folder)
	require.Contains(t, server.stdout.String(), "storing sessions, tools, variables and agents in "+folder+"\n")
	require.Equal(t, exitOK, alone(t, "--bridge", address, "vars", "set", "x", "1").code)
	require.Equal(t, exitOK, server.stop())

	_, address = listening(t, "--data", folder)
	require.Equal(t, "1\n", alone(t, "--bridge", address, "vars", "get", "x").stdout)
}

func TestServe_that_cannot_start_says_why(t *testing.T) {
	t.Parallel()
	locked := t.TempDir()
	_, taken := listening(t, "--data", locked)
	newer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(newer, "version"), []byte("99\n"), 0o600))
	for want, args := range map[string][]string{
		"grpc address " + taken + " is in use":               {"--memory", "--grpc", taken},
		"data folder " + locked + " is in use":               {"--grpc", "127.0.0.1:0", "--data", locked},
		"data folder " + newer + " has format 99":            {"--grpc", "127.0.0.1:0", "--data", newer},
		"below cannot be made":                               {"--grpc", "127.0.0.1:0", "--data", file(t, "f", "") + "/below"},
		"the etcd cluster at http://127.0.0.1:1 does not an": {"--grpc", "127.0.0.1:0", "--etcd", "http://127.0.0.1:1"},
	} {
		out := alone(t, append([]string{"serve"}, args...)...)
		require.Equal(t, exitFailed, out.code, out.stderr)
		require.Contains(t, out.stderr, "error: CannotStart: ", out.stderr)
		require.Contains(t, out.stderr, want)
		require.Empty(t, out.stdout)
	}
}

func TestServe_refuses_flags_that_cannot_work(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"can be reached by others":      {"--memory", "--grpc", "0.0.0.0:0"},
		`grpc address "nowhere"`:        {"--memory", "--grpc", "nowhere"},
		"can't be used together":        {"--memory", "--data", "d"},
		"--drain is -1s":                {"--memory", "--drain=-1s"},
		`--log-level must be one of`:    {"--memory", "--log-level", "loud"},
		"none.yaml":                     {"--config", "/no/none.yaml"},
		"field nonsense not found":      {"--config", file(t, "c.yaml", "nonsense: 1")},
		`etcd endpoint "a:1"`:           {"--etcd", "a:1"},
		"etcd.cert and etcd.key belong": {"--etcd", "https://a:1", "--etcd-cert", "c.pem"},
		"unexpected argument surplus":   {"surplus"},
	} {
		out := alone(t, append([]string{"serve"}, args...)...)
		require.Equal(t, exitUsage, out.code, out.stderr)
		require.Contains(t, out.stderr, "error: Usage: ")
		require.Contains(t, out.stderr, want)
	}
}

func TestServe_logs_at_the_level_that_is_asked_for(t *testing.T) {
	t.Parallel()
	server, _ := listening(t, "--memory", "--log-level", "info")
	require.Equal(t, exitOK, server.stop())
	require.Contains(t, server.stderr.String(), `level=INFO msg="bridge started"`)
}

func TestServe_lets_running_calls_end_when_it_is_told_to_stop(t *testing.T) {
	t.Parallel()
	server, address := listening(t, "--memory", "--demo")
	caller := startCommand(t, nil, "--bridge", address, "stream", "count_to_n", "2", "delay_ms=500")
	caller.says("1\n")
	require.Equal(t, exitOK, server.stop())
	require.Equal(t, exitOK, caller.wait(), caller.stderr)
	require.Equal(t, "1\n2\n", caller.stdout.String())
}

func TestServe_cancels_calls_that_outlast_its_patience(t *testing.T) {
	t.Parallel()
	server, address := listening(t, "--memory", "--demo", "--drain", "50ms")
	caller := startCommand(t, nil, "--bridge", address, "stream", "count_to_n", "2", "delay_ms=9000")
	caller.says("1\n")
	require.Equal(t, exitOK, server.stop())
	require.Equal(t, exitFailed, caller.wait(), caller.stderr)
	require.Contains(t, caller.stderr.String(), "error: Cancelled: the bridge stopped")
	require.Contains(t, server.stderr.String(), "1 calls did not end in time and were cancelled")
}
