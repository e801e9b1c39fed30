package gateway_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
)

// blunt sends a whole request before it looks for the answer, as many clients do.
func (d *desk) blunt(path, contentType, body string) int {
	d.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(d.t.Context(), "tcp", d.host)
	require.NoError(d.t, err)
	defer func() { _ = conn.Close() }() // only read
	require.NoError(d.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
	require.NoError(d.t, err, "the connection broke before all was sent")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(d.t, err)
	require.NoError(d.t, response.Body.Close())
	return response.StatusCode
}

func TestBody_that_is_refused_is_answered_also_to_a_client_that_sends_all_of_it_first(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{BodyBytes: 4 << 20}, broker.Limits{})
	at := d.session("s") + "/tools/echo_tool/execute"
	body := `{"args":["` + strings.Repeat("x", 24<<20) + `"]}`
	require.Equal(t, http.StatusRequestEntityTooLarge, d.blunt(at, "application/json", body))
	require.Equal(t, http.StatusUnsupportedMediaType, d.blunt(at, "text/plain", body))
	require.Equal(t, http.StatusNotFound, d.blunt("/none", "application/json", body))
	require.Equal(t, http.StatusUnprocessableEntity, d.blunt(at+"?colour=red", "application/json", body))
}

// manyMembers are the members of an object, each under a name of its own.
func manyMembers(value string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%x":%s,`, i, value)
	}
	return strings.TrimSuffix(b.String(), ",")
}

//nolint:paralleltest // it measures what the process allocates
func TestRequest_with_more_than_it_may_hold_is_refused_before_the_rest_of_it_is_read(t *testing.T) {
	d := newDeskWith(t, gateway.Config{}, broker.Limits{ValueBytes: 64 << 10})
	at := d.session("s")
	ones := strings.Repeat("1,", 1<<20) + "1"
	for name, request := range map[string]struct{ method, path, body, place string }{
		"args":     {http.MethodPost, "/tools/echo_tool/execute", `{"args":[` + ones + `]}`, "$.args["},
		"kwargs":   {http.MethodPost, "/tools/echo_tool/execute", `{"kwargs":{` + manyMembers("1", 1<<18) + `}}`, "$.kwargs."},
		"items":    {http.MethodPost, "/tools/batch", `{"requests":[` + strings.Repeat(`{"tool_id":"echo_tool","args":[1,2,3]},`, 9000) + `{}]}`, "$.requests["},
		"metadata": {http.MethodPut, "/variables/x", `{"value":1,"metadata":{` + manyMembers(`""`, 1<<18) + `}}`, "$.metadata"},
		"history":  {http.MethodPost, "/agents/a/run", `{"input":{},"history":[` + ones + `]}`, "$.history["},
	} {
		before := alloctest.SoFar()
		p := d.do(request.method, at+request.path, request.body).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
		took := alloctest.SoFar() - before
		details, is := p["details"].(map[string]any)
		require.True(t, is, name)
		require.Contains(t, details["path"], request.place, name)
		require.NotEmpty(t, details["limit"], name)
		// The text itself takes a few times its length, where it is sent and where it is read.
		require.Less(t, took, uint64(12*len(request.body)), name)
	}
	d.post(at+"/tools/echo_tool/execute", "{"+manyMembers("1", 1<<18)+"}").refused(http.StatusUnprocessableEntity, "ValidationError")
	names := strings.Repeat(`"a",`, 10_000) + `"a"`
	p := d.post(at+"/agents", `{"signature":"a -> b","tool_names":[`+names+`]}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	require.Contains(t, p["detail"], "10000 names")
}
