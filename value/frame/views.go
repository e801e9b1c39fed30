package frame

import "encoding/binary"

// views says how many columns of views a stream's batches hold, those inside of others too. For each of them the library
// reads a number from a batch's list, past its end if it is shorter, and makes room for so many buffers.
type views struct {
	read         bool
	batch        int
	dictionaries map[int64]int
	layouts      layouts
}

// readSchema counts the views of a schema that was checked; the first of a stream is the one that counts.
func (s *views) readSchema(v *verifier, schema int) {
	if s.read {
		return
	}
	s.read, s.dictionaries = true, map[int64]int{}
	s.batch = s.countAll(v, schema, 1)
}

// countAll counts the views among the fields in a table's list of them.
func (s *views) countAll(v *verifier, table, number int) int {
	at := v.field(table, number)
	if at == 0 {
		return 0
	}
	list, err := v.offset(at)
	if err != nil {
		return 0
	}
	n := 0
	for i := range int(binary.LittleEndian.Uint32(v.data[list:])) {
		if field, err := v.offset(list + 4 + 4*i); err == nil {
			n += s.count(v, field)
		}
	}
	return n
}

// count counts the views of a field. Those of categories stand in the batches of their dictionary.
func (s *views) count(v *verifier, field int) int {
	const typeNumber, dictionaryNumber, childrenNumber = 2, 4, 5
	const binaryView, textView = 23, 24
	n := s.countAll(v, field, childrenNumber)
	if kind := v.octet(field, typeNumber); kind == binaryView || kind == textView {
		n++
	}
	at := v.field(field, dictionaryNumber)
	if at == 0 {
		return n
	}
	if encoding, err := v.offset(at); err == nil {
		id := v.long(encoding, 0)
		s.dictionaries[id] = max(s.dictionaries[id], n)
	}
	return 0
}

// counts checks how many buffers the columns of views say that they have, and that all of them say it.
func (v *verifier) counts(batch, columns int) error {
	const buffersNumber, countsNumber = 2, 4
	at, err := v.offset(v.field(batch, countsNumber))
	if v.field(batch, countsNumber) == 0 {
		return nil
	} else if err != nil {
		return err
	}
	buffers := uint64(0)
	if field := v.field(batch, buffersNumber); field != 0 {
		to, err := v.offset(field)
		if err != nil {
			return err
		}
		buffers = uint64(binary.LittleEndian.Uint32(v.data[to:]))
	}
	n := int(binary.LittleEndian.Uint32(v.data[at:]))
	if n < columns {
		return errMetadata
	}
	for i := range n {
		if binary.LittleEndian.Uint64(v.data[at+4+8*i:]) > buffers {
			return errMetadata
		}
	}
	return nil
}
