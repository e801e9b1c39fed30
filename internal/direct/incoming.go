package direct

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

const (
	// Of the buffer that is read into; it grows while what comes fills it.
	firstBuffer, maxBuffer = 4 << 10, 64 << 10
	pieceSize              = 64 << 10
)

// pieces are memory for messages that do not lie in the buffer at once.
//
//nolint:gochecknoglobals // a pool of buffers
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// incoming is what comes on a connection. Whoever holds the stream for reading uses it.
type incoming struct {
	stream *Stream
	buf    []byte
	at, to int // of buf, what was read and not taken
	filled bool

	headers  *headerReader
	block    []byte // of headers that are not complete
	blockEnd bool   // the stream ends with them
	// blockCost is what they came to so far, the heads of their frames included.
	blockCost int
	begun     bool   // the first frame has come
	opened    bool   // the headers of the stream have come
	request   fields // of a server's stream

	left   int  // of the payload of the frame that is being read
	pad    int  // that follows it
	last   bool // the stream ends with the frame
	prefix [prefixSize]byte
	had    int // of the prefix
	want   int // of the message
	own    []*[pieceSize]byte
	used   int // of the last of own
	parts  link.Message

	taken int // that the other side may send again and was not told of
	end   error
}

func (in *incoming) init(s *Stream) {
	in.stream = s
	in.buf = make([]byte, firstBuffer)
	in.headers = newHeaderReader()
}

// begin takes what was read of the connection before.
func (in *incoming) begin(read []byte) {
	in.buf = append(make([]byte, 0, max(firstBuffer, len(read))), read...)
	in.buf, in.to = in.buf[:cap(in.buf)], len(read)
}

// awaitRequest reads the headers that a server's stream begins with.
func (s *Stream) awaitRequest() (fields, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for !s.in.opened {
		if _, err := s.in.next(); err != nil {
			return nil, s.failed(err)
		}
	}
	return s.in.request, nil
}

// Recv implements link.Stream.
func (s *Stream) Recv() (link.Message, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	in := &s.in
	in.release()
	for in.end == nil {
		m, err := in.next()
		if m != nil {
			return m, nil
		}
		in.end = err
	}
	if !errors.Is(in.end, io.EOF) {
		return nil, s.failed(in.end)
	}
	return nil, in.end
}

// release lets the last message go.
func (in *incoming) release() {
	for i, p := range in.own {
		pieces.Put(p)
		in.own[i] = nil
	}
	clear(in.parts)
	in.own, in.parts, in.used = in.own[:0], in.parts[:0], 0
}

// next reads on, and returns a message when one is complete.
func (in *incoming) next() (link.Message, error) {
	if in.left > 0 {
		return in.resume()
	}
	if err := in.endOfData(); err != nil {
		return nil, err
	}
	if err := in.fill(frameHead); err != nil {
		return nil, err
	}
	h := readHead(in.buf[in.at:])
	if err := in.check(h); err != nil {
		return nil, err
	}
	if h.kind == kindData {
		return in.data(h)
	}
	if err := in.fill(frameHead + h.size); err != nil {
		return nil, err
	}
	payload := in.buf[in.at+frameHead : in.at+frameHead+h.size]
	in.at += frameHead + h.size
	return nil, in.treat(h, payload)
}

// check refuses frames that may not come.
func (in *incoming) check(h head) error {
	switch {
	case !in.begun && (h.kind != kindSettings || h.has(flagAck)):
		return malformed("%s does not speak it: it begins with a frame of kind %d, want settings", in.stream.conn.RemoteAddr(), h.kind)
	case h.size > maxFrame, h.kind != kindData && h.size > maxHeaders:
		return malformed("a frame of kind %d with %d bytes, the limit is %d for data and %d for others", h.kind, h.size, maxFrame, maxHeaders)
	case h.stream > streamID && h.kind != kindPriority && h.kind <= kindContinuation:
		return malformed("a frame of stream %d, there is only %d", h.stream, streamID)
	case in.block != nil && h.kind != kindContinuation:
		return malformed("a frame of kind %d between headers", h.kind)
	case h.kind == kindData && (h.stream == 0 || !in.opened):
		return malformed("data before the headers of a stream")
	default:
		in.begun = true
		return nil
	}
}

// fill reads until n bytes lie in the buffer, which is never less than one frame that is not data.
func (in *incoming) fill(n int) error {
	for in.to-in.at < n {
		if in.at > 0 {
			copy(in.buf, in.buf[in.at:in.to])
			in.at, in.to = 0, in.to-in.at
		}
		if n > len(in.buf) || in.filled && len(in.buf) < maxBuffer {
			grown := make([]byte, min(max(4*len(in.buf), n), max(maxBuffer, n)))
			copy(grown, in.buf[:in.to])
			in.buf = grown
		}
		got, err := in.read(in.buf[in.to:])
		in.to += got
		in.filled = in.to == len(in.buf)
		if err != nil && in.to-in.at < n {
			return err
		}
	}
	return nil
}

func (in *incoming) read(b []byte) (int, error) {
	n, err := in.stream.conn.Read(b)
	if n > 0 {
		if !in.stream.heard.Load() {
			in.stream.heard.Store(true)
		}
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		return 0, broken("%s closed the connection", in.stream.conn.RemoteAddr())
	}
	return 0, broken("read from %s: %v", in.stream.conn.RemoteAddr(), err)
}

// data begins a frame of data. A message that is all of a frame that fits into the buffer is taken as it lies there.
func (in *incoming) data(h head) (link.Message, error) {
	in.taken += h.size
	size := h.size
	whole := frameHead + h.size
	if !h.has(flagPadded) && in.had == 0 && size > prefixSize && whole <= maxBuffer {
		if err := in.fill(whole); err != nil {
			return nil, err
		}
		body := in.buf[in.at+frameHead : in.at+whole]
		n, err := messageSize(body)
		if err != nil {
			return nil, err
		}
		if n == size-prefixSize {
			in.at += whole
			in.last = h.has(flagEndStream)
			in.parts = append(in.parts, body[prefixSize:])
			return in.parts, nil
		}
	}
	in.at += frameHead
	if h.has(flagPadded) {
		if size == 0 {
			return nil, malformed("a padded frame without its padding's length")
		}
		if err := in.fill(1); err != nil {
			return nil, err
		}
		in.pad = int(in.buf[in.at])
		in.at++
		if in.pad >= size {
			return nil, malformed("a frame of %d bytes with %d of padding", size, in.pad)
		}
		size -= 1 + in.pad
	}
	in.left, in.last = size, h.has(flagEndStream)
	return nil, in.skipPadding()
}

// messageSize reads the prefix of a message.
func messageSize(b []byte) (int, error) {
	n := binary.BigEndian.Uint32(b[1:prefixSize])
	switch {
	case b[0] != 0:
		return 0, malformed("a compressed message, and none was asked for")
	case n > maxMessage:
		return 0, malformed("a message of %d bytes, the limit is %d", n, maxMessage)
	default:
		return int(n), nil
	}
}

// resume goes on with the payload of a frame.
func (in *incoming) resume() (link.Message, error) {
	if in.had < prefixSize {
		if err := in.readPrefix(); err != nil || in.had < prefixSize {
			return nil, err
		}
	}
	for in.left > 0 && in.want > 0 {
		if err := in.readPiece(); err != nil {
			return nil, err
		}
	}
	if err := in.skipPadding(); err != nil || in.want > 0 {
		return nil, err
	}
	in.had = 0
	return in.message(), nil
}

func (in *incoming) readPrefix() (err error) {
	n := min(prefixSize-in.had, in.left)
	if err := in.fill(n); err != nil {
		return err
	}
	copy(in.prefix[in.had:], in.buf[in.at:in.at+n])
	in.at, in.left, in.had = in.at+n, in.left-n, in.had+n
	if in.had == prefixSize {
		if in.want, err = messageSize(in.prefix[:]); err != nil {
			return err
		}
	}
	return in.skipPadding()
}

// readPiece reads some of a message to where it stays: from the buffer what lies there, the rest straight from the connection.
func (in *incoming) readPiece() error {
	if len(in.own) == 0 || in.used == pieceSize {
		piece, _ := pieces.Get().(*[pieceSize]byte)
		in.own, in.used = append(in.own, piece), 0
	}
	free := in.own[len(in.own)-1][in.used:]
	free = free[:min(len(free), in.left, in.want)]
	n := copy(free, in.buf[in.at:in.to])
	in.at += n
	if n == 0 {
		var err error
		if n, err = in.read(free); err != nil {
			return err
		}
	}
	in.used, in.left, in.want = in.used+n, in.left-n, in.want-n
	return nil
}

func (in *incoming) message() link.Message {
	for i, p := range in.own {
		part := p[:]
		if i == len(in.own)-1 {
			part = p[:in.used]
		}
		in.parts = append(in.parts, part)
	}
	if in.parts == nil {
		in.parts = link.Message{}
	}
	return in.parts
}

// skipPadding takes the padding behind a payload that was read.
func (in *incoming) skipPadding() error {
	if in.left > 0 || in.pad == 0 {
		return nil
	}
	if err := in.fill(in.pad); err != nil {
		return err
	}
	in.at += in.pad
	in.pad = 0
	return nil
}

// endOfData grants as much again as was read, now and then, and says when the stream has ended with the frame before.
func (in *incoming) endOfData() error {
	if in.taken >= window/2 {
		in.stream.answer(appendWindowUpdate(appendWindowUpdate(nil, 0, in.taken), streamID, in.taken))
		in.taken = 0
	}
	switch {
	case !in.last:
		return nil
	case in.had > 0:
		return malformed("the stream ended within a message")
	case in.stream.server:
		return io.EOF
	default:
		return broken("the stream ended without a status")
	}
}
