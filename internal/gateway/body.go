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

// readAtOnce is how many bytes of text are made values of at the same time, but for those of small values: until it is encoded, a
// value of small parts takes up to fifty times its text.
const readAtOnce = 16 << 20

// read reads the body of a request. The caller calls done when it needs it no longer.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) (data []byte, done func(), err error) {
	limit := g.config.BodyBytes
	if r.ContentLength > limit {
		return nil, nil, tooLong(limit)
	}
	reserved := max(r.ContentLength, 0)
	if reserved <= smallBody {
		reserved = 0
	}
	if err := g.reserve(reserved); err != nil {
		return nil, nil, err
	}
	from := http.MaxBytesReader(w, r.Body, limit)
	data, err = io.ReadAll(io.LimitReader(from, max(reserved, smallBody)+1))
	if err == nil && reserved == 0 && len(data) > smallBody { // its length was not told
		if err = g.reserve(limit); err == nil {
			reserved = limit
			var rest []byte
			rest, err = io.ReadAll(from)
			data = append(data, rest...)
		}
	}
	if err != nil {
		g.bodies.give(reserved)
		return nil, nil, g.unread(err)
	}
	restful(w)
	return data, func() { g.bodies.give(reserved) }, nil
}

// reserve takes a part of the budget of large bodies.
func (g *Gateway) reserve(n int64) error {
	if g.bodies.take(n) {
		return nil
	}
	return tool.Errorf(tool.Overloaded, "the bodies of the requests under way exceed %d bytes: try again soon", g.config.BodiesBytes).
		With("limit", strconv.FormatInt(g.config.BodiesBytes, 10)).WithRetryAfter(time.Second)
}

// unread says why a body could not be read.
func (g *Gateway) unread(err error) error {
	var large *http.MaxBytesError
	var known *tool.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &large):
		return tooLong(g.config.BodyBytes)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal(http.StatusRequestTimeout, tool.Errorf(tool.DeadlineExceeded, "the body did not arrive within %s: send it faster, or less", g.config.BodyTimeout))
	default:
		return refusal(http.StatusBadRequest, tool.Errorf(tool.ProtocolError, "the body cannot be read: %w", err))
	}
}

// hurry gives a body its time to arrive. It counts also where nobody reads it, because net/http does so in the end.
func (g *Gateway) hurry(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.config.BodyTimeout)) // a recorder of a test has none
	}
}

// restful lets a connection be silent: its body has arrived.
func restful(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a recorder of a test has none
}

func tooLong(limit int64) error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: the body has more than %d bytes of JSON text: send less at once, and a large table as it is, as %s", limit, arrowType).
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
