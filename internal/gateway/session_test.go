package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSession_is_created_then_attached_to_then_read_then_ended(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	created := d.post("/api/sessions", `{"session_id": "s", "ttl_seconds": 60, "metadata": {"team": "blue"}}`).is(http.StatusCreated)
	require.Equal(t, "/api/sessions/s", created.header.Get("Location"))
	require.Equal(t, true, created.object()["created"])

	again := d.post("/api/sessions", `{"session_id": "s"}`).is(http.StatusOK).object()
	require.Equal(t, false, again["created"])
	require.NotEmpty(t, again["bridge_run"])

	read := d.get("/api/sessions/s").is(http.StatusOK).object()
	require.Equal(t, "s", read["session_id"])
	require.Equal(t, json.Number("60"), read["ttl_seconds"])
	require.Equal(t, map[string]any{"team": "blue"}, read["metadata"])
	require.Equal(t, json.Number("17"), read["tool_count"])

	d.do(http.MethodPut, "/api/sessions/s/variables/x", `{"value": 1}`)
	d.do(http.MethodDelete, "/api/sessions/s", "").is(http.StatusOK)
	d.get("/api/sessions/s").refused(http.StatusGone, "SessionExpired")
	require.Equal(t, json.Number("2"), d.post("/api/sessions", `{"session_id": "s"}`).is(http.StatusCreated).object()["epoch"])
}

func TestSession_without_an_id_gets_one(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made := d.post("/api/sessions", `{}`).is(http.StatusCreated)
	require.Regexp(t, `^/api/sessions/[0-9a-f]{32}$`, made.header.Get("Location"))
	d.get(made.header.Get("Location")).is(http.StatusOK)
}

func TestSession_that_must_be_new_is_refused_where_it_exists(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.post("/api/sessions", `{"session_id": "s"}`, "If-None-Match", "*").is(http.StatusCreated)
	d.post("/api/sessions", `{"session_id": "s"}`, "If-None-Match", "*").refused(http.StatusConflict, "SessionAlreadyExists")
	d.post("/api/sessions", `{"session_id": "s"}`, "If-None-Match", `"1"`).refused(http.StatusUnprocessableEntity, "ValidationError")
}

func TestSession_ids_may_hold_what_paths_may_not(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, id := range []string{"a/b", "..", ".", "a b", "ä?#%", "a//b", "*"} {
		body := must(json.Marshal(map[string]string{"session_id": id}))
		made := d.post("/api/sessions", string(body)).is(http.StatusCreated)
		where := strings.ReplaceAll(url.PathEscape(id), ".", "%2E")
		require.Equal(t, id, d.get("/api/sessions/" + where).is(http.StatusOK).object()["session_id"])
		if !strings.Contains(id, ".") {
			require.Equal(t, "/api/sessions/"+where, made.header.Get("Location"))
		}
	}
}

func TestSession_requests_that_are_wrong_name_the_place(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for body, want := range map[string]struct{ code, path string }{
		``:                                  {"SerializationError", "$"},
		`[]`:                                {"SerializationError", "$"},
		`{"session_id": 1}`:                 {"SerializationError", "$.session_id"},
		`{"session_id": null}`:              {"SerializationError", "$.session_id"},
		`{"session_id": ""}`:                {"ValidationError", ""},
		`{"session_id": "a", "colour": 1}`:  {"ValidationError", "$.colour"},
		`{"session_id":"a","session_id":1}`: {"SerializationError", "$.session_id"},
		`{"metadata": {"a": 1}}`:            {"SerializationError", "$.metadata.a"},
		`{"metadata": {"a b": 1}}`:          {"SerializationError", `$.metadata["a b"]`},
		`{"ttl_seconds": "1"}`:              {"SerializationError", "$.ttl_seconds"},
		`{"ttl_seconds": 0}`:                {"ValidationError", "$.ttl_seconds"},
		`{"ttl_seconds": -5}`:               {"ValidationError", "$.ttl_seconds"},
		`{"ttl_seconds": 1e30}`:             {"ValidationError", ""},
		"{\"session_id\": \"\xff\"}":        {"SerializationError", "$.session_id"},
	} {
		p := d.post("/api/sessions", body).refused(http.StatusUnprocessableEntity, want.code)
		if want.path != "" {
			details, _ := p["details"].(map[string]any)
			require.Equal(t, want.path, details["path"], body)
		}
	}
	d.get("/api/sessions/none").refused(http.StatusNotFound, "SessionNotFound")
	d.do(http.MethodDelete, "/api/sessions/none", "").refused(http.StatusNotFound, "SessionNotFound")
	d.do(http.MethodDelete, "/api/sessions/none?force=maybe", "").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get("/api/sessions/none?force=true").refused(http.StatusUnprocessableEntity, "ValidationError")
}

func TestTools_are_listed_with_their_arguments(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	list := d.get(d.session("s") + "/tools").is(http.StatusOK).object()
	tools, _ := list["tools"].([]any)
	require.Len(t, tools, 17)
	found := map[string]map[string]any{}
	for _, listed := range tools {
		document, _ := listed.(map[string]any)
		name, _ := document["tool_id"].(string)
		found[name] = document
	}
	count := found["count_to_n"]
	require.Equal(t, "streaming", count["type"])
	require.Equal(t, true, count["available"])
	require.Equal(t, []any{
		map[string]any{"name": "n", "type": "int", "nullable": false, "required": true, "description": "the last number", "kind": "positional_or_keyword"},
		map[string]any{
			"name": "delay_ms", "type": "int", "nullable": false, "required": false, "description": "milliseconds between two numbers",
			"kind": "positional_or_keyword", "default": json.Number("0"),
		},
	}, count["arguments"])
	require.IsType(t, map[string]any{}, count["input_schema"])
	d.get("/api/sessions/none/tools").refused(http.StatusNotFound, "SessionNotFound")
	d.get("/api/sessions/s/tools?ints=roman").refused(http.StatusUnprocessableEntity, "ValidationError")
}
