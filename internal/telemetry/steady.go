package telemetry

import (
	"net/http"
	"time"
)

// portion is how much of an answer a client has to read within the time that it may stall.
const portion = 64 << 10

// steadyWriter gives each portion of an answer a time of its own.
type steadyWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

// Unwrap is for http.ResponseController.
func (w *steadyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write implements http.ResponseWriter.
func (w *steadyWriter) Write(p []byte) (written int, err error) {
	for first := true; first || len(p) > 0 && err == nil; first = false {
		w.extend()
		var n int
		n, err = w.ResponseWriter.Write(p[:min(len(p), portion)])
		written, p = written+n, p[n:]
	}
	return written, err
}

func (w *steadyWriter) extend() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.stall)) // a recorder of a test has none
}
