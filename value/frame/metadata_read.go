package frame

import "encoding/binary"

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

// octet reads a field of one byte.
func (v *verifier) octet(table, number int) byte {
	at := v.field(table, number)
	if at == 0 || at >= len(v.data) {
		return 0
	}
	return v.data[at]
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

// long reads a field of eight bytes.
func (v *verifier) long(table, number int) int64 {
	at := v.field(table, number)
	if at == 0 || at+8 > len(v.data) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(v.data[at:]))
}
