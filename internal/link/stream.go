package link

import (
	"context"
	"io"
)

// Stream carries the messages of one connection as bytes: serialized LinkMessages. One goroutine sends, another one
// receives.
type Stream interface {
	// Send sends one message. It may block until the other side reads. Nobody changes the bytes afterwards.
	Send(message []byte) error
	// Recv returns the next message, which is valid until Recv is called again; io.EOF when the other side has ended
	// the stream.
	Recv() ([]byte, error)
	// Context ends when the stream does.
	Context() context.Context
	// Close ends the stream: Send and Recv return soon. On the server's side of gRPC it has no effect: there a stream
	// ends when its handler returns.
	Close()
}

// Pipe returns the two ends of a stream in memory. Closing one end, or ending ctx, ends both; what was sent before
// can still be received.
func Pipe(ctx context.Context) (Stream, Stream) {
	ctx, cancel := context.WithCancel(ctx)
	there, back := make(chan []byte, pipeDepth), make(chan []byte, pipeDepth)
	return &pipeEnd{ctx: ctx, cancel: cancel, out: there, in: back}, &pipeEnd{ctx: ctx, cancel: cancel, out: back, in: there}
}

// pipeDepth is how many messages a pipe holds in each direction before Send blocks.
const pipeDepth = 8

type pipeEnd struct {
	ctx    context.Context
	cancel context.CancelFunc
	out    chan<- []byte
	in     <-chan []byte
}

func (p *pipeEnd) Send(message []byte) error {
	if p.ctx.Err() != nil {
		return io.EOF
	}
	select {
	case p.out <- message:
		return nil
	case <-p.ctx.Done():
		return io.EOF
	}
}

func (p *pipeEnd) Recv() ([]byte, error) {
	select {
	case m := <-p.in:
		return m, nil
	default:
	}
	select {
	case m := <-p.in:
		return m, nil
	case <-p.ctx.Done():
		return nil, io.EOF
	}
}

func (p *pipeEnd) Context() context.Context { return p.ctx }

func (p *pipeEnd) Close() { p.cancel() }
