package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// text is a part of a request's JSON and where it stands, such as $.requests[2].args. Its outer levels are walked
// without looking into the values, which the codec then reads one by one.
type text struct {
	json []byte
	path string
}

// member is a member of an object.
type member struct {
	name string
	text
}

func (t text) wrong(format string, args ...any) error {
	e := tool.Errorf(tool.SerializationError, format, args...)
	e.Message = "JSON at " + t.path + ": " + e.Message
	return e.With("path", t.path)
}

// body is a whole request. That it is UTF-8 is checked part by part, so that an error names the part.
func body(data []byte) text { return text{data, "$"} }

// members calls each for the members of an object, in order, until it fails; each name is there once. None is kept: a
// large text is refused at the first member that cannot be taken, before what it holds takes memory.
func (t text) members(each func(member) error) error {
	s := scanner{text: t}
	seen := map[string]bool{}
	return s.list('{', '}', "an object", func() error {
		m, err := s.member()
		if err != nil {
			return err
		}
		if seen[m.name] {
			return m.wrong("the key is given twice")
		}
		seen[m.name] = true
		return each(m)
	})
}

// items calls each for the items of a list, in order, until it fails.
func (t text) items(each func(i int, item text) error) error {
	s, i := scanner{text: t}, -1
	return s.list('[', ']', "a list", func() error {
		item, err := s.value()
		if err != nil {
			return err
		}
		i++
		return each(i, text{item, t.path + "[" + strconv.Itoa(i) + "]"})
	})
}

// decode reads a part that is no value of a call but a field of the request.
func (t text) decode(target any, want string) error {
	if !utf8.Valid(t.json) { // encoding/json would put other characters in
		return t.wrong("want UTF-8, got %s", shown(t.json))
	}
	if err := json.Unmarshal(t.json, target); err != nil || bytes.Equal(bytes.TrimSpace(t.json), []byte("null")) {
		return t.wrong("want %s, got %s", want, shown(t.json))
	}
	return nil
}

// scanner walks one level of a JSON text.
type scanner struct {
	text
	at int
}

func (s *scanner) next() byte {
	for s.at < len(s.json) {
		switch c := s.json[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// expected says what stands here instead of what is wanted.
func (s *scanner) expected(want string) error {
	if s.at >= len(s.json) {
		return s.wrong("want %s, got the end of the text", want)
	}
	return s.wrong("want %s, got %s at offset %d", want, shown(s.json[s.at:]), s.at)
}

// list walks what stands between two brackets, and nothing may follow.
func (s *scanner) list(open, end byte, want string, each func() error) error {
	if s.next() != open {
		return s.expected(want)
	}
	s.at++
	if s.next() != end {
		if err := s.separated(each); err != nil {
			return err
		}
		if s.next() != end {
			return s.expected("a comma or " + string(end))
		}
	}
	s.at++
	if s.next(); s.at < len(s.json) {
		return s.expected("the end")
	}
	return nil
}

// separated calls each at the beginning of everything between commas.
func (s *scanner) separated(each func() error) error {
	for {
		s.next()
		if err := each(); err != nil {
			return err
		}
		if s.next() != ',' {
			return nil
		}
		s.at++
	}
}

// member reads a name and the text of its value.
func (s *scanner) member() (member, error) {
	if s.next() != '"' {
		return member{}, s.expected("a key in quotes")
	}
	quoted, err := s.value()
	if err != nil {
		return member{}, err
	}
	var name string
	if err := (text{quoted, s.path}).decode(&name, "a key"); err != nil {
		return member{}, err
	}
	if s.next() != ':' {
		return member{}, s.expected("a colon")
	}
	s.at++
	s.next()
	v, err := s.value()
	return member{name, text{v, s.path + step(name)}}, err
}

// value finds the end of a value by its brackets and quotes, and returns its text.
func (s *scanner) value() ([]byte, error) {
	start, depth := s.at, 0
	for s.at < len(s.json) {
		switch c := s.json[s.at]; c {
		case '"':
			if !s.quoted() {
				return nil, s.wrong("the text that begins at offset %d has no end", start)
			}
			s.at--
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.bare(start)
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.bare(start)
			}
			s.at++
			continue
		default:
			s.at++
			if depth == 0 && s.at == len(s.json) {
				return s.bare(start)
			}
			continue
		}
		s.at++
		if depth == 0 {
			return s.json[start:s.at], nil
		}
	}
	s.at = len(s.json)
	return nil, s.expected("a value and its end")
}

// bare ends a value without brackets or quotes.
func (s *scanner) bare(start int) ([]byte, error) {
	if s.at == start {
		return nil, s.expected("a value")
	}
	return s.json[start:s.at], nil
}

// quoted goes behind the end of a quoted text, if it has one.
func (s *scanner) quoted() bool {
	for s.at++; s.at < len(s.json); s.at++ {
		switch s.json[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	return false
}

// step is a member's part of a path.
func step(name string) string {
	const most = 64
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return "[" + shownText(name) + "]"
		}
	}
	if name == "" || len(name) > most {
		return "[" + shownText(name) + "]"
	}
	return "." + name
}

func shown(json []byte) string { return shownText(string(json[:min(len(json), 64)])) }

// shownText quotes a text, shortened.
func shownText(s string) string {
	const most = 24
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}
