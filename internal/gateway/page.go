package gateway

import (
	"embed"
	"net/http"
)

//go:embed page
var pageFiles embed.FS

// routePage serves the page that shows the OpenAPI document. It loads nothing from anywhere else.
func (g *Gateway) routePage(mux *http.ServeMux) {
	for path, file := range map[string]struct{ name, kind string }{
		"GET /docs":          {"page/index.html", "text/html; charset=utf-8"},
		"GET /docs/page.css": {"page/page.css", "text/css; charset=utf-8"},
		"GET /docs/page.js":  {"page/page.js", "text/javascript; charset=utf-8"},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'")
			http.ServeFileFS(w, r, pageFiles, file.name)
		})
	}
	mux.Handle("GET /{$}", http.RedirectHandler("/docs", http.StatusFound))
}
