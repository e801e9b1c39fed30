package gateway

import "net/http"

const (
	inSession = "/api/sessions/{session_id}"
	atTool    = inSession + "/tools/{tool_id}"
)

// route adds every handler to the mux and describes it.
func (g *Gateway) route(mux *http.ServeMux) {
	g.routeSessions(mux)
	g.routeCalls(mux)
	g.routeStreams(mux)
	g.routeBatches(mux)
	g.routeVariables(mux)
	g.routeWatches(mux)
	g.routeAgents(mux)
	g.routeOperations()
	g.routeHealth()
	if g.config.Metrics != nil {
		mux.Handle("GET /metrics", g.config.Metrics)
	}
}
