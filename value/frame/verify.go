package frame

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// The Arrow library trusts the lengths that stand in a stream's metadata, which is FlatBuffers, and allocates what they
// say; a bad one ends the process. So every offset and length is checked here first, following
// format/Message.fbs and format/Schema.fbs of the Arrow specification.

var errMetadata = errors.New("an offset or a length in the metadata is out of bounds")

var errVersion = errors.New("want Arrow's metadata of version 4 or 5, got another")

// errPacked is the refusal of batches that say in a note alone that they are compressed, as those of Arrow 0.17 do. The library takes what
// is compressed in them for what it holds.
var errPacked = errors.New("a batch is compressed as it was before Arrow 1.0: write it with a later version, or not compressed")

var errCodec = errors.New("want batches that are compressed by LZ4 or zstd, got another way")

// errUnended is the refusal of a stream that may have been cut between two messages. Arrow lets a writer close what it writes to instead
// of writing a mark, but the bytes of a value do not say which of the two it was; the writers of Arrow's own libraries and of polars all
// write it.
var errUnended = errors.New("it lacks the mark of its end, which every writer writes when it is closed")

// errBehind is the refusal of a stream behind whose end there is more, which readers of Arrow would drop.
var errBehind = errors.New("there are bytes behind the mark of its end")

// slot is what a field of a table holds, as far as it has to be checked.
type slot uint8

// continuation begins a message. Streams of before Arrow 0.15 do not have it.
const continuation = 0xffffffff

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
	encoding
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

// verifyStream checks the metadata of every message of a stream, and that it ends with the mark of its end. It returns the messages as the
// library is to read them.
func verifyStream(data []byte) (*messages, error) {
	var found views
	all := &messages{limit: int64(rowLimit(data))}
	for next := 0; ; {
		at, size, err := messageAt(data[next:])
		body := next + at + size
		switch {
		case err != nil:
			return nil, err
		case size == 0 && body < len(data):
			return nil, errBehind
		case size == 0:
			all.turned = found.layouts.big
			return all, nil
		}
		message, err := verifyMessage(data[next+at:body], &found)
		if err != nil {
			return nil, err
		}
		if message.body > int64(len(data)-body) {
			return nil, errMetadata
		}
		head := data[next+at : body]
		next = body + int(message.body)
		if err := all.add(message, head, data[body:next], &found); err != nil {
			return nil, err
		}
	}
}

// messageAt returns where the metadata of the message begins that data begins with, and its length, 0 for the mark of the end.
func messageAt(data []byte) (at, size int, err error) {
	for range 2 {
		if len(data) < at+4 {
			return 0, 0, errUnended
		}
		length := binary.LittleEndian.Uint32(data[at:])
		at += 4
		if length == continuation && at == 4 {
			continue
		}
		if uint64(length) > uint64(len(data)-at) {
			return 0, 0, errMetadata
		}
		return at, int(length), nil
	}
	return 0, 0, errMetadata
}

// message is one whose metadata was checked.
type message struct {
	body  int64 // its length
	laid  *laid
	parts []part
}

// compressed reports whether it is a batch whose body holds buffers that may be compressed.
func (m message) compressed() bool { return m.laid != nil && m.laid.compressed && m.body > 0 }

// check checks a batch with its body, nil where that is not known, in a stream that can hold so many rows. It returns the buffers of one
// that is compressed.
func (m message) check(body []byte, limit int64) ([]packed, error) {
	if m.laid == nil {
		return nil, nil
	}
	again := *m.laid
	err := again.check(m.parts, body, limit)
	return again.packs, err
}

// verifyMessage checks a message's metadata.
func verifyMessage(data []byte, found *views) (message, error) {
	v := &verifier{data: data, views: found, left: len(data)/4 + 1, room: textsRead * len(data)}
	root, err := v.offset(0)
	if err != nil {
		return message{}, err
	}
	v.message = root
	if err := v.table(root, scalar, scalar, schemaOrBatch, scalar, keyValues); err != nil {
		return message{}, err
	}
	if version := v.number(root, 0, 0, 2); version < 3 || version > 4 {
		return message{}, errVersion
	}
	if v.field(root, 2) == 0 {
		return message{}, errMetadata
	}
	if at := v.field(root, 3); at != 0 && at+8 > len(data) {
		return message{}, errMetadata
	}
	for _, note := range v.listed(root, 4) {
		if v.called(note) == "ARROW:experimental_compression" {
			return message{}, errPacked
		}
	}
	body := v.long(root, 3)
	if body < 0 {
		return message{}, errMetadata
	}
	return message{body, v.laid, v.parts}, nil
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

// field returns where a field of a table that was checked stands, 0 if it is absent.
func (v *verifier) field(table, number int) int {
	at, size, err := v.vtable(table)
	if err != nil || 4+2*number+2 > size {
		return 0
	}
	by := int(binary.LittleEndian.Uint16(v.data[at+4+2*number:]))
	if by == 0 {
		return 0
	}
	return table + by
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
	case encoding:
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

// octet reads a field of one byte.
func (v *verifier) octet(table, number int) byte {
	at := v.field(table, number)
	if at == 0 || at >= len(v.data) {
		return 0
	}
	return v.data[at]
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
	return v.tables(at, text, scalar, scalar, typeTable, encoding, fields, keyValues)
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

// follow returns where the offset leads that a field of a table that was checked holds, 0 if it is absent.
func (v *verifier) follow(table, number int) int {
	at := v.field(table, number)
	if at == 0 {
		return 0
	}
	to, err := v.offset(at)
	if err != nil {
		return 0
	}
	return to
}

// listed returns where the tables stand that a field of a table that was checked lists.
func (v *verifier) listed(table, number int) []int {
	list := v.follow(table, number)
	if list == 0 {
		return nil
	}
	var found []int
	for i := range int(binary.LittleEndian.Uint32(v.data[list:])) {
		if to, err := v.offset(list + 4 + 4*i); err == nil {
			found = append(found, to)
		}
	}
	return found
}

// called reads the text that a field or a note has first: its name.
func (v *verifier) called(table int) string {
	at := v.follow(table, nameSlot)
	if at == 0 {
		return ""
	}
	from := at + 4
	return string(v.data[from : from+int(binary.LittleEndian.Uint32(v.data[at:]))])
}

// number reads a signed field of 2 or 4 bytes, which is absent where it has its usual value.
func (v *verifier) number(table, field int, usual int64, size int) int64 {
	at := v.field(table, field)
	switch {
	case table == 0 || at == 0 || at+size > len(v.data):
		return usual
	case size == 2:
		return int64(int16(binary.LittleEndian.Uint16(v.data[at:])))
	default:
		return int64(int32(binary.LittleEndian.Uint32(v.data[at:])))
	}
}
