package gateway

import (
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// guarded refuses what no page of another site and no confused client should get done, before any handler runs.
func (g *Gateway) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := g.newPatientWriter(rw, r)
		defer g.logAccess(w, r, time.Now())
		defer w.finish()
		defer g.recovered(w, r)
		g.hurry(w, r)
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if err := g.admit(r); err != nil {
			g.fail(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recovered answers for a handler that panicked.
func (g *Gateway) recovered(w *patientWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it as well
		panic(p)
	}
	g.logger.Error("http handler panicked", slog.String("method", r.Method), slog.String("route", r.Pattern), slog.Any("panic", p),
		slog.String("stack", string(debug.Stack())))
	if w.begun {
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
	g.fail(w, tool.Errorf(tool.Internal, "the gateway failed: its log says more"))
}

// singleHeaders decide something and may therefore be given once only.
func singleHeaders() []string {
	return []string{
		"Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "If-Match", "If-None-Match", "Origin",
		"Sec-Fetch-Site", "Traceparent", "Tracestate", kindHeader,
	}
}

func (g *Gateway) admit(r *http.Request) error {
	for _, name := range singleHeaders() {
		if n := len(r.Header.Values(name)); n > 1 {
			return refusal(http.StatusBadRequest, tool.Errorf(tool.ValidationError, "header %s is given %d times: give it once", name, n).With("field", name))
		}
	}
	if !g.known(hostOf(r.Host)) {
		return forbidden("host %s is not one of this bridge's: address it as localhost, or name the host in its settings (http_hosts)", shownText(r.Host)).With("field", "Host")
	}
	if origin := r.Header.Values("Origin"); len(origin) > 0 && !sameOrigin(origin[0], r.Host) {
		return forbidden("origin %s is another site: only pages of the bridge itself may use it", shownText(origin[0])).With("field", "Origin")
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
		return nil
	default:
		return forbidden("the request comes from a page of another site (Sec-Fetch-Site: %s)", shownText(site)).With("field", "Sec-Fetch-Site")
	}
}

func forbidden(format string, args ...any) *tool.Error {
	return tool.Errorf(tool.PermissionDenied, format, args...)
}

// known reports whether clients may address the gateway by this host.
func (g *Gateway) known(host string) bool {
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return ip.IsLoopback() || g.config.AnyAddress || slices.Contains(g.config.Hosts, host)
	}
	return strings.EqualFold(host, "localhost") ||
		slices.ContainsFunc(g.config.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// hostOf is the host of a Host header.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return header
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}

// routed answers with problem documents where the mux itself would answer, and refuses bodies that are not JSON.
func (g *Gateway) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		if r.Method == http.MethodConnect || path.Clean("/"+escaped) != escaped {
			g.fail(w, notFound(escaped))
			return
		}
		found, pattern := mux.Handler(r)
		if pattern == "" || r.Method == http.MethodHead {
			g.fail(w, unrouted(found, r))
			return
		}
		if err := onlyJSON(r, pattern); err != nil {
			g.fail(w, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func notFound(path string) error {
	return refusal(http.StatusNotFound, tool.Errorf(tool.Unimplemented, "there is nothing at %s: /openapi.json lists what there is", shownText(path)))
}

// unrouted explains what the mux answers to a request that no handler takes.
func unrouted(found http.Handler, r *http.Request) error {
	answer := &refused{header: http.Header{}}
	if r.Method == http.MethodHead {
		answer.header.Set("Allow", http.MethodGet)
		answer.status = http.StatusMethodNotAllowed
	} else {
		found.ServeHTTP(answer, r)
	}
	if answer.status != http.StatusMethodNotAllowed {
		return notFound(r.URL.EscapedPath())
	}
	allowed := strings.TrimSuffix(strings.ReplaceAll(answer.header.Get("Allow"), "HEAD, ", ""), ", HEAD")
	p := refusal(http.StatusMethodNotAllowed, tool.Errorf(tool.Unimplemented, "%s is not served here: use %s", shownText(r.Method), allowed))
	p.allow = allowed
	return p
}

// refused keeps what the mux's own handler answers.
type refused struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (w *refused) Header() http.Header { return w.header }

// Write implements http.ResponseWriter.
func (w *refused) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (w *refused) WriteHeader(status int) { w.status = status }

// onlyJSON refuses every other kind of body, which pages of other sites can send without being asked; a table, which they cannot, only
// where there is no place for one.
func onlyJSON(r *http.Request, pattern string) error {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil
	}
	header := r.Header.Get("Content-Type")
	kind, parameters, err := mime.ParseMediaType(header)
	if kind == arrowType && (strings.HasSuffix(pattern, "/execute") || strings.HasSuffix(pattern, "/stream")) {
		kind = jsonType
	}
	if charset := parameters["charset"]; err != nil || kind != jsonType || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return unsupported("the body is of type %s: send JSON with the header Content-Type: application/json", shownText(header))
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return unsupported("the body is encoded as %s: send it as it is", shownText(coding))
	}
	return nil
}

func unsupported(format string, args ...any) error {
	return refusal(http.StatusUnsupportedMediaType, tool.Errorf(tool.ValidationError, format, args...).With("field", "Content-Type"))
}
