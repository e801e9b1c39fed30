package gateway_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func (d *desk) put(path, body string, headers ...string) *answer {
	d.t.Helper()
	return d.do(http.MethodPut, path, body, headers...)
}

func (d *desk) del(path string, headers ...string) *answer {
	d.t.Helper()
	return d.do(http.MethodDelete, path, "", headers...)
}

func TestVariable_is_written_read_and_deleted_without_loss(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/variables/x"
	d.get(at).refused(http.StatusNotFound, "VariableNotFound")
	for _, v := range []string{`null`, `1.0`, `12345678901234567890123`, `{"b":1,"a":[{"$bytes":"aGk="}]}`} {
		written := d.put(at, `{"value": `+v+`, "metadata": {"unit": "m"}}`).is(http.StatusOK)
		revision, _ := written.object()["revision"].(string)
		require.Equal(t, `"`+revision+`"`, written.header.Get("ETag"))
		read := d.get(at).is(http.StatusOK)
		require.Equal(t, `"`+revision+`"`, read.header.Get("ETag"))
		require.Contains(t, read.body, `"value":`+v+`,`)
		require.Equal(t, map[string]any{"unit": "m"}, read.object()["metadata"])
		require.NotEmpty(t, read.object()["updated_at"])
	}
	d.put(at, `{"value": 9007199254740993}`)
	require.Contains(t, d.get(at+"?ints=string").body, `"value":"9007199254740993"`)
	d.del(at).is(http.StatusNoContent)
	d.del(at).refused(http.StatusNotFound, "VariableNotFound")
}

func TestVariable_names_may_hold_what_paths_may_not(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/variables"
	for _, name := range []string{"a%2Fb", "%2E%2E", "watch", "a%20b"} {
		d.put(at+"/"+name, `{"value": 1}`).is(http.StatusOK)
		d.get(at + "/" + name).is(http.StatusOK)
	}
	d.put(at+"/a%00b", `{"value": 1}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	d.put(at+"/a%FFb", `{"value": 1}`).refused(http.StatusUnprocessableEntity, "ValidationError")
}

func TestVariable_is_written_on_conditions_only(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/variables/x"
	d.put(at, `{"value": 1}`, "If-Match", "*").refused(http.StatusPreconditionFailed, "RevisionConflict")
	first := d.put(at, `{"value": 1}`, "If-None-Match", "*").is(http.StatusOK).header.Get("ETag")
	d.put(at, `{"value": 2}`, "If-None-Match", "*").refused(http.StatusPreconditionFailed, "RevisionConflict")
	second := d.put(at, `{"value": 2}`, "If-Match", first).is(http.StatusOK).header.Get("ETag")
	d.put(at, `{"value": 3}`, "If-Match", first).refused(http.StatusPreconditionFailed, "RevisionConflict")
	d.del(at, "If-Match", first).refused(http.StatusPreconditionFailed, "RevisionConflict")
	d.put(at, `{"value": 3}`, "If-Match", "*").is(http.StatusOK)
	d.del(at, "If-Match", second).refused(http.StatusPreconditionFailed, "RevisionConflict")
	for _, bad := range []string{"x", `""`, `W/"1"`, `"1", "2"`} {
		d.put(at, `{"value": 3}`, "If-Match", bad).refused(http.StatusUnprocessableEntity, "ValidationError")
		d.del(at, "If-Match", bad).refused(http.StatusUnprocessableEntity, "ValidationError")
	}
	d.put(at, `{"value": 3}`, "If-None-Match", `"1"`).refused(http.StatusUnprocessableEntity, "ValidationError")
	d.put(at, `{"value": 3}`, "If-None-Match", "*", "If-Match", first).refused(http.StatusUnprocessableEntity, "ValidationError")
	d.del(at, "If-Match", "*").is(http.StatusNoContent)
}

func TestVariable_requests_that_are_wrong_name_the_place(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/variables/x"
	for body, want := range map[string]string{
		`{}`: "$.value", `[]`: "$", `{"value":{"$x":1}}`: `$.value["$x"]`, `{"value":1,"metadata":[]}`: "$.metadata", `{"value":1,"ttl":1}`: "$.ttl",
	} {
		d.put(at, body).is(http.StatusUnprocessableEntity)
		details, _ := d.put(at, body).object()["details"].(map[string]any)
		require.Equal(t, want, details["path"], body)
	}
	d.put(at+"?force=true", `{"value":1}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get(at+"?ints=x").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get(at+"?x=1").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.del(at+"?x=1").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.put("/api/sessions/none/variables/x", `{"value":1}`).refused(http.StatusNotFound, "SessionNotFound")
	d.put(at, `{"value":"`+strings.Repeat("x", 900<<10)+`"}`).is(http.StatusOK)
	d.put(at, `{"value":"`+strings.Repeat("x", 1100<<10)+`"}`).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
}

func TestVariables_are_listed_a_page_at_a_time(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/variables"
	for _, name := range []string{"b", "a1", "a2"} {
		d.put(at+"/"+name, `{"value": 9007199254740993}`)
	}
	first := d.get(at + "?page_size=2").is(http.StatusOK).object()
	require.Len(t, first["variables"], 2)
	require.NotContains(t, first["variables"].([]any)[0], "value")
	next, _ := first["next_page_token"].(string)
	second := d.get(at + "?values=true&page_token=" + next).is(http.StatusOK).object()
	require.Equal(t, json.Number("9007199254740993"), second["variables"].([]any)[0].(map[string]any)["value"])
	require.Empty(t, second["next_page_token"])
	require.Contains(t, d.get(at+"?values=true&ints=string&prefix=a").is(http.StatusOK).body, `"value":"9007199254740993"`)
	for _, query := range []string{"page_size=0", "page_size=10001", "page_size=x", "values=2", "ints=x", "colour=red"} {
		d.get(at+"?"+query).refused(http.StatusUnprocessableEntity, "ValidationError")
	}
	d.get("/api/sessions/none/variables").refused(http.StatusNotFound, "SessionNotFound")
}

func TestWatch_tells_what_is_there_and_then_each_change(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	d.put(at+"/variables/x", `{"value": 1}`)
	response := d.open(http.MethodGet, at+"/watch?name=x&name=y&ints=string", "", "Accept", "application/x-ndjson")
	defer func() { _ = response.Body.Close() }() // only read
	scan := bufio.NewScanner(response.Body)
	next := func() map[string]any {
		require.True(t, scan.Scan(), scan.Err())
		var event map[string]any
		require.NoError(t, decode(scan.Text(), &event))
		return event
	}
	set := next()
	require.Equal(t, "set", set["event"])
	require.Equal(t, "1", set["value"])
	require.Equal(t, map[string]any{"event": "current"}, next())
	d.put(at+"/variables/z", `{"value": 0}`)
	d.put(at+"/variables/y", `{"value": [2.0]}`)
	set = next()
	require.Equal(t, []any{"set", "y", []any{json.Number("2.0")}}, []any{set["event"], set["name"], set["value"]})
	d.del(at + "/variables/y")
	gone := next()
	require.Equal(t, []any{"deleted", "y"}, []any{gone["event"], gone["name"]})
	d.del(at).is(http.StatusOK)
	last := next()
	for last["event"] == "deleted" {
		last = next()
	}
	require.Equal(t, "error", last["event"])
	require.Equal(t, "SessionExpired", last["error"].(map[string]any)["code"])
	require.False(t, scan.Scan())
}

func TestWatch_sends_server_sent_events_unless_told_otherwise(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	response := d.open(http.MethodGet, d.session("s")+"/watch", "")
	defer func() { _ = response.Body.Close() }() // only read
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "event: current\n", line)
}

func TestWatch_that_is_wrong_is_refused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	d.get("/api/sessions/none/watch").refused(http.StatusNotFound, "SessionNotFound")
	for _, query := range []string{"%zz", "name=", "names=x", "ints=x", strings.Repeat("name=x&", 1001)} {
		d.get(at+"/watch?"+query).refused(http.StatusUnprocessableEntity, "ValidationError")
	}
	d.get(at+"/watch", "Accept", "text/html").refused(http.StatusNotAcceptable, "ValidationError")
}
