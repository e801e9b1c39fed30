package frame

import (
	"encoding/binary"
	"errors"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// spans are the lists of a batch: an array's length and nulls, a buffer's place and length.
type spans struct {
	data []byte
	n    int
}

func (s spans) at(i int) (first, second int64) {
	return int64(binary.LittleEndian.Uint64(s.data[16*i:])), int64(binary.LittleEndian.Uint64(s.data[16*i+8:]))
}

// spans returns a list of a batch that was checked.
func (v *verifier) spans(batch, number int) spans {
	at := v.follow(batch, number)
	if at == 0 {
		return spans{}
	}
	return spans{v.data[at+4:], int(binary.LittleEndian.Uint32(v.data[at:]))}
}

// laid is a batch that is compared with its layout.
type laid struct {
	rows           int64
	arrays         spans
	buffers        spans
	counts         []byte // of buffers of the views
	compressed     bool
	codec          byte
	old            bool // metadata of version 4
	dictionary     bool
	length         int64
	array, counted int
	buffer         int
	taken          int64 // of the body by the buffers before

	listed, lengthAt int // where the buffers and the length stand in the metadata
	packs            []packed
}

// laidOf reads the lists of a batch.
func (v *verifier) laidOf(batch int) *laid {
	l := &laid{
		rows: v.long(batch, 0), arrays: v.spans(batch, 1), buffers: v.spans(batch, 2),
		compressed: v.field(batch, 3) != 0, old: v.number(v.message, 0, 0, 2) < 4, length: v.long(v.message, 3),
		listed: v.follow(batch, 2) + 4, lengthAt: v.field(v.message, 3),
	}
	if l.compressed {
		l.codec = v.octet(v.follow(batch, 3), 0)
	}
	if at := v.follow(batch, 4); at != 0 {
		l.counts = v.data[at+4:]
	}
	return l
}

// check compares the batch with what its schema says, and with its body as far as that is known.
func (l *laid) check(parts []part, body []byte, limit int64) error {
	if l.compressed {
		limit *= inflation // what it takes is bounded when it is read
	}
	for i := range parts {
		if err := l.part(&parts[i], body, limit); err != nil {
			return err
		}
	}
	if l.array != l.arrays.n || l.buffer != l.buffers.n {
		return failf("$", "malformed Arrow stream: a record batch has %d arrays and %d buffers, its schema wants %d and %d",
			l.arrays.n, l.buffers.n, l.array, l.buffer).With("expected", "an Arrow IPC stream").With("got", "malformed or truncated bytes")
	}
	return nil
}

func (l *laid) part(p *part, body []byte, limit int64) error {
	if l.array >= l.arrays.n {
		return p.bad("its batch has %d arrays, its schema wants more", l.arrays.n)
	}
	rows, nulls := l.arrays.at(l.array)
	l.array++
	switch {
	case rows < 0 || rows > limit:
		return p.bad("%d items in a stream that can hold %d", rows, limit)
	case nulls < -1 || nulls > rows:
		return p.bad("%d of %d items are null", nulls, rows)
	case p.top && rows != l.rows:
		return p.bad("it has %d rows instead of %d", rows, l.rows)
	}
	if err := l.own(p, rows, nulls, body); err != nil {
		return err
	}
	return l.viewed(p, body)
}

// own checks the buffers of an array that every array of its type has.
func (l *laid) own(p *part, rows, nulls int64, body []byte) error {
	if p.once && !l.old && l.dictionary {
		return p.missing("unions and runs inside of dictionaries") // for it takes all dictionaries for ones of metadata of version 4
	}
	if p.validity || p.once && l.old {
		needed := need{bits: 1}
		if nulls == 0 {
			needed = need{}
		}
		if _, err := l.next(p, needed, rows, body); err != nil {
			return err
		}
	}
	var before []byte
	for _, needed := range p.buffers {
		own, err := l.next(p, needed, rows, body)
		if err != nil {
			return err
		}
		if p.text && needed.bits == 0 && rows > 0 && before != nil && own != nil {
			if err := p.offsets(before, rows, int64(len(own))); err != nil {
				return err
			}
		}
		before = own
	}
	return nil
}

// viewed checks the buffers that views lead to.
func (l *laid) viewed(p *part, body []byte) error {
	if !p.views || len(l.counts) < 8*l.counted+8 {
		return nil
	}
	n := binary.LittleEndian.Uint64(l.counts[8*l.counted:])
	l.counted++
	for range n {
		if _, err := l.next(p, need{}, 0, body); err != nil {
			return err
		}
	}
	return nil
}

// next checks the next buffer, and returns it if it is not compressed and the body is known.
func (l *laid) next(p *part, needed need, rows int64, body []byte) ([]byte, error) {
	if l.buffer >= l.buffers.n {
		return nil, p.bad("its batch has %d buffers, its schema wants more", l.buffers.n)
	}
	at, size := l.buffers.at(l.buffer)
	l.buffer++
	if at < 0 || size < 0 || at > l.length || size > l.length-at {
		return nil, p.bad("a buffer of %d bytes at %d leads out of its message of %d", size, at, l.length)
	}
	if l.taken += size; l.taken > l.length { // which are decompressed and looked at each
		return nil, p.bad("the buffers up to one of %d bytes at %d have %d bytes, their message has %d: want bytes of its own for each",
			size, at, l.taken, l.length)
	}
	if at%8 != 0 {
		return nil, p.bad("want buffers at multiples of 8 bytes, got one at %d", at)
	}
	var own []byte
	if body != nil {
		own = body[at : at+size : at+size]
	}
	switch {
	case !l.compressed:
		return own, p.long(needed, rows, size)
	case body != nil && size > 0:
		return l.packed(p, own, needed, rows)
	case body != nil:
		l.packs = append(l.packs, packed{part: p})
	}
	return nil, nil
}

// long checks a buffer's length.
func (p *part) long(needed need, rows, size int64) error {
	if rows == 0 || needed.bits <= 0 || rows+needed.more <= 8*size/needed.bits {
		return nil
	}
	return p.bad("want a buffer for %d items of %d bits, got one of %d bytes", rows+needed.more, needed.bits, size)
}

// offsets checks where texts begin and end, which the library takes for granted when it makes an array of them.
func (p *part) offsets(offsets []byte, rows, size int64) error {
	at := func(i int64) int64 {
		if p.buffers[0].bits == 32 {
			return int64(int32(binary.LittleEndian.Uint32(offsets[4*i:])))
		}
		return int64(binary.LittleEndian.Uint64(offsets[8*i:]))
	}
	if first, last := at(0), at(rows); first < 0 || last < first || last > size {
		return p.bad("its offsets lead from %d to %d of %d bytes", first, last, size)
	}
	return nil
}

// unlaid says why a stream cannot be read: as what it is if that is known, as malformed otherwise.
func unlaid(kind string, err error) error {
	var known *tool.Error
	if errors.As(err, &known) {
		return known
	}
	return malformed(kind, err)
}
