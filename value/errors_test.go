package value_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// details returns an error's details.
func details(t testing.TB, err error) map[string]string {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	return e.Details
}

func TestAValueThatCannotBeEncodedNamesItsPath(t *testing.T) {
	t.Parallel()
	wrap := func(v any) any { return map[string]any{"rows": []any{1, map[string]any{"price": v}}} }
	for name, c := range map[string]struct {
		in      any
		message string
	}{
		"invalid UTF-8":         {wrap("\xff"), "want text in valid UTF-8"},
		"a channel":             {wrap(make(chan int)), "a chan int cannot be encoded"},
		"a function":            {wrap(func() {}), "a func() cannot be encoded"},
		"too many digits":       {wrap(power(10, 4300, 0)), "at most 4300 digits"},
		"too large a fraction":  {wrap(new(big.Rat).SetInt(power(10, 4300, 0))), "at most 4300 digits"},
		"year 0":                {wrap(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)), "years 1 to 9999"},
		"year 10000":            {wrap(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), "years 1 to 9999"},
		"no such day":           {wrap(value.Date{Year: 2023, Month: 2, Day: 29}), "2023-02-29 is out of range"},
		"no such hour":          {wrap(value.TimeOfDay{Hour: 24}), "24:00:00 is out of range"},
		"no such time":          {wrap(value.LocalDateTime{}), "out of range"},
		"too long a timedelta":  {wrap(value.Timedelta{Days: 1_000_000_000}), "out of range"},
		"one and true in a set": {wrap(value.Set{1, true}), "is there twice"},
		"one and 1.0 as keys":   {wrap(map[any]int{1: 1, 1.0: 2}), "is there twice"},
		"a list in a set":       {wrap(value.Set{[]any{}}), "want a hashable value, got list"},
		"a field twice":         {wrap(value.Record{Class: "C", Fields: []value.Field{{Name: "a"}, {Name: "a"}}}), `the field "a" twice`},
		"no JSON number":        {wrap([]any{unreadable{}}), "not today"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := value.Encode(c.in)
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
			require.ErrorContains(t, err, c.message)
			require.Contains(t, details(t, err)["path"], "$.rows[1].price")
			_, err = value.EncodeJSON(c.in)
			require.ErrorContains(t, err, c.message)
			require.Contains(t, details(t, err)["path"], "$.rows[1].price")
		})
	}
}

type unreadable struct{}

var errNotToday = errors.New("not today")

func (unreadable) BridgeValue() (any, error) { return nil, errNotToday }

func TestADeepValueIsRefusedAndACycleIsCalledOne(t *testing.T) {
	t.Parallel()
	_, err := value.Encode(nested(65))
	require.ErrorContains(t, err, "deeper than 64 levels")
	_, err = value.EncodeJSON(nested(65))
	require.ErrorContains(t, err, "deeper than 64 levels")

	list := []any{1, nil}
	list[1] = list
	dict := value.NewDict()
	dict.Set("self", []any{dict})
	loop := map[string]any{}
	loop["a"] = map[string]any{"b": loop}
	ring := &row{}
	ring.Next = ring
	for _, v := range []any{list, dict, loop, ring} {
		_, err := value.Encode(v)
		require.ErrorContains(t, err, "the value contains itself")
		_, err = value.EncodeJSON(v)
		require.ErrorContains(t, err, "the value contains itself")
	}
}

func TestAPointerThatLeadsToItselfIsRefused(t *testing.T) {
	t.Parallel()
	var self any
	self = &self
	type loop *loop
	var p loop
	p = &p
	for _, v := range []any{self, p, []any{self}, map[string]any{"a": p}} {
		_, err := value.Encode(v)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
	}
}

// limitOf is the limit that an error names for programs.
func limitOf(t *testing.T, err error) string {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	return e.Details["limit"]
}

func TestAValueThatIsTooLargeIsMessageTooLarge(t *testing.T) {
	t.Parallel()
	c := value.New(value.MaxBytes(1000))
	for _, v := range []any{strings.Repeat("x", 1000), count(2000), repeat(1.5, 500), repeat("abc", 500), letters(500), repeat(value.Tuple{}, 1000)} {
		_, err := c.Encode(v)
		require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge})
		require.ErrorContains(t, err, "message too large")
		require.Equal(t, "1000", limitOf(t, err))
		encoded, err := value.Encode(v)
		require.NoError(t, err)
		_, err = c.Decode(encoded)
		require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge})
		require.Equal(t, "1000", limitOf(t, err))
	}
	// Forty lists of two, each the next one twice, would be 2**40 items.
	v := []any{"x"}
	for range 40 {
		v = []any{v, v}
	}
	_, err := c.Encode(v)
	require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge})
	_, err = c.Configured(value.Plain()).Encode(v)
	require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge})
	_, err = c.EncodeJSON(v)
	require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge})
}

func tagged(b ...byte) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/dspex.bridge.Value", Bytes: b}
}

func TestMalformedBytesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in      tool.Value
		message string
	}{
		"truncated":                {tagged(8), "malformed or truncated"},
		"wrong type of field":      {tagged(8, 7, 37, 0, 0, 0, 0), "malformed or truncated"},
		"run with half a varint":   {tagged(8, 7, 58, 2, 1, 0x80), "malformed or truncated"},
		"run with half a float":    {tagged(8, 7, 66, 4, 0, 0, 0, 0), "malformed or truncated"},
		"items in two fields":      {tagged(8, 7, 58, 1, 2, 50, 1, 'a'), "items in several"},
		"keys in two fields":       {tagged(8, 11, 42, 0, 50, 1, 'a', 74, 0), "keys in two"},
		"a key without value":      {tagged(8, 11, 50, 1, 'a'), "want a value for each of 1 keys, got 0 values"},
		"a value without key":      {tagged(8, 11, 42, 0), "want a value for each of 0 keys"},
		"a key twice":              {tagged(8, 11, 42, 0, 42, 0, 50, 1, 'a', 50, 1, 'a'), `"a" is there twice`},
		"a list as key":            {tagged(8, 11, 42, 0, 74, 2, 8, 7), "want a hashable value, got list"},
		"an item twice":            {tagged(8, 9, 58, 2, 2, 2), "is there twice"},
		"text that is no UTF-8":    {tagged(8, 4, 34, 1, 0xff), "valid UTF-8"},
		"items that are no UTF-8":  {tagged(8, 7, 50, 1, 0xff), "valid UTF-8"},
		"a short UUID":             {tagged(8, 19, 82, 1, 0), "want 16 bytes of a UUID, got 1"},
		"half a complex":           {tagged(8, 18, 66, 8, 0, 0, 0, 0, 0, 0, 0, 0), "want two floats of a complex"},
		"an enum without a member": {tagged(8, 20), "want one member"},
		"a field twice":            {tagged(8, 21, 42, 0, 42, 0, 50, 1, 'a', 50, 1, 'a'), "twice"},
		"no date":                  {tagged(8, 13, 34, 1, 'x'), "want a date such as 2024-05-06"},
		"no datetime":              {tagged(append([]byte{8, 12, 34, 20}, "2024-02-30T00:00:00Z"...)...), "want a datetime"},
		"a path as zone":           {tagged(append([]byte{8, 12, 34, 34}, "2024-02-20T00:00:00+00:00[../../x]"...)...), "want a datetime"},
		"no time":                  {tagged(8, 14, 34, 1, 'x'), "want a time"},
		"no timedelta":             {tagged(8, 15, 34, 1, 'x'), "want microseconds"},
		"no decimal":               {tagged(8, 16, 34, 1, 'x'), "want a decimal such as"},
		"a half":                   {tagged(8, 17, 34, 3, '1', '/', '0'), "want a fraction"},
		"a huge int":               {tagged(append([]byte{8, 6, 82, 0x90, 0x1c}, make([]byte, 3600)...)...), "at most 4300 digits"},
		"an Any in shreds":         {tagged(8, 22, 98, 1, 10), "malformed"},
		"a shred of text":          {tool.Value{TypeURL: "x/google.protobuf.StringValue", Bytes: []byte{10, 5, 'a'}}, "malformed"},
		"an int that is a text":    {tool.Value{TypeURL: "x/google.protobuf.Int64Value", Bytes: []byte{10, 1, 'a'}}, "malformed"},
		"a text that is an int":    {tool.Value{TypeURL: "x/google.protobuf.StringValue", Bytes: []byte{8, 1}}, "malformed"},
		"a Struct in shreds":       {tool.Value{TypeURL: "x/google.protobuf.Struct", Bytes: []byte{10, 1, 10}}, "malformed"},
		"a message that it is not": {tool.Value{TypeURL: "x/google.protobuf.Timestamp", Bytes: []byte{0xff}}, "want message google.protobuf.Timestamp"},
	} {
		_, err := value.Decode(c.in)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, c.message, name)
	}
}

func TestBytesThatAreTooDeepAreRefusedWhateverCarriesThem(t *testing.T) {
	t.Parallel()
	nest := func(levels int, wrap func([]byte) []byte) []byte {
		var b []byte
		for range levels {
			b = wrap(b)
		}
		return b
	}
	field := func(tag byte, b []byte) []byte {
		return append(append([]byte{tag}, varint(len(b))...), b...)
	}
	list := func(b []byte) []byte { return append([]byte{8, 7}, field(42, b)...) }
	arm := func(b []byte) []byte {
		packed := append(field(10, []byte("x/dspex.bridge.Value")), field(18, b)...)
		return append([]byte{8, 22}, field(98, packed)...)
	}
	plain := func(b []byte) []byte { return field(10, field(50, b)) }
	for _, v := range []tool.Value{
		tagged(nest(100, list)...), tagged(nest(100, arm)...),
		{TypeURL: "x/google.protobuf.ListValue", Bytes: nest(100, plain)},
	} {
		_, err := value.Decode(v)
		require.ErrorContains(t, err, "deeper than 64 levels")
	}
	_, err := value.Decode(tagged(nest(64, list)...))
	require.NoError(t, err)
}

func varint(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func TestAStrictCodecRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := value.New(value.Strict())
	for _, v := range []tool.Value{tagged(8, 99), {TypeURL: "x/com.example.Nothing"}, {TypeURL: "x/python.Thing"}} {
		_, err := value.Decode(v)
		require.NoError(t, err)
		_, err = c.Decode(v)
		require.ErrorContains(t, err, "want a known")
	}
}

func TestBadJSONIsRefusedWithAHint(t *testing.T) {
	t.Parallel()
	for text, message := range map[string]string{
		``:                             "the end of the text",
		`[1,2`:                         "a comma or ]",
		`{"a" 1}`:                      "a colon after a key",
		`{"a":1,}`:                     "a text in quotes",
		`[1]x`:                         "want JSON: the end",
		`01`:                           "a value",
		`nul`:                          "a value",
		`"a`:                           "closing quote",
		"\"\n\"":                       "control characters",
		`"\x"`:                         "an escape",
		`"\ud800"`:                     "surrogates in pairs",
		`"\udc00\ud800"`:               "surrogates in pairs",
		"\"\xff\"":                     "valid UTF-8",
		`1e400`:                        "want a finite float",
		`[1e-400]`:                     "$[0]: want a float of at least 5e-324, or 0",
		`{"a":1,"a":2}`:                `value at $[key 1]: the key or item "a" is there twice|`,
		`{"$map":[[2,1],[1,1],[1,2]]}`: "the key or item 1 is there twice|",
		`{"$set":[1,true]}`:            "the key or item true is there twice; in Python 1, 1.0 and True are one|",
		`{"$set":[{"$tuple":[1]},{"$tuple":[1.0]}]}`: "is there twice; in Python 1, 1.0 and True are one|",
		`{"$nope":1}`:                        `{"$object":{"$nope":…}}`,
		`{"$bytes":1}`:                       "a text in $bytes",
		`{"$bytes":"?"}`:                     "base64",
		`{"$float":"1.5"}`:                   "NaN, -NaN, Infinity or -Infinity",
		`{"$date":"x"}`:                      "a date such as",
		`{"$uuid":"x"}`:                      "a UUID",
		`{"$tuple":1}`:                       "a list in $tuple",
		`{"$set":[1,1.0]}`:                   "is there twice",
		`{"$map":[[1]]}`:                     "a pair [key, value]",
		`{"$map":[1]}`:                       "a pair [key, value]",
		`{"$map":{}}`:                        "a list of pairs",
		`{"$map":[[[],1]]}`:                  "want a hashable value",
		`{"$object":1}`:                      "an object in $object",
		`{"$record":{"fields":{}}}`:          "none called class_name",
		`{"$record":{"x":1}}`:                "the keys class_name, fields",
		`{"$record":1}`:                      "an object in $record",
		`{"$enum":{"class_name":1}}`:         "a text",
		`{"$fraction":[1,0]}`:                "the second above 0",
		`{"$fraction":[1]}`:                  "two ints such as [1,3]",
		`{"$fraction":"1/3"}`:                "two ints such as [1,3]",
		`{"$fraction":[2.0,1]}`:              "got float and int",
		`{"$fraction":[2,-1]}`:               "got a second that is not",
		`{"$complex":[1,2]}`:                 "two floats such as [1.0,-2.5], got int and int",
		`{"$any":{"type_url":"x"}}`:          "none called base64",
		`{"$frame":{"kind":"R","arrow":""}}`: "a kind of table",
		`{"$message":{"@type":"x/Nope"}}`:    "written as $any",
		`{"$timedelta":[]}`:                  "microseconds as an int",
		`{"$timedelta":1.5}`:                 "microseconds as an int, or as a text where they have a fraction, got float",
		strings.Repeat("[", 65) + strings.Repeat("]", 65): "deeper than 64 levels",
		strings.Repeat("[", 100000):                       "deeper than 64 levels",
		strings.Repeat(`{"$object":`, 1000):               "deeper than 64 levels",
		strings.Repeat("9", 4301):                         "at most 4300 digits",
		`{"rows":[0,{"price":{"$decimal":"x"}}]}`:         "$.rows[1].price",
	} {
		_, err := value.FromJSON([]byte(text))
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, "%.60s", text)
		require.Contains(t, err.Error()+"|", message, "%.60s", text) // | is the end
	}
}

// The same texts stand in test_values_json.py.
func TestJSONThatIsMuchTooDeepNamesTheWay(t *testing.T) {
	t.Parallel()
	for text, path := range map[string]string{
		strings.Repeat("[", 200) + strings.Repeat("]", 200):       "$" + strings.Repeat("[0]", 64),
		strings.Repeat("[", 100000) + strings.Repeat("]", 100000): "$" + strings.Repeat("[0]", 64),
		`{"b":[1],"a":[0,` + strings.Repeat("[", 100000):          "$.a[1]" + strings.Repeat("[0]", 62),
		`[{"a":` + strings.Repeat(`{"b":`, 100000):                "$[0].a" + strings.Repeat(".b", 62),
	} {
		_, err := value.FromJSON([]byte(text))
		requireRefusedAt(t, err, path)
		require.ErrorContains(t, err, "deeper than 64 levels")
	}
}

// Encode and EncodeJSON name the same place, and the first where several are bad.
func TestBadKeysAreNamedAlikeByBothForms(t *testing.T) {
	t.Parallel()
	long := new(big.Int).Exp(big.NewInt(10), big.NewInt(5000), nil)
	for path, v := range map[string]any{
		"$[key 1]":          value.NewDict("a", 1, "b\xff", 2, "c\xff", 3),
		"$.a[key 1]":        map[string]any{"a": map[string]any{"b": 1, "b\xff": 2, "c\xff": 3}},
		"$[0][key 2]":       []any{value.NewDict("a", 1, 5, 3, "b\xff", 2)},
		"$[0][key 1][1]":    []any{value.NewDict("a", 1, value.Tuple{1, "\xff"}, 2)},
		"$[1][key 0]":       []any{0, value.NewDict(long, 1)},
		"$[1][key]":         []any{0, map[any]int{value.Date{}: 1, 5: 2}},
		"$[1][key][1]":      []any{0, map[any]int{[2]any{1, "\xff"}: 1, 5: 2}},
		"$[2][key 1]":       []any{0, 1, value.Record{Class: "C", Fields: []value.Field{{Name: "b", Value: 1}, {Name: "b", Value: 1}}}},
		"$.texts[1]":        map[string][]string{"texts": {"a", "b\xff", "c\xff"}},
		`$[{"$tuple":[1]}]`: value.NewDict(value.Tuple{1}, "\xff"),
	} {
		_, err := value.Encode(v)
		requireRefusedAt(t, err, path)
		_, err = value.EncodeJSON(v)
		requireRefusedAt(t, err, path)
	}
}

func TestErrorsAreRecords(t *testing.T) {
	t.Parallel()
	require.Equal(t, value.Record{Class: "errorString", Fields: []value.Field{{Name: "message", Value: "not today"}}}, value.ErrorAsRecord(errNotToday))
	known := tool.Errorf(tool.ToolNotFound, "no tool %q", "x").With("tool", "x")
	text, err := value.EncodeJSON([]any{known})
	require.NoError(t, err)
	require.Equal(t, `[{"$record":{"class_name":"ToolNotFound","fields":{"message":"no tool \"x\"","code":"ToolNotFound","details":{"tool":"x"}}}}]`, string(text))
	raised := &tool.Error{Code: tool.ExecutionError, Message: "bad", Class: "ValueError"}
	require.Equal(t, "ValueError", value.ErrorAsRecord(raised).Class)
}

// The same values stand in test_values_class_names.py.
func TestNamesThatAreNoTextsAreRefusedWithTheirPath(t *testing.T) {
	t.Parallel()
	half := "a\xed\xa0\x80"
	for path, v := range map[string]any{
		"$":           value.Enum{Class: half, Name: "A", Value: 1},
		"$[key 0]":    value.Enum{Class: "C", Name: half, Value: 1},
		"$.value[1]":  value.Enum{Class: half, Name: "A", Value: []any{1, half}},
		"$.a[0]":      value.NewDict("a", []any{value.Enum{Class: half, Name: "A", Value: 1}}),
		"$[0]":        []any{value.Record{Class: half, Fields: []value.Field{{Name: "a", Value: 1}}}},
		"$[0].a":      []any{value.Record{Class: half, Fields: []value.Field{{Name: "a", Value: half}}}},
		"$[0][key 1]": []any{value.Record{Class: "C", Fields: []value.Field{{Name: "b", Value: 1}, {Name: half, Value: 1}}}},
	} {
		_, err := value.Encode(v)
		requireRefusedAt(t, err, path)
		_, err = value.EncodeJSON(v)
		requireRefusedAt(t, err, path)
	}
}
