package gateway

import (
	"io"
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
	request *http.Request
	most    int64 // of a refused request's body that is read
	control *http.ResponseController
	stall   time.Duration
	begun   bool

	// For the access log.
	status int
	code   tool.Code // of a problem
	call   string    // that the request made
}

// spilled is how many times the limit a body may have whose sender is to hear that it is too long.
const spilled = 8

func (g *Gateway) newPatientWriter(w http.ResponseWriter, r *http.Request) *patientWriter {
	return &patientWriter{
		ResponseWriter: w, request: r, most: spilled * g.config.BodyBytes, control: http.NewResponseController(w), stall: g.config.StallTimeout,
	}
}

// Unwrap is for http.ResponseController.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *patientWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest && !w.begun {
		w.spill()
	}
	w.begun, w.status = true, status
	w.ResponseWriter.WriteHeader(status)
}

// spill reads what is left of a refused request's body, within the time that a body has. A client that sends all of it
// before it looks for an answer would else get a broken connection instead. A client that asked first has sent nothing.
func (w *patientWriter) spill() {
	if w.request.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, w.request.Body, w.most) // it is refused whatever stands there
	}
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
