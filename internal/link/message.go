package link

import (
	"bytes"
	"cmp"
	"strings"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Message is a serialized LinkMessage, or a part of one, in pieces that follow one another in memory that need not be one: so large
// values are sent from where they lie, and taken out of the transport's buffers, without being put together first.
type Message [][]byte

// size returns how many bytes the message has.
func (m Message) size() int {
	n := 0
	for _, part := range m {
		n += len(part)
	}
	return n
}

// bytes returns the message as one: what it consists of, or a copy.
func (m Message) bytes() []byte {
	if len(m) == 1 {
		return m[0]
	}
	return bytes.Join(m, nil)
}

// appendTo appends all of the message to b.
func (m Message) appendTo(b []byte) []byte {
	for _, part := range m {
		b = append(b, part...)
	}
	return b
}

// content is the body of a frame: what was written for it, and what it shares.
type content struct {
	written []byte
	shared  []shared
	size    int
}

// shared are bytes that are sent from where they lie, at a place among others that are written one after the other.
type shared struct {
	at   int // how many of the others stand before them
	data []byte
	// release is called once nobody needs the bytes any more; may be nil.
	release func()
}

// sharedFrom is from which length on bytes are not copied to be sent. Shorter ones cost less when they are copied.
const sharedFrom = 8 << 10

// appendParts appends what was written from a place on, and the shared bytes in it, in their order.
func appendParts(to Message, written []byte, from int, pieces []shared) Message {
	for _, s := range pieces {
		if s.at > from {
			to = append(to, written[from:s.at])
			from = s.at
		}
		to = append(to, s.data)
	}
	if from < len(written) {
		to = append(to, written[from:])
	}
	return to
}

// gathered is memory for bytes that all are written once and never changed. Unlike that of a slice it is not cleared first.
type gathered struct{ strings.Builder }

// grow makes room for n bytes in all.
func (t *gathered) grow(n int) {
	if n <= t.Cap() {
		return
	}
	old := t.String()
	t.Reset()
	t.Grow(n)
	t.WriteString(old)
}

func (t *gathered) add(m Message) {
	for _, part := range m {
		t.Write(part)
	}
}

// bytes returns what was written; nothing may be added any more.
func (t *gathered) bytes() []byte {
	s := t.String()
	return unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // they never change
}

// cursor reads a message from its beginning to its end.
type cursor struct {
	part []byte // what is left of the part that it is in
	rest Message
}

func readMessage(m Message) cursor {
	c := cursor{rest: m}
	c.settle()
	return c
}

// settle goes on to the next part if nothing is left of the present one.
func (c *cursor) settle() {
	for len(c.part) == 0 && len(c.rest) > 0 {
		c.part, c.rest = c.rest[0], c.rest[1:]
	}
}

func (c *cursor) empty() bool { return len(c.part) == 0 }

func (c *cursor) size() int { return len(c.part) + c.rest.size() }

// varint reads a number.
func (c *cursor) varint() (uint64, error) {
	b := c.part
	if len(b) < maxVarint && len(c.rest) > 0 {
		var few [maxVarint]byte
		b = few[:c.peek(few[:])]
	}
	n, size := protowire.ConsumeVarint(b)
	if size < 0 {
		return 0, protowire.ParseError(size)
	}
	c.skip(size)
	return n, nil
}

const maxVarint = 10

// field reads a number if it is what comes next: field num. What else comes is left where it is, and the number is 0.
func (c *cursor) field(num protowire.Number) uint64 {
	before := *c
	if tag, err := c.varint(); err == nil && tag == protowire.EncodeTag(num, protowire.VarintType) {
		if n, err := c.varint(); err == nil {
			return n
		}
	}
	*c = before
	return 0
}

// open reads the head of bytes if they are what comes next: field num. It returns their length.
func (c *cursor) open(num protowire.Number) (size int, ok bool) {
	tag, err := c.varint()
	if err != nil || tag != protowire.EncodeTag(num, protowire.BytesType) {
		return 0, false
	}
	n, err := c.varint()
	return int(min(n, maxMessage+1)), err == nil
}

// peek copies what comes next and returns how much that is.
func (c *cursor) peek(to []byte) int {
	n := copy(to, c.part)
	for _, part := range c.rest {
		if n == len(to) {
			break
		}
		n += copy(to[n:], part)
	}
	return n
}

// skip goes on by n bytes, which there must be.
func (c *cursor) skip(n int) {
	for n > len(c.part) {
		n -= len(c.part)
		c.part, c.rest = c.rest[0], c.rest[1:]
	}
	c.part = c.part[n:]
	c.settle()
}

// take appends the next n bytes, which there must be, to a message, without copying them.
func (c *cursor) take(to Message, n int) Message {
	for n > len(c.part) {
		to = append(to, c.part)
		n -= len(c.part)
		c.part, c.rest = c.rest[0], c.rest[1:]
	}
	if n > 0 {
		to = append(to, c.part[:n])
	}
	c.part = c.part[n:]
	c.settle()
	return to
}

// remaining is all that was not read.
func (c *cursor) remaining() []byte {
	return append(Message{c.part}, c.rest...).bytes()
}

// frames calls each with the frames of a message, as they are found: a frame that lies in one part as it is, another one in the parts
// that it lies in. The cursor is behind a frame when each is called with it.
func (c *cursor) frames(each func(frame Message) error) (ack uint64, err error) {
	var few [maxFrameParts][]byte
	for !c.empty() {
		before := *c
		tag, err := c.varint()
		if err != nil {
			return 0, err
		}
		number, kind := protowire.DecodeTag(tag)
		switch {
		case number == messageAck && kind == protowire.VarintType:
			if ack, err = c.varint(); err != nil {
				return 0, err
			}
		case number == messageFrames && kind == protowire.BytesType:
			frame, err := c.frame(few[:0])
			if err == nil {
				err = each(frame)
			}
			if err != nil {
				return 0, err
			}
		default: // nothing that this package sends: what is left need not be read fast
			late, err := decodeMessage(before.remaining(), func(frame []byte) error { return each(Message{frame}) })
			return cmp.Or(late, ack), err
		}
	}
	return ack, nil
}

// frame reads the length of a frame and appends the frame to a message.
func (c *cursor) frame(to Message) (Message, error) {
	n, err := c.varint()
	if err != nil {
		return nil, err
	}
	if n > uint64(c.size()) {
		return nil, tool.Errorf(tool.ProtocolError, "frame of %d bytes in a message that ends after %d", n, c.size())
	}
	return c.take(to, int(n)), nil
}

// maxFrameParts is in how many parts a frame usually lies at most: those of the transport have 16 KiB.
const maxFrameParts = 8
