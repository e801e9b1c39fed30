package value_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// edges are the ints at both sides of the powers of two that formats break at.
func edges() []sample {
	var s []sample
	for _, bits := range []int64{7, 15, 31, 32, 52, 54, 62, 65, 127, 128, 255} {
		for _, plus := range []int64{-1, 0, 1} {
			n := power(2, bits, plus)
			expression := fmt.Sprintf("2**%d", bits)
			if plus != 0 {
				expression += fmt.Sprintf("%+d", plus)
			}
			s = append(s,
				sample{"edge " + expression, n, expression},
				sample{"edge -(" + expression + ")", negative(n), "-(" + expression + ")"})
		}
	}
	return s
}

// lossless are lists of one item that stand on either side of the rule by which a ListValue carries them.
func lossless() []sample {
	one := func(v any) []any { return []any{v} }
	s := []sample{
		{"one float 0.5", one(0.5), "[0.5]"},
		{"one float 1e300", one(1e300), "[1e300]"},
		{"one float 5e-324", one(5e-324), "[5e-324]"},
		{"one bool", one(true), "[True]"},
		{"one none", one(nil), "[None]"},
		{"one tuple", one(value.Tuple{}), "[()]"},
		{"one empty text", one(""), "['']"},
		{"one uuid", one(value.UUID{15: 1}), "[uuid.UUID(int=1)]"},
		{"one decimal", one(value.MustDecimal("1.10")), "[decimal.Decimal('1.10')]"},
		{"one date", one(value.Date{Year: 2024, Month: 5, Day: 6}), "[datetime.date(2024, 5, 6)]"},
		{"one complex", one(complex(0, 1)), "[1j]"},
		{"one fraction", one(big.NewRat(1, 3)), "[fractions.Fraction(1, 3)]"},
		{"one frozenset", one(value.FrozenSet{}), "[frozenset()]"},
	}
	for _, n := range []int{63, 64} {
		s = append(s, sample{fmt.Sprintf("list of %d nones", n), repeat(nil, n), fmt.Sprintf("[None]*%d", n)})
	}
	for _, levels := range []int{15, 16, 17, 63, 64} {
		s = append(s, sample{fmt.Sprintf("%d lists around a float", levels), deepest(levels, 0.5), strings.Repeat("[", levels) + "0.5" + strings.Repeat("]", levels)})
	}
	return s
}

// keyed are dicts with keys of every kind that may be one.
func keyed() []sample {
	var s []sample
	for _, k := range []struct {
		name, python string
		key          any
	}{
		{"none", "None", nil}, {"true", "True", true}, {"int", "7", int64(7)}, {"negative int", "-1", int64(-1)}, {"big int", "2**70", power(2, 70, 0)},
		{"float", "1.5", 1.5}, {"inf", "math.inf", math.Inf(1)}, {"empty text", "''", ""}, {"text of a digit", "'1'", "1"}, {"bytes", "b'k'", []byte("k")},
		{"tuple", "(1, 'a')", value.Tuple{int64(1), "a"}}, {"empty tuple", "()", value.Tuple{}}, {"frozenset", "frozenset({1, 2})", value.FrozenSet{int64(1), int64(2)}},
		{"datetime", "datetime.datetime(2024, 5, 6)", local(2024, 5, 6, 0, 0, 0, 0)},
		{"moment", "datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)", time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)},
		{"date", "datetime.date(2024, 5, 6)", value.Date{Year: 2024, Month: 5, Day: 6}}, {"time", "datetime.time(7)", value.TimeOfDay{Hour: 7}},
		{"timedelta", "datetime.timedelta(1)", 24 * time.Hour}, {"decimal", "decimal.Decimal('1.10')", value.MustDecimal("1.10")},
		{"fraction", "fractions.Fraction(1, 3)", big.NewRat(1, 3)}, {"complex", "1j", complex(0, 1)}, {"uuid", "uuid.UUID(int=1)", value.UUID{15: 1}},
		{"enum", "values.EnumValue('Color', 'RED', 1)", value.Enum{Class: "Color", Name: "RED", Value: int64(1)}},
		{"record", "values.Record('Point', {'x': 1})", value.Record{Class: "Point", Fields: []value.Field{{Name: "x", Value: int64(1)}}}},
	} {
		s = append(s, sample{"key " + k.name, value.NewDict(k.key, "v"), "{" + k.python + ": 'v'}"})
	}
	return s
}

// clocks are readings of clocks at their edges.
func clocks() []sample {
	fold := local(2024, 10, 27, 2, 30, 0, 0)
	fold.Fold = true
	zoned := func(name string, y int, m time.Month, d, hour int) time.Time {
		return time.Date(y, m, d, hour, 0, 0, 0, zone(name))
	}
	at := func(name, args string) string {
		return "datetime.datetime(" + args + ", tzinfo=zoneinfo.ZoneInfo('" + name + "'))"
	}
	return []sample{
		{"datetime naive, second reading", fold, "datetime.datetime(2024, 10, 27, 2, 30, fold=1)"},
		{"time, second reading", value.TimeOfDay{Hour: 2, Minute: 30, Fold: true}, "datetime.time(2, 30, fold=1)"},
		{"time nanoseconds", value.TimeOfDay{Hour: 1, Nanosecond: 1}, "values.TimeNs(1, nanosecond=1)"},
		{"time 1 microsecond", value.TimeOfDay{Nanosecond: 1000}, "datetime.time(microsecond=1)"},
		{"time 100 milliseconds", value.TimeOfDay{Nanosecond: 100e6}, "datetime.time(microsecond=100000)"},
		{"time +23:59:59", value.TimeOfDay{HasOffset: true, Offset: 86399}, "datetime.time(tzinfo=datetime.timezone(datetime.timedelta(seconds=86399)))"},
		{"datetime before 1970", time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), "datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.timezone.utc)"},
		{"datetime past 2262", time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), "datetime.datetime(2500, 1, 1, tzinfo=datetime.timezone.utc)"},
		{"datetime past 2038", time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), "datetime.datetime(2038, 1, 19, 3, 14, 8, tzinfo=datetime.timezone.utc)"},
		{"datetime leap day", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)"},
		{"datetime America/New_York", zoned("America/New_York", 2024, 1, 2, 3), at("America/New_York", "2024, 1, 2, 3")},
		{"datetime America/New_York in summer", zoned("America/New_York", 2024, 7, 2, 3), at("America/New_York", "2024, 7, 2, 3")},
		{"datetime Asia/Kathmandu", zoned("Asia/Kathmandu", 2024, 1, 2, 3), at("Asia/Kathmandu", "2024, 1, 2, 3")},
		{"datetime Pacific/Kiritimati", zoned("Pacific/Kiritimati", 2024, 1, 2, 3), at("Pacific/Kiritimati", "2024, 1, 2, 3")},
		{"datetime America/Argentina/Buenos_Aires", zoned("America/Argentina/Buenos_Aires", 2024, 1, 2, 3), at("America/Argentina/Buenos_Aires", "2024, 1, 2, 3")},
		{"datetime Etc/GMT+5", zoned("Etc/GMT+5", 2024, 1, 2, 3), at("Etc/GMT+5", "2024, 1, 2, 3")},
		{"list of datetimes", []any{local(2024, 5, 6, 0, 0, 0, 0), time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)}, "[datetime.datetime(2024, 5, 6), datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)]"},
		{"timedelta 1 day less 1us", 24*time.Hour - time.Microsecond, "datetime.timedelta(1, 0, -1)"},
		{"timedelta -1us", -time.Microsecond, "datetime.timedelta(microseconds=-1)"},
		{"timedelta 1 week", 7 * 24 * time.Hour, "datetime.timedelta(weeks=1)"},
	}
}

// mixed are values such as tools send.
func mixed() []sample {
	price := value.NewDict("id", int64(1), "price", value.MustDecimal("1.10"), "at", time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), "tags", value.Set{"a", "b"})
	long := strings.Repeat("ä", 5000)
	return []sample{
		{"rows of prices", []any{price, value.NewDict("id", int64(2), "price", nil, "at", nil, "tags", value.Set{})},
			"[{'id': 1, 'price': decimal.Decimal('1.10'), 'at': datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc), 'tags': {'a', 'b'}}, {'id': 2, 'price': None, 'at': None, 'tags': set()}]"},
		{"page", value.NewDict("items", []any{int64(1), int64(2)}, "next", nil, "total", int64(2)), "{'items': [1, 2], 'next': None, 'total': 2}"},
		{"page in another order", value.NewDict("total", int64(2), "items", []any{int64(1), int64(2)}, "next", nil), "{'total': 2, 'items': [1, 2], 'next': None}"},
		{"embedding", []any{0.25, -0.5, 1.0, 0.0}, "[0.25, -0.5, 1.0, 0.0]"},
		{"matrix of ints", []any{[]any{int64(1), int64(2)}, []any{int64(3), int64(4)}}, "[[1, 2], [3, 4]]"},
		{"matrix of floats", []any{[]any{1.0, 2.0}, []any{3.0, 4.0}}, "[[1.0, 2.0], [3.0, 4.0]]"},
		{"list of tuples", []any{value.Tuple{"a", int64(1)}, value.Tuple{"b", int64(2)}}, "[('a', 1), ('b', 2)]"},
		{"tuple of lists", value.Tuple{[]any{int64(1)}, []any{"a"}}, "([1], ['a'])"},
		{"tuple of one none", value.Tuple{nil}, "(None,)"},
		{"tuple of dicts", value.Tuple{value.NewDict("a", int64(1))}, "({'a': 1},)"},
		{"dict of tuples", value.NewDict("a", value.Tuple{int64(1)}), "{'a': (1,)}"},
		{"dict of dicts with int keys", value.NewDict("a", value.NewDict(int64(1), "x")), "{'a': {1: 'x'}}"},
		{"long text", long, "'ä'*5000"},
		{"long text in a list", []any{long}, "['ä'*5000]"},
		{"long bytes", []byte(strings.Repeat("\x00\xff", 5000)), "b'\\x00\\xff'*5000"},
		{"1000 ints", count(1000), "list(range(1000))"},
		{"1000 bools", repeat(false, 1000), "[False]*1000"},
		{"dict whose keys sort by bytes", value.NewDict("\uffff", int64(1), "😀", int64(2)), `{'\uffff': 1, '😀': 2}`},
		{"dict whose keys sort by UTF-16", value.NewDict("😀", int64(2), "\uffff", int64(1)), `{'😀': 2, '\uffff': 1}`},
		{"dict with a key in two forms", value.NewDict("e\u0301", int64(1), "é", int64(2)), `{'e\u0301': 1, 'é': 2}`},
		{"dict that looks like bytes", value.NewDict("$bytes", "aGk="), "{'$bytes': 'aGk='}"},
		{"dict that looks like two things", value.NewDict("$bytes", "aGk=", "x", int64(1)), "{'$bytes': 'aGk=', 'x': 1}"},
		{"record of records and enums", value.Record{Class: "Order", Fields: []value.Field{
			{Name: "side", Value: value.Enum{Class: "Side", Name: "BUY", Value: "buy"}},
			{Name: "lines", Value: []any{value.Record{Class: "Line", Fields: []value.Field{{Name: "sku", Value: "a"}, {Name: "count", Value: int64(2)}}}}},
		}}, "values.Record('Order', {'side': values.EnumValue('Side', 'BUY', 'buy'), 'lines': [values.Record('Line', {'sku': 'a', 'count': 2})]})"},
		{"dataclass", value.Record{Class: "Point", Fields: []value.Field{{Name: "x", Value: int64(1)}, {Name: "y", Value: "a"}}}, "values.Record('Point', {'x': 1, 'y': 'a'})"},
		{"model", value.Record{Class: "Order", Fields: []value.Field{{Name: "x", Value: int64(1)}, {Name: "y", Value: "a"}}}, "values.Record('Order', {'x': 1, 'y': 'a'})"},
		{"exception", value.Record{Class: "ValueError", Fields: []value.Field{{Name: "message", Value: "no"}}}, "values.Record('ValueError', {'message': 'no'})"},
		{"exception with an attribute called as its text is", value.Record{Class: "APIError", Fields: []value.Field{{Name: "message", Value: "HTTP 500: quota"}, {Name: "code", Value: int64(500)}, {Name: "attributes", Value: value.NewDict("message", "quota")}}},
			"values.Record('APIError', {'message': 'HTTP 500: quota', 'code': 500, 'attributes': {'message': 'quota'}})"},
		{"pandas NaT", value.Opaque{TypeURL: "type.googleapis.com/pandas.NaT"}, "pandas.NaT"},
		{"pandas NA in a list", []any{value.Opaque{TypeURL: "type.googleapis.com/pandas.NA"}}, "[pandas.NA]"},
		{"opaque as a key", value.NewDict(value.Opaque{TypeURL: "type.googleapis.com/com.example.K", Bytes: []byte("k")}, int64(1)), "{values.Opaque('type.googleapis.com/com.example.K', b'k'): 1}"},
	}
}

// messages are protobuf messages, which travel as they are.
func messages() []sample {
	return []sample{
		{"message Duration", durationpb.New(1500 * time.Millisecond), "duration_pb2.Duration(seconds=1, nanos=500000000)"},
		{"message Timestamp", &timestamppb.Timestamp{Seconds: 1, Nanos: 2}, "timestamp_pb2.Timestamp(seconds=1, nanos=2)"},
		{"message Empty", &emptypb.Empty{}, "empty_pb2.Empty()"},
		{"message FieldMask", &fieldmaskpb.FieldMask{Paths: []string{"a.b", "c"}}, "field_mask_pb2.FieldMask(paths=['a.b', 'c'])"},
		{"message in a list", []any{durationpb.New(time.Second), int64(1)}, "[duration_pb2.Duration(seconds=1), 1]"},
		{"message with a field that nobody knows", unknownField(), "empty_pb2.Empty.FromString(b'0\\xf50')"},
		{"message in a dict", value.NewDict("d", durationpb.New(-time.Second)), "{'d': duration_pb2.Duration(seconds=-1)}"},
	}
}

// unknownField is a message that a later version may have given a field: its JSON would lose it.
func unknownField() *emptypb.Empty {
	m := &emptypb.Empty{}
	m.ProtoReflect().SetUnknown([]byte{6 << 3, 0xf5, 0x30})
	return m
}

// shortest are floats whose shortest text is easily missed.
func shortest() []sample {
	var s []sample
	for _, text := range []string{
		"0.30000000000000004", "1e-06", "0.001", "123456789012345.67", "1000000000000000.0", "1.7976931348623155e+308",
		"4.9406564584124654e-308", "9007199254740996.0", "5e-323", "1.0000000000000002", "0.9999999999999999", "2.5e-08", "1e+23", "9.5367431640625e-07",
	} {
		var f float64
		_, _ = fmt.Sscan(text, &f)
		s = append(s, sample{"shortest " + text, f, text})
	}
	return s
}
