package frame

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// slot is what a field of a table holds, as far as it has to be checked.
type slot uint8

const (
	scalar slot = iota
	text
	schemaOrBatch
	structs8
	structs16
	words
	keyValues
	fields
	typeTable
	dictionaryKind
	plainTable
	batch
)

// slotsRead are more than any table has fields that are read: a list of them may be longer, and that of many tables.
const slotsRead = 8

// textsRead is how many times a message's metadata may hold the texts and numbers that lead to the same bytes. Writers share none of them.
const textsRead = 4

// verifier checks one message's metadata.
type verifier struct {
	data    []byte
	views   *views
	left    int // tables that may still be visited: offsets may share them, and so multiply them
	room    int // bytes of texts and numbers that may still be visited, for the same reason
	level   int // of the fields that are visited, 1 for columns
	column  int // which those are inside of
	message int
	laid    *laid  // of a message that is a batch
	parts   []part // that it wants
}

// offset follows the forward offset that stands at a place.
func (v *verifier) offset(at int) (int, error) {
	if at < 0 || at+4 > len(v.data) {
		return 0, errMetadata
	}
	by := binary.LittleEndian.Uint32(v.data[at:])
	if by == 0 || uint64(at)+uint64(by)+4 > uint64(len(v.data)) {
		return 0, errMetadata
	}
	return at + int(by), nil
}

// vtable returns where a table's list of fields stands, and its length in bytes.
func (v *verifier) vtable(table int) (at, size int, err error) {
	if table < 0 || table+4 > len(v.data) {
		return 0, 0, errMetadata
	}
	at = table - int(int32(binary.LittleEndian.Uint32(v.data[table:])))
	if at < 0 || at+4 > len(v.data) {
		return 0, 0, errMetadata
	}
	size = int(binary.LittleEndian.Uint16(v.data[at:]))
	if size < 4 || size%2 != 0 || at+size > len(v.data) {
		return 0, 0, errMetadata
	}
	return at, size, nil
}

// table checks a table and what the slots of its fields point to.
func (v *verifier) table(table int, slots ...slot) error {
	if v.left--; v.left < 0 {
		return errMetadata
	}
	at, size, err := v.vtable(table)
	if err != nil {
		return err
	}
	for i := at + 4; i+2 <= at+min(size, 4+2*slotsRead); i += 2 {
		if by := int(binary.LittleEndian.Uint16(v.data[i:])); by != 0 && table+by >= len(v.data) {
			return errMetadata
		}
	}
	for number, s := range slots {
		if f := v.field(table, number); f != 0 {
			if err := v.slot(table, f, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) slot(table, at int, s slot) error {
	if s == scalar {
		return nil
	}
	to, err := v.offset(at)
	if err != nil {
		return err
	}
	switch s {
	case text:
		return v.string(to)
	case structs8:
		return v.vector(to, 8)
	case structs16:
		return v.vector(to, 16)
	case words:
		return v.shared(to, 4)
	case keyValues:
		return v.keyValues(to)
	case fields:
		return v.fields(table, to)
	case typeTable:
		return v.typeOf(table, to)
	case dictionaryKind:
		return v.table(to, scalar, plainTable, scalar, scalar)
	case batch:
		v.parts = v.views.layouts.dictionaries[v.long(table, 0)]
		err := v.batch(to, v.views.dictionaries[v.long(table, 0)])
		if err == nil {
			v.laid.dictionary = true
		}
		return err
	case schemaOrBatch:
		return v.header(table, to)
	default:
		return v.table(to)
	}
}

// header checks what a message holds, which its field 1 names.
func (v *verifier) header(message, to int) error {
	switch v.octet(message, 1) {
	case 1: // Schema
		if err := v.table(to, scalar, fields, keyValues, structs8); err != nil {
			return err
		}
		if v.field(to, 1) == 0 {
			return errMetadata
		}
		v.views.readSchema(v, to)
		return v.views.layouts.readSchema(v, to)
	case 2: // DictionaryBatch
		if v.field(to, 1) == 0 {
			return errMetadata
		}
		return v.table(to, scalar, batch, scalar)
	case 3: // RecordBatch
		v.parts = v.views.layouts.batch
		return v.batch(to, v.views.batch)
	default:
		return errMetadata
	}
}

// batch checks a RecordBatch with so many columns of views.
func (v *verifier) batch(to, columns int) error {
	if err := v.table(to, scalar, structs16, structs16, plainTable, structs8); err != nil {
		return err
	}
	if err := v.counts(to, columns); err != nil {
		return err
	}
	v.laid = v.laidOf(to)
	if v.laid.codec > codecZstd {
		return errCodec
	}
	return nil
}

// typeOf checks a field's type, which the field's own field 2 names.
func (v *verifier) typeOf(field, to int) error {
	const timestamp, union = 10, 14
	switch v.octet(field, 2) {
	case timestamp:
		return v.table(to, scalar, text)
	case union:
		return v.table(to, scalar, words)
	default:
		return v.table(to)
	}
}

// vector checks a vector of items of a size.
func (v *verifier) vector(at, size int) error {
	if at+4 > len(v.data) {
		return errMetadata
	}
	n := uint64(binary.LittleEndian.Uint32(v.data[at:]))
	if n*uint64(size) > uint64(len(v.data)-at-4) {
		return errMetadata
	}
	return nil
}

// shared checks a vector that many tables may have.
func (v *verifier) shared(at, size int) error {
	if err := v.vector(at, size); err != nil {
		return err
	}
	if v.room -= size * int(binary.LittleEndian.Uint32(v.data[at:])); v.room < 0 {
		return errMetadata
	}
	return nil
}

// string checks a text, behind which there is a zero.
func (v *verifier) string(at int) error {
	if err := v.shared(at, 1); err != nil {
		return err
	}
	if end := at + 4 + int(binary.LittleEndian.Uint32(v.data[at:])); end >= len(v.data) || v.data[end] != 0 {
		return errMetadata
	}
	return nil
}

// tables checks a vector of tables.
func (v *verifier) tables(at int, slots ...slot) error {
	if err := v.vector(at, 4); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint32(v.data[at:]))
	for i := range n {
		to, err := v.offset(at + 4 + 4*i)
		if err != nil {
			return err
		}
		if err := v.table(to, slots...); err != nil {
			return err
		}
	}
	return nil
}

// fields checks the fields of a schema, or of a field. Each level of them is one of the stack, here and in the Arrow library.
func (v *verifier) fields(table, at int) error {
	if err := v.vector(at, 4); err != nil {
		return err
	}
	if v.level == 1 {
		v.column = table
	}
	if v.level == value.MaxDepth && binary.LittleEndian.Uint32(v.data[at:]) > 0 {
		return v.deep()
	}
	v.level++
	defer func() { v.level-- }()
	return v.tables(at, text, scalar, scalar, typeTable, dictionaryKind, fields, keyValues)
}

// deep is the refusal of a column that has too many levels. Its name was checked before what is inside of it.
func (v *verifier) deep() error {
	name := v.called(v.column)
	if !utf8.ValidString(name) {
		return errMetadata
	}
	limit := strconv.Itoa(value.MaxDepth)
	return failf("$"+step(name), "column %q is of a type nested deeper than %s levels: flatten it", shortened(name), limit).
		With("expected", "at most "+limit+" levels").With("limit", limit)
}

// keyValues checks a vector of notes, all of which have a key and a value.
func (v *verifier) keyValues(at int) error {
	if err := v.tables(at, text, text); err != nil {
		return err
	}
	for i := range int(binary.LittleEndian.Uint32(v.data[at:])) {
		if to, err := v.offset(at + 4 + 4*i); err != nil || v.field(to, 0) == 0 || v.field(to, 1) == 0 {
			return errMetadata
		}
	}
	return nil
}
