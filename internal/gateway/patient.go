package gateway

import (
	"net/http"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// portion is how much is written before a client must have made progress.
const portion = 64 << 10

// patientWriter waits for a client that reads slowly, but not for one that does not read at all. Only the goroutine of
// its request uses it, or a feed that lets one goroutine at a time.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	begun   bool

	// For the access log.
	status int
	code   tool.Code // of a problem
	call   string    // that the request made
}

func newPatientWriter(w http.ResponseWriter, stall time.Duration) *patientWriter {
	return &patientWriter{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
}

// Unwrap is for http.ResponseController.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *patientWriter) WriteHeader(status int) {
	w.begun, w.status = true, status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *patientWriter) Write(p []byte) (written int, err error) {
	if w.begun = true; w.status == 0 {
		w.status = http.StatusOK
	}
	for first := true; first || len(p) > 0 && err == nil; first = false {
		w.extend()
		var n int
		n, err = w.ResponseWriter.Write(p[:min(len(p), portion)])
		written, p = written+n, p[n:]
	}
	return written, err
}

// FlushError is what http.ResponseController looks for.
func (w *patientWriter) FlushError() error {
	w.extend()
	return w.control.Flush()
}

// finish gives what net/http itself still has to write its time.
func (w *patientWriter) finish() { w.extend() }

func (w *patientWriter) extend() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.stall)) // a recorder of a test has none
}
