package direct

import (
	"context"
	"io"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

const (
	// copiedTo is up to which length a message is copied behind its head, to be written by one simple call.
	copiedTo = 8 << 10
	// keptHead is how much memory is kept to write from.
	keptHead = 16 << 10
)

// Send implements link.Stream. What the message consists of is not needed any more when it returns. What it may have to wait for, that the other side
// takes more, is read by Recv alone.
func (s *Stream) Send(m link.Message, release func()) error {
	if release != nil {
		defer release()
	}
	size := 0
	for _, part := range m {
		size += len(part)
	}
	rest := m
	for at, whole := 0, size+prefixSize; at < whole; {
		n, err := s.reserve(whole - at)
		if err != nil {
			return err
		}
		if err := s.sendFrame(&rest, at, n, size); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// reserve waits until (a part of) so many bytes may be sent, and returns how many may.
func (s *Stream) reserve(size int) (int, error) {
	for {
		s.mu.Lock()
		n := min(size, s.frame, s.connWindow, s.streamWindow)
		enough := n > 0
		if enough && !s.sentEnd {
			s.connWindow -= n
			s.streamWindow -= n
		}
		over := s.sentEnd
		s.mu.Unlock()
		switch {
		case over:
			return 0, io.ErrClosedPipe
		case s.ctx.Err() != nil:
			return 0, context.Cause(s.ctx)
		case enough:
			return n, nil
		}
		select {
		case <-s.room:
		case <-s.ctx.Done():
			return 0, context.Cause(s.ctx)
		}
	}
}

// sendFrame writes a frame with the next n bytes of a message of that size, of which so many were sent, its prefix among them. What waits besides
// is written first.
func (s *Stream) sendFrame(rest *link.Message, sent, n, size int) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	b := appendData(s.takeControl(s.head[:0]), n)
	body := n
	if left := prefixSize - sent; left > 0 {
		part := appendPrefix(make([]byte, 0, prefixSize), size)[sent:][:min(n, left)]
		b, body = append(b, part...), n-len(part)
	}
	if body > copiedTo {
		s.vector = append(s.vector[:0], b)
		takeParts(rest, body, func(part []byte) { s.vector = append(s.vector, part) })
		return s.writeVector(b)
	}
	takeParts(rest, body, func(part []byte) { b = append(b, part...) })
	return s.write(b)
}

// takeParts takes the next n bytes of a message.
func takeParts(m *link.Message, n int, take func(part []byte)) {
	for n > 0 {
		part := (*m)[0]
		if len(part) > n {
			rest := append(link.Message{part[n:]}, (*m)[1:]...) // whose parts are its own
			take(part[:n])
			*m = rest
			return
		}
		if len(part) > 0 {
			take(part)
		}
		n -= len(part)
		*m = (*m)[1:]
	}
}

// write writes bytes and keeps their memory; the stream is held for writing.
func (s *Stream) write(b []byte) error {
	_, err := s.conn.Write(b)
	s.keep(b)
	return s.unwritable(err)
}

// unwritable is the error of a connection that nothing can be written to: io.EOF, because what the other side has said before, perhaps why, can
// still be read.
func (s *Stream) unwritable(err error) error {
	switch {
	case err == nil:
		return nil
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx)
	default:
		return io.EOF
	}
}

func (s *Stream) writeVector(b []byte) error {
	vector := s.vector
	_, err := s.vector.WriteTo(s.conn)
	clear(vector)
	s.vector = vector[:0]
	s.keep(b)
	return s.unwritable(err)
}

func (s *Stream) keep(b []byte) {
	if cap(b) <= keptHead {
		s.head = b[:0]
	}
}

// takeControl appends what waits besides messages.
func (s *Stream) takeControl(b []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b = append(b, s.control...)
	s.control = s.control[:0]
	return b
}

// answer sends a frame besides the messages, without waiting: reading must go on while writing does not.
func (s *Stream) answer(frames []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.control)+len(frames) > maxControl {
		s.cancel(broken("%s asks for more answers than it reads", s.conn.RemoteAddr()))
		return
	}
	s.control = append(s.control, frames...)
	if !s.flushing {
		s.flushing = true
		go s.flush()
	}
}

// flush sends what waits besides messages, if no message has taken it along.
func (s *Stream) flush() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	b := s.head[:0]
	b = append(b, s.control...)
	s.control, s.flushing = s.control[:0], false // at once: what comes after that is another one's
	s.mu.Unlock()
	if len(b) > 0 {
		_ = s.write(b) // whoever reads hears of it
	}
}

// grow lets more be sent, on the connection or on the stream.
func (s *Stream) grow(stream bool, size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := &s.connWindow
	if stream {
		to = &s.streamWindow
	}
	*to += size
	if *to > maxWindow {
		return malformed("a window of %d bytes, the limit is %d", *to, maxWindow)
	}
	s.signalRoom()
	return nil
}

// signalRoom wakes who waits to send; mu is held.
func (s *Stream) signalRoom() {
	select {
	case s.room <- struct{}{}:
	default:
	}
}

// CloseSend implements link.Stream. A server's side says so by its trailers.
func (s *Stream) CloseSend() error {
	if s.server {
		return nil
	}
	return s.end(appendHead(nil, 0, kindData, flagEndStream, streamID))
}

// end sends the last frame of this side.
func (s *Stream) end(frame []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	over := s.sentEnd
	s.sentEnd = true
	s.mu.Unlock()
	if over {
		return nil
	}
	return s.write(append(s.takeControl(nil), frame...))
}
