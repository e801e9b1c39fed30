package tool

import (
	"encoding/binary"
	"strconv"
)

// TableMeter follows the Arrow streams of tables as they pass in pieces, one table after the other, without keeping them: it finds where
// each message begins and how long it is, so that nobody downstream has to hold a record batch that is over the limit. It reads
// the lengths alone; whoever decodes a stream checks the rest of it. The zero value is ready to use, by one goroutine.
type TableMeter struct {
	// head is what came of what stands before a message's body: two lengths and the metadata.
	head []byte
	// skip is how many bytes of a body are still to come.
	skip uint64
	// messages that have begun, the schema among them.
	messages int
	// ended says that the mark of the end has come: what follows belongs to nobody.
	ended bool
	err   error
}

// continuation begins a message. Streams of before Arrow 0.15 do not have it.
const continuation = 0xffffffff

// Pass takes the next piece of a table; an empty one ends the table. The error is MessageTooLarge where a record batch, or the schema, has
// more bytes than the limit (0: none), and SerializationError for what is no Arrow stream.
func (m *TableMeter) Pass(piece []byte, limit int) error {
	if len(piece) == 0 {
		return m.end()
	}
	for len(piece) > 0 && m.err == nil && !m.ended {
		if m.skip > 0 {
			n := min(m.skip, uint64(len(piece)))
			m.skip, piece = m.skip-n, piece[n:]
			continue
		}
		piece = m.lead(piece, limit)
	}
	return m.err
}

// end is told that a table has ended.
func (m *TableMeter) end() error {
	err := m.err
	if err == nil && (m.skip > 0 || len(m.head) > 0) {
		err = m.malformed("it ends within message %d", m.messages+1)
	}
	*m = TableMeter{head: m.head[:0]}
	return err
}

// lead takes what stands before a body, as far as it has come, and returns the rest.
func (m *TableMeter) lead(piece []byte, limit int) []byte {
	want := m.wanted()
	n := min(want-len(m.head), len(piece))
	m.head, piece = append(m.head, piece[:n]...), piece[n:]
	if len(m.head) < want {
		return piece
	}
	switch want {
	case 4: // the first length, or that a length follows
		if first := binary.LittleEndian.Uint32(m.head); first != continuation {
			m.sized(first, limit)
		}
	case 8:
		if binary.LittleEndian.Uint32(m.head) == continuation {
			m.sized(binary.LittleEndian.Uint32(m.head[4:]), limit)
			break
		}
		m.message(limit)
	default:
		m.message(limit)
	}
	return piece
}

// wanted is how long the head has to be for the next step.
func (m *TableMeter) wanted() int {
	if len(m.head) < 4 {
		return 4
	}
	at, size := 4, binary.LittleEndian.Uint32(m.head)
	if size == continuation {
		if len(m.head) < 8 {
			return 8
		}
		at, size = 8, binary.LittleEndian.Uint32(m.head[4:])
	}
	return at + int(size)
}

// sized takes the length of a message's metadata.
func (m *TableMeter) sized(size uint32, limit int) {
	switch {
	case size == 0:
		m.ended, m.head = true, m.head[:0]
	case limit > 0 && uint64(size) > uint64(limit):
		m.err = m.tooLong(uint64(size), limit)
	}
}

// message takes a message's metadata, which is whole.
func (m *TableMeter) message(limit int) {
	at := 4
	if binary.LittleEndian.Uint32(m.head) == continuation {
		at = 8
	}
	body, ok := bodyLength(m.head[at:])
	if !ok {
		m.err = m.malformed("the metadata of message %d cannot be read", m.messages+1)
		return
	}
	if size := uint64(len(m.head)-at) + body; size < body || limit > 0 && size > uint64(limit) {
		m.err = m.tooLong(size, limit)
		return
	}
	m.messages++
	m.skip, m.head = body, m.head[:0]
}

func (m *TableMeter) tooLong(size uint64, limit int) error {
	err := Errorf(MessageTooLarge, "message too large: record batch %d of a table in pieces has %d bytes, the limit of a batch is %d: write the table in batches of fewer rows", m.messages, size, limit)
	if m.messages == 0 {
		err = Errorf(MessageTooLarge, "message too large: the schema of a table in pieces has %d bytes, the limit of a message is %d: "+
			"its attrs, names or other metadata are too large; make them smaller, or send them as values of their own", size, limit)
	}
	return err.With("limit", strconv.Itoa(limit)).With("size", strconv.FormatUint(size, 10))
}

func (m *TableMeter) malformed(format string, args ...any) error {
	return Errorf(SerializationError, "a table in pieces is no Arrow IPC stream: "+format, args...).
		With("path", "$").With("expected", "an Arrow IPC stream").With("got", "malformed or truncated bytes")
}

// bodyLength reads the field bodyLength, number 3 of the table Message of Arrow's format/Message.fbs, from a FlatBuffers buffer.
func bodyLength(metadata []byte) (uint64, bool) {
	const slot = 4 + 2*3 // in the table's list of fields, behind two sizes
	table, ok := number32(metadata, 0)
	if !ok {
		return 0, false
	}
	back, ok := number32(metadata, table)
	if !ok {
		return 0, false
	}
	fields := table - int64(int32(back)) // signed here
	size, ok := number16(metadata, fields)
	if !ok {
		return 0, false
	}
	if size < slot+2 {
		return 0, true // the field is left out: there is no body
	}
	by, ok := number16(metadata, fields+slot)
	if !ok || by == 0 {
		return 0, ok
	}
	at := table + by
	if at+8 > int64(len(metadata)) {
		return 0, false
	}
	body := binary.LittleEndian.Uint64(metadata[at:])
	return body, body < 1<<63
}

func number32(b []byte, at int64) (int64, bool) {
	if at < 0 || at+4 > int64(len(b)) {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint32(b[at:])), true
}

func number16(b []byte, at int64) (int64, bool) {
	if at < 0 || at+2 > int64(len(b)) {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint16(b[at:])), true
}
