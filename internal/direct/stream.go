package direct

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

// Stream is one side of a link's stream: a link.Stream. One goroutine sends, another one receives.
type Stream struct {
	conn   net.Conn
	server bool
	ctx    context.Context //nolint:containedctx // Context returns it
	cancel context.CancelCauseFunc

	// reading is held by Recv; the state of what comes belongs to its holder.
	reading sync.Mutex
	in      incoming

	// writing is held while something is written, and owns what is written from.
	writing sync.Mutex
	head    []byte
	vector  net.Buffers

	// mu guards what stands below; it is never held while something waits.
	mu       sync.Mutex
	control  []byte // what is to be sent besides messages
	flushing bool   // a goroutine is on its way to send control
	// Bytes that may still be sent, on the connection and on the stream, of which the other side grants so many at first.
	connWindow, streamWindow, granted int
	frame                             int           // the longest frame that the other side reads
	room                              chan struct{} // one signal: a window has grown
	sentEnd                           bool

	heard  atomic.Bool // something came since liveness looked
	asked  bool        // liveness asked for a sign; its timer alone touches it
	alarm  *time.Timer
	limits liveness
}

var _ link.Stream = (*Stream)(nil)

// liveness is after how long without a byte the other side is asked for one, and how long it may take to answer.
type liveness struct{ silence, patience time.Duration }

func newStream(ctx context.Context, conn net.Conn, server bool, limits liveness) *Stream {
	s := &Stream{
		conn: conn, server: server, connWindow: firstWindow, streamWindow: firstWindow, granted: firstWindow, frame: firstFrame,
		room: make(chan struct{}, 1), limits: limits,
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.in.init(s)
	return s
}

// watch closes the connection when the context ends, or when the other side gives no sign of life.
func (s *Stream) watch() {
	context.AfterFunc(s.ctx, func() { _ = s.conn.Close() })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm = time.AfterFunc(s.limits.silence, s.look)
}

// look asks for a sign of life if nothing came, and ends the connection if nothing came after that.
func (s *Stream) look() {
	wait := s.limits.silence
	switch {
	case s.ctx.Err() != nil:
		return
	case s.heard.Swap(false):
		s.asked = false
	case !s.asked:
		s.asked, wait = true, s.limits.patience
		s.answer(append(appendHead(nil, 8, kindPing, 0, 0), make([]byte, 8)...))
	default:
		s.cancel(broken("no sign of life from %s for %v", s.conn.RemoteAddr(), s.limits.silence+s.limits.patience))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil { // otherwise it was stopped
		s.alarm.Reset(wait)
	}
}

// Context implements link.Stream.
func (s *Stream) Context() context.Context { return s.ctx }

// Close implements link.Stream: it closes the connection. It may be called more than once, also by others than the users of the stream.
// On the server's side it has no effect: there the stream ends when Config.Serve returns, and what it returns can still be said.
func (s *Stream) Close() {
	if !s.server {
		s.shut()
	}
}

// shut closes the connection, of either side.
func (s *Stream) shut() {
	s.cancel(broken("the stream was closed"))
	s.mu.Lock()
	if s.alarm != nil {
		s.alarm.Stop()
	}
	s.mu.Unlock()
	_ = s.conn.Close()
}

// failed ends the stream because of an error of its connection, and returns why it ended: the first reason counts.
func (s *Stream) failed(err error) error {
	s.cancel(err)
	return context.Cause(s.ctx)
}
