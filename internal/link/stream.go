package link

import (
	"context"
	"io"
)

// Stream carries the messages of one connection. One goroutine sends, another one receives.
type Stream interface {
	// Send sends one message. It may block until the other side reads. The bytes must not be changed until release is
	// called, which happens once at most, when the stream no longer needs them; release may be nil.
	Send(message Message, release func()) error
	// Recv returns the next message, which is valid until Recv is called again; io.EOF when the other side has sent its
	// last, any other error when the stream broke.
	Recv() (Message, error)
	// CloseSend says that nothing follows. The goroutine that sends calls it, and then no more of Send. On the server's side
	// of gRPC it has no effect: there a handler says so by returning.
	CloseSend() error
	// Context ends when the stream does.
	Context() context.Context
	// Close ends the stream: Send and Recv return soon. On the server's side of gRPC it has no effect: there a stream
	// ends when its handler returns.
	Close()
}

// Pipe returns the two ends of a stream in memory. Closing one end, or ending ctx, breaks both; what was sent before
// can still be received.
func Pipe(ctx context.Context) (Stream, Stream) {
	ctx, cancel := context.WithCancel(ctx)
	there, back := make(chan piped, pipeDepth), make(chan piped, pipeDepth)
	return &pipeEnd{ctx: ctx, cancel: cancel, out: there, in: back}, &pipeEnd{ctx: ctx, cancel: cancel, out: back, in: there}
}

// pipeDepth is how many messages a pipe holds in each direction before Send blocks.
const pipeDepth = 8

type piped struct {
	message Message
	release func()
}

// pipeEnd is one end of a pipe. The receiving goroutine alone touches last, the sending one silent.
type pipeEnd struct {
	ctx    context.Context //nolint:containedctx // Stream.Context returns it
	cancel context.CancelFunc
	out    chan<- piped
	in     <-chan piped
	last   piped
	silent bool // it has sent its last
}

func (p *pipeEnd) Send(message Message, release func()) error {
	if p.silent || p.ctx.Err() != nil {
		return io.ErrClosedPipe
	}
	select {
	case p.out <- piped{message, release}:
		return nil
	case <-p.ctx.Done():
		return io.ErrClosedPipe
	}
}

func (p *pipeEnd) CloseSend() error {
	if !p.silent {
		p.silent = true
		close(p.out)
	}
	return nil
}

func (p *pipeEnd) Recv() (Message, error) {
	if p.last.release != nil {
		p.last.release()
	}
	p.last = piped{}
	select {
	case next, more := <-p.in:
		return p.received(next, more)
	default: // what was sent before it broke comes first
	}
	select {
	case next, more := <-p.in:
		return p.received(next, more)
	case <-p.ctx.Done():
	}
	select {
	case next, more := <-p.in: // it came and broke at once
		return p.received(next, more)
	default:
		return nil, io.ErrClosedPipe
	}
}

func (p *pipeEnd) received(next piped, more bool) (Message, error) {
	if !more {
		return nil, io.EOF
	}
	p.last = next
	return next.message, nil
}

func (p *pipeEnd) Context() context.Context { return p.ctx }

func (p *pipeEnd) Close() { p.cancel() }
