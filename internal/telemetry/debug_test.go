package telemetry_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
)

func TestTheDebugAddressServesProfilesAndMetricsToWhoeverIsHere(t *testing.T) {
	t.Parallel()
	handler := telemetry.DebugHandler(telemetry.NewMetrics("test").Handler(), []string{"ops.example"})
	for name, c := range map[string]struct {
		method, path, host string
		headers            map[string]string
		want               int
		contains           string
	}{
		"metrics":           {"GET", "/metrics", "localhost:6060", nil, 200, "toolbridge_info"},
		"list of profiles":  {"GET", "/debug/pprof/", "127.0.0.1:6060", nil, 200, "goroutine"},
		"a profile":         {"GET", "/debug/pprof/goroutine?debug=1", "[::1]:6060", nil, 200, "goroutine profile"},
		"command line":      {"GET", "/debug/pprof/cmdline", "localhost", nil, 200, "telemetry"},
		"symbols":           {"GET", "/debug/pprof/symbol", "OPS.example:6060", nil, 200, "num_symbols"},
		"nothing":           {"GET", "/", "localhost", nil, 404, ""},
		"another verb":      {"POST", "/metrics", "localhost", nil, 405, ""},
		"a rebound name":    {"GET", "/metrics", "evil.example:6060", nil, 403, "http_hosts"},
		"no name":           {"GET", "/metrics", "", nil, 403, ""},
		"another origin":    {"GET", "/metrics", "localhost", map[string]string{"Origin": "http://evil.example"}, 403, ""},
		"from another site": {"GET", "/debug/pprof/heap", "localhost", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, ""},
		"typed in":          {"GET", "/metrics", "localhost", map[string]string{"Sec-Fetch-Site": "none"}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
			r.Host = c.host
			for key, value := range c.headers {
				r.Header.Set(key, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Equal(t, c.want, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), c.contains)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
}
