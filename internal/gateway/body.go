package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// smallBody is what a request may hold without asking the budget.
const smallBody = 1 << 20

// read reads the body of a request. The caller calls done when it needs it no longer.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) (data []byte, done func(), err error) {
	limit := g.config.BodyBytes
	if r.ContentLength > limit {
		return nil, nil, tooLong(limit)
	}
	reserved := int64(0)
	switch {
	case r.ContentLength < 0: // not known
		reserved = limit
	case r.ContentLength > smallBody:
		reserved = r.ContentLength
	}
	if !g.bodies.take(reserved) {
		return nil, nil, tool.Errorf(tool.Overloaded, "the bodies of the requests under way exceed %d bytes: try again soon", g.config.BodiesBytes).
			With("limit", strconv.FormatInt(g.config.BodiesBytes, 10)).WithRetryAfter(time.Second)
	}
	data, err = g.readAll(w, r)
	if err != nil {
		g.bodies.give(reserved)
		return nil, nil, err
	}
	return data, func() { g.bodies.give(reserved) }, nil
}

func (g *Gateway) readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.config.BodyBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLong(g.config.BodyBytes)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal(http.StatusRequestTimeout, tool.Errorf(tool.DeadlineExceeded, "the body did not arrive within %s: send it faster, or less", g.config.BodyTimeout))
	case err != nil:
		return nil, refusal(http.StatusBadRequest, tool.Errorf(tool.ProtocolError, "the body cannot be read: %w", err))
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a recorder of a test has none
	return data, nil
}

// hurry gives a body its time to arrive. It counts also where nobody reads it, because net/http does so in the end.
func (g *Gateway) hurry(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.config.BodyTimeout)) // a recorder of a test has none
	}
}

func tooLong(limit int64) error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: the body has more than %d bytes of JSON text: send less at once", limit).
		With("limit", strconv.FormatInt(limit, 10))
}

// budget bounds the memory that large bodies take.
type budget struct {
	mu   sync.Mutex
	left int64
}

func newBudget(n int64) *budget { return &budget{left: n} }

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}
