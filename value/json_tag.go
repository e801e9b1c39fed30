package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// readTagged reads an object whose only key begins with "$".
func (r *jsonReader) readTagged(level int) (any, *failure) {
	r.pos++
	r.space()
	tag := r.readText()
	r.next()
	r.pos++
	v, f := r.readContents(tag, level)
	if f != nil {
		return nil, f.field(tag)
	}
	r.next()
	r.pos++
	return v, nil
}

func (r *jsonReader) readContents(tag string, level int) (any, *failure) {
	switch tag {
	case "$object":
		if r.next() != '{' {
			return nil, r.unexpected("an object in $object")
		}
		return r.readDict(level)
	case "$tuple", "$set", "$frozenset":
		return r.readCollection(tag, level)
	case "$map":
		return r.readMap(level)
	case "$record":
		return r.readRecord(level)
	case "$enum":
		return r.readEnum(level)
	case "$message":
		return r.readMessage(level)
	case "$fraction", "$complex":
		return r.readPair(tag)
	case "$any":
		return r.readAny(level)
	case "$frame":
		return r.readFrame()
	case "$timedelta":
		return r.readTimedelta()
	}
	return r.readTextual(tag)
}

// readTextual reads the kinds that are one text.
func (r *jsonReader) readTextual(tag string) (any, *failure) {
	k := textualKind(tag)
	if k == kindNone {
		f := failf(`there is no %s; an object whose only key begins with "$" is written {"$object":{%s:…}}`, quoted(tag), quoted(tag))
		f.expected, f.got = "a known $ key or $object", tag
		return nil, f
	}
	if r.next() != '"' {
		return nil, r.unexpected("a text in " + tag)
	}
	s := r.readText()
	if k >= kindDatetime && k <= kindDecimal {
		return r.parsed(k, s)
	}
	return r.readSpecial(k, s)
}

func (r *jsonReader) readSpecial(k kind, s string) (any, *failure) {
	switch k {
	case kindBytes:
		return octetsOf(s)
	case kindUUID:
		if u, ok := parseUUID(s); ok {
			return u, nil
		}
		return nil, mismatch("a UUID", quoted(s))
	default:
		return specialFloat(s)
	}
}

func textualKind(tag string) kind {
	switch tag {
	case "$bytes":
		return kindBytes
	case "$float":
		return kindFloat
	case "$datetime":
		return kindDatetime
	case "$date":
		return kindDate
	case "$time":
		return kindTime
	case "$decimal":
		return kindDecimal
	case "$uuid":
		return kindUUID
	default:
		return kindNone
	}
}

func octetsOf(s string) ([]byte, *failure) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") { // which the library skips
		return nil, mismatch("standard base64 with padding", quoted(s))
	}
	return b, nil
}

func specialFloat(s string) (any, *failure) {
	switch s {
	case "NaN":
		return math.Float64frombits(0x7ff8000000000000), nil
	case "-NaN":
		return math.Float64frombits(0xfff8000000000000), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	return nil, mismatch("NaN, -NaN, Infinity or -Infinity", quoted(s))
}

// What stands under $timedelta, $complex and $fraction.
const (
	wantMicroseconds = "microseconds as an int, or as a text where they have a fraction"
	wantFloats       = "two floats such as [1.0,-2.5]"
	wantInts         = "two ints such as [1,3], the second above 0"
)

// readTimedelta takes microseconds as a text, which may have a fraction, or as an int.
func (r *jsonReader) readTimedelta() (any, *failure) {
	var s string
	switch c := r.next(); {
	case c == '"':
		s = r.readText()
	case c == '-' || c >= '0' && c <= '9':
		n, f := r.read(1)
		if f != nil {
			return nil, f
		}
		if bigOf(n) == nil {
			return nil, mismatch(wantMicroseconds, typeName(n))
		}
		s = bigOf(n).String()
	default:
		return nil, r.unexpected(wantMicroseconds + ", in $timedelta")
	}
	return r.parsed(kindTimedelta, s)
}

func (r *jsonReader) readCollection(tag string, level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	if r.next() != '[' {
		return nil, r.unexpected("a list in " + tag)
	}
	items, f := r.readItems(level)
	if f != nil {
		return nil, f
	}
	if tag == "$tuple" {
		return Tuple(items), nil
	}
	if at, f := r.repeated(items); f != nil {
		return nil, f.index(at)
	}
	if tag == "$set" {
		return Set(items), nil
	}
	return FrozenSet(items), nil
}

// readMap reads a list of pairs. Pairs are no level of the value.
func (r *jsonReader) readMap(level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	if r.next() != '[' {
		return nil, r.unexpected("a list of pairs in $map")
	}
	keys, values := []any{}, []any{}
	r.pos++
	for r.next() != ']' {
		if r.next() != '[' {
			return nil, r.unexpected("a pair [key, value] in $map").index(len(keys))
		}
		pair, f := r.readItems(level)
		if f != nil {
			return nil, f.index(len(keys))
		}
		if len(pair) != 2 {
			return nil, mismatch("a pair [key, value]", "a list of another length").index(len(keys))
		}
		keys, values = append(keys, pair[0]), append(values, pair[1])
		if r.next() == ',' {
			r.pos++
		}
	}
	r.pos++
	return dictOf(keys, values, r.remembering())
}

// readFields reads an object with the given keys, each once; read is called at each one's value.
func (r *jsonReader) readFields(what string, names []string, read func(name string) *failure) *failure {
	if r.next() != '{' {
		return r.unexpected("an object in " + what)
	}
	missing := make(map[string]bool, len(names))
	for _, name := range names {
		missing[name] = true
	}
	r.pos++
	for r.next() != '}' {
		name := r.readText()
		if !missing[name] {
			return mismatch("the keys "+strings.Join(names, ", ")+" in "+what+", each once", quoted(name))
		}
		delete(missing, name)
		r.next()
		r.pos++
		if f := read(name); f != nil {
			return f.field(name)
		}
		if r.next() == ',' {
			r.pos++
		}
	}
	r.pos++
	for _, name := range names {
		if missing[name] {
			return mismatch("the keys "+strings.Join(names, ", ")+" in "+what, "none called "+name)
		}
	}
	return nil
}

func (r *jsonReader) textInto(s *string) *failure {
	if r.next() != '"' {
		return r.unexpected("a text")
	}
	*s = r.readText()
	return nil
}

func (r *jsonReader) readRecord(level int) (any, *failure) {
	var record Record
	f := r.readFields("$record", []string{"class_name", "fields"}, func(name string) *failure {
		if name == "class_name" {
			return r.textInto(&record.Class)
		}
		if r.next() != '{' {
			return r.unexpected("an object")
		}
		d, f := r.readDict(level)
		if f != nil {
			return f
		}
		record.Fields = make([]Field, d.Len())
		for i := range d.keys {
			name, _ := d.keys[i].(string)
			record.Fields[i] = Field{name, d.values[i]}
		}
		return nil
	})
	return record, f
}

func (r *jsonReader) readEnum(level int) (any, *failure) {
	if level > MaxDepth {
		return nil, tooDeep()
	}
	var enum Enum
	f := r.readFields("$enum", []string{"class_name", "name", "value"}, func(name string) (f *failure) {
		switch name {
		case "class_name":
			return r.textInto(&enum.Class)
		case "name":
			return r.textInto(&enum.Name)
		default:
			enum.Value, f = r.read(level + 1)
			return f
		}
	})
	return enum, f
}

func (r *jsonReader) readPair(tag string) (any, *failure) {
	want := wantInts
	if tag == "$complex" {
		want = wantFloats
	}
	if r.next() != '[' {
		return nil, r.unexpected(want + ", in " + tag)
	}
	pair, f := r.readItems(1)
	if f != nil {
		return nil, f
	}
	if len(pair) != 2 {
		return nil, mismatch(want, "a list of another length")
	}
	if tag == "$complex" {
		re, reOK := pair[0].(float64)
		im, imOK := pair[1].(float64)
		if !reOK || !imOK {
			return nil, mismatch(want, typeName(pair[0])+" and "+typeName(pair[1]))
		}
		return complex(re, im), nil
	}
	n, m := bigOf(pair[0]), bigOf(pair[1])
	if n != nil && m != nil && m.Sign() <= 0 {
		return nil, mismatch(want, "a second that is not")
	}
	if n == nil || m == nil {
		return nil, mismatch(want, typeName(pair[0])+" and "+typeName(pair[1]))
	}
	return new(big.Rat).SetFrac(n, m), nil
}

// bigOf returns an int that was decoded as a big one, nil for what is none.
func bigOf(v any) *big.Int {
	switch x := v.(type) {
	case int64:
		return big.NewInt(x)
	case *big.Int:
		return x
	}
	return nil
}

func (r *jsonReader) readAny(level int) (any, *failure) {
	var v tool.Value
	var contents string
	f := r.readFields("$any", []string{"type_url", "base64"}, func(name string) *failure {
		if name == "type_url" {
			return r.textInto(&v.TypeURL)
		}
		return r.textInto(&contents)
	})
	if f != nil {
		return nil, f
	}
	if v.Bytes, f = octetsOf(contents); f != nil {
		return nil, f.field("base64")
	}
	return r.packed(v, level)
}

func (r *jsonReader) readFrame() (any, *failure) {
	var kind, contents string
	f := r.readFields("$frame", []string{"kind", "arrow"}, func(name string) *failure {
		if name == "kind" {
			return r.textInto(&kind)
		}
		return r.textInto(&contents)
	})
	if f != nil {
		return nil, f
	}
	if name, ok := frameName(urlPrefix + kind); !ok || name != kind {
		return nil, mismatch("a kind of table such as pandas.DataFrame", quoted(kind)).field("kind")
	}
	b, f := octetsOf(contents)
	if f != nil {
		return nil, f.field("arrow")
	}
	return r.packed(tool.Value{TypeURL: urlPrefix + kind, Bytes: b}, 1)
}

func (r *jsonReader) readMessage(level int) (any, *failure) {
	r.space()
	start := r.pos
	if f := r.value(1); f != nil {
		return nil, f
	}
	raw := bytes.TrimSpace(r.data[start:r.pos])
	if !fewTyped(raw) {
		return nil, mismatch(fmt.Sprintf("at most %d messages with an \"@type\" in one another; deeper ones are written as $any", maxTyped), "more")
	}
	if f := checkFloats(raw); f != nil {
		return nil, f
	}
	var packed anypb.Any
	if err := protojson.Unmarshal(raw, &packed); err != nil {
		return nil, noMessage(raw, err)
	}
	return r.packed(tool.Value{TypeURL: packed.TypeUrl, Bytes: packed.Value}, level)
}

// noMessage says what is wrong with the JSON form of a message: its type, or what it says of one that is known.
func noMessage(raw []byte, err error) *failure {
	var named struct {
		Type string `json:"@type"`
	}
	want, why := `the JSON form of a message that this program knows, with "@type"; others are written as $any`, ""
	if json.Unmarshal(raw, &named) == nil {
		if kind, found := protoregistry.GlobalTypes.FindMessageByURL(named.Type); found == nil {
			want, why = "the JSON form of message "+string(kind.Descriptor().FullName()), ": "+saidOfJSON(err)
		}
	}
	f := mismatch(want, quoted(string(raw)))
	f.message += why
	f.cause = err
	return f
}

// saidOfJSON is what the JSON reader of protobuf says, without its name and the place in a text that nobody sees.
func saidOfJSON(err error) string {
	said := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
	if _, behind, ok := strings.Cut(said, "): "); ok && strings.HasPrefix(said, "(line ") {
		said = behind
	}
	return said
}
