package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// tagged decodes a dspex.bridge.Value.
func (d *decoder) tagged(b []byte, level int) (any, *failure) {
	p, f := scan(b)
	if f != nil {
		return nil, f
	}
	if !d.wellFormed && p.unread() {
		if f := wellFormed(b, level-d.outer); f != nil {
			return nil, f
		}
		d.wellFormed = true // and so is all in it
		defer func() { d.wellFormed = false }()
	}
	if p.later {
		return d.unknown(&p)
	}
	switch p.kind {
	case kindNone:
		return nil, nil
	case kindBool:
		return p.boolean, nil
	case kindInt:
		return p.integer, nil
	case kindFloat:
		return p.float, nil
	case kindStr:
		return validText(p.text)
	case kindBytes:
		return append([]byte{}, p.data...), nil
	case kindList, kindTuple, kindSet, kindFrozenSet:
		return d.collection(&p, level)
	case kindDict:
		return d.dict(&p, level)
	case kindRecord:
		return d.record(&p, level)
	case kindEnum:
		return d.enum(&p, level)
	case kindAny:
		return d.any(&p, level)
	default:
		return d.taggedText(&p)
	}
}

func (d *decoder) collection(p *parts, level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	items, f := d.sequence(p, level)
	if f != nil {
		return nil, f
	}
	switch p.kind {
	case kindTuple:
		return Tuple(items), nil
	case kindSet, kindFrozenSet:
		if at, f := d.repeated(items); f != nil {
			return nil, f.index(at)
		}
		if p.kind == kindSet {
			return Set(items), nil
		}
		return FrozenSet(items), nil
	default:
		return items, nil
	}
}

// sequence reads the items from wherever they stand; they may stand in one field only.
func (d *decoder) sequence(p *parts, level int) ([]any, *failure) {
	switch {
	case p.items == p.count():
		return d.items(p, fieldItems, p.items, level, nil)
	case p.texts == p.count():
		return d.texts(p, (*failure).index)
	case p.ints == p.count():
		return runItems(p, fieldInts, p.ints, int64s)
	case p.floats == p.count():
		return runItems(p, fieldFloats, p.floats, float64s)
	default:
		return nil, mismatch("the items in one field", "items in several")
	}
}

// items decodes the messages of one repeated field; where the names of values are known, errors say them.
func (d *decoder) items(p *parts, field protowire.Number, n, level int, step func(int) string) ([]any, *failure) {
	items := make([]any, 0, n)
	for b := p.whole; len(b) > 0; {
		number, t, size := consumeTag(b)
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if number == field {
			contents, _ := protowire.ConsumeBytes(b)
			item, f := d.tagged(contents, level+1)
			if f != nil && step != nil {
				return nil, f.in(step(len(items)))
			} else if f != nil {
				return nil, f.index(len(items))
			}
			items = append(items, item)
		}
		b = b[size:]
	}
	return items, nil
}

func (d *decoder) texts(p *parts, step func(*failure, int) *failure) ([]any, *failure) {
	texts, f := texts(p, step)
	if f != nil {
		return nil, f
	}
	items := make([]any, len(texts))
	for i, s := range texts {
		items[i] = s
	}
	return items, nil
}

// texts reads the field of that name.
func texts(p *parts, step func(*failure, int) *failure) ([]string, *failure) {
	read := make([]string, 0, p.texts)
	for b := p.whole; len(b) > 0; {
		number, t, size := consumeTag(b)
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if number == fieldTexts {
			contents, _ := protowire.ConsumeBytes(b)
			s, f := validText(contents)
			if f != nil {
				return nil, step(f, len(read))
			}
			read = append(read, s)
		}
		b = b[size:]
	}
	return read, nil
}

// eachRun calls use with each packed run of a field, and with each number of it that stands alone.
func eachRun(p *parts, field protowire.Number, use func([]byte)) {
	for b := p.whole; len(b) > 0; {
		number, t, size := consumeTag(b)
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if number == field {
			contents := b[:size]
			if t == protowire.BytesType {
				contents, _ = protowire.ConsumeBytes(b)
			}
			use(contents)
		}
		b = b[size:]
	}
}

func int64s(b []byte, to []int64) []int64 {
	for len(b) > 0 {
		n, size := protowire.ConsumeVarint(b)
		if size < 0 {
			return to
		}
		to, b = append(to, unzigzag(n)), b[size:]
	}
	return to
}

func float64s(b []byte, to []float64) []float64 {
	for ; len(b) >= 8; b = b[8:] {
		to = append(to, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return to
}

// numbers reads a run of n numbers.
func numbers[T any](p *parts, field protowire.Number, n int, read func([]byte, []T) []T) ([]T, *failure) {
	run := make([]T, 0, n)
	eachRun(p, field, func(b []byte) { run = read(b, run) })
	if len(run) != n {
		return nil, broken("run of numbers")
	}
	return run, nil
}

// runItems boxes a run of numbers.
func runItems[T any](p *parts, field protowire.Number, n int, read func([]byte, []T) []T) ([]any, *failure) {
	run, f := numbers(p, field, n, read)
	if f != nil {
		return nil, f
	}
	items := make([]any, n)
	for i, x := range run {
		items[i] = x
	}
	return items, nil
}

func (d *decoder) dict(p *parts, level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	keys, f := d.keys(p, level)
	if f != nil {
		return nil, f
	}
	if len(keys) != p.items {
		return nil, mismatch(fmt.Sprintf("a value for each of %d keys", len(keys)), fmt.Sprintf("%d values", p.items))
	}
	values, f := d.items(p, fieldItems, p.items, level, func(i int) string { return keyStep(keys[i]) })
	if f != nil {
		return nil, f
	}
	return dictOf(keys, values, d.remembering())
}

func (d *decoder) keys(p *parts, level int) ([]any, *failure) {
	if p.keys > 0 && p.texts > 0 {
		return nil, mismatch("the keys in one field", "keys in two")
	}
	if p.keys == 0 {
		return d.texts(p, (*failure).key)
	}
	return d.items(p, fieldKeys, p.keys, level, func(i int) string { return "[key " + strconv.Itoa(i) + "]" })
}

// named reads names and values that must be as many; step is the step of a path to a value.
func (d *decoder) named(p *parts, level int, step func(name string) string) ([]string, []any, *failure) {
	if level > MaxDepth {
		return nil, nil, tooDeep()
	}
	names, f := texts(p, (*failure).key)
	if f != nil {
		return nil, nil, f
	}
	if len(names) != p.items {
		return nil, nil, mismatch(fmt.Sprintf("a value for each of %d fields", len(names)), fmt.Sprintf("%d values", p.items))
	}
	values, f := d.items(p, fieldItems, p.items, level, func(i int) string { return step(names[i]) })
	return names, values, f
}

func (d *decoder) record(p *parts, level int) (any, *failure) {
	class, f := validText(p.text)
	if f != nil {
		return nil, f
	}
	names, values, f := d.named(p, level, fieldStep)
	if f != nil {
		return nil, f
	}
	r := Record{Class: class, Fields: make([]Field, len(names))}
	seen := make(map[string]struct{}, len(names))
	for i := range names {
		if _, twice := seen[names[i]]; twice {
			return nil, failf("the record %s has the field %s twice", quoted(class), quoted(names[i])).key(i)
		}
		seen[names[i]] = struct{}{}
		r.Fields[i] = Field{names[i], values[i]}
	}
	return r, nil
}

func (d *decoder) enum(p *parts, level int) (any, *failure) {
	class, f := validText(p.text)
	if f != nil {
		return nil, f
	}
	names, values, f := d.named(p, level, func(string) string { return ".value" })
	if f != nil {
		return nil, f
	}
	if len(names) != 1 {
		return nil, mismatch("one member of an enumeration", fmt.Sprintf("%d", len(names)))
	}
	return Enum{class, names[0], values[0]}, nil
}

// any decodes the ANY arm. It counts as a level, so that arms in arms end.
func (d *decoder) any(p *parts, level int) (any, *failure) {
	if level > MaxDepth+1 {
		return nil, tooDeep()
	}
	v, f := anyOf(p.any)
	if f != nil {
		return nil, f
	}
	checked := d.wellFormed
	d.wellFormed = false // the bytes of an Any are not looked into until they are decoded
	defer func() { d.wellFormed = checked }()
	return d.packed(v, level+1)
}

// anyOf reads a google.protobuf.Any.
func anyOf(b []byte) (v tool.Value, f *failure) {
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		if size < 0 || number <= 2 && t != protowire.BytesType {
			return v, broken("google.protobuf.Any")
		}
		b = b[size:]
		if size = protowire.ConsumeFieldValue(number, t, b); size < 0 {
			return v, broken("google.protobuf.Any")
		}
		contents := b[:size]
		b = b[size:]
		switch number {
		case 1:
			raw, _ := protowire.ConsumeBytes(contents)
			if f := validTextOf(raw); f != nil {
				return v, f
			}
			v.TypeURL = string(raw)
		case 2:
			v.Bytes, _ = protowire.ConsumeBytes(contents)
		}
	}
	return v, nil
}
