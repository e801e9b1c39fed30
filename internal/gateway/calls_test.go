package gateway_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCalls_are_listed_found_and_cancelled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	require.Empty(t, d.get("/api/calls").is(http.StatusOK).object()["calls"])
	heard := make(chan error, 1)
	go func() {
		_, err := d.broker.Stream(context.Background(), &tool.Call{SessionID: "s", Tool: "count_to_n", StreamID: "mine"}, func(tool.Chunk) error { return nil })
		heard <- err
	}()
	require.Error(t, <-heard, "it lacks its argument")
	d.post(at+"/tools/echo_tool/execute", `{"args":["hush"]}`, "Idempotency-Key", "key-1").is(http.StatusOK)

	list := d.get("/api/calls?session_id=s&state=done&page_size=1").is(http.StatusOK)
	require.NotContains(t, list.body, "hush")
	var page struct {
		Calls []map[string]any
		Next  string `json:"next_page_token"`
	}
	list.into(&page)
	require.Len(t, page.Calls, 1)
	require.Equal(t, "echo_tool", page.Calls[0]["tool_id"])
	require.Equal(t, "key-1", page.Calls[0]["request_id"])
	id, _ := page.Calls[0]["call_id"].(string)
	require.Equal(t, "done", d.get("/api/calls/" + id).is(http.StatusOK).object()["state"])
	d.get("/api/calls?page_token=" + page.Next).is(http.StatusOK).into(&page)
	require.Equal(t, "mine", page.Calls[0]["request_id"])
	require.Equal(t, "ValidationError", page.Calls[0]["error"])

	p := d.do(http.MethodDelete, "/api/calls/"+id, "").refused(http.StatusNotFound, "CallNotFound")
	require.Contains(t, p["detail"], "has ended already")
	d.get("/api/calls/none").refused(http.StatusNotFound, "CallNotFound")
	d.get("/api/calls?page_size=1001").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get("/api/calls?state=odd").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get("/api/calls?page_token=x").refused(http.StatusUnprocessableEntity, "ValidationError")
}

// hangingHost runs calls until they are cancelled.
type hangingHost struct{}

func (hangingHost) Identity() string { return "hanging" }

func (hangingHost) Call(ctx context.Context, _ *tool.Call) (tool.Result, error) {
	<-ctx.Done()
	return tool.Result{}, ctx.Err()
}

func (hangingHost) Stream(ctx context.Context, _ *tool.Call, _ func(tool.Chunk) error) (tool.Metrics, error) {
	<-ctx.Done()
	return tool.Metrics{}, ctx.Err()
}

func TestCall_over_HTTP_that_an_operator_cancels_is_answered_so(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	host, err := d.broker.Attach(hangingHost{}, broker.AttachOptions{})
	require.NoError(t, err)
	_, err = host.Register(t.Context(), []*tool.Spec{{Name: "hang"}})
	require.NoError(t, err)
	at := d.session("s")
	answered := make(chan *answer, 1)
	go func() { answered <- d.post(at+"/tools/hang/execute", `{}`) }()
	var id string
	require.Eventually(t, func() bool {
		page, err := d.broker.Calls(tool.Principal{}, broker.CallFilter{State: broker.CallRunning}, "", 0)
		require.NoError(t, err)
		if len(page.Calls) == 1 {
			id = page.Calls[0].ID
		}
		return id != ""
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, id, d.do(http.MethodDelete, "/api/calls/"+id, "").is(http.StatusOK).object()["call_id"])
	p := (<-answered).refused(499, "Cancelled")
	require.Contains(t, p["detail"], "an operator cancelled the call "+id)
}
