package gateway_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

type described struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string
		Parameters  []struct{ Name, In string }
		RequestBody *struct {
			Content map[string]any
		} `json:"requestBody"`
		Responses map[string]struct{ Content map[string]any }
	}
	Components struct{ Schemas map[string]any }
}

func TestOpenAPI_describes_every_operation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	out := d.get("/openapi.json").is(http.StatusOK)
	require.Equal(t, "application/openapi+json", out.header.Get("Content-Type"))
	var api described
	require.NoError(t, json.Unmarshal([]byte(out.body), &api))
	require.Equal(t, "3.1.0", api.OpenAPI)
	var all []string
	for path, operations := range api.Paths {
		for method, op := range operations {
			all = append(all, method+" "+path)
			require.NotEmpty(t, op.OperationID)
			require.NotEmpty(t, op.Summary)
			require.Contains(t, op.Responses["default"].Content, "application/problem+json", op.OperationID)
			require.Equal(t, method == "post" || method == "put", op.RequestBody != nil, op.OperationID)
			var names []string
			for _, p := range op.Parameters {
				if p.In == "path" {
					names = append(names, "{"+p.Name+"}")
				}
			}
			require.ElementsMatch(t, regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1), names, op.OperationID)
		}
	}
	slices.Sort(all)
	const session = "/api/sessions/{session_id}"
	require.Equal(t, []string{
		"delete /api/calls/{call_id}", "delete " + session, "delete " + session + "/agents/{agent_id}", "delete " + session + "/variables/{name}",
		"get /api/calls", "get /api/calls/{call_id}", "get " + session, "get " + session + "/agents", "get " + session + "/tools", "get " + session + "/tools/{tool_id}/stream",
		"get " + session + "/variables", "get " + session + "/variables/{name}", "get " + session + "/watch", "get /healthz", "get /readyz",
		"post /api/sessions", "post " + session + "/agents", "post " + session + "/agents/{agent_id}/run", "post " + session + "/tools/batch",
		"post " + session + "/tools/{tool_id}/execute", "post " + session + "/tools/{tool_id}/stream",
		"put " + session + "/variables/{name}",
	}, all)
	require.NotContains(t, out.body, "ErrorModel")
	for _, ref := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(out.body, -1) {
		require.Contains(t, api.Components.Schemas, ref[1])
	}
}

func TestPage_shows_the_document_without_anything_from_elsewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for path, kind := range map[string]string{"/docs": "text/html", "/docs/page.js": "text/javascript", "/docs/page.css": "text/css", "/": "text/html"} {
		out := d.get(path).is(http.StatusOK)
		require.Contains(t, out.header.Get("Content-Type"), kind)
		require.NotRegexp(t, `https?://|innerHTML|eval\(`, out.body)
		require.Contains(t, out.header.Get("Content-Security-Policy"), "script-src 'self'")
		require.NotContains(t, out.header.Get("Content-Security-Policy"), "unsafe")
	}
}
