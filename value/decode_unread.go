package value

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// unread reports whether there are texts or messages in fields that a value of the kind does not read. They have to be well-formed
// nevertheless: protobuf's own parsers, which other SDKs use, refuse a message of which any part is not.
func (p *parts) unread() bool {
	if p.textTwice {
		return true
	}
	text, runs, items, keys, packed := len(p.text) > 0, p.texts > 0, p.items > 0, p.keys > 0, p.any != nil
	kind := p.kind
	if p.later {
		kind = kindNone // nothing of it is read
	}
	switch kind {
	case kindList, kindTuple, kindSet, kindFrozenSet:
		return text || keys || packed
	case kindDict:
		return text || packed
	case kindRecord, kindEnum:
		return keys || packed
	case kindAny:
		return text || runs || items || keys
	case kindDatetime, kindDate, kindTime, kindTimedelta, kindDecimal, kindFraction, kindStr:
		return runs || items || keys || packed
	default:
		return text || runs || items || keys || packed
	}
}

// maxMessages is how many messages may be in one another, the outermost too, as other parsers of protobuf have it.
const maxMessages = 101

// wellFormed checks the fields of a Value, and of those in it, whatever their kinds are. The level is that of the message.
func wellFormed(b []byte, level int) *failure {
	if level > maxMessages {
		return broken("dspex.bridge.Value of at most 101 messages in one another")
	}
	if _, f := scan(b); f != nil {
		return f
	}
	var items, texts, keys int
	for len(b) > 0 {
		number, t, size := consumeTag(b)
		b = b[size:]
		size = protowire.ConsumeFieldValue(number, t, b)
		contents := b[:size]
		b = b[size:]
		if t != protowire.BytesType {
			continue
		}
		contents, _ = protowire.ConsumeBytes(contents)
		var f *failure
		switch number {
		case fieldText:
			f = validTextOf(contents)
		case fieldTexts:
			f = validTextOf(contents).key(texts)
			texts++
		case fieldItems:
			f = wellFormed(contents, level+1).index(items)
			items++
		case fieldKeys:
			f = wellFormed(contents, level+1).key(keys)
			keys++
		case fieldAny:
			if _, f = anyOf(contents); level == maxMessages {
				f = broken("dspex.bridge.Value of at most 101 messages in one another")
			}
		}
		if f != nil {
			return f
		}
	}
	return nil
}

func validTextOf(b []byte) *failure {
	if !utf8.Valid(b) {
		return badText(string(b))
	}
	return nil
}
