package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// upload is a table that is the body of a request and larger than one message: it is passed on as it comes. A goroutine of its own reads
// the body, so that a call that ends first need not wait for it. The methods of tool.Tables are called by one goroutine at a time.
type upload struct {
	limits  uploadLimits
	control *http.ResponseController
	from    io.Reader

	pieces  chan []byte   // each as long as a piece may be; closed behind the last
	taken   chan struct{} // told when a piece is needed no longer
	over    chan struct{} // closed when nobody takes any more
	stop    sync.Once
	reading sync.WaitGroup
	failed  error // why the body cannot be read; set before pieces is closed

	meter tool.TableMeter
	held  bool // a piece was handed on and not given back
	size  int
	ended bool
	moved bool
	cause error // failed, if that ended the call
}

// uploadLimits bound an upload.
type uploadLimits struct {
	table, batch int           // bytes
	piece        time.Duration // that a piece may take to arrive
	left         int64         // bytes that are read although nobody takes them
	unread       func(error) error
}

// newUpload begins to read a body, behind what was read of it already.
func (g *Gateway) newUpload(w http.ResponseWriter, begun []byte, body io.Reader) *upload {
	limits := g.broker.Limits()
	t := &upload{
		limits: uploadLimits{
			table: limits.TableBytes, batch: limits.ValueBytes, piece: g.config.BodyTimeout, left: spilled * g.config.BodyBytes, unread: g.unread,
		},
		control: http.NewResponseController(w), from: io.MultiReader(bytes.NewReader(begun), body),
		pieces: make(chan []byte), taken: make(chan struct{}), over: make(chan struct{}),
	}
	t.reading.Go(t.read)
	return t
}

// read reads the body piece by piece while somebody takes them; then it reads what is left, for a client that sends everything before it
// looks for an answer.
func (t *upload) read() {
	defer close(t.pieces)
	buffer := make([]byte, tool.TablePieceBytes)
	for {
		n, err := t.fill(buffer)
		if err != nil && !errors.Is(err, io.EOF) {
			t.failed = t.limits.unread(err)
			return
		}
		if n > 0 && !t.hand(buffer[:n]) {
			t.spill(buffer)
			return
		}
		if err != nil {
			return
		}
	}
}

// fill reads as much as there is room for, unless the body ends before.
func (t *upload) fill(buffer []byte) (n int, err error) {
	_ = t.control.SetReadDeadline(time.Now().Add(t.limits.piece)) // a recorder of a test has none
	n, err = tool.FillPiece(t.from, buffer)
	if errors.Is(err, io.EOF) { // from now on net/http reads, to see that the client leaves
		_ = t.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// hand hands a piece to whoever takes it and waits until it is needed no longer.
func (t *upload) hand(piece []byte) bool {
	select {
	case t.pieces <- piece:
	case <-t.over:
		return false
	}
	select {
	case <-t.taken:
		return true
	case <-t.over:
		return false
	}
}

// spill reads what is left, within bounds.
func (t *upload) spill(buffer []byte) {
	for t.limits.left > 0 {
		n, err := t.fill(buffer)
		if t.limits.left -= int64(n); err != nil {
			return
		}
	}
}

// end waits until the body is read no more. What is left of it is read and dropped, unless the connection is given up.
func (t *upload) end(dropped bool) {
	t.stop.Do(func() { close(t.over) })
	if dropped {
		_ = t.control.SetReadDeadline(time.Unix(1, 0))
	}
	t.reading.Wait()
}

// next implements tool.Tables.Next.
func (t *upload) next(ctx context.Context) ([]byte, error) {
	if t.ended {
		return nil, io.EOF
	}
	if err := wire.ContextError(ctx); err != nil {
		return nil, err
	}
	if t.held {
		t.held = false
		t.taken <- struct{}{}
	}
	select {
	case piece, more := <-t.pieces:
		return t.check(piece, more)
	case <-ctx.Done():
		return nil, wire.ContextError(ctx)
	}
}

// check counts and measures a piece before it is handed on.
func (t *upload) check(piece []byte, more bool) ([]byte, error) {
	if !more {
		if t.failed != nil {
			t.cause = t.failed
			return nil, t.cause
		}
		t.ended = true
		return nil, t.meter.Pass(nil, t.limits.batch)
	}
	t.held, t.moved = true, true
	if t.size += len(piece); t.size > t.limits.table {
		return nil, tableTooLong(t.limits.table)
	}
	return piece, t.meter.Pass(piece, t.limits.batch)
}

func tableTooLong(limit int) error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: the body, a table, has more than %d bytes: send it in parts, each with a call of its own", limit).
		With("limit", strconv.Itoa(limit))
}
