package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// parts are the fields of one dspex.bridge.Value. Repeated ones are only counted at first, so that they
// are read into memory of the right size once the kind is known.
type parts struct {
	whole   []byte
	kind    kind
	integer int64
	float   float64
	text    []byte
	data    []byte
	any     []byte
	boolean bool
	// textTwice says that field text is there twice; the last one counts.
	textTwice bool
	anyJoined bool // any is memory of its own
	items     int
	texts     int
	ints      int
	floats    int
	keys      int
}

// scan reads the fields of a Value.
func scan(b []byte) (p parts, f *failure) {
	p.whole = b
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		if size < 0 {
			return p, broken("dspex.bridge.Value")
		}
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		if size < 0 || !p.take(number, t, b[:size]) {
			return p, broken("dspex.bridge.Value")
		}
		b = b[size:]
	}
	return p, nil
}

// take notes a field and reports whether it has a type that it may have.
func (p *parts) take(number protowire.Number, t protowire.Type, b []byte) bool {
	switch t {
	case protowire.VarintType:
		return p.takeNumber(number, b)
	case protowire.Fixed64Type:
		switch number {
		case fieldFloat:
			p.float = math.Float64frombits(binary.LittleEndian.Uint64(b))
		case fieldFloats:
			p.floats++
		default:
			return number > fieldAny
		}
	case protowire.BytesType:
		contents, _ := protowire.ConsumeBytes(b)
		return p.takeContents(number, contents)
	default:
		return number > fieldAny
	}
	return true
}

func (p *parts) takeNumber(number protowire.Number, b []byte) bool {
	n, _ := protowire.ConsumeVarint(b)
	switch number {
	case fieldKind:
		p.kind = kind(int32(n))
	case fieldInt:
		p.integer = unzigzag(n)
	case fieldBool:
		p.boolean = n != 0
	case fieldInts:
		p.ints++
	default:
		return number > fieldAny
	}
	return true
}

func (p *parts) takeContents(number protowire.Number, b []byte) bool {
	switch number {
	case fieldText:
		p.textTwice = p.text != nil
		p.text = b
	case fieldItems:
		p.items++
	case fieldTexts:
		p.texts++
	case fieldInts:
		for _, c := range b {
			p.ints += int(^c >> 7)
		}
		return len(b) == 0 || b[len(b)-1] < 0x80
	case fieldFloats:
		p.floats += len(b) / 8
		return len(b)%8 == 0
	case fieldKeys:
		p.keys++
	case fieldData:
		p.data = b
	case fieldAny:
		p.takeAny(b)
	default:
		return number > fieldAny
	}
	return true
}

// takeAny notes an Any. Of several, the fields of all count, as if they were one: they are joined, in memory that grows now and then.
func (p *parts) takeAny(b []byte) {
	switch {
	case p.any == nil:
		p.any = b
	case !p.anyJoined:
		p.any, p.anyJoined = slices.Concat(p.any, b), true
	default:
		p.any = append(p.any, b...)
	}
}

// tagged decodes a dspex.bridge.Value.
func (d *decoder) tagged(b []byte, level int) (any, *failure) {
	p, f := scan(b)
	if f != nil {
		return nil, f
	}
	if !d.wellFormed && p.unread() {
		if f := wellFormed(b, level); f != nil {
			return nil, f
		}
		d.wellFormed = true // and so is all in it
		defer func() { d.wellFormed = false }()
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

func (p *parts) count() int { return p.items + p.texts + p.ints + p.floats }

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
			v.TypeURL = string(raw)
		case 2:
			v.Bytes, _ = protowire.ConsumeBytes(contents)
		}
	}
	return v, validTextOf([]byte(v.TypeURL))
}

// taggedText decodes the kinds that stand in text or data.
func (d *decoder) taggedText(p *parts) (any, *failure) {
	switch p.kind {
	case kindBigInt:
		return decodeBigInt(p.data)
	case kindUUID:
		if len(p.data) != 16 {
			return nil, mismatch("16 bytes of a UUID", fmt.Sprintf("%d", len(p.data)))
		}
		return UUID(p.data), nil
	case kindComplex:
		parts := make([]float64, 0, p.floats)
		eachRun(p, fieldFloats, func(b []byte) { parts = float64s(b, parts) })
		if len(parts) != 2 {
			return nil, mismatch("two floats of a complex", fmt.Sprintf("%d", len(parts)))
		}
		return complex(parts[0], parts[1]), nil
	default: // a kind that is text, or one that is not known
	}
	if p.kind > kindAny || p.kind < 0 {
		if d.codec.strict {
			return nil, mismatch("a known kind", fmt.Sprintf("kind %d", p.kind))
		}
		return Unknown{int32(p.kind), p.whole}, nil
	}
	s, f := validText(p.text)
	if f != nil {
		return nil, f
	}
	return d.parsed(p.kind, s)
}

// parsed reads the kinds that are text in both forms, on the wire and in JSON.
func (d *decoder) parsed(k kind, s string) (decoded any, f *failure) {
	var ok bool
	var want string
	switch k {
	case kindDatetime:
		want = "a datetime such as 2024-05-06T07:08:09+02:00"
		decoded, ok = d.zones.parseDatetime(s)
	case kindDate:
		want = "a date such as 2024-05-06"
		decoded, ok = parseDate(s)
	case kindTime:
		want = "a time such as 07:08:09"
		decoded, ok = parseTimeOfDay(s)
	case kindTimedelta:
		want = "microseconds such as -1500000, within 999999999 days"
		decoded, ok = parseTimedelta(s)
	case kindDecimal:
		want = "a decimal number such as 1.10"
		decoded, ok = parseDecimal(s)
	case kindFraction:
		want = "a fraction such as 3/1"
		decoded, ok = parseFraction(s)
	default:
		return nil, mismatch("a kind that is text", fmt.Sprintf("kind %d", k))
	}
	if !ok {
		return nil, mismatch(want, quoted(s))
	}
	return decoded, nil
}

func decodeBigInt(b []byte) (any, *failure) {
	if len(b) > 1800 {
		return nil, tooManyDigits()
	}
	n := fromTwosComplement(b)
	if manyDigits(n) {
		return nil, tooManyDigits()
	}
	return shortInt(n), nil
}

// shortInt gives an int64 where that can hold the int.
func shortInt(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func unsigned(n uint64) any { return shortInt(new(big.Int).SetUint64(n)) }

func parseFraction(s string) (any, bool) {
	numerator, denominator, ok := strings.Cut(s, "/")
	digits := strings.TrimPrefix(numerator, "-")
	if !ok || !plainDigits(digits, MaxDigits) || !plainDigits(denominator, MaxDigits) || strings.Trim(denominator, "0") == "" {
		return nil, false
	}
	n, _ := new(big.Int).SetString(numerator, 10)
	m, _ := new(big.Int).SetString(denominator, 10)
	return new(big.Rat).SetFrac(n, m), true
}
