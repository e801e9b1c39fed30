package gateway_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
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
		"delete " + session, "delete " + session + "/agents/{agent_id}", "delete " + session + "/variables/{name}",
		"get " + session, "get " + session + "/agents", "get " + session + "/tools", "get " + session + "/tools/{tool_id}/stream",
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

func TestPage_works_in_a_browser(t *testing.T) {
	t.Parallel()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("left out: no Chromium is installed here")
	}
	d := newDesk(t)
	shown, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom", d.url+"/docs").Output()
	require.NoError(t, err)
	for _, want := range []string{`id="execute-tool"`, `id="set-variable"`, "Toolbridge dev", "/api/sessions/{session_id}/tools/batch"} {
		require.Contains(t, string(shown), want)
	}
}

func TestPage_script_builds_every_operation(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("left out: no node is installed here")
	}
	d := newDesk(t)
	script := d.get("/docs/page.js").is(http.StatusOK).body
	// A document that remembers what was put into it stands in for the browser's.
	cmd := exec.CommandContext(t.Context(), node, "-e", `
const all = [];
class Node { constructor(name) { this.name = name; this.children = []; all.push(this); }
  setAttribute(k, v) { this[k] = v; } append(...c) { this.children.push(...c); } replaceChildren(...c) { this.children = c; } addEventListener() {} }
const known = {};
globalThis.document = { createElement: (n) => new Node(n), getElementById: (id) => known[id] ??= new Node(id) };
globalThis.fetch = async () => ({ json: async () => JSON.parse(require("fs").readFileSync(0, "utf8")) });
eval(process.argv[1] + "\n;setTimeout(() => { console.log(known.title.textContent); for (const n of all) if (n.name === 'details') console.log(n.id); for (const n of all) if (n.name === 'textarea') JSON.parse(n.value); }, 200)");
`, script)
	cmd.Stdin = strings.NewReader(d.get("/openapi.json").body)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, 1+19, strings.Count(string(out), "\n"), string(out))
	require.Contains(t, string(out), "Toolbridge dev\n")
	require.Contains(t, string(out), "run-agent\n")
}
