package telemetry

import (
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"
)

// maxSymbolBytes bounds what is asked about symbols at once.
const maxSymbolBytes = 1 << 20

// DebugHandler serves Go's profiles at /debug/pprof/ and the metrics at /metrics. It answers only who addresses it as
// localhost, by an address, or by one of the names: a page of another site that a browser shows cannot reach it by a name of its own.
// A client that reads nothing for as long as stall is given up. How long an answer takes altogether is not bounded: a profile comes late
// and a trace steadily, for as long as they are asked for.
func DebugHandler(metrics http.Handler, names []string, stall time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.Handle("POST /debug/pprof/symbol", http.MaxBytesHandler(http.HandlerFunc(pprof.Symbol), maxSymbolBytes)) // as pprof's own tools ask
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		w := &steadyWriter{ResponseWriter: to, control: http.NewResponseController(to), stall: stall}
		defer w.extend() // for what net/http itself still has to write
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !addressed(r.Host, names) || r.Header.Get("Origin") != "" || crossSite(r.Header.Get("Sec-Fetch-Site")) {
			http.Error(w, "this address is for operators: address it as localhost, or name the host in the bridge's settings (http_hosts)", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// addressed reports whether a Host header is an address, localhost, or one of the names.
func addressed(host string, names []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil || strings.EqualFold(host, "localhost") {
		return true
	}
	for _, name := range names {
		if strings.EqualFold(host, name) {
			return true
		}
	}
	return false
}

func crossSite(site string) bool { return site == "cross-site" || site == "same-site" }
