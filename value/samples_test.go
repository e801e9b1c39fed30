package value_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// vectorFiles are the vectors by the name of their file.
func vectorFiles() map[string][]sample {
	return map[string][]sample{
		"scalars":     scalars(),
		"ints":        ints(),
		"floats":      floats(),
		"texts":       texts(),
		"small":       small(),
		"runs":        runs(),
		"collections": collections(),
		"dicts":       dicts(),
		"calendar":    calendar(),
		"numbers":     numbers(),
		"wrappers":    wrappers(),
		"edges":       edges(),
		"lossless":    lossless(),
		"keyed":       keyed(),
		"clocks":      clocks(),
		"mixed":       mixed(),
		"messages":    messages(),
		"shortest":    shortest(),
	}
}

func scalars() []sample {
	return []sample{
		{"none", nil, "None"},
		{"true", true, "True"},
		{"false", false, "False"},
		{"bytes empty", []byte{}, "b''"},
		{"bytes", []byte("abc"), "b'abc'"},
		{"bytes not text", []byte{0, 0xff, 0x80, 10}, `b'\x00\xff\x80\n'`},
		{"bytes like a pickle", []byte("\x80\x04K*."), `b'\x80\x04K*.'`},
		{"uuid", mustUUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), "uuid.UUID('f81d4fae-7dec-11d0-a765-00a0c91e6bf6')"},
		{"uuid nil", value.UUID{}, "uuid.UUID(int=0)"},
		{"uuid max", mustUUID("ffffffff-ffff-ffff-ffff-ffffffffffff"), "uuid.UUID(int=2**128-1)"},
	}
}

func mustUUID(s string) value.UUID {
	u, err := value.ParseUUID(s)
	if err != nil {
		panic(err)
	}
	return u
}

// power is base**exponent + plus.
func power(base, exponent, plus int64) *big.Int {
	n := new(big.Int).Exp(big.NewInt(base), big.NewInt(exponent), nil)
	return n.Add(n, big.NewInt(plus))
}

func negative(n *big.Int) *big.Int { return new(big.Int).Neg(n) }

func ints() []sample {
	var s []sample
	for _, n := range []int64{
		0, 1, -1, 42, 255, 256, 65535, 1<<53 - 1, 1 << 53, 1<<53 + 1,
		-1<<53 - 1, 10000000000000000, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1,
	} {
		s = append(s, sample{fmt.Sprintf("int %d", n), n, fmt.Sprint(n)})
	}
	return append(s,
		sample{"int 2**63", power(2, 63, 0), "2**63"},
		sample{"int 2**63+1", power(2, 63, 1), "2**63+1"},
		sample{"int -2**63-1", negative(power(2, 63, 1)), "-2**63-1"},
		sample{"int 2**64-1", power(2, 64, -1), "2**64-1"},
		sample{"int 2**64", power(2, 64, 0), "2**64"},
		sample{"int -2**64", negative(power(2, 64, 0)), "-2**64"},
		sample{"int 2**71-1", power(2, 71, -1), "2**71-1"},
		sample{"int -2**71", negative(power(2, 71, 0)), "-2**71"},
		sample{"int -2**71-1", negative(power(2, 71, 1)), "-2**71-1"},
		sample{"int 10**100", power(10, 100, 0), "10**100"},
		sample{"int -10**100", negative(power(10, 100, 0)), "-10**100"},
		sample{"int of 4300 digits", power(10, 4300, -1), "10**4300-1"},
		sample{"int of 4300 digits, negative", negative(power(10, 4300, -1)), "1-10**4300"},
	)
}

func floats() []sample {
	nan, minusNaN := math.Float64frombits(0x7ff8000000000000), math.Float64frombits(0xfff8000000000000)
	s := []sample{
		{"float 0.0", 0.0, "0.0"},
		{"float -0.0", math.Copysign(0, -1), "-0.0"},
		{"float nan", nan, "math.nan"},
		{"float -nan", minusNaN, "math.copysign(math.nan, -1.0)"},
		{"float inf", math.Inf(1), "math.inf"},
		{"float -inf", math.Inf(-1), "-math.inf"},
		{"float smallest subnormal", 5e-324, "5e-324"},
		{"float largest subnormal", math.Float64frombits(0x000fffffffffffff), "2.225073858507201e-308"},
		{"float smallest normal", 2.2250738585072014e-308, "2.2250738585072014e-308"},
		{"float largest", math.MaxFloat64, "1.7976931348623157e+308"},
		{"float 0.1 of 32 bits", float64(float32(0.1)), "0.10000000149011612"},
	}
	for _, text := range []string{
		"1.0", "-1.0", "0.1", "1.5", "3.14", "100.0", "1e+16", "9999999999999998.0", "1e+22", "0.0001", "1e-05", "1.2345e-07",
		"123456789.125", "9007199254740992.0", "9007199254740994.0", "1e+100", "1.5e+300",
	} {
		var f float64
		_, _ = fmt.Sscan(text, &f)
		s = append(s, sample{"float " + text, f, text})
	}
	return s
}

func texts() []sample {
	var s []sample
	for _, t := range []struct{ name, text, python string }{
		{"empty", "", "''"},
		{"ascii", "hello", "'hello'"},
		{"accents", "Größe", "'Größe'"},
		{"decomposed", "e\u0301", `'e\u0301'`},
		{"cjk", "日本語", "'日本語'"},
		{"astral", "😀𐍈", "'😀𐍈'"},
		{"zero", "a\x00b", `'a\x00b'`},
		{"quotes", `a"b\c/d'e`, `'a"b\\c/d\'e'`},
		{"escapes", "\b\f\n\r\t\v\x1f\x7f", `'\b\f\n\r\t\v\x1f\x7f'`},
		{"separators", "\u2028\u2029\ufeff\uffff", `'\u2028\u2029\ufeff\uffff'`},
		{"html", "<a&b>", "'<a&b>'"},
		{"like a number", "42", "'42'"},
		{"long", strings.Repeat("x", 300), "'x'*300"},
	} {
		s = append(s, sample{"str " + t.name, t.text, t.python})
	}
	return s
}

// nested is levels lists around each other.
func nested(levels int) any {
	var v any = []any{}
	for range levels - 1 {
		v = []any{v}
	}
	return v
}

func nestedDicts(levels int) any {
	v := value.NewDict()
	for range levels - 1 {
		v = value.NewDict("a", v)
	}
	return v
}

// count is 0 to n-1.
func count(n int) []any {
	items := make([]any, n)
	for i := range items {
		items[i] = int64(i)
	}
	return items
}

func letters(n int) *value.Dict {
	d := value.NewDict()
	for i := range n {
		d.Set(fmt.Sprintf("k%03d", i), int64(i))
	}
	return d
}

func nestedPython(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

func nestedDictsPython(levels int) string {
	return strings.Repeat("{'a': ", levels-1) + "{}" + strings.Repeat("}", levels-1)
}

func small() []sample {
	list := func(items ...any) []any { return items }
	return []sample{
		{"list empty", []any{}, "[]"},
		{"dict empty", value.NewDict(), "{}"},
		{"list 1 2 3", list(int64(1), int64(2), int64(3)), "[1, 2, 3]"},
		{"list mixed", list(nil, true, int64(1), 1.5, "a", list(), value.NewDict()), "[None, True, 1, 1.5, 'a', [], {}]"},
		{"dict key value", value.NewDict("key", "value"), "{'key': 'value'}"},
		{"dict keys ascending", value.NewDict("a", int64(1), "b", int64(2)), "{'a': 1, 'b': 2}"},
		{"dict keys not ascending", value.NewDict("b", int64(1), "a", int64(2)), "{'b': 1, 'a': 2}"},
		{"dict key empty", value.NewDict("", int64(1)), "{'': 1}"},
		{"dict keys by bytes", value.NewDict("Z", int64(1), "a", int64(2), "é", int64(3), "\uffff", int64(4), "😀", int64(5)),
			`{'Z': 1, 'a': 2, 'é': 3, '\uffff': 4, '😀': 5}`},
		{"dict keys by UTF-16", value.NewDict("😀", int64(1), "\uffff", int64(2)), `{'😀': 1, '\uffff': 2}`},
		{"dict inner keys not ascending", value.NewDict("a", value.NewDict("b", int64(1), "a", int64(2))), "{'a': {'b': 1, 'a': 2}}"},
		{"list 1.0", list(1.0), "[1.0]"},
		{"list 0.0", list(0.0), "[0.0]"},
		{"list -0.0", list(math.Copysign(0, -1)), "[-0.0]"},
		{"list 1.5", list(1.5), "[1.5]"},
		{"list nan", list(math.Float64frombits(0x7ff8000000000000)), "[math.nan]"},
		{"list inf", list(math.Inf(1)), "[math.inf]"},
		{"list float 1e16", list(1e16), "[1e16]"},
		{"list int 10**16", list(int64(1e16)), "[10**16]"},
		{"list float 2.0**53", list(float64(1 << 53)), "[2.0**53]"},
		{"list float 2.0**53+2", list(float64(1<<53 + 2)), "[2.0**53+2]"},
		{"list 2**53-1", list(int64(1<<53 - 1)), "[2**53-1]"},
		{"list 2**53", list(int64(1 << 53)), "[2**53]"},
		{"list 2**53+1", list(int64(1<<53 + 1)), "[2**53+1]"},
		{"list -2**53", list(int64(-1 << 53)), "[-2**53]"},
		{"list -2**53-1", list(int64(-1<<53 - 1)), "[-2**53-1]"},
		{"list 2**60", list(int64(1 << 60)), "[2**60]"},
		{"list 2**64", list(power(2, 64, 0)), "[2**64]"},
		{"list bytes", list([]byte("x")), "[b'x']"},
		{"list tuple", list(value.Tuple{int64(1)}), "[(1,)]"},
		{"list of 63", count(63), "list(range(63))"},
		{"list of 64", count(64), "list(range(64))"},
		{"list of 62 and a list of 0", append(count(62), []any{}), "list(range(62)) + [[]]"},
		{"list of 62 and a list of 1", append(count(62), list("a")), "list(range(62)) + [['a']]"},
		{"dict of 63", letters(63), "{f'k{i:03}': i for i in range(63)}"},
		{"dict of 64", letters(64), "{f'k{i:03}': i for i in range(64)}"},
		{"list of 16 levels", nested(16), nestedPython(16)},
		{"list of 17 levels", nested(17), nestedPython(17)},
		{"list of 16 levels and a scalar", deepest(16, "x"), strings.Repeat("[", 16) + "'x'" + strings.Repeat("]", 16)},
		{"list of 64 levels", nested(64), nestedPython(64)},
		{"dict of 16 levels", nestedDicts(16), nestedDictsPython(16)},
		{"dict of 17 levels", nestedDicts(17), nestedDictsPython(17)},
		{"dict of 64 levels", nestedDicts(64), nestedDictsPython(64)},
		{"rows", value.NewDict("rows", list(value.NewDict("id", int64(1), "price", 9.5), value.NewDict("id", int64(2), "price", nil))),
			"{'rows': [{'id': 1, 'price': 9.5}, {'id': 2, 'price': None}]}"},
	}
}

func deepest(levels int, v any) any {
	for range levels {
		v = []any{v}
	}
	return v
}

func runs() []sample {
	list := func(items ...any) []any { return items }
	return []sample{
		{"run of 65 ints", count(65), "list(range(65))"},
		{"run of ints at the edges", list(int64(math.MinInt64), int64(math.MaxInt64), int64(0), int64(-1)), "[-2**63, 2**63-1, 0, -1]"},
		{"run of floats", list(1.0, 2.5, math.Copysign(0, -1), math.Inf(-1)), "[1.0, 2.5, -0.0, -math.inf]"},
		{"run of texts", repeat("ab", 70), "['ab']*70"},
		{"run of empty texts", repeat("", 70), "['']*70"},
		{"ints and a bool", list(int64(1<<60), true), "[2**60, True]"},
		{"ints and a float", list(int64(1), 2.0), "[1, 2.0]"},
		{"ints and a big int", list(int64(1), power(2, 63, 0)), "[1, 2**63]"},
		{"bools of 70", repeat(true, 70), "[True]*70"},
		{"nones of 70", repeat(nil, 70), "[None]*70"},
		{"lists of floats", list(list(1.0), list(2.0, 3.0), list()), "[[1.0], [2.0, 3.0], []]"},
		{"dicts of floats", list(value.NewDict("a", 1.0), value.NewDict("a", 2.0)), "[{'a': 1.0}, {'a': 2.0}]"},
	}
}

func repeat(v any, n int) []any {
	items := make([]any, n)
	for i := range items {
		items[i] = v
	}
	return items
}

func collections() []sample {
	return []sample{
		{"tuple empty", value.Tuple{}, "()"},
		{"tuple of ints", value.Tuple{int64(1), int64(2)}, "(1, 2)"},
		{"tuple of floats", value.Tuple{1.5, 2.0}, "(1.5, 2.0)"},
		{"tuple of texts", value.Tuple{"b", "a"}, "('b', 'a')"},
		{"tuple mixed", value.Tuple{int64(1), "a", nil}, "(1, 'a', None)"},
		{"tuple in tuple", value.Tuple{value.Tuple{}, value.Tuple{value.Tuple{int64(1)}}}, "((), ((1,),))"},
		{"set empty", value.Set{}, "set()"},
		{"set of ints", value.Set{int64(3), int64(-1), int64(200), int64(2)}, "{3, -1, 200, 2}"},
		{"set of texts", value.Set{"b", "a", "é", "Z", "😀", "\uffff"}, `{'b', 'a', 'é', 'Z', '😀', '\uffff'}`},
		{"set of floats", value.Set{2.5, -1.5, 0.5, 1e300}, "{2.5, -1.5, 0.5, 1e300}"},
		{"set with 0.0", value.Set{0.5, 0.0}, "{0.5, 0.0}"},
		{"set mixed", value.Set{int64(2), "a", nil, 1.5, []byte("x"), value.Tuple{int64(1)}}, "{2, 'a', None, 1.5, b'x', (1,)}"},
		{"set with a bool", value.Set{true, int64(5)}, "{True, 5}"},
		{"set with big ints", value.Set{power(2, 70, 0), int64(1)}, "{2**70, 1}"},
		{"set of sets", value.Set{value.FrozenSet{int64(2), int64(1)}, value.FrozenSet{}}, "{frozenset({1, 2}), frozenset()}"},
		{"frozenset empty", value.FrozenSet{}, "frozenset()"},
		{"frozenset of ints", value.FrozenSet{int64(2), int64(1)}, "frozenset({1, 2})"},
		{"frozenset of texts", value.FrozenSet{"x"}, "frozenset({'x'})"},
		{"list of sets", []any{value.Set{int64(1)}, value.Set{}}, "[{1}, set()]"},
	}
}

func dicts() []sample {
	date := value.Date{Year: 2024, Month: 5, Day: 6}
	return []sample{
		{"dict int keys", value.NewDict(int64(2), "b", int64(1), "a"), "{2: 'b', 1: 'a'}"},
		{"dict mixed keys", value.NewDict("a", int64(1), int64(2), nil, nil, "x", 1.5, []any{}), "{'a': 1, 2: None, None: 'x', 1.5: []}"},
		{"dict bool keys", value.NewDict(true, int64(1), false, int64(0)), "{True: 1, False: 0}"},
		{"dict tuple keys", value.NewDict(value.Tuple{int64(0), int64(1)}, "x", value.Tuple{"a"}, "y"), "{(0, 1): 'x', ('a',): 'y'}"},
		{"dict bytes keys", value.NewDict([]byte("k"), int64(1)), "{b'k': 1}"},
		{"dict date keys", value.NewDict(date, int64(1)), "{datetime.date(2024, 5, 6): 1}"},
		{"dict frozenset keys", value.NewDict(value.FrozenSet{int64(1)}, int64(1)), "{frozenset({1}): 1}"},
		{"dict in order", value.NewDict("z", 1.0, "a", 2.0, "m", 3.0), "{'z': 1.0, 'a': 2.0, 'm': 3.0}"},
		{"dict of 65", letters(65), "{f'k{i:03}': i for i in range(65)}"},
		{"dict with one $ key", value.NewDict("$bytes", "x"), "{'$bytes': 'x'}"},
		{"dict with one $object key", value.NewDict("$object", value.NewDict("$a", int64(1))), "{'$object': {'$a': 1}}"},
		{"dict with key $", value.NewDict("$", int64(1)), "{'$': 1}"},
		{"dict with two $ keys", value.NewDict("$a", int64(1), "$b", int64(2)), "{'$a': 1, '$b': 2}"},
		{"dict with keys that begin alike", value.NewDict("", int64(0), "a", int64(1), "a b", int64(2), "ab", int64(3), "abc", int64(4), "b", int64(5)),
			"{'': 0, 'a': 1, 'a b': 2, 'ab': 3, 'abc': 4, 'b': 5}"},
		{"dicts inside with keys that begin alike", value.NewDict("x", []any{value.NewDict("a", value.NewDict("", nil, "z", nil), "aa", nil)}),
			"{'x': [{'a': {'': None, 'z': None}, 'aa': None}]}"},
		{"dict with keys that begin alike, not ascending", value.NewDict("ab", int64(1), "a", int64(2)), "{'ab': 1, 'a': 2}"},
		{"dict with keys beyond ASCII", value.NewDict("a", int64(1), "z", int64(2), "ä", int64(3), "€", int64(4), "\U0001f600", int64(5)),
			"{'a': 1, 'z': 2, 'ä': 3, '€': 4, '\\U0001f600': 5}"},
		{"set with two NaN", value.NewDict("nan", value.Set{math.NaN(), math.NaN()}), "{'nan': {math.nan, float('nan')}}"},
		{"dict of everything", value.NewDict("bytes", []byte("x"), "tuple", value.Tuple{int64(1)}, "set", value.Set{int64(1)},
			"date", date, "big", power(2, 80, 0), "nested", value.NewDict(int64(1), value.NewDict("f", 1.0))),
			"{'bytes': b'x', 'tuple': (1,), 'set': {1}, 'date': datetime.date(2024, 5, 6), 'big': 2**80, 'nested': {1: {'f': 1.0}}}"},
	}
}

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

func local(y int, m time.Month, d, hour, minute, second, nanos int) value.LocalDateTime {
	return value.LocalDateTime{Date: value.Date{Year: y, Month: m, Day: d}, Hour: hour, Minute: minute, Second: second, Nanosecond: nanos}
}

func calendar() []sample {
	at := func(z *time.Location) time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 1000, z) }
	offset := func(seconds int) string {
		return fmt.Sprintf("datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=datetime.timezone(datetime.timedelta(seconds=%d)))", seconds)
	}
	return append([]sample{
		{"datetime naive", local(2024, 5, 6, 7, 8, 9, 1000), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1)"},
		{"datetime naive without fraction", local(2024, 5, 6, 7, 8, 9, 0), "datetime.datetime(2024, 5, 6, 7, 8, 9)"},
		{"datetime naive midnight", local(2024, 5, 6, 0, 0, 0, 0), "datetime.datetime(2024, 5, 6)"},
		{"datetime naive first", local(1, 1, 1, 0, 0, 0, 0), "datetime.datetime.min"},
		{"datetime naive last", local(9999, 12, 31, 23, 59, 59, 999999000), "datetime.datetime.max"},
		{"datetime naive nanoseconds", local(2024, 5, 6, 7, 8, 9, 123456789), "values.DateTimeNs(2024, 5, 6, 7, 8, 9, 123456, nanosecond=789)"},
		{"datetime utc", at(time.UTC), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=datetime.timezone.utc)"},
		{"datetime utc without fraction", time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), "datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)"},
		{"datetime utc nanoseconds", time.Date(2024, 5, 6, 7, 8, 9, 1, time.UTC), "values.DateTimeNs(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc, nanosecond=1)"},
		{"datetime zone UTC", at(time.FixedZone("UTC", 0)), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=zoneinfo.ZoneInfo('UTC'))"},
		{"datetime +02:00", at(time.FixedZone("", 7200)), offset(7200)},
		{"datetime -05:30", at(time.FixedZone("", -19800)), offset(-19800)},
		{"datetime +00:00:01", at(time.FixedZone("", 1)), offset(1)},
		{"datetime -23:59:59", at(time.FixedZone("", -86399)), offset(-86399)},
		{"datetime Europe/Berlin", at(zone("Europe/Berlin")), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))"},
		{"datetime Asia/Kolkata", at(zone("Asia/Kolkata")), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=zoneinfo.ZoneInfo('Asia/Kolkata'))"},
		{"datetime Japan", at(zone("Japan")), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=zoneinfo.ZoneInfo('Japan'))"},
		{"datetime first of a repeated hour", time.Date(2024, 10, 27, 0, 30, 0, 0, time.UTC).In(zone("Europe/Berlin")), "datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))"},
		{"datetime second of a repeated hour", time.Date(2024, 10, 27, 1, 30, 0, 0, time.UTC).In(zone("Europe/Berlin")), "datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'), fold=1)"},
		{"datetime of another offset", time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("Europe/Berlin", 18000)), "datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=5), 'Europe/Berlin'))"},
		{"datetime of another offset by a second", time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("Europe/Berlin", 7201)), "datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone(datetime.timedelta(seconds=7201), 'Europe/Berlin'))"},
		{"datetime of a skipped hour", time.Date(2024, 3, 31, 2, 30, 0, 0, time.FixedZone("Europe/Berlin", 3600)), "datetime.datetime(2024, 3, 31, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))"},
		{"datetime of a skipped hour, by the later offset", time.Date(2024, 3, 31, 2, 30, 0, 0, time.FixedZone("Europe/Berlin", 7200)), "datetime.datetime(2024, 3, 31, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'), fold=1)"},
		{"datetime unknown zone", at(time.FixedZone("Mars/Olympus", 3600)), "datetime.datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1), 'Mars/Olympus'))"},
		{"date", value.Date{Year: 2024, Month: 5, Day: 6}, "datetime.date(2024, 5, 6)"},
		{"date first", value.Date{Year: 1, Month: 1, Day: 1}, "datetime.date.min"},
		{"date last", value.Date{Year: 9999, Month: 12, Day: 31}, "datetime.date.max"},
		{"date leap day", value.Date{Year: 2000, Month: 2, Day: 29}, "datetime.date(2000, 2, 29)"},
		{"time", value.TimeOfDay{Hour: 7, Minute: 8, Second: 9, Nanosecond: 1000}, "datetime.time(7, 8, 9, 1)"},
		{"time midnight", value.TimeOfDay{}, "datetime.time()"},
		{"time last", value.TimeOfDay{Hour: 23, Minute: 59, Second: 59, Nanosecond: 999999000}, "datetime.time.max"},
		{"time utc", value.TimeOfDay{Hour: 7, HasOffset: true}, "datetime.time(7, tzinfo=datetime.timezone.utc)"},
		{"time -03:30", value.TimeOfDay{Hour: 7, HasOffset: true, Offset: -12600}, "datetime.time(7, tzinfo=datetime.timezone(-datetime.timedelta(hours=3, minutes=30)))"},
	}, spans()...)
}

func spans() []sample {
	return []sample{
		{"timedelta zero", time.Duration(0), "datetime.timedelta()"},
		{"timedelta 1us", time.Microsecond, "datetime.timedelta(microseconds=1)"},
		{"timedelta -1.5s", -1500 * time.Millisecond, "datetime.timedelta(seconds=-1.5)"},
		{"timedelta 36h", 36 * time.Hour, "datetime.timedelta(days=1.5)"},
		{"timedelta 1ns", time.Nanosecond, "values.TimeDeltaNs(nanoseconds=1)"},
		{"timedelta -1ns", -time.Nanosecond, "values.TimeDeltaNs(nanoseconds=-1)"},
		{"timedelta 1.25us", 1250 * time.Nanosecond, "values.TimeDeltaNs(nanoseconds=1250)"},
		{"timedelta longest of Go", time.Duration(math.MaxInt64), "values.TimeDeltaNs(nanoseconds=2**63-1)"},
		{"timedelta shortest of Go", time.Duration(math.MinInt64), "values.TimeDeltaNs(nanoseconds=-2**63)"},
		{"timedelta 1000 years", value.Timedelta{Days: 365250}, "datetime.timedelta(days=365250)"},
		{"timedelta longest", value.Timedelta{Days: 999999999, Nanoseconds: 86399999999000}, "datetime.timedelta.max"},
		{"timedelta shortest", value.Timedelta{Days: -999999999}, "datetime.timedelta.min"},
		{"timedelta just past Go's", value.Timedelta{Days: -106752, Nanoseconds: 763145224000}, "datetime.timedelta(days=-106752, microseconds=763145224)"},
	}
}

func numbers() []sample {
	var s []sample
	for _, text := range []string{
		"0", "-0", "1", "1.10", "-1.1", "0.000001", "1E-7", "0E-7", "0.0", "0E+3", "1E+3", "1.5E+10", "123456789012345678901234567890.123",
		"-1.23E-20", "1E+999999", "NaN", "-NaN", "sNaN", "NaN123", "Infinity", "-Infinity", "100", "1E-1000",
	} {
		s = append(s, sample{"decimal " + text, value.MustDecimal(text), fmt.Sprintf("decimal.Decimal('%s')", text)})
	}
	s = append(s,
		sample{"fraction 1/3", big.NewRat(1, 3), "fractions.Fraction(1, 3)"},
		sample{"fraction 3/1", big.NewRat(3, 1), "fractions.Fraction(3)"},
		sample{"fraction 0/1", big.NewRat(0, 1), "fractions.Fraction(0)"},
		sample{"fraction -22/7", big.NewRat(-22, 7), "fractions.Fraction(-22, 7)"},
		sample{"fraction of big ints", new(big.Rat).SetFrac(power(2, 100, 0), power(3, 50, 0)), "fractions.Fraction(2**100, 3**50)"},
		sample{"complex", complex(1, -2.5), "complex(1.0, -2.5)"},
		sample{"complex zero", complex(0, 0), "0j"},
		sample{"complex -0.0", complex(math.Copysign(0, -1), math.Copysign(0, -1)), "complex(-0.0, -0.0)"},
		sample{"complex -0.0 and 0.0", complex(math.Copysign(0, -1), 0), "complex(-0.0, 0.0)"},
		sample{"complex 0.0 and -0.0", complex(0, math.Copysign(0, -1)), "complex(0.0, -0.0)"},
		sample{"list of complex -0.0", []any{complex(math.Copysign(0, -1), math.Copysign(0, -1))}, "[complex(-0.0, -0.0)]"},
		sample{"complex nan and inf", complex(math.Float64frombits(0x7ff8000000000000), math.Inf(-1)), "complex(math.nan, -math.inf)"},
	)
	return s
}

func wrappers() []sample {
	record := value.Record{Class: "Point", Fields: []value.Field{{Name: "x", Value: int64(1)}, {Name: "y", Value: 2.5}}}
	color := value.Enum{Class: "Color", Name: "RED", Value: int64(1)}
	opaque := value.Opaque{TypeURL: "type.googleapis.com/com.example.Unknown", Bytes: []byte{1, 2, 3}}
	frame := value.Opaque{TypeURL: "type.googleapis.com/polars.Series", Bytes: []byte("not a table, passed on")}
	thing := value.Opaque{TypeURL: "type.googleapis.com/python.Thing", Bytes: []byte("a thing")}
	return []sample{
		{"record", record, "values.Record('Point', {'x': 1, 'y': 2.5})"},
		{"record without fields", value.Record{Class: "Nothing"}, "values.Record('Nothing', {})"},
		{"record with a $ field", value.Record{Class: "C", Fields: []value.Field{{Name: "$bytes", Value: "x"}}}, "values.Record('C', {'$bytes': 'x'})"},
		{"record fields in order", value.Record{Class: "C", Fields: []value.Field{{Name: "z", Value: nil}, {Name: "a", Value: []any{}}}}, "values.Record('C', {'z': None, 'a': []})"},
		{"record in record", value.Record{Class: "Line", Fields: []value.Field{{Name: "from", Value: record}, {Name: "to", Value: record}}},
			"values.Record('Line', {'from': values.Record('Point', {'x': 1, 'y': 2.5}), 'to': values.Record('Point', {'x': 1, 'y': 2.5})})"},
		{"list of records", []any{record}, "[values.Record('Point', {'x': 1, 'y': 2.5})]"},
		{"enum", color, "values.EnumValue('Color', 'RED', 1)"},
		{"enum of text", value.Enum{Class: "Color", Name: "RED", Value: "red"}, "values.EnumValue('Color', 'RED', 'red')"},
		{"enum of tuple", value.Enum{Class: "Planet", Name: "EARTH", Value: value.Tuple{1.5, int64(2)}}, "values.EnumValue('Planet', 'EARTH', (1.5, 2))"},
		{"dict of enums", value.NewDict("c", color), "{'c': values.EnumValue('Color', 'RED', 1)}"},
		{"opaque", opaque, `values.Opaque('type.googleapis.com/com.example.Unknown', b'\x01\x02\x03')`},
		{"opaque in list", []any{opaque, int64(1)}, `[values.Opaque('type.googleapis.com/com.example.Unknown', b'\x01\x02\x03'), 1]`},
		{"opaque empty", value.Opaque{TypeURL: "type.googleapis.com/com.example.Empty"}, `values.Opaque('type.googleapis.com/com.example.Empty', b'')`},
		{"opaque of another host", value.Opaque{TypeURL: "example.com/a.B", Bytes: []byte("x")}, `values.Opaque('example.com/a.B', b'x')`},
		{"table that is passed on", frame, "values.Opaque('type.googleapis.com/polars.Series', b'not a table, passed on')"},
		{"table in dict", value.NewDict("t", frame), "{'t': values.Opaque('type.googleapis.com/polars.Series', b'not a table, passed on')}"},
		{"table of another host", value.Opaque{TypeURL: "x/polars.Series", Bytes: []byte("not a table, passed on")}, "values.Opaque('x/polars.Series', b'not a table, passed on')"},
		{"table of no host", value.Opaque{TypeURL: "numpy.ndarray", Bytes: []byte("not a table")}, "values.Opaque('numpy.ndarray', b'not a table')"},
		{"table of another host in list", []any{value.Opaque{TypeURL: "a/b/pandas.DataFrame", Bytes: []byte("not a table")}}, "[values.Opaque('a/b/pandas.DataFrame', b'not a table')]"},
		{"opaque of no host", value.Opaque{TypeURL: "com.example.Unknown", Bytes: []byte{1}}, `values.Opaque('com.example.Unknown', b'\x01')`},
		{"opaque of a host of several parts in dict", value.NewDict("o", value.Opaque{TypeURL: "a/b/com.example.Unknown"}), "{'o': values.Opaque('a/b/com.example.Unknown', b'')}"},
		{"python object", thing, "values.Opaque('type.googleapis.com/python.Thing', b'a thing')"},
		{"kind of a later version", value.Unknown{Kind: 99, Bytes: []byte{8, 99, 34, 1, 'x'}}, `values.Opaque('type.googleapis.com/dspex.bridge.Value', b'\x08c"\x01x')`},
		{"list with a field of a later version", value.Unknown{Kind: 7, Bytes: []byte{8, 7, 106, 1, 2}}, `values.Opaque('type.googleapis.com/dspex.bridge.Value', b'\x08\x07j\x01\x02')`},
		{"text with a field of a later version in list", []any{value.Unknown{Kind: 4, Bytes: []byte{8, 4, 34, 1, 'x', 104, 1}}, nil}, `[values.Opaque('type.googleapis.com/dspex.bridge.Value', b'\x08\x04"\x01xh\x01'), None]`},
		{"kind of a later version in list", []any{value.Unknown{Kind: 99, Bytes: []byte{8, 99, 34, 1, 'x'}}}, `[values.Opaque('type.googleapis.com/dspex.bridge.Value', b'\x08c"\x01x')]`},
	}
}
