package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The Arrow library takes buffers for as long as their arrays need them, reads on into what stands behind one that is shorter, and
// panics where nothing does. So what the arrays of a batch need is known from the schema, and each of them is looked at before the
// library is: following "Buffer Listing for Each Layout" of the Arrow specification. What stands in the buffers is looked at later.

// layouts says which arrays the batches of a stream hold.
type layouts struct {
	read         bool
	big          bool // numbers with their highest byte first
	batch        []part
	dictionaries map[int64][]part
}

// part is an array of a batch, those inside of others behind them.
type part struct {
	column   string
	top      bool // the column itself
	validity bool
	once     bool // it had a bitmap of validity in metadata of version 4
	views    bool // whose buffers behind these are counted in the batch
	text     bool // whose last buffer holds what the offsets before it say
	buffers  []need
}

// need is how many bits a buffer has for each item, and for how many items more than the array has.
type need struct{ bits, more int64 }

// The numbers of the types in a schema, which is format/Schema.fbs of the Arrow specification.
const (
	typeNull, typeInt, typeFloat, typeBinary, typeUtf8, typeBool       = 1, 2, 3, 4, 5, 6
	typeDecimal, typeDate, typeTime, typeTimestamp, typeInterval       = 7, 8, 9, 10, 11
	typeList, typeStruct, typeUnion, typeFixedBinary, typeFixedList    = 12, 13, 14, 15, 16
	typeMap, typeDuration, typeLargeBinary, typeLargeUtf8              = 17, 18, 19, 20
	typeLargeList, typeRunEnds, typeBinaryView, typeUtf8View           = 21, 22, 23, 24
	typeListView, typeLargeListView                                    = 25, 26
	nameSlot, kindSlot, typeSlot, dictionarySlot, itemsSlot, notesSlot = 0, 2, 3, 4, 5, 6
)

// readSchema reads the layouts of a schema that was checked; the first of a stream is the one that counts.
func (l *layouts) readSchema(v *verifier, schema int) (err error) {
	if l.read {
		return nil
	}
	l.read, l.big, l.dictionaries = true, v.number(schema, 0, 0, 2) != 0, map[int64][]part{}
	l.batch, err = l.all(v, schema, 1, nil, nil)
	return err
}

// all reads the fields in a table's list of them, behind what was read before. Those inside of a column are called as it is.
func (l *layouts) all(v *verifier, table, number int, column *string, parts []part) (_ []part, err error) {
	for _, field := range v.listed(table, number) {
		name := column
		if name == nil {
			called := v.called(field)
			if !utf8.ValidString(called) {
				return nil, errMetadata
			}
			name = &called
		}
		own := len(parts)
		if parts, err = l.field(v, field, *name, parts); err != nil {
			return nil, err
		}
		parts[own].top = column == nil
	}
	return parts, nil
}

// field reads a field. What is encoded by a dictionary has indices in the batch.
func (l *layouts) field(v *verifier, field int, column string, parts []part) ([]part, error) {
	own, err := v.part(field, column)
	if err != nil {
		return nil, err
	}
	if v.octet(field, kindSlot) == typeRunEnds && v.extends(field) {
		return nil, own.missing("runs of a type that is none of Arrow's own") // of which it forgets what type that is
	}
	if l.big {
		if err := own.turned(v.octet(field, kindSlot)); err != nil {
			return nil, err
		}
	}
	if n, want := len(v.listed(field, itemsSlot)), v.itemsOf(field); want >= 0 && n != want {
		return nil, own.bad("its type has %d types inside of it, want %d", n, want)
	}
	first := len(parts)
	if parts, err = l.all(v, field, itemsSlot, &column, append(parts, own)); err != nil {
		return nil, err
	}
	encoding := v.follow(field, dictionarySlot)
	if encoding == 0 {
		return parts, nil
	}
	l.dictionaries[v.long(encoding, 0)] = slices.Clone(parts[first:])
	bits := int64(32)
	if index := v.follow(encoding, 1); index != 0 {
		bits = v.number(index, 0, 0, 4)
	}
	return append(parts[:first], part{column: column, validity: true, buffers: []need{{bits: bits}}}), nil
}

// turned says that an array has its numbers with their highest byte first. Of some types the library leaves them so.
func (p *part) turned(kind byte) error {
	p.text = false // whose offsets are looked at when they are turned
	switch kind {
	case typeRunEnds, typeBinaryView, typeUtf8View, typeListView, typeLargeListView:
		return p.missing("views and runs of big-endian machines")
	}
	return nil
}

// itemsOf is how many types a field's type has inside of it, -1 if that may be any number. The library leaves out what is too much.
func (v *verifier) itemsOf(field int) int {
	switch v.octet(field, kindSlot) {
	case typeStruct, typeUnion:
		return -1
	case typeList, typeLargeList, typeListView, typeLargeListView, typeFixedList, typeMap:
		return 1
	case typeRunEnds:
		return 2
	}
	return 0
}

// extends reports whether a field holds items of a type that is none of Arrow's own.
func (v *verifier) extends(field int) bool {
	for _, item := range v.listed(field, itemsSlot) {
		for _, note := range v.listed(item, notesSlot) {
			if v.called(note) == "ARROW:extension:name" {
				return true
			}
		}
	}
	return false
}

// part says what a field's own array needs.
func (v *verifier) part(field int, column string) (part, error) {
	p := part{column: column, validity: true}
	kind, t := v.octet(field, kindSlot), v.follow(field, typeSlot)
	switch kind {
	case typeNull:
		p.validity = false
	case typeRunEnds:
		p.validity, p.once = false, true
	case typeStruct:
	case typeFixedList:
		if v.number(t, 0, 0, 4) == 0 {
			return p, p.missing("lists of a fixed length of 0")
		}
	case typeUnion:
		p.validity, p.once = false, true
		p.buffers = []need{{bits: 8}}
		if v.number(t, 0, 0, 2) == 1 { // dense
			p.buffers = append(p.buffers, need{bits: 32})
		}
	case typeBinary, typeUtf8:
		p.text, p.buffers = true, []need{{32, 1}, {}}
	case typeLargeBinary, typeLargeUtf8:
		p.text, p.buffers = true, []need{{64, 1}, {}}
	case typeList, typeMap:
		p.buffers = []need{{32, 1}}
	case typeLargeList:
		p.buffers = []need{{64, 1}}
	case typeBinaryView, typeUtf8View:
		p.views, p.buffers = true, []need{{bits: 128}}
	case typeListView:
		p.buffers = []need{{bits: 32}, {bits: 32}}
	case typeLargeListView:
		p.buffers = []need{{bits: 64}, {bits: 64}}
	default:
		bits, err := v.width(kind, t)
		if err != nil {
			return p, p.bad("%s", err)
		}
		p.buffers = []need{{bits: bits}}
	}
	return p, nil
}

// width is how many bits an item of a plain type has.
func (v *verifier) width(kind byte, t int) (int64, error) {
	switch kind {
	case typeBool:
		return 1, nil
	case typeInt:
		return v.number(t, 0, 0, 4), nil
	case typeFloat:
		return 16 << min(uint(v.number(t, 0, 0, 2)), 2), nil
	case typeDecimal:
		return v.decimal(t)
	case typeDate:
		return 32 << min(uint(v.number(t, 0, 1, 2)), 1), nil
	case typeTime:
		return v.number(t, 1, 32, 4), nil
	case typeInterval:
		return 32 << min(uint(v.number(t, 0, 0, 2)), 2), nil
	case typeFixedBinary:
		if bytes := v.number(t, 0, 0, 4); bytes >= 0 {
			return 8 * bytes, nil
		}
		return 0, errMetadata
	case typeTimestamp, typeDuration:
		return 64, nil
	}
	return 0, fmt.Errorf("type %d is none of Arrow's", kind)
}

// decimal checks the type of a decimal, which the library takes as it is.
func (v *verifier) decimal(t int) (int64, error) {
	digits := map[int64]int64{32: 9, 64: 18, 128: 38, 256: 76}
	bits, precision := v.number(t, 2, 128, 4), v.number(t, 0, 0, 4)
	switch most, known := digits[bits]; {
	case !known:
		return 0, fmt.Errorf("want decimals of 32, 64, 128 or 256 bits, got %d", bits)
	case precision < 1 || precision > most:
		return 0, fmt.Errorf("want decimals of 1 to %d digits, got %d", most, precision)
	}
	return bits, nil
}

// bad is the refusal of an array.
func (p *part) bad(format string, args ...any) error {
	said := fmt.Sprintf(format, args...)
	return failf("$"+step(p.column), "column %q is malformed: %s", p.column, shortened(said)).
		With("expected", "an Arrow IPC stream").With("got", "malformed or truncated bytes")
}

// missing is the refusal of an array that the Arrow library cannot read.
func (p *part) missing(what string) error {
	return failf("$"+step(p.column), "column %q: the Arrow library for Go does not read %s: send another type, or pass the table on without decoding it",
		p.column, what).With("expected", "a type that Arrow for Go reads").With("got", what)
}

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
