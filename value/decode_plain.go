package value

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// plainValue decodes a google.protobuf.Value. One without any kind is taken for null.
func (d *decoder) plainValue(b []byte, level int) (decoded any, f *failure) {
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		if size < 0 {
			return nil, broken("google.protobuf.Value")
		}
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if size < 0 {
			return nil, broken("google.protobuf.Value")
		}
		if number <= plainItems {
			if decoded, f = d.plainField(number, t, b[:size], level); f != nil {
				return nil, f
			}
		}
		b = b[size:]
	}
	return decoded, nil
}

func (d *decoder) plainField(number protowire.Number, t protowire.Type, b []byte, level int) (any, *failure) {
	switch {
	case number == plainNull && t == protowire.VarintType:
		return nil, nil
	case number == plainNumber && t == protowire.Fixed64Type:
		return plainNumeric(math.Float64frombits(binary.LittleEndian.Uint64(b))), nil
	case number == plainBool && t == protowire.VarintType:
		n, _ := protowire.ConsumeVarint(b)
		return n != 0, nil
	case number >= plainText && t == protowire.BytesType:
		contents, _ := protowire.ConsumeBytes(b)
		switch number {
		case plainText:
			return validText(contents)
		case plainStruct:
			return d.plainDict(contents, level)
		case plainItems:
			return d.plainList(contents, level)
		}
	}
	return nil, broken("google.protobuf.Value")
}

// plainNumeric gives an int if the number is integral and within 2^53 either way, but for -0.0, which no int is.
func plainNumeric(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) <= exactInt && !(f == 0 && math.Signbit(f)) {
		return int64(f)
	}
	return f
}

func (d *decoder) plainList(b []byte, level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	entries, f := repeatedField(b, 1, "google.protobuf.ListValue")
	if f != nil {
		return nil, f
	}
	items := make([]any, len(entries))
	for i, entry := range entries {
		if items[i], f = d.plainValue(entry, level+1); f != nil {
			return nil, f.index(i)
		}
	}
	return items, nil
}

// plainDict decodes a Struct; its keys are sorted, because the order of a map's entries says nothing.
func (d *decoder) plainDict(b []byte, level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	entries, f := repeatedField(b, 1, "google.protobuf.Struct")
	if f != nil {
		return nil, f
	}
	sorted, f := plainEntries(entries)
	if f != nil {
		return nil, f
	}
	dict := &Dict{keys: make([]any, len(sorted)), values: make([]any, len(sorted))}
	for i := range sorted {
		dict.keys[i] = sorted[i].name
		if dict.values[i], f = d.plainValue(sorted[i].value, level+1); f != nil {
			return nil, f.field(sorted[i].name)
		}
	}
	if len(sorted) >= indexFrom {
		dict.reindex()
	}
	return dict, nil
}

type plainEntry struct {
	name  string
	value []byte
}

// plainEntries reads a Struct's entries in ascending order of their keys.
func plainEntries(entries [][]byte) ([]plainEntry, *failure) {
	read := make([]plainEntry, len(entries))
	for i, entry := range entries {
		name, value, f := plainPair(entry)
		if f != nil {
			return nil, f
		}
		read[i] = plainEntry{name, value}
	}
	byName := func(a, b plainEntry) int { return strings.Compare(a.name, b.name) }
	if slices.IsSortedFunc(read, func(a, b plainEntry) int {
		if a.name == b.name {
			return -1 // not sorted: there is one too many
		}
		return byName(a, b)
	}) {
		return read, nil
	}
	sorted := slices.Clone(read)
	slices.SortFunc(sorted, byName)
	for i := range sorted {
		if i > 0 && sorted[i].name == sorted[i-1].name {
			return nil, keyTwice(read)
		}
	}
	return sorted, nil
}

// keyTwice names the first key that was there before.
func keyTwice(entries []plainEntry) *failure {
	seen := make(map[string]struct{}, len(entries))
	for i, e := range entries {
		if _, twice := seen[e.name]; twice {
			return failf("the key %s is there twice", quoted(e.name)).key(i)
		}
		seen[e.name] = struct{}{}
	}
	return broken("google.protobuf.Struct") // for those who call it without
}

func plainPair(entry []byte) (name string, value []byte, f *failure) {
	for b := entry; len(b) > 0; {
		number, t, size := consumeTag(b)
		if size < 0 || number <= 2 && t != protowire.BytesType {
			return "", nil, broken("entry of a google.protobuf.Struct")
		}
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if size < 0 {
			return "", nil, broken("entry of a google.protobuf.Struct")
		}
		contents := b[:size]
		b = b[size:]
		switch number {
		case 1:
			raw, _ := protowire.ConsumeBytes(contents)
			if name, f = validText(raw); f != nil {
				return "", nil, f
			}
		case 2:
			value, _ = protowire.ConsumeBytes(contents)
		}
	}
	return name, value, nil
}

// repeatedField returns the contents of a repeated field of messages.
func repeatedField(b []byte, field protowire.Number, message string) ([][]byte, *failure) {
	n, f := countField(b, field, message)
	if f != nil || n == 0 {
		return nil, f
	}
	entries := make([][]byte, 0, n)
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if number == field {
			contents, _ := protowire.ConsumeBytes(b)
			entries = append(entries, contents)
		}
		b = b[size:]
	}
	return entries, nil
}

func countField(b []byte, field protowire.Number, message string) (int, *failure) {
	n := 0
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		if size < 0 || number == field && t != protowire.BytesType {
			return 0, broken(message)
		}
		b = b[size:]
		if size = protowire.ConsumeFieldValue(number, t, b); size < 0 {
			return 0, broken(message)
		}
		if number == field {
			n++
		}
		b = b[size:]
	}
	return n, nil
}
