package gateway_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestGuard_lets_in_only_requests_that_address_this_bridge(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{Hosts: []string{"Bridge.example", "10.0.0.7"}}, broker.Limits{})
	for _, host := range []string{"localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8080", "[::1]", "bridge.example:443", "10.0.0.7"} {
		d.get("/healthz", "Host", host).is(http.StatusOK)
	}
	for _, host := range []string{"evil.example", "localhost.evil.example", "10.0.0.8", "0.0.0.0", "127.0.0.1.nip.io", "bridge.example.evil.example", "[::2]"} {
		p := d.get("/healthz", "Host", host).refused(http.StatusForbidden, "PermissionDenied")
		require.Contains(t, p["detail"], host[:min(len(host), 24)])
	}
	open := newDeskWith(t, gateway.Config{AnyAddress: true}, broker.Limits{})
	open.get("/healthz", "Host", "10.0.0.8").is(http.StatusOK)
	open.get("/healthz", "Host", "evil.example").refused(http.StatusForbidden, "PermissionDenied")
}

func TestGuard_refuses_pages_of_other_sites(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/count_to_n/stream?args=[1]"
	for _, origin := range []string{"null", "https://evil.example", "http://localhost:1", "http://" + d.host + ".evil.example", "file://", "ftp://" + d.host, "%"} {
		d.get(at, "Origin", origin).refused(http.StatusForbidden, "PermissionDenied")
		preflight := d.do(http.MethodOptions, at, "", "Origin", origin, "Access-Control-Request-Method", "POST")
		preflight.refused(http.StatusForbidden, "PermissionDenied")
		require.Empty(t, preflight.header.Get("Access-Control-Allow-Origin"))
	}
	d.get(at, "Origin", "http://"+d.host).is(http.StatusOK)
	for _, site := range []string{"cross-site", "same-site", "something"} {
		d.get(at, "Sec-Fetch-Site", site).refused(http.StatusForbidden, "PermissionDenied")
	}
	for _, site := range []string{"same-origin", "none"} {
		out := d.get(at, "Sec-Fetch-Site", site).is(http.StatusOK)
		require.Empty(t, out.header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "nosniff", out.header.Get("X-Content-Type-Options"))
	}
}

func TestGuard_takes_JSON_only(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "application/jsonp", "application/json;;"} {
		for _, path := range []string{"/api/sessions", at + "/tools/echo_tool/execute", at + "/tools/echo_tool/stream", at + "/tools/batch", at + "/agents"} {
			d.post(path, `{"args":[1]}`, "Content-Type", kind).refused(http.StatusUnsupportedMediaType, "ValidationError")
		}
		d.put(at+"/variables/x", `{"value":1}`, "Content-Type", kind).refused(http.StatusUnsupportedMediaType, "ValidationError")
	}
	d.get(at+"/variables/x").refused(http.StatusNotFound, "VariableNotFound")
	d.post(at+"/tools/echo_tool/execute", `{"args":[1]}`, "Content-Type", `application/json; charset="UTF-8"`, "Content-Encoding", "identity").is(http.StatusOK)
	d.post(at+"/tools/echo_tool/execute", `{"args":[1]}`, "Content-Encoding", "gzip").refused(http.StatusUnsupportedMediaType, "ValidationError")
}

func TestGuard_refuses_headers_that_are_given_twice(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, name := range []string{"Authorization", "Idempotency-Key", "If-Match", "Origin", "Content-Type", "Sec-Fetch-Site"} {
		r := d.request(http.MethodPost, "/api/sessions", `{}`)
		r.Header[name] = []string{"application/json", "application/json"}
		response, err := d.client.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		(&answer{t, response.StatusCode, response.Header, string(text)}).refused(http.StatusBadRequest, "ValidationError")
	}
	d.session("s")
	d.post("/api/sessions/s/tools/echo_tool/execute", `{"args":[1]}`, "Idempotency-Key", strings.Repeat("x", 257)).refused(http.StatusUnprocessableEntity, "ValidationError")
}

func TestGuard_believes_no_header_about_who_asks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.session("s")
	d.get("/api/sessions/s", "X-Forwarded-User", "root", "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example",
		"Grpc-Metadata-Authorization", "x", "Grpc-Timeout", "99999999H", "X-Http-Method-Override", "DELETE").is(http.StatusOK)
	d.get("/api/sessions/s").is(http.StatusOK)
}

func TestRoutes_that_there_are_not_are_problem_documents(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, path := range []string{"/none", "/api", "/api/sessions/", "/api/sessions//tools", "/api/sessions/a/../b", "//healthz", "/api/sessions/s/", "/docs/none.js"} {
		d.get(path).refused(http.StatusNotFound, "Unimplemented")
	}
	for path, allow := range map[string]string{"/healthz": "GET", "/api/sessions": "POST", "/api/sessions/s": "DELETE, GET", "/api/sessions/s/variables/x": "DELETE, GET, PUT"} {
		out := d.do(http.MethodPatch, path, "")
		out.refused(http.StatusMethodNotAllowed, "Unimplemented")
		require.Equal(t, allow, out.header.Get("Allow"))
	}
	head := d.do(http.MethodHead, d.session("s")+"/tools/count_to_n/stream?args=[1]", "").is(http.StatusMethodNotAllowed)
	require.Equal(t, "GET", head.header.Get("Allow"))
}

func TestBody_over_the_limit_is_refused_before_it_is_read(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{BodyBytes: 1000}, broker.Limits{})
	at := d.session("s") + "/tools/echo_tool/execute"
	d.post(at, `{"args":["`+strings.Repeat("x", 900)+`"]}`).is(http.StatusOK)
	p := d.post(at, `{"args":["`+strings.Repeat("x", 1000)+`"]}`).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
	require.Equal(t, "1000", p["details"].(map[string]any)["limit"])
	r := d.request(http.MethodPost, at, "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"args":["`+strings.Repeat("x", 5000)+`"]}`)), -1
	response, err := d.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
}

func TestBodies_under_way_are_bounded_together(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{BodiesBytes: 3 << 20}, broker.Limits{})
	at := d.session("s") + "/tools/echo_tool/execute"
	d.post(at, `{"args":["`+strings.Repeat("x", 2<<20)+`"]}`).is(http.StatusOK)
	d.post(at, `{"args":["`+strings.Repeat("x", 2<<20)+`"]}`).is(http.StatusOK) // the first gave its part back
	large := d.post(at, `{"args":["`+strings.Repeat("x", 4<<20)+`"]}`)
	require.Equal(t, true, large.refused(http.StatusServiceUnavailable, "Overloaded")["retryable"])
	require.Equal(t, "1", large.header.Get("Retry-After"))
}

func TestBodies_whose_length_is_not_told_take_of_the_bound_only_when_they_are_large(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{BodyBytes: 4 << 20, BodiesBytes: 5 << 20}, broker.Limits{})
	at := d.session("s") + "/tools/echo_tool/execute"
	chunked := func(text string) int {
		r := d.request(http.MethodPost, at, "")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"args":["`+text+`"]}`)), -1
		response, err := d.client.Do(r)
		require.NoError(t, err)
		all, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		if response.StatusCode == http.StatusOK {
			require.Contains(t, string(all), `"`+text+`"`)
		}
		return response.StatusCode
	}
	require.Equal(t, http.StatusOK, chunked("small"))
	require.Equal(t, http.StatusOK, chunked(strings.Repeat("x", 3<<20)))
	require.Equal(t, http.StatusOK, chunked(strings.Repeat("y", 3<<20))) // the first gave its part back
	require.Equal(t, http.StatusRequestEntityTooLarge, chunked(strings.Repeat("z", 5<<20)))
	narrow := newDeskWith(t, gateway.Config{BodyBytes: 4 << 20, BodiesBytes: 3 << 20}, broker.Limits{})
	narrow.session("s")
	d = narrow
	require.Equal(t, http.StatusOK, chunked("small"))
	require.Equal(t, http.StatusServiceUnavailable, chunked(strings.Repeat("x", 2<<20)))
}

// raw connects and sends text as it is.
func (d *desk) raw(text string) net.Conn {
	d.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(d.t.Context(), "tcp", d.host)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(d.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, text)
	require.NoError(d.t, err)
	return conn
}

func TestSlow_clients_are_not_waited_for(t *testing.T) {
	t.Parallel()
	const quick = 50 * time.Millisecond
	with := func(cfg gateway.Config) *desk { // with one thing that it does not wait for, so that the others take what they take
		d := newDeskWith(t, cfg, broker.Limits{})
		_, _, err := d.broker.InitializeSession(t.Context(), tool.Principal{}, broker.SessionRequest{ID: "s"})
		require.NoError(t, err)
		return d
	}
	headers, bodies, idle := with(gateway.Config{HeaderTimeout: quick}), with(gateway.Config{BodyTimeout: quick}), with(gateway.Config{IdleTimeout: quick})
	head := "POST /api/sessions/s/tools/echo_tool/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

	t.Run("headers that do not end", func(t *testing.T) {
		t.Parallel()
		text, err := io.ReadAll(headers.raw(head))
		require.NoError(t, err)
		require.NotContains(t, string(text), "200 OK")
	})
	t.Run("a body that does not come", func(t *testing.T) {
		t.Parallel()
		for _, length := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"} {
			text, err := io.ReadAll(bodies.raw(head + length))
			require.NoError(t, err)
			require.Contains(t, string(text), "408 Request Timeout")
			require.Contains(t, string(text), `"code":"DeadlineExceeded"`)
		}
	})
	t.Run("a body that nobody wants", func(t *testing.T) {
		t.Parallel()
		for _, refused := range []string{"POST /none", "GET /healthz"} {
			text, err := io.ReadAll(bodies.raw(refused + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"))
			require.NoError(t, err)
			require.Contains(t, string(text), "HTTP/1.1 ")
		}
	})
	t.Run("a connection that is idle", func(t *testing.T) {
		t.Parallel()
		text, err := io.ReadAll(idle.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		require.NoError(t, err)
		require.Contains(t, string(text), "200 OK")
	})
	t.Run("a body that breaks off", func(t *testing.T) {
		t.Parallel()
		conn := idle.raw(head + "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
		text, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(text), "400 Bad Request")
	})
	t.Run("a call that takes longer than the body may", func(t *testing.T) {
		t.Parallel()
		givenTime(t, quick, func(limit time.Duration) bool {
			delay := strconv.FormatInt(3*limit.Milliseconds(), 10)
			got := with(gateway.Config{BodyTimeout: limit}).post("/api/sessions/s/tools/count_to_n/stream", `{"args":[2,`+delay+`]}`)
			if got.status == http.StatusRequestTimeout {
				return false // its body was late
			}
			require.Contains(t, got.is(http.StatusOK).body, "total_chunks")
			return true
		})
	})
}

func TestConnections_beyond_the_bound_wait(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{Connections: 1}, broker.Limits{})
	first := d.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	line, err := bufio.NewReader(first).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200 OK")
	second := d.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, second.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = second.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, first.Close())
	require.NoError(t, second.SetReadDeadline(time.Now().Add(10*time.Second)))
	line, err = bufio.NewReader(second).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200 OK")
	require.NoError(t, second.Close())
}

func TestClose_ends_watches_and_connections(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	response := d.open(http.MethodGet, d.session("s")+"/watch", "")
	defer func() { _ = response.Body.Close() }() // only read
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d.gateway.Close(ctx)
	_, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	refused, err := d.client.Do(d.request(http.MethodGet, "/healthz", ""))
	if err == nil {
		_ = refused.Body.Close()
	}
	require.Error(t, err)
}

func TestHandler_that_panics_answers_with_a_problem_document(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{Ready: func(context.Context) error { panic("broken") }}, broker.Limits{})
	d.get("/readyz").refused(http.StatusInternalServerError, "Internal")
	d.get("/healthz").is(http.StatusOK)
}

func TestHealth_says_whether_the_bridge_takes_calls(t *testing.T) {
	t.Parallel()
	var broken error
	d := newDeskWith(t, gateway.Config{Ready: func(context.Context) error { return broken }}, broker.Limits{})
	require.Equal(t, "ok", d.get("/healthz").is(http.StatusOK).object()["status"])
	require.Equal(t, d.broker.Run(), d.get("/readyz").is(http.StatusOK).object()["bridge_run"])
	broken = tool.Errorf(tool.StoreUnavailable, "the disk is full")
	unready := d.get("/readyz")
	require.Contains(t, unready.refused(http.StatusServiceUnavailable, "StoreUnavailable")["detail"], "the disk is full")
	require.Equal(t, "5", unready.header.Get("Retry-After"))
	d.get("/healthz").is(http.StatusOK)
	broken = nil
	d.gateway.Drain()
	unready = d.get("/readyz")
	require.Contains(t, unready.refused(http.StatusServiceUnavailable, "WorkerUnavailable")["detail"], "stops")
	require.Equal(t, "5", unready.header.Get("Retry-After"))
}

func TestHandler_works_in_a_server_of_ones_own(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/sessions", strings.NewReader(`{"session_id":"s"}`))
	r.Header.Set("Content-Type", "application/json")
	d.gateway.Handler().ServeHTTP(w, r)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
}
