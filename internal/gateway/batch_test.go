package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
)

func items(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"tool_id":"add_numbers","args":[%d,1]}`, i)
	}
	return `{"requests":[` + strings.Join(list, ",") + `]}`
}

func TestBatch_answers_each_item_in_order(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/batch"
	results, _ := d.post(at, items(200)).is(http.StatusOK).object()["results"].([]any)
	require.Len(t, results, 200)
	for i, result := range results {
		item, _ := result.(map[string]any)
		require.Equal(t, json.Number(itoa(i)), item["index"])
		require.Equal(t, true, item["success"])
		require.Equal(t, json.Number(itoa(i+1)), item["result"])
		require.Contains(t, item["metrics"], "duration_ms")
	}
}

func TestBatch_keeps_the_errors_of_items_to_the_items(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	results, _ := d.post(d.session("s")+"/tools/batch", `{"requests":[
		{"tool_id":"add_numbers","args":[1,2],"timeout":5}, {"tool_id":"none"}, {"tool_id":"count_to_n","args":[2],"kwargs":{"delay_ms":10000},"timeout":0.001},
		{"tool_id":"add_numbers","args":[1],"kwargs":{"b":9007199254740993}}]}`).is(http.StatusOK).object()["results"].([]any)
	require.Len(t, results, 4)
	for i, want := range []string{"", "ToolNotFound", "DeadlineExceeded", ""} {
		item, _ := results[i].(map[string]any)
		require.Equal(t, want == "", item["success"])
		problem, _ := item["error"].(map[string]any)
		if want != "" {
			require.Equal(t, want, problem["code"])
			require.NotContains(t, item, "result")
		}
	}
	require.Equal(t, json.Number("9007199254740994"), results[3].(map[string]any)["result"])
}

func TestBatch_streams_items_as_they_end(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/batch"
	slowFirst := `{"requests":[{"tool_id":"cpu_bound_tool","args":["slow"]},{"tool_id":"echo_tool","args":["fast"]}]}`
	lines := d.post(at, slowFirst, "Accept", "application/x-ndjson").is(http.StatusOK).lines()
	require.Len(t, lines, 2)
	require.Equal(t, "fast", lines[0]["result"])
	require.Equal(t, json.Number("1"), lines[0]["index"])
	require.Equal(t, "slow", lines[1]["result"])
	events := d.post(at, slowFirst, "Accept", "text/event-stream").is(http.StatusOK).body
	require.True(t, strings.HasPrefix(events, "event: result\nid: 0\ndata: {\"index\":1,"), events)
	d.post(at, items(3), "Accept", "text/csv").refused(http.StatusNotAcceptable, "ValidationError")
}

func TestBatch_that_fails_fast_cancels_what_has_not_ended(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	results, _ := d.post(d.session("s")+"/tools/batch", `{"max_concurrency":1,"fail_fast":true,"requests":[{"tool_id":"none"},{"tool_id":"echo_tool","args":[1]}]}`,
		"Idempotency-Key", "b").is(http.StatusOK).object()["results"].([]any)
	second, _ := results[1].(map[string]any)
	problem, _ := second["error"].(map[string]any)
	require.Equal(t, "Cancelled", problem["code"])
}

func TestBatch_that_is_wrong_is_refused_as_a_whole_and_names_the_place(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/batch"
	for body, want := range map[string]struct {
		status     int
		code, path string
	}{
		`{}`:              {422, "ValidationError", "$.requests"},
		`{"requests":[]}`: {422, "ValidationError", "$.requests"},
		`{"requests":{}}`: {422, "SerializationError", "$.requests"},
		`{"requests":[{"tool_id":"echo_tool"},5]}`:             {422, "SerializationError", "$.requests[1]"},
		`{"requests":[{"args":[]}]}`:                           {422, "ValidationError", "$.requests[0]"},
		`{"requests":[{"tool_id":7}]}`:                         {422, "SerializationError", "$.requests[0].tool_id"},
		`{"requests":[{"tool_id":"a","tool":1}]}`:              {422, "ValidationError", "$.requests[0].tool"},
		`{"requests":[{"tool_id":"a","args":[{"$x":1}]}]}`:     {422, "SerializationError", `$.requests[0].args[0]["$x"]`},
		`{"requests":[{"tool_id":"a","timeout":-1}]}`:          {422, "ValidationError", "$.requests[0].timeout"},
		`{"requests":[{"tool_id":"a","timeout":"1"}]}`:         {422, "SerializationError", "$.requests[0].timeout"},
		`{"requests":[{"tool_id":"a","requests":[]}]}`:         {422, "ValidationError", "$.requests[0].requests"},
		`{"requests":[{"tool_id":"a"}],"max_concurrency":1.5}`: {422, "ValidationError", "$.max_concurrency"},
		`{"requests":[{"tool_id":"a"}],"fail_fast":"yes"}`:     {422, "SerializationError", "$.fail_fast"},
		`{"requests":[{"tool_id":"a"}],"more":1}`:              {422, "ValidationError", "$.more"},
		`{"requests":[{"tool_id":"a"}],"max_concurrency":-1}`:  {422, "ValidationError", ""},
		items(10_001):                          {413, "BatchTooLarge", "$.requests"},
		`{"requests":[{"tool_id":"a\u0007"}]}`: {422, "ValidationError", "$.requests[0].tool_id"},
		`[`:                                    {422, "SerializationError", "$"},
	} {
		p := d.post(at, body).refused(want.status, want.code)
		details, _ := p["details"].(map[string]any)
		if want.path != "" {
			require.Equal(t, want.path, details["path"], "%.80s: %s", body, p["detail"])
		}
	}
	d.post(at, `{"requests":[{"tool_id":"a"}],"max_concurrency":-1}`, "Accept", "application/x-ndjson").refused(http.StatusUnprocessableEntity, "ValidationError")
}

func TestBatch_answers_no_more_than_the_limit_in_one_document(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{}, broker.Limits{ValueBytes: 1 << 20})
	d.offer(&scripted{result: strings.Repeat("x", 600<<10)}, "scripted", false)
	at := d.session("s") + "/tools/batch"
	body := `{"max_concurrency":1,"requests":[{"tool_id":"scripted"},{"tool_id":"scripted"}]}`

	results, _ := d.post(at, body).is(http.StatusOK).object()["results"].([]any)
	require.Equal(t, true, results[0].(map[string]any)["success"])
	problem, _ := results[1].(map[string]any)["error"].(map[string]any)
	require.Equal(t, "MessageTooLarge", problem["code"])

	for _, line := range d.post(at, body, "Accept", "application/x-ndjson").is(http.StatusOK).lines() {
		require.Equal(t, true, line["success"])
	}
}
