package value

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxNesting bounds the nesting of JSON texts. A level of a value takes at most four: $object, $record with its fields, and pairs of $map.
const maxNesting = 4*MaxDepth + 4

// scanner checks a JSON text once, before anything is made of it: its grammar, its nesting, its UTF-8. It notes at which
// offsets objects start that have one key only, which begins with "$"; they stand for something other than a dict.
type scanner struct {
	data   []byte
	pos    int
	single offsets
	size   int  // least number of bytes that the value takes encoded
	most   int  // how many it may take
	broken bool // somewhere it is no UTF-8
	deep   bool // deeper than any value is
}

// offsets is a set of offsets in a text, a bit for each byte of it; nil is empty.
type offsets []uint64

func (o offsets) has(at int) bool { return o != nil && o[at/64]>>(at%64)&1 != 0 }

// scanJSON checks a text, and that its value may fit so many bytes before anything is made of it: every part takes a byte
// at least, and several times that in memory. What texts hold is as large in memory as here.
func scanJSON(data []byte, maxBytes int) (offsets, *failure) {
	s := scanner{data: data, most: maxBytes, broken: !utf8.Valid(data)}
	if f := s.value(1); f != nil {
		if s.deep {
			f.steps = f.steps[max(0, len(f.steps)-MaxDepth):] // the outermost, as of a value that is one level too deep
		}
		return nil, f
	}
	if s.space(); s.pos < len(data) {
		return nil, s.unexpected("the end")
	}
	return s.single, nil
}

// tooDeep has the way to what is too deep, which tells more than a place in a text of a thousand brackets.
func (s *scanner) tooDeep() *failure {
	f := tooDeep()
	f.placed, s.deep = true, true
	return f
}

func (s *scanner) space() {
	for s.pos < len(s.data) && strings.IndexByte(" \t\r\n", s.data[s.pos]) >= 0 {
		s.pos++
	}
}

// next returns the next character that is not space, 0 at the end.
func (s *scanner) next() byte {
	s.space()
	if s.pos == len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

func (s *scanner) unexpected(want string) *failure {
	if s.pos >= len(s.data) {
		return mismatch("JSON: "+want, "the end of the text")
	}
	rest := s.data[s.pos:]
	return failfGot("JSON: "+want, quoted(string(rest[:min(len(rest), 12)])), s.pos)
}

func failfGot(want, got string, offset int) *failure {
	f := failf("want %s, got %s at offset %d", want, got, offset)
	f.expected, f.got = want, got
	return f
}

func (s *scanner) value(nesting int) *failure {
	switch c := s.next(); c {
	case '{':
		return s.object(nesting)
	case '[':
		return s.array(nesting)
	case '"':
		return s.counted(s.text())
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) word(word string) *failure {
	if !strings.HasPrefix(string(s.data[s.pos:min(len(s.data), s.pos+len(word))]), word) {
		return s.unexpected("a value")
	}
	s.pos += len(word)
	return s.counted(nil)
}

// numberEnd returns where a number that starts here would end.
func (s *scanner) numberEnd() int {
	end := s.pos
	for end < len(s.data) && strings.IndexByte("+-.0123456789eE", s.data[end]) >= 0 {
		end++
	}
	return end
}

func (s *scanner) number() *failure {
	end := s.numberEnd()
	if end == s.pos || !validNumber(string(s.data[s.pos:end])) {
		return s.unexpected("a value")
	}
	s.pos = end
	return s.counted(nil)
}

// counted counts the byte that a part of the value takes at least.
func (s *scanner) counted(f *failure) *failure {
	s.size++
	if f == nil && s.size > s.most {
		return tooLarge(s.most)
	}
	return f
}

// text checks a quoted text, its escapes and that its surrogates come in pairs.
func (s *scanner) text() *failure {
	if s.next() != '"' {
		return s.unexpected("a text in quotes")
	}
	s.pos++
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.checked(start)
		case c < 0x20:
			return s.unexpected("control characters in a text escaped")
		case c == '\\':
			if f := s.escape(); f != nil {
				return f
			}
		default:
			s.pos++
		}
	}
	return s.unexpected("the closing quote of a text")
}

// checked refuses a text that is no UTF-8; outside of texts no other bytes than those of ASCII are taken anyway.
func (s *scanner) checked(start int) *failure {
	if !s.broken || utf8.Valid(s.data[start:s.pos-1]) {
		return nil
	}
	s.pos = start
	f := s.unexpected("text in valid UTF-8")
	f.placed = true
	return f
}

func (s *scanner) escape() *failure {
	r, n := unescape(s.data[s.pos:])
	if n == 0 {
		return s.unexpected("an escape")
	}
	if r == utf8.RuneError && n == 6 && string(s.data[s.pos:s.pos+6]) != `\ufffd` && string(s.data[s.pos:s.pos+6]) != `\uFFFD` {
		if !strings.EqualFold(string(s.data[s.pos:s.pos+6]), `\ufffd`) {
			f := s.unexpected("surrogates in pairs")
			f.placed = true
			return f
		}
	}
	s.pos += n
	return nil
}

func (s *scanner) array(nesting int) *failure {
	if nesting > maxNesting {
		return s.tooDeep()
	}
	if f := s.counted(nil); f != nil {
		return f
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		return nil
	}
	for n := 0; ; n++ {
		if f := s.value(nesting + 1); f != nil {
			if f.placed {
				f.index(n)
			}
			return f
		}
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.unexpected("a comma or ] in a list")
		}
	}
}

func (s *scanner) object(nesting int) *failure {
	if nesting > maxNesting {
		return s.tooDeep()
	}
	if f := s.counted(nil); f != nil {
		return f
	}
	start := s.pos
	s.pos++
	if s.next() == '}' {
		s.pos++
		return nil
	}
	var dollar bool
	for n := 1; ; n++ {
		key := s.pos
		if f := s.member(nesting); f != nil {
			return f
		}
		dollar = n == 1 && s.beginsWithDollar(key)
		switch s.next() {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			if dollar {
				s.note(start)
			}
			return nil
		default:
			return s.unexpected("a comma or } in an object")
		}
	}
}

func (s *scanner) member(nesting int) *failure {
	s.space()
	start := s.pos
	if f := s.text(); f != nil {
		return f
	}
	if s.next() != ':' {
		return s.unexpected("a colon after a key")
	}
	end := s.pos
	s.pos++
	f := s.value(nesting + 1)
	if f != nil && f.placed {
		f.field(unquote(s.data[start+1 : bytes.LastIndexByte(s.data[:end], '"')]))
	}
	return f
}

// beginsWithDollar reports whether the text that starts at a quote does.
func (s *scanner) beginsWithDollar(quote int) bool {
	rest := s.data[quote+1:]
	if rest[0] == '\\' {
		r, _ := unescape(rest)
		return r == '$'
	}
	return rest[0] == '$'
}

func (s *scanner) note(start int) {
	if s.single == nil {
		s.single = make(offsets, len(s.data)/64+1)
	}
	s.single[start/64] |= 1 << (start % 64)
}
