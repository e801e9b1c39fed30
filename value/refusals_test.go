package value_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// refusal is what every SDK refuses: bytes of an Any, or a text that is no JSON form.
type refusal struct {
	Name   string  `json:"name"`
	Any    *string `json:"any"`
	JSON   *string `json:"json"`
	Strict bool    `json:"strict"` // refused only by who wants to know every type; others pass it on
	Code   string  `json:"code"`
	Path   string  `json:"path"`
}

// lenience is what every SDK accepts although it does not write it so: it is the canonical form's value.
type lenience struct {
	Name      string  `json:"name"`
	Any       *string `json:"any"`
	JSON      *string `json:"json"`
	Canonical string  `json:"canonical"`
}

const google = "type.googleapis.com/"

// packed is an Any in hex.
func packed(url string, data []byte) *string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&anypb.Any{TypeUrl: url, Value: data})
	if err != nil {
		panic(err)
	}
	text := hex.EncodeToString(b)
	return &text
}

// fields joins fields of a message: a number and what it holds, an int for a varint and bytes or text for the rest.
func fields(numbersAndContents ...any) []byte {
	var b []byte
	for i := 0; i < len(numbersAndContents); i += 2 {
		number := protowire.Number(numbersAndContents[i].(int))
		switch x := numbersAndContents[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(x))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), x)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), x)
		}
	}
	return b
}

// The numbers of the kinds and fields of dspex.bridge.Value that are used here.
const (
	kindField, textField, itemsField, textsField, intsField, floatsField, keysField, dataField, anyField = 1, 4, 5, 6, 7, 8, 9, 10, 12

	str, bytesKind, bigint, list, set, dict, datetime, date, timeKind, timedelta, decimal, fraction, complexKind, uuidKind, enum, record, anyKind = 4, 5, 6, 7, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22
)

// inRow puts a Value where $.rows[3].price leads to.
func inRow(v []byte) []byte {
	row := fields(kindField, dict, itemsField, v, textsField, "price")
	rows := fields(kindField, list, itemsField, "", itemsField, "", itemsField, "", itemsField, row)
	return fields(kindField, dict, itemsField, rows, textsField, "rows")
}

func around(levels int, inner []byte) []byte {
	for range levels {
		inner = fields(kindField, list, itemsField, inner)
	}
	return inner
}

func plainAround(levels int) []byte {
	var inner []byte // a ListValue
	for range levels {
		inner = fields(1, fields(6, inner))
	}
	return inner
}

// longInt are the bytes of an int of 49 digits.
func longInt() []byte {
	n, _ := new(big.Int).SetString("1234567890123456789012345678901234567890123456789", 10)
	return append([]byte{0}, n.Bytes()...)
}

func refusedBytes() []refusal {
	scalar := func(name, message string, data []byte) refusal {
		return refusal{Name: name, Any: packed(google+"google.protobuf."+message, data), Path: "$"}
	}
	tagged := func(name, path string, data []byte) refusal {
		return refusal{Name: name, Any: packed(google+"dspex.bridge.Value", data), Path: path}
	}
	row := func(name string, v ...any) refusal { return tagged(name, "$.rows[3].price", inRow(fields(v...))) }
	return []refusal{
		scalar("int that is cut off", "Int64Value", []byte{8}),
		scalar("nothing with a field 0", "Empty", []byte{0, 0}),
		scalar("narrow int that is wider", "Int32Value", fields(1, 1<<40)),
		scalar("narrow int that is wider by one", "Int32Value", fields(1, math.MaxInt32+1)),
		scalar("narrow unsigned int that is wider", "UInt32Value", fields(1, 1<<40+7)),
		scalar("narrow unsigned int below 0", "UInt32Value", fields(1, -1)),
		tagged("list whose first item is no day, and whose second is cut off", "$[0]",
			fields(kindField, list, itemsField, fields(kindField, date, textField, "x"), itemsField, []byte{8})),
		tagged("list with items in two fields, of which one is cut off", "$", fields(kindField, list, itemsField, []byte{8}, textsField, "a")),
		tagged("dict with a key that is no day before a value that is cut off", "$[key 0]",
			fields(kindField, dict, itemsField, []byte{8}, keysField, fields(kindField, date, textField, "x"))),
		tagged("day that is none under an int of 49 digits", "$[123456789012345678901234567890123456789012345678…]",
			fields(kindField, dict, itemsField, fields(kindField, date, textField, "x"), keysField, fields(kindField, bigint, dataField, longInt()))),
		tagged("kind that is not known with a text that is none", "$[key 0]", fields(kindField, 99, textsField, "\xff")),
		scalar("int that does not end", "Int64Value", bytes.Repeat([]byte{0xff}, 12)),
		scalar("int behind a field whose number is too large", "Int64Value", []byte{0x80, 0x80, 0x80, 0x9f, 0x3e, 1, 8, 1}),
		scalar("int whose bytes are a text's", "Int64Value", fields(1, "hello")),
		scalar("float that is cut off", "DoubleValue", []byte{9, 0, 0}),
		scalar("float whose bytes are an int's", "DoubleValue", fields(1, 1)),
		scalar("bool whose bytes are a text's", "BoolValue", fields(1, "x")),
		scalar("text that is cut off", "StringValue", []byte{10, 5, 'a'}),
		scalar("text whose bytes are an int's", "StringValue", fields(1, 1)),
		scalar("text that is not UTF-8", "StringValue", fields(1, "\xff")),
		scalar("text with a surrogate", "StringValue", fields(1, "\xed\xa0\x80")),
		scalar("text with an overlong zero", "StringValue", fields(1, "\xc0\x80")),
		scalar("bytes that are cut off", "BytesValue", []byte{10, 5, 'a'}),
		scalar("bytes whose bytes are an int's", "BytesValue", fields(1, 1)),
		scalar("ListValue that is cut off", "ListValue", []byte{10, 5, 1}),
		scalar("ListValue whose bytes are an int's", "ListValue", fields(1, 1)),
		scalar("Struct whose bytes are an int's", "Struct", fields(1, 1)),
		scalar("Struct with a key that is not UTF-8", "Struct", fields(1, fields(1, "\xff", 2, fields(1, 0)))),
		scalar("null whose bytes are a text's", "Value", fields(1, "x")),
		tagged("value that is cut off", "$", []byte{8}),
		tagged("value whose bytes are a text's", "$", fields(1, "hello")),
		tagged("value with a group", "$", []byte{0x0b}),
		scalar("float with an int behind it", "DoubleValue", append([]byte{9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, fields(1, 1)...)),
		scalar("int with a float behind it", "Int64Value", append(fields(1, 300), 9, 0, 0, 0, 0, 0, 0, 0, 0)),
		scalar("int with a text behind it", "Int64Value", fields(1, 1, 1, "x")),
		scalar("int of more than 64 bits", "Int64Value", append([]byte{8}, append(bytes.Repeat([]byte{0xff}, 9), 2)...)),
		scalar("bool with a text behind it", "BoolValue", fields(1, 1, 1, "x")),
		scalar("text with an int behind it", "StringValue", fields(1, "x", 1, 1)),
		scalar("long text with an int behind it", "StringValue", fields(1, strings.Repeat("x", 200), 1, 1)),
		scalar("bytes with an int behind them", "BytesValue", fields(1, "x", 1, 1)),
		scalar("ListValue with an int behind its items", "ListValue", fields(1, fields(1, 0), 1, 1)),
		{Name: "item of a ListValue of another form", Any: packed(google+"google.protobuf.ListValue", fields(1, fields(1, 0), 1, fields(3, 1))), Path: "$[1]"},
		{Name: "item of a ListValue with another form behind it", Any: packed(google+"google.protobuf.ListValue", fields(1, fields(3, "x", 1, "y"))), Path: "$[0]"},
		{Name: "text in a Struct that is not UTF-8", Any: packed(google+"google.protobuf.Struct", fields(1, fields(1, "rows", 2, fields(6, fields(1, fields(3, "\xff")))))), Path: "$.rows[0]"},
		{Name: "65 levels of ListValue", Any: packed(google+"google.protobuf.ListValue", plainAround(64)), Path: "$" + strings.Repeat("[0]", 64)},
		{Name: "65 levels of Struct", Any: packed(google+"google.protobuf.Struct", structAround(64)), Path: "$" + strings.Repeat(".a", 64)},
		scalar("text that is not UTF-8 before one that is", "StringValue", fields(1, "\xff", 1, "x")),
		scalar("int behind a tag of six bytes", "Int64Value", []byte{0x98, 0x86, 0x80, 0x80, 0x80, 0, 1, 8, 1}),
		scalar("ListValue with a tag of six bytes", "ListValue", []byte{0x98, 0x86, 0x80, 0x80, 0x80, 0, 1}),
		tagged("value with a tag of six bytes", "$", append(fields(kindField, str, textField, "x"), 0x98, 0x86, 0x80, 0x80, 0x80, 0, 1)),
		{Name: "bytes without a type", Any: packed("", []byte("x")), Path: "$"},
		{Name: "text of a Python object that is not UTF-8", Any: packed(google+"python.Thing", []byte("\xff")), Path: "$"},
		{Name: "message that is cut off", Any: packed(google+"google.protobuf.Duration", []byte{8}), Path: "$"},

		row("text inside that is not UTF-8", kindField, str, textField, "\xff"),
		row("UUID of 15 bytes", kindField, uuidKind, dataField, make([]byte, 15)),
		row("UUID of no bytes", kindField, uuidKind),
		row("complex number of one part", kindField, complexKind, floatsField, make([]byte, 8)),
		row("datetime that is none", kindField, datetime, textField, "yesterday"),
		row("datetime without a T", kindField, datetime, textField, "2024-05-06 07:08:09"),
		row("datetime on a day that is none", kindField, datetime, textField, "2023-02-29T00:00:00"),
		row("datetime at an hour that is none", kindField, datetime, textField, "2024-05-06T24:00:00"),
		row("datetime of the year 0", kindField, datetime, textField, "0000-01-01T00:00:00"),
		row("datetime with an offset of a day", kindField, datetime, textField, "2024-05-06T07:08:09+24:00"),
		row("datetime with a zone that is a path", kindField, datetime, textField, "2024-05-06T07:08:09+00:00[../../etc/passwd]"),
		row("date that is none", kindField, date, textField, "2024-5-6"),
		row("date in the thirteenth month", kindField, date, textField, "2024-13-01"),
		row("time that is none", kindField, timeKind, textField, "noon"),
		row("time at second 60", kindField, timeKind, textField, "23:59:60"),
		row("timedelta that is none", kindField, timedelta, textField, "1h"),
		row("timedelta that is too long", kindField, timedelta, textField, "99999999999999999999"),
		row("decimal that is none", kindField, decimal, textField, "1,10"),
		row("decimal that is empty", kindField, decimal),
		row("fraction that is none", kindField, fraction, textField, "1"),
		row("fraction of zero", kindField, fraction, textField, "1/0"),
		row("int of 4301 digits", kindField, bigint, dataField, power(10, 4300, 0).Bytes()),
		row("Any inside without a type", kindField, anyKind),
		row("Any inside of another form", kindField, anyKind, anyField, fields(1, google+"google.protobuf.Int64Value", 2, 1)),
		row("text with an int in its field", kindField, str, textField, "x", textField, 1),
		row("int with a text that is not read, and not UTF-8", kindField, 2, 2, 2, textField, "\xff"),
		row("int with items that are not read, and cut off", kindField, 2, itemsField, []byte{8}).at("[0]"),
		row("int with keys that are not read, and of another form", kindField, 2, keysField, fields(kindField, "x")).at("[key 0]"),
		row("list with an Any that is not read, and of another form", kindField, list, anyField, fields(1, 1)),
		row("Any inside whose type is not UTF-8 before one that is", kindField, anyKind, anyField, fields(1, "\xff", 1, "a/b.C")),
		row("text that is not UTF-8 before one that is", kindField, str, textField, "\xff", textField, "x"),
		row("item that is not UTF-8", kindField, list, textsField, "a", textsField, "\xff").at("[1]"),
		row("key that is not UTF-8", kindField, dict, itemsField, "", itemsField, "", textsField, "a", textsField, "\xff").at("[key 1]"),
		row("field of a record that is not UTF-8", kindField, record, itemsField, "", textsField, "\xff").at("[key 0]"),
		row("day in a key that is none", kindField, dict, itemsField, "", keysField, fields(kindField, date, textField, "2023-02-29")).at("[key 0]"),
		row("day in a tuple in a key that is none", kindField, dict, itemsField, "", keysField, fields(kindField, 8, itemsField, fields(kindField, date))).at("[key 0][0]"),
		row("day in a set that is none", kindField, set, itemsField, fields(kindField, 1), itemsField, fields(kindField, date)).at("[1]"),
		row("day under an int that is none", kindField, dict, itemsField, fields(kindField, date), keysField, fields(kindField, 2, 2, 5)).at("[-3]"),
		row("day under a true that is none", kindField, dict, itemsField, fields(kindField, date), keysField, fields(kindField, 1, 11, 1)).at("[true]"),
		row("day under a day that is none", kindField, dict, itemsField, fields(kindField, date), keysField, fields(kindField, date, textField, "2024-05-06")).at(`[{"$date":"2024-05-06"}]`),
		row("day under a long tuple that is none", kindField, dict, itemsField, fields(kindField, date), keysField, fields(kindField, 8, textsField, strings.Repeat("ä", 30))).at(`[{"$tuple":["` + strings.Repeat("ä", 18) + `…]`),
		row("day under a text with a space that is none", kindField, dict, itemsField, fields(kindField, date), textsField, `a "b"`).at(`["a \"b\""]`),
		row("day under a long text that is none", kindField, dict, itemsField, fields(kindField, date), textsField, strings.Repeat("ä", 25)).at(`["` + strings.Repeat("ä", 24) + `"…]`),
		row("day under no text that is none", kindField, dict, itemsField, fields(kindField, date), textsField, "").at(`[""]`),
		row("day under a text beyond ASCII that is none", kindField, dict, itemsField, fields(kindField, date), textsField, "größe").at(".größe"),
		row("day in a record that is none", kindField, record, textField, "C", itemsField, fields(kindField, date), textsField, "day").at(".day"),
		row("day in a member that is none", kindField, enum, textField, "C", itemsField, fields(kindField, date), textsField, "RED").at(".value"),
		row("list in two fields", kindField, list, itemsField, "", textsField, "a"),
		row("ints that are cut off", kindField, list, intsField, []byte{0x80}),
		row("floats that are cut off", kindField, list, floatsField, make([]byte, 7)),
		row("more keys than values", kindField, dict, textsField, "a"),
		row("more values than keys", kindField, dict, itemsField, ""),
		row("keys in two fields", kindField, dict, itemsField, "", itemsField, "", textsField, "a", keysField, fields(kindField, str)),
		row("member without a value", kindField, enum, textField, "Color", textsField, "RED"),
		row("member without a name", kindField, enum, itemsField, "", textField, "Color"),
		row("record with more names than values", kindField, record, textField, "C", textsField, "a"),
		row("Any inside that is cut off", kindField, anyKind, anyField, fields(1, google+"google.protobuf.Int64Value", 2, []byte{8})),
		row("Any inside that lies", kindField, anyKind, anyField, fields(1, google+"google.protobuf.Int64Value", 2, fields(1, "x"))),
		tagged("65 levels", "$"+strings.Repeat("[0]", 64), around(64, fields(kindField, list))),
		tagged("1000 levels", "", around(1000, fields(kindField, list))),
		{Name: "1000 levels of ListValue", Any: packed(google+"google.protobuf.ListValue", plainAround(1000))},

		{Name: "URL that is a slash", Any: packed("/", []byte("x")), Path: "$"},
		{Name: "URL without a name", Any: packed("example.com/", []byte("x")), Path: "$"},
		{Name: "URL with a slash behind its name", Any: packed(google+"google.protobuf.ListValue/", nil), Path: "$"},
		{Name: "list by another URL whose bytes are none", Any: packed("x/google.protobuf.ListValue", []byte{0xff}), Path: "$"},
		{Name: "Value by another URL whose bytes are none", Any: packed("x/dspex.bridge.Value", []byte{0xff}), Path: "$"},
		{Name: "table in pieces that did not come", Any: packed("stream.dspex.bridge/pandas.DataFrame", nil), Path: "$"},

		{Name: "name that nobody knows, without a host", Any: packed("nohost", []byte("1")), Strict: true, Path: "$"},
		{Name: "type that nobody knows", Any: packed(google+"com.example.Unknown", []byte("x")), Strict: true, Path: "$"},
		{Name: "Python object as its text", Any: packed(google+"python.Thing", []byte("x")), Strict: true, Path: "$"},
		{Name: "kind of a later version", Any: packed(google+"dspex.bridge.Value", inRow(fields(kindField, 99, textField, "x"))), Strict: true, Path: "$.rows[3].price"},
		{Name: "field of a later version", Any: packed(google+"dspex.bridge.Value", inRow(fields(kindField, str, textField, "x", 13, 1))), Strict: true, Path: "$.rows[3].price"},
		{Name: "type inside that nobody knows", Any: packed(google+"dspex.bridge.Value", inRow(fields(kindField, anyKind, anyField, fields(1, google+"com.example.Unknown")))), Strict: true, Path: "$.rows[3].price"},
	}
}

// at says that the path leads further.
func (r refusal) at(steps string) refusal {
	r.Path += steps
	return r
}

func structAround(levels int) []byte {
	var inner []byte // a Struct
	for range levels {
		inner = fields(1, fields(1, "a", 2, fields(5, inner)))
	}
	return inner
}

// refusedKeys are dicts and sets that no Python has: keys and items twice, and lists among them.
func refusedKeys() []refusal {
	tagged := func(name string, data []byte) refusal {
		return refusal{Name: name, Any: packed(google+"dspex.bridge.Value", data)}
	}
	inner := fields(kindField, list)
	return []refusal{
		tagged("key twice", fields(kindField, dict, itemsField, "", itemsField, "", textsField, "a", textsField, "a")),
		tagged("1 and True as keys", fields(kindField, dict, itemsField, "", itemsField, "", keysField, fields(kindField, 2, 2, 2), keysField, fields(kindField, 1, 11, 1))),
		tagged("list as a key", fields(kindField, dict, itemsField, "", keysField, inner)),
		{Name: "Struct with a key twice", Any: packed(google+"google.protobuf.Struct", slices.Concat(fields(1, fields(1, "a", 2, fields(4, 0))), fields(1, fields(1, "a", 2, fields(1, 0)))))},
		{Name: "Struct with a key twice, not behind each other", Any: packed(google+"google.protobuf.Struct", slices.Concat(
			fields(1, fields(1, "b", 2, fields(4, 0))), fields(1, fields(1, "a", 2, fields(1, 0))), fields(1, fields(1, "b", 2, fields(4, 0)))))},
		{Name: "Struct inside of a ListValue with a key twice", Any: packed(google+"google.protobuf.ListValue", slices.Concat(
			fields(1, fields(1, 0)), fields(1, fields(5, slices.Concat(fields(1, fields(1, "a", 2, fields(1, 0))), fields(1, fields(1, "a", 2, fields(1, 0))))))))},
		tagged("item twice in a set", fields(kindField, set, textsField, "a", textsField, "a")),
		tagged("list in a set", fields(kindField, set, itemsField, inner)),
		tagged("field twice in a record", fields(kindField, record, textField, "C", itemsField, "", itemsField, "", textsField, "a", textsField, "a")),
	}
}

func refusedJSON() []refusal {
	var all []refusal
	for _, c := range []struct{ name, text, path string }{
		{"nothing", ``, ""},
		{"text that ends", `{"a":`, ""},
		{"more than one value", `1 2`, ""},
		{"comma too many", `[1,]`, ""},
		{"bare word", `nothing`, ""},
		{"NaN", `NaN`, ""},
		{"number with a zero before it", `01`, ""},
		{"number that overflows", `{"rows":[{"price":1e999}]}`, ""},
		{"number that underflows", `{"rows":[{"price":-0.01E-350}]}`, ""},
		{"int of 4301 digits", `[` + strings.Repeat("9", 4301) + `]`, ""},
		{"lone surrogate", `"\ud800"`, ""},
		{"control character", "\"\x01\"", ""},
		{"key twice", `{"a":1,"a":2}`, ""},
		{"unknown $ key", `{"rows":[0,0,0,{"price":{"$money":"1.10"}}]}`, ""},
		{"$bytes that are none", `{"rows":[0,0,0,{"price":{"$bytes":"?"}}]}`, ""},
		{"$bytes without padding", `{"$bytes":"aGk"}`, ""},
		{"$bytes with bits to spare", `{"$bytes":"aGl="}`, ""},
		{"$bytes with a line break", `{"$bytes":"aGk=\n"}`, ""},
		{"$bytes of an int", `{"$bytes":1}`, ""},
		{"$float that is a number", `{"$float":"1.0"}`, ""},
		{"$datetime that is none", `{"$datetime":"yesterday"}`, ""},
		{"$date that is none", `{"$date":"2023-02-29"}`, ""},
		{"$time that is none", `{"$time":"24:00:00"}`, ""},
		{"$timedelta that is none", `{"$timedelta":"1h"}`, ""},
		{"$decimal that is none", `{"$decimal":"1,1"}`, ""},
		{"$uuid that is none", `{"$uuid":"x"}`, ""},
		{"$uuid without hyphens", `{"$uuid":"f81d4fae7dec11d0a76500a0c91e6bf6"}`, ""},
		{"$uuid in braces", `{"$uuid":"{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}"}`, ""},
		{"$fraction of zero", `{"$fraction":[1,0]}`, ""},
		{"$fraction of one part", `{"$fraction":[1]}`, ""},
		{"$complex of ints", `{"$complex":[1,2]}`, ""},
		{"$tuple of an object", `{"$tuple":{}}`, ""},
		{"$set with an item twice", `{"$set":[1,1]}`, ""},
		{"$set of lists", `{"$set":[[1]]}`, ""},
		{"$map with a key twice", `{"$map":[[1,2],[1,3]]}`, ""},
		{"$map with a list as key", `{"$map":[[[],1]]}`, ""},
		{"$map of threes", `{"$map":[[1,2,3]]}`, ""},
		{"$object of a list", `{"$object":[]}`, ""},
		{"$enum without a value", `{"$enum":{"class_name":"C","name":"A"}}`, ""},
		{"$record with more", `{"$record":{"class_name":"C","fields":{},"module":"os"}}`, ""},
		{"$record with fields in a list", `{"$record":{"class_name":"C","fields":[]}}`, ""},
		{"$any without bytes", `{"$any":{"type_url":"x/y"}}`, ""},
		{"$any without a type", `{"$any":{"type_url":"","base64":""}}`, ""},
		{"$message without a type", `{"$message":{}}`, ""},
		{"$frame of an unknown kind", `{"$frame":{"kind":"R.data.frame","arrow":""}}`, ""},
		{"$frame of a kind with a host", `{"$frame":{"kind":"/pyarrow.Table","arrow":""}}`, ""},
		{"$message of a duration with zeros in front", `{"$message":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"01s"}}`, ""},
		{"$message of base64 of two alphabets", `{"$message":{"@type":"type.googleapis.com/google.protobuf.BytesValue","value":"-+8="}}`, ""},
		{"$message of a mask with an underscore", `{"$message":{"@type":"type.googleapis.com/google.protobuf.FieldMask","value":"a_b"}}`, ""},
		{"$message with a field by both its names", `{"$message":{"@type":"type.googleapis.com/google.protobuf.Api","sourceContext":{"fileName":"a","file_name":"a"}}}`, ""},
		{"$message of an int that is none", `{"$message":{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":"1.5"}}`, ""},
		{"lone surrogate before a text that ends", `["a\ud800"`, ""},
		{"lone surrogate behind what is no JSON", `[1,,"a\ud800"]`, ""},
		{"lone surrogate in the name of a class", `{"$enum":{"class_name":"a\ud800","name":"A","value":1}}`, ""},
		{"lone surrogate in a key of a key", `[{"a\ud800":{"$nothing":1}}]`, ""},
		{"key twice before an unknown $ key", `{"a":1,"a":2,"b":{"$money":1}}`, ""},
		{"$record of more whose fields are no values", `{"$record":{"fields":{"a":{"$money":1}},"module":"os","class_name":"C"}}`, ""},
		{"$map with a pair too long and an unknown $ key", `{"$map":[[1,2,3],[{"$money":1},1]]}`, ""},
		{"$any with two types before base64 that is none", `{"$any":{"type_url":"x/y","type_url":"x/z","base64":"?"}}`, ""},
		{"$message of a number that no float holds", `{"$message":{"@type":"type.googleapis.com/google.protobuf.DoubleValue","value":1e-400}}`, "$[\"$message\"]"},
		{"$message with a key twice", `{"$message":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s","value":"2s"}}`, "$[\"$message\"]"},
		{"$message that nobody knows", `{"$message":{"@type":"type.googleapis.com/com.example.Unknown"}}`, ""},
		{"$timedelta that is a float", `{"$timedelta":1.5}`, ""},
		{"$timedelta with an exponent", `{"$timedelta":1e3}`, ""},
		{"$timedelta with a fraction of a nanosecond", `{"$timedelta":"1.0005"}`, ""},
		{"$datetime with ten digits of a second", `{"$datetime":"2024-05-06T07:08:09.0000000001"}`, ""},
		{"$datetime with a point and no digits", `{"$datetime":"2024-05-06T07:08:09.Z"}`, ""},
		{"lone surrogate inside", `{"rows":[0,{"price":"a\udc00"}]}`, ""},
		{"int of 4301 digits inside", `{"rows":[0,{"price":` + strings.Repeat("9", 4301) + `}]}`, ""},
		{"day in a key that is none", `{"$map":[[1,2],[{"$date":"2023-02-29"},1]]}`, ""},
		{"day in a set that is none", `{"$set":[1,{"$date":"2023-02-29"}]}`, ""},
		{"day in a member that is none", `{"$enum":{"class_name":"C","name":"A","value":{"$date":"2023-02-29"}}}`, ""},
		{"day in a record that is none", `{"$record":{"class_name":"C","fields":{"a b":{"$date":"2023-02-29"}}}}`, ""},
		{"$any whose bytes lie", `{"$any":{"type_url":"type.googleapis.com/google.protobuf.Int64Value","base64":"CA=="}}`, ""},
		{"$map of an item that is no pair", `{"$map":[[1,2],3]}`, ""},
		{"65 levels", strings.Repeat("[", 65) + strings.Repeat("]", 65), ""},
		{"100000 levels", strings.Repeat("[", 100000), ""},
	} {
		all = append(all, refusal{Name: c.name, JSON: &c.text, Path: c.path})
	}
	return all
}

func leniences() []lenience {
	is := func(name string, encodedSo *string, v any) lenience {
		encoded, err := value.Encode(v)
		if err != nil {
			panic(err)
		}
		return lenience{Name: name, Any: encodedSo, Canonical: *packed(encoded.TypeURL, encoded.Bytes)}
	}
	inList := func(url string, data []byte) *string {
		return packed(google+"dspex.bridge.Value", fields(kindField, list, itemsField, fields(kindField, anyKind, anyField, fields(1, url, 2, data))))
	}
	text := func(name, text string, v any) lenience {
		l := is(name, nil, v)
		l.JSON = &text
		return l
	}
	wkt := func(message string, data []byte) *string { return packed(google+"google.protobuf."+message, data) }
	plainNumber := func(f float64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), math.Float64bits(f))
	}
	number, zero, minusZero := plainNumber(1), plainNumber(0), plainNumber(math.Copysign(0, -1))
	single := protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), 0x3fc00000)
	tagged := func(data []byte) *string { return packed(google+"dspex.bridge.Value", data) }
	later := fields(100, "a", itemsField, fields(textField, "b", kindField, 23, 14, 7), kindField, 99)
	of := func(name, message, json string, data []byte) lenience {
		text := `{"$message":{"@type":"type.googleapis.com/google.protobuf.` + message + `",` + json + `}}`
		return lenience{Name: name, JSON: &text, Canonical: *packed(google+"google.protobuf."+message, data)}
	}
	return []lenience{
		of("$message of a duration without whole seconds", "Duration", `"value":"-.5s"`, fields(2, -500_000_000)),
		of("$message of a duration with a sign and a point", "Duration", `"value":"+1.s"`, fields(1, 1)),
		of("$message of a timestamp with an offset", "Timestamp", `"value":"1970-01-01T02:00:01+02:00"`, fields(1, 1)),
		of("$message of keys that begin alike", "Any", `"value":{"@type":"x/google.protobuf.Struct","value":{"ab":null,"":null,"a":null}}`, fields(
			1, "x/google.protobuf.Struct", 2, fields(1, fields(1, "", 2, fields(1, 0)), 1, fields(1, "a", 2, fields(1, 0)), 1, fields(1, "ab", 2, fields(1, 0))))),
		of("$message of nothing, with a value", "Empty", `"value":{}`, nil),
		text("$message of an int beyond those of a float, with a point", `{"$message":{"@type":"type.googleapis.com/google.protobuf.UInt64Value","value":9007199254740993.0}}`, int64(9007199254740993)),
		text("$message of minus zero", `{"$message":{"@type":"type.googleapis.com/google.protobuf.DoubleValue","value":-0}}`, math.Copysign(0, -1)),
		text("$message of base64 for URLs without padding", `{"$message":{"@type":"type.googleapis.com/google.protobuf.BytesValue","value":"_-8"}}`, []byte{0xff, 0xef}),
		is("Int32Value", wkt("Int32Value", fields(1, 7)), int64(7)),
		is("kinds that are not known in a list and a set, with fields in any order and some of later versions", tagged(fields(kindField, list,
			itemsField, fields(kindField, set, itemsField, later, itemsField, fields(kindField, 98)), itemsField, later)),
			[]any{value.SetOf(value.Unknown{Kind: 98, Bytes: fields(kindField, 98)}, value.Unknown{Kind: 99, Bytes: later}), value.Unknown{Kind: 99, Bytes: later}}),
		is("UInt32Value", wkt("UInt32Value", fields(1, 1<<32-1)), int64(1<<32-1)),
		is("UInt64Value", wkt("UInt64Value", fields(1, 7)), int64(7)),
		is("FloatValue", wkt("FloatValue", single), 1.5),
		is("Any that was never set", packed("", nil), nil),
		is("number of a Value that is an int", wkt("Value", number), int64(1)),
		is("Value of minus zero", wkt("Value", minusZero), math.Copysign(0, -1)),
		is("ListValue of minus zero and zero", wkt("ListValue", fields(1, minusZero, 1, zero)), []any{math.Copysign(0, -1), int64(0)}),
		is("Struct of minus zero", wkt("Struct", fields(1, fields(1, "a", 2, minusZero))), value.NewDict("a", math.Copysign(0, -1))),
		is("Value without a kind", wkt("Value", nil), nil),
		is("ListValue of more than 64 nulls", wkt("ListValue", bytes.Repeat(fields(1, fields(1, 0)), 65)), repeat(nil, 65)),
		is("Struct whose entries do not ascend", wkt("Struct", append(fields(1, fields(1, "b", 2, fields(1, 0))), fields(1, fields(1, "a", 2, fields(1, 0)))...)), value.NewDict("a", nil, "b", nil)),
		is("64 levels of ListValue", wkt("ListValue", plainAround(63)), nested(64)),
		is("64 levels of Struct", wkt("Struct", structAround(63)), nestedDicts(64)),
		is("Value with two kinds", wkt("Value", fields(3, "x", 4, 1)), true),
		is("Value with two lists", wkt("Value", fields(6, fields(1, fields(4, 1)), 6, fields(1, fields(4, 0)))), []any{false}),
		is("ListValue with a field of a later version", wkt("ListValue", fields(1, fields(4, 1, 9, "x"), 7, 1)), []any{true}),
		is("text by another URL", packed("example.com/google.protobuf.StringValue", fields(1, "x")), "x"),
		is("list by another URL", packed("x/dspex.bridge.Value", fields(kindField, list, textsField, "a")), []any{"a"}),
		is("int by a URL of several slashes", packed("a/b/google.protobuf.Int64Value", fields(1, 7)), int64(7)),
		is("ListValue by another URL", packed("x/google.protobuf.ListValue", fields(1, fields(1, 0))), []any{nil}),
		is("Struct by a name alone", packed("google.protobuf.Struct", nil), value.NewDict()),
		is("JSON value by another URL", packed("x/google.protobuf.Value", fields(3, "a")), "a"),
		is("Value by an empty host", packed("/dspex.bridge.Value", fields(kindField, 0)), nil),
		is("message by another URL", packed("x/google.protobuf.Duration", fields(1, 7)), &durationpb.Duration{Seconds: 7}),
		is("kind of a later version by another URL", packed("x/dspex.bridge.Value", fields(kindField, 99, textField, "x")),
			value.Unknown{Kind: 99, Bytes: fields(kindField, 99, textField, "x")}),
		is("text inside by another URL", inList("x/google.protobuf.StringValue", fields(1, "x")), []any{"x"}),
		is("list inside by another URL", inList("google.protobuf.ListValue", fields(1, fields(1, 0))), []any{[]any{nil}}),
		is("dict inside by another URL", inList("a/b/google.protobuf.Struct", nil), []any{value.NewDict()}),
		is("message inside by another URL", inList("x/google.protobuf.Duration", fields(1, 7)), []any{&durationpb.Duration{Seconds: 7}}),
		is("kind of a later version inside by another URL", inList("x/dspex.bridge.Value", fields(kindField, 99)),
			[]any{value.Unknown{Kind: 99, Bytes: fields(kindField, 99)}}),
		is("bool around 100 values that are not read", tagged(fields(kindField, 1, 11, 1, itemsField, around(99, nil))), true),
		is("int with fields that are not read", tagged(fields(kindField, 2, 2, 2, textField, "x", itemsField, "", textsField, "y", keysField, "")), int64(1)),
		is("bool as a Value of ours", tagged(fields(kindField, 1, 11, 1)), true),
		is("text as a Value of ours", tagged(fields(kindField, str, textField, "x")), "x"),
		is("small list as a Value of ours", tagged(fields(kindField, list, textsField, "a")), []any{"a"}),
		is("set in another order", tagged(fields(kindField, set, textsField, "b", textsField, "a")), value.Set{"a", "b"}),
		is("big int that is small", tagged(fields(kindField, bigint, dataField, []byte{0, 7})), int64(7)),
		is("timestamp with Z", tagged(fields(kindField, datetime, textField, "2024-05-06T07:08:09Z")), mustJSON(`{"$datetime":"2024-05-06T07:08:09+00:00"}`)),
		is("pickle as bytes", wkt("BytesValue", fields(1, "\x80\x04\x8c\x02os\x8c\x06system\x93.")), []byte("\x80\x04\x8c\x02os\x8c\x06system\x93.")),
		is("record named as a class of the library", tagged(fields(kindField, record, textField, "os.system", itemsField, fields(kindField, str, textField, "x"), textsField, "command")),
			value.Record{Class: "os.system", Fields: []value.Field{{Name: "command", Value: "x"}}}),

		text("JSON with spaces", " { \"a\" : [ 1 , 2 ] } \n", value.NewDict("a", []any{int64(1), int64(2)})),
		text("JSON with escapes", `"\u0041\u00e9\ud83d\ude00\/"`, "Aé😀/"),
		text("JSON float with an exponent", `1E2`, 100.0),
		text("JSON -0", `-0`, int64(0)),
		text("JSON $timedelta as a number", `{"$timedelta":1500}`, mustJSON(`{"$timedelta":"1500"}`)),
		text("JSON $datetime in milliseconds", `{"$datetime":"2024-05-06T07:08:09.123Z"}`, mustJSON(`{"$datetime":"2024-05-06T07:08:09.123000+00:00"}`)),
		text("JSON $datetime in tenths", `{"$datetime":"2024-05-06T07:08:09.1"}`, mustJSON(`{"$datetime":"2024-05-06T07:08:09.100000"}`)),
		text("JSON $datetime in tenths of microseconds", `{"$datetime":"2024-05-06T07:08:09.1234567"}`, mustJSON(`{"$datetime":"2024-05-06T07:08:09.123456700"}`)),
		text("JSON $time in milliseconds", `{"$time":"07:08:09.120"}`, mustJSON(`{"$time":"07:08:09.120000"}`)),
		text("JSON $timedelta with nanoseconds", `{"$timedelta":"-1.500"}`, mustJSON(`{"$timedelta":"-1.5"}`)),
		text("JSON $any of a narrow int", `{"$any":{"type_url":"x/google.protobuf.Int32Value","base64":"CAc="}}`, int64(7)),
		text("JSON $object that needs none", `{"$object":{"a":1}}`, value.NewDict("a", int64(1))),
		text("JSON $any of a text", `{"$any":{"type_url":"type.googleapis.com/google.protobuf.StringValue","base64":"CgF4"}}`, "x"),
		text("JSON $uuid in capitals", `{"$uuid":"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"}`, mustUUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")),
		text("JSON $map of texts", `{"$map":[["a",1]]}`, value.NewDict("a", int64(1))),
		text("JSON two $ keys", `{"$a":1,"$b":2}`, value.NewDict("$a", int64(1), "$b", int64(2))),
	}
}

func mustJSON(text string) any {
	v, err := value.DecodeJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

// refusedFiles are the refusals and leniences by the name of their file. What they are to say is what this codec says; where
// that is decided, it is written above.
func refusedFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, refusals := range map[string][]refusal{"refused_bytes": refusedBytes(), "refused_keys": refusedKeys(), "refused_json": refusedJSON()} {
		for i := range refusals {
			refusals[i].Code = string(tool.SerializationError)
			if refusals[i].Path == "" {
				refusals[i].Path = pathOf(t, refusals[i])
			}
		}
		files[name] = listing(t, "refused", refusals)
	}
	files["accepted"] = listing(t, "accepted", leniences())
	return files
}

// pathOf is the path at which this codec refuses it.
func pathOf(t *testing.T, r refusal) string {
	t.Helper()
	var err error
	if r.JSON != nil {
		_, err = value.FromJSON([]byte(*r.JSON))
	} else {
		_, err = value.New(value.Strict()).Decode(unpack(t, *r.Any))
	}
	return details(t, err)["path"]
}

func listing[T any](t *testing.T, key string, items []T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`{"` + key + "\":[\n")
	for i, item := range items {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(item))
		b.Write(bytes.TrimRight(line.Bytes(), "\n"))
		if i+1 < len(items) {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

func TestRefusalsAndLeniencesAreCommitted(t *testing.T) {
	t.Parallel()
	for name, contents := range refusedFiles(t) {
		path := filepath.Join("testdata", "vectors", name+".json")
		if *update {
			require.NoError(t, os.WriteFile(path, contents, 0o644))
		}
		committed, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(committed, contents), "%s: run the test with -update and look at the difference", path)
	}
}

func unpack(t *testing.T, text string) tool.Value {
	t.Helper()
	raw, err := hex.DecodeString(text)
	require.NoError(t, err)
	var packed anypb.Any
	require.NoError(t, proto.Unmarshal(raw, &packed))
	return tool.Value{TypeURL: packed.TypeUrl, Bytes: packed.Value}
}

func requireRefused(t *testing.T, r refusal, err error) {
	t.Helper()
	require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, r.Name)
	require.NotEmpty(t, details(t, err)["path"], r.Name)
	if r.Path != "" {
		require.Equal(t, r.Path, details(t, err)["path"], "%s: %v", r.Name, err)
	}
}

func TestEveryRefusalIsRefusedWithItsPathAndWhatWasExpected(t *testing.T) {
	t.Parallel()
	for _, r := range append(refusedBytes(), refusedKeys()...) {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			encoded := unpack(t, *r.Any)
			_, err := value.New(value.Strict()).Decode(encoded)
			requireRefused(t, r, err)
			decoded, err := value.Decode(encoded)
			if !r.Strict {
				requireRefused(t, r, err)
				_, err = value.ToJSON(encoded)
				requireRefused(t, r, err)
				return
			}
			require.NoError(t, err)
			again, err := value.Encode(decoded)
			require.NoError(t, err)
			require.Equal(t, encoded, again, "what is not known is passed on")
		})
	}
	for _, r := range refusedJSON() {
		t.Run("JSON "+r.Name, func(t *testing.T) {
			t.Parallel()
			_, err := value.FromJSON([]byte(*r.JSON))
			requireRefused(t, r, err)
			_, err = value.DecodeJSON([]byte(*r.JSON))
			requireRefused(t, r, err)
		})
	}
}

func TestEveryLenienceIsTakenForItsCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, l := range leniences() {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			if l.JSON != nil {
				encoded, err := value.FromJSON([]byte(*l.JSON))
				require.NoError(t, err)
				require.Equal(t, l.Canonical, serialized(t, encoded))
				return
			}
			decoded, err := value.Decode(unpack(t, *l.Any))
			require.NoError(t, err)
			again, err := value.Encode(decoded)
			require.NoError(t, err)
			require.Equal(t, l.Canonical, serialized(t, again))
			text, err := value.ToJSON(unpack(t, *l.Any))
			require.NoError(t, err)
			canonical, err := value.ToJSON(unpack(t, l.Canonical))
			require.NoError(t, err)
			require.Equal(t, string(canonical), string(text))
		})
	}
}
