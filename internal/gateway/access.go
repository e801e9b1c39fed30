package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxLoggedPath bounds what a line of the access log holds of a path.
const maxLoggedPath = 1024

// noteCall adds the name of a call to the line of the request that made it.
func (g *Gateway) noteCall(w http.ResponseWriter, call *tool.Call) {
	if p, is := w.(*patientWriter); is && g.config.AccessLog != nil {
		p.call = g.broker.CallID(call.Number)
	}
}

// logAccess writes a line for a request: what was asked for, how it ended and how long it took. No query, body or header stands in
// it but the request's own name.
func (g *Gateway) logAccess(w *patientWriter, r *http.Request, began time.Time) {
	if g.config.AccessLog == nil {
		return
	}
	path := r.URL.EscapedPath()
	attrs := append(make([]slog.Attr, 0, 10), slog.String("edge", "http"), slog.String("method", wire.Text(r.Method)),
		slog.String("path", path[:min(len(path), maxLoggedPath)]), slog.Int("status", w.status), slog.String("peer", r.RemoteAddr))
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		attrs = append(attrs, slog.String("request_id", wire.Text(key[:min(len(key), tool.MaxNameBytes)])))
	}
	if w.call != "" {
		attrs = append(attrs, slog.String("call", w.call))
	}
	if w.code != "" {
		attrs = append(attrs, slog.String("code", string(w.code)))
	}
	attrs = append(attrs, slog.Float64("duration_ms", wire.Millis(time.Since(began))))
	g.config.AccessLog.LogAttrs(context.Background(), slog.LevelInfo, "access", attrs...)
}
