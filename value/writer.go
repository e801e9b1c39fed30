package value

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// writer writes messages from their end to their beginning: a message's length is then known before it has to be
// written, so nothing is measured beforehand and nothing is moved. Fields are written in descending order.
type writer struct {
	buf []byte
	pos int // what is written is buf[pos:]
}

func newWriter(size int) writer { return writer{buf: make([]byte, size), pos: size} }

// len returns how many bytes are written.
func (w *writer) len() int { return len(w.buf) - w.pos }

// written returns what is written.
func (w *writer) written() []byte { return w.buf[w.pos:] }

// since returns what was written when the length went from one to another.
func (w *writer) since(from, to int) []byte { return w.buf[len(w.buf)-to : len(w.buf)-from] }

// room makes n bytes in front and returns them.
func (w *writer) room(n int) []byte {
	if w.pos < n {
		w.grow(n)
	}
	w.pos -= n
	return w.buf[w.pos : w.pos+n]
}

func (w *writer) grow(n int) {
	used := w.len()
	bigger := make([]byte, max(64, 2*len(w.buf), used+n))
	copy(bigger[len(bigger)-used:], w.buf[w.pos:])
	w.buf, w.pos = bigger, len(bigger)-used
}

func (w *writer) byte(b byte) {
	if w.pos == 0 {
		w.grow(1)
	}
	w.pos--
	w.buf[w.pos] = b
}

func (w *writer) raw(b []byte)       { copy(w.room(len(b)), b) }
func (w *writer) rawString(s string) { copy(w.room(len(s)), s) }

func (w *writer) varint(v uint64) {
	if v < 0x80 {
		w.byte(byte(v))
		return
	}
	binary.PutUvarint(w.room((bits.Len64(v)+6)/7), v)
}

func (w *writer) fixed64(v uint64) { binary.LittleEndian.PutUint64(w.room(8), v) }

// text writes a whole length-delimited field of a number below 16.
func (w *writer) text(number byte, s string) {
	w.rawString(s)
	w.varint(uint64(len(s)))
	w.byte(number<<3 | 2)
}

// data is text for bytes.
func (w *writer) data(number byte, b []byte) {
	w.raw(b)
	w.varint(uint64(len(b)))
	w.byte(number<<3 | 2)
}

// close ends a length-delimited field whose contents were written since mark.
func (w *writer) close(number byte, mark int) {
	w.varint(uint64(w.len() - mark))
	w.byte(number<<3 | 2)
}

func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// canonicalBits returns the bits of a float, those of a NaN reduced to its sign.
func canonicalBits(f float64) uint64 {
	b := math.Float64bits(f)
	if f != f {
		return b&(1<<63) | 0x7ff8000000000000
	}
	return b
}
