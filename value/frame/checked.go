package frame

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// messageLimit is how long a message of a stream that is read while it comes may be: a batch of the longest kind that bridges let pass,
// and its metadata.
const messageLimit = 64 << 20

// checked passes an Arrow stream on, message by message, each checked as verifyStream does it before the library sees it, and lets the
// library allocate for a message what its length is worth.
type checked struct {
	from   io.Reader
	memory *bounded
	views  views

	head    []byte // of a message: its lengths and metadata, not passed on yet
	body    uint64 // bytes of the message's body that are not passed on yet
	last    int    // bytes of the message
	message message
	ended   bool

	unpacker unpacker
	unpacked *unpacked // what the body is read from, if it is compressed
	asIs     bool      // who reads wants it compressed

	// metadata and held are the message that was passed on last as a whole, for who has to say what is wrong with it.
	metadata, held []byte
	failed         error

	// remembered is what was passed on, until forget.
	remembered []byte
	forgets    bool
}

func newChecked(from io.Reader) *checked {
	return &checked{from: from, memory: newBounded(0, new(int64))}
}

// forget says that what is passed on from now on is not asked for again.
func (c *checked) forget() { c.forgets, c.remembered = true, nil }

// Read implements io.Reader.
func (c *checked) Read(p []byte) (n int, err error) {
	if c.failed != nil {
		return 0, c.failed
	}
	if n, err = c.read(p); err != nil {
		c.failed = err
	}
	if !c.forgets {
		c.remembered = append(c.remembered, p[:n]...)
	}
	return n, err
}

func (c *checked) read(p []byte) (n int, err error) {
	if len(c.head) == 0 && c.body == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	if all := c.body; uint64(len(p)) >= all && all == uint64(c.message.body) {
		return c.whole(p[:all])
	}
	n, err = c.source().Read(p[:min(uint64(len(p)), c.body)])
	c.body -= uint64(n)
	if errors.Is(err, io.EOF) && c.body > 0 {
		return n, malformed("table", io.ErrUnexpectedEOF)
	}
	if errors.Is(err, io.EOF) {
		err = nil // the next message finds it
	}
	return n, err
}

// whole reads the whole body of a message, which the library asks for at once, and checks it.
func (c *checked) whole(p []byte) (n int, err error) {
	n, err = io.ReadFull(c.source(), p)
	c.body -= uint64(n)
	if err != nil {
		return n, cut(err)
	}
	c.held = p
	if c.unpacked != nil { // which was checked with it
		return n, nil
	}
	if _, err := c.message.check(p, int64(rowLimitOf(c.last))); err != nil {
		return 0, err // the library does not ask for the error of a body that is whole
	}
	return n, nil
}

// source is what the body of a message is read from.
func (c *checked) source() io.Reader {
	if c.unpacked != nil {
		return c.unpacked
	}
	return c.from
}

// next reads what stands before a message's body. At the end of the stream it reads to the end of what it comes from: only that says
// that the table is whole.
func (c *checked) next() error {
	lead := make([]byte, 8)
	n, err := io.ReadFull(c.from, lead[:4])
	if errors.Is(err, io.EOF) && n == 0 {
		return malformed("table", errUnended)
	}
	if err != nil {
		return cut(err)
	}
	at, size := 4, binary.LittleEndian.Uint32(lead)
	if size == 0xffffffff {
		if _, err := io.ReadFull(c.from, lead[4:]); err != nil {
			return cut(err)
		}
		at, size = 8, binary.LittleEndian.Uint32(lead[4:])
	}
	if size == 0 {
		return c.end(lead[:at])
	}
	if size > messageLimit {
		return c.long(uint64(size))
	}
	c.head = append(make([]byte, 0, at+int(size)), lead[:at]...)[:at+int(size)]
	if _, err := io.ReadFull(c.from, c.head[at:]); err != nil {
		c.head = nil
		return cut(err)
	}
	return c.verify(at)
}

func (c *checked) verify(at int) error {
	found, err := verifyMessage(c.head[at:], &c.views)
	if err != nil {
		return unlaid("table", err)
	}
	if found.body > messageLimit {
		return c.long(uint64(found.body))
	}
	c.last = len(c.head) + int(found.body)
	if _, err := found.check(nil, int64(rowLimitOf(c.last))); err != nil {
		return err
	}
	c.unpacked = nil
	if found.compressed() && !c.asIs {
		if found, err = c.unpack(found, at); err != nil {
			return err
		}
	}
	c.body, c.message = uint64(found.body), found
	c.metadata, c.held = c.head, nil
	c.memory.begin(c.last)
	return nil
}

// unpack reads the body of a compressed message, and lets what it is unpacked stand for it.
func (c *checked) unpack(found message, at int) (message, error) {
	body := make([]byte, found.body)
	if _, err := io.ReadFull(c.from, body); err != nil {
		return found, cut(err)
	}
	u, err := found.unpack(&c.unpacker, c.head, at, body, int64(rowLimitOf(c.last)), &c.views)
	if err != nil {
		return found, err
	}
	c.unpacked, c.head = u, u.head
	return u.message, nil
}

// end passes the mark of the end on, once what the stream comes from has ended as well.
func (c *checked) end(mark []byte) error {
	switch behind, err := io.CopyN(io.Discard, c.from, 1); {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case behind > 0:
		return malformed("table", errBehind)
	}
	c.ended, c.head = true, mark
	return nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("table", io.ErrUnexpectedEOF)
	}
	return err
}

// long is the error of a message over the limit; the first is the schema.
func (c *checked) long(size uint64) error {
	err := tool.Errorf(tool.MessageTooLarge, "message too large: a record batch of a table has %d bytes, the limit is %d: write the table in batches of fewer rows", size, messageLimit)
	if c.last == 0 {
		err = tool.Errorf(tool.MessageTooLarge, "message too large: the schema of a table has %d bytes, the limit is %d: "+
			"its attrs, names or other metadata are too large; make them smaller, or send them as values of their own", size, messageLimit)
	}
	return err.With("limit", strconv.Itoa(messageLimit)).With("size", strconv.FormatUint(size, 10))
}
