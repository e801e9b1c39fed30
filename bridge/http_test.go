package bridge_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// fetch makes a request of a bridge's HTTP face.
func fetch(t *testing.T, b *bridge.Bridge, method, path, body string) (status int, text string) {
	t.Helper()
	status, text, _ = fetchAll(t, b, method, path, body)
	return status, text
}

// fetchAll also returns the headers of the answer.
func fetchAll(t *testing.T, b *bridge.Bridge, method, path, body string) (status int, text string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+b.HTTPAddr()+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }() // only read
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(all), response.Header
}

func TestBridge_serves_the_same_sessions_over_HTTP(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0"})
	s := session(t, b, "both")
	_, err := s.Set(t.Context(), "x", 7)
	require.NoError(t, err)

	status, text := fetch(t, b, http.MethodGet, "/api/sessions/both/variables/x", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, `"value":7`)

	status, text = fetch(t, b, http.MethodPut, "/api/sessions/both/variables/y", `{"value": 1.0}`)
	require.Equal(t, http.StatusOK, status, text)
	y, err := toolbridge.Get[float64](t.Context(), s, "y")
	require.NoError(t, err)
	require.InDelta(t, 1, y, 0)

	status, text = fetch(t, b, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusOK, status, text)
}

func TestBridge_without_an_address_serves_no_HTTP(t *testing.T) {
	t.Parallel()
	require.Empty(t, start(t, bridge.Config{Memory: true}).HTTPAddr())
}

func TestStart_refuses_an_HTTP_port_that_is_in_use(t *testing.T) {
	t.Parallel()
	taken := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0"})
	b := made(t, bridge.Config{Memory: true, HTTP: taken.HTTPAddr()})
	err := b.Start(t.Context())
	require.ErrorContains(t, err, "http address "+taken.HTTPAddr()+" is in use")
	require.ErrorContains(t, err, "--http ADDR")
}

func TestStart_that_fails_gives_both_ports_back(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	start(t, bridge.Config{Data: folder})
	b := made(t, bridge.Config{Data: folder, HTTP: "127.0.0.1:0"})
	require.ErrorContains(t, b.Start(t.Context()), "is in use by another bridge")
	again := made(t, bridge.Config{Memory: true, GRPC: b.Addr(), HTTP: b.HTTPAddr()})
	require.NoError(t, again.Start(t.Context()))
	stop(t, again)
}

func TestNew_checks_the_HTTP_address_as_the_other(t *testing.T) {
	t.Parallel()
	for want, address := range map[string]string{
		`http address "8080"`:                         "8080",
		`http address "127.0.0.1:many": port "many"`:  "127.0.0.1:many",
		`http address "0.0.0.0:8080" can be reached`:  "0.0.0.0:8080",
		`http address "example.org:1" can be reached`: "example.org:1",
	} {
		_, err := bridge.New(bridge.Config{Memory: true, HTTP: address})
		require.ErrorContains(t, err, want)
	}
	_, err := bridge.New(bridge.Config{Memory: true, HTTP: "0.0.0.0:8080", InsecureListen: true})
	require.NoError(t, err)
}

func TestLoadConfig_takes_the_HTTP_address_from_the_environment(t *testing.T) {
	t.Parallel()
	path := file(t, "c.yaml", "http: 127.0.0.2:1\nhttp_hosts: [a.example]\n")
	for _, c := range []struct {
		env     map[string]string
		address string
		hosts   []string
	}{
		{nil, "127.0.0.2:1", []string{"a.example"}},
		{map[string]string{"HTTP_PORT": "2"}, "127.0.0.2:2", []string{"a.example"}},
		{map[string]string{"HTTP_PORT": "2", "TOOLBRIDGE_HTTP": "127.0.0.3:3", "TOOLBRIDGE_HTTP_HOSTS": "b,c"}, "127.0.0.3:3", []string{"b", "c"}},
	} {
		cfg, err := bridge.LoadConfig(path, environment(c.env))
		require.NoError(t, err)
		require.Equal(t, c.address, cfg.HTTP)
		require.Equal(t, c.hosts, cfg.HTTPHosts)
	}
	cfg, err := bridge.LoadConfig("", environment(map[string]string{"HTTP_PORT": "4"}))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:4", cfg.HTTP)
}

func TestStop_ends_watches_over_HTTP(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true, HTTP: "127.0.0.1:0"})
	session(t, b, "s")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+b.HTTPAddr()+"/api/sessions/s/watch", nil)
	require.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }() // only read

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, b.Stop(ctx))

	_, err = io.ReadAll(response.Body)
	require.NoError(t, err)
}
