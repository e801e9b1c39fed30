package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
)

func TestTheDebugAddressServesProfilesAndMetricsToWhoeverIsHere(t *testing.T) {
	t.Parallel()
	handler := telemetry.DebugHandler(telemetry.NewMetrics("test").Handler(), []string{"ops.example"}, time.Minute)
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
		"symbols, posted":   {"POST", "/debug/pprof/symbol", "localhost", nil, 200, "num_symbols"},
		"posted elsewhere":  {"POST", "/debug/pprof/symbol", "localhost", map[string]string{"Origin": "http://evil.example"}, 403, ""},
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

func TestPostedAddressesAreAnsweredWithTheirFunctions(t *testing.T) {
	t.Parallel()
	handler := telemetry.DebugHandler(http.NotFoundHandler(), nil, time.Minute)
	ask := func(body io.Reader) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/debug/pprof/symbol", body)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Body.String()
	}
	address := fmt.Sprintf("%#x", reflect.ValueOf(telemetry.DebugHandler).Pointer())
	require.Contains(t, ask(bytes.NewReader([]byte(address))), address+" github.com/grpc-tool-bridge/toolbridge/internal/telemetry.DebugHandler")
	many := bytes.Repeat([]byte(address+"+"), 2<<20/len(address))
	require.Less(t, bytes.Count([]byte(ask(bytes.NewReader(many))), []byte("\n")), 2<<20/len(address), "what is asked at once is bounded")
}

// debugged serves a page at the debug address, over a real socket, and connects to it.
func debugged(t *testing.T, page http.HandlerFunc, stall time.Duration) net.Conn {
	t.Helper()
	server := httptest.NewServer(telemetry.DebugHandler(page, nil, stall))
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // before the server, which would wait for it
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	return conn
}

func TestAClientOfTheDebugAddressThatNeverReadsHoldsItsPlaceNoLongerThanItMayStall(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	debugged(t, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 64<<20)) // more than sockets hold
		failed <- err
	}, 50*time.Millisecond)
	select {
	case err := <-failed:
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	case <-time.After(time.Minute):
		require.FailNow(t, "the place is still held")
	}
}

func TestAnAnswerOfTheDebugAddressThatComesLateAndSteadilyIsNotCutOff(t *testing.T) {
	t.Parallel()
	const stall = 20 * time.Millisecond
	conn := debugged(t, func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			select {
			case <-time.After(2 * stall): // nothing to say for longer than a client may read nothing
			case <-r.Context().Done():
			}
			_, err := io.WriteString(w, "steady ")
			if err = errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
				t.Error(err)
			}
		}
	}, stall)
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(all, []byte("steady ")), string(all))
}
