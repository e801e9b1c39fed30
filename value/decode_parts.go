package value

import (
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
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
	// later says that there is a field that this version does not know.
	later     bool
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
			return p.takeLater(number)
		}
	case protowire.BytesType:
		contents, _ := protowire.ConsumeBytes(b)
		return p.takeContents(number, contents)
	default:
		return p.takeLater(number)
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
		return p.takeLater(number)
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
		return p.takeLater(number)
	}
	return true
}

// takeLater notes a field whose number or type no field of this version has, and reports whether that is its number.
func (p *parts) takeLater(number protowire.Number) bool {
	p.later = number > fieldAny
	return p.later
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

func (p *parts) count() int { return p.items + p.texts + p.ints + p.floats }
