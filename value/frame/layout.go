package frame

import (
	"fmt"
	"slices"
	"unicode/utf8"
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
