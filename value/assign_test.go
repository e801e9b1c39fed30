package value_test

import (
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type base struct {
	ID int64 `json:"id"`
}

type row struct {
	base
	Name    string            `bridge:"name" json:"other"`
	Price   float64           `json:"price"`
	Tags    []string          `json:"tags,omitempty"`
	Next    *row              `json:"next,omitempty"`
	Labels  map[string]int    `json:"labels,omitempty"`
	When    time.Time         `json:"when,omitzero"`
	Raw     []byte            `json:"raw,omitempty"`
	Skipped string            `json:"-"`
	Any     any               `json:"any,omitempty"`
	Seen    map[int8]struct{} `json:"seen,omitempty"`
	hidden  int
}

type point struct{ X, Y int }

func (point) BridgeClass() string { return "Point" }

// celsius is a type that chooses its own form.
type celsius float64 //nolint:recvcheck // a value says its form, a pointer takes it

func (c celsius) BridgeValue() (any, error) { return value.MustDecimal("1.5"), nil }

func (c *celsius) SetBridgeValue(v any) error {
	r, _ := v.(value.Decimal).Rat()
	f, _ := r.Float64()
	*c = celsius(f)
	return nil
}

func through[T any](t *testing.T, in any) T {
	t.Helper()
	encoded, err := value.Encode(in)
	require.NoError(t, err)
	out, err := value.As[T](encoded)
	require.NoError(t, err)
	return out
}

func TestAStructGoesThroughWithEveryField(t *testing.T) {
	t.Parallel()
	in := row{
		base: base{7}, Name: "n", Price: 2, Tags: []string{"b", "a"}, Next: &row{Name: "inner"}, Labels: map[string]int{"z": 1, "a": 2},
		When: time.Date(2024, 5, 6, 7, 8, 9, 1, time.UTC), Raw: []byte{1}, Any: int64(5), Seen: map[int8]struct{}{3: {}, -1: {}},
	}
	require.Equal(t, in, through[row](t, in))
	require.Equal(t, []row{in, {}}, through[[]row](t, []*row{&in, {}}))
	require.Equal(t, 0, in.hidden)
}

func TestAStructIsADictOfItsTagsInTheirOrder(t *testing.T) {
	t.Parallel()
	text, err := value.EncodeJSON(row{base: base{1}, Name: "n", Price: 2, Skipped: "x"})
	require.NoError(t, err)
	require.Equal(t, `{"id":1,"name":"n","price":2.0}`, string(text))
}

func TestATypeMayChooseItsForm(t *testing.T) {
	t.Parallel()
	require.Equal(t, celsius(1.5), through[celsius](t, celsius(20)))
	require.Equal(t, []celsius{1.5, 1.5}, through[[]celsius](t, []celsius{1, 2}))
	require.Equal(t, value.Record{Class: "Point", Fields: []value.Field{{Name: "X", Value: int64(1)}, {Name: "Y", Value: int64(2)}}}, through[any](t, point{1, 2}))
	require.Equal(t, point{1, 2}, through[point](t, &point{1, 2}))
	require.Equal(t, netip.MustParseAddr("::1"), through[netip.Addr](t, netip.MustParseAddr("::1")))
}

func TestEveryIntegerTypeIsAnIntAndComesBackInRange(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(-5), through[any](t, int8(-5)))
	require.Equal(t, int64(200), through[any](t, uint8(200)))
	require.Equal(t, int16(-300), through[int16](t, int32(-300)))
	require.Equal(t, uint64(math.MaxUint64), through[uint64](t, uint64(math.MaxUint64)))
	require.Equal(t, new(big.Int).SetUint64(math.MaxUint64), through[any](t, uint(math.MaxUint64)))
	require.Equal(t, big.NewInt(5), through[*big.Int](t, 5))
	require.Equal(t, 3.0, through[float64](t, 3))
	require.Equal(t, float32(0.1), through[float32](t, float32(0.1)))
	require.Equal(t, []int8{1, 2}, through[[]int8](t, []uint16{1, 2}))
	require.Equal(t, [2]int{1, 2}, through[[2]int](t, value.Tuple{1, 2}))
	require.Equal(t, []int64{1 << 60, 2}, through[[]int64](t, []int{1 << 60, 2}))
	require.Equal(t, []float64{1, 2}, through[[]float64](t, []float64{1, 2}))
	require.Equal(t, map[int]string{2: "b", 1: "a"}, through[map[int]string](t, map[int]string{2: "b", 1: "a"}))
}

func TestNilAtEveryLevel(t *testing.T) {
	t.Parallel()
	require.Nil(t, through[any](t, (*row)(nil)))
	require.Nil(t, through[*row](t, nil))
	require.Nil(t, through[[]int](t, nil))
	require.Nil(t, through[any](t, (*big.Int)(nil)))
	require.Nil(t, through[any](t, (*value.Dict)(nil)))
	require.Nil(t, through[any](t, (*timestamppb.Timestamp)(nil)))
	require.Equal(t, []any{nil, nil}, through[any](t, []*int{nil, nil}))
	require.Equal(t, []any{}, through[any](t, []int(nil)))
	require.Equal(t, 0, through[*value.Dict](t, map[string]int(nil)).Len())
	n := 5
	deep := &n
	require.Equal(t, int64(5), through[any](t, &deep))
}

func TestAMessageIsPackedAsItIs(t *testing.T) {
	t.Parallel()
	at := timestamppb.New(time.Unix(5, 6))
	encoded, err := value.Encode(at)
	require.NoError(t, err)
	require.Equal(t, "type.googleapis.com/google.protobuf.Timestamp", encoded.TypeURL)
	got, err := value.As[*timestamppb.Timestamp](encoded)
	require.NoError(t, err)
	require.Equal(t, at.AsTime(), got.AsTime())
	text, err := value.ToJSON(encoded)
	require.NoError(t, err)
	require.Equal(t, `{"$message":{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"1970-01-01T00:00:05.000000006Z"}}`, string(text))
	back, err := value.FromJSON(text)
	require.NoError(t, err)
	require.Equal(t, encoded, back)
}

func TestAValueThatDoesNotFitNamesPathAndTypes(t *testing.T) {
	t.Parallel()
	rows := func(price any) any {
		return value.NewDict("rows", []any{value.NewDict("price", 1.5), value.NewDict("price", price)})
	}
	type table struct {
		Rows []struct {
			Price float64 `json:"price"`
		} `json:"rows"`
	}
	for _, c := range []struct {
		name      string
		in        any
		decode    func(tool.Value) error
		path      string
		want, got string
	}{
		{"str as float", rows("x"), as[table], "$.rows[1].price", "float", "str"},
		{"none as float", rows(nil), as[table], "$.rows[1].price", "float", "none"},
		{"too long an int as float", rows(int64(1<<53 + 1)), as[table], "$.rows[1].price", "float", "an int that no float can hold exactly"},
		{"float as int", 1.0, as[int], "$", "int", "float"},
		{"bool as int", true, as[int], "$", "int", "bool"},
		{"300 as int8", []any{1, 300}, as[[]int8], "$[1]", "int8 (-128 to 127)", "300"},
		{"-1 as uint", -1, as[uint16], "$", "uint16 (0 to 65535)", "-1"},
		{"big int as int64", power(2, 64, 0), as[int64], "$", "int64 (-2**63 to 2**63-1)", "18446744073709551616"},
		{"1e300 as float32", 1e300, as[float32], "$", "float32 (1.4e-45 to 3.4e38)", "1e+300"},
		{"str as bytes", "x", as[[]byte], "$", "bytes", "str"},
		{"bytes as str", []byte("x"), as[string], "$", "str", "bytes"},
		{"float below float32", 1e-300, as[float32], "$", "float32 (1.4e-45 to 3.4e38)", "1e-300"},
		{"complex below complex64", complex(1, -1e-300), as[complex64], "$", "complex64", "(1-1e-300i)"},
		{"list with an item twice as set", []int{1, 2, 1}, as[value.Set], "$[2]", "keys and items that are each there once", "1 twice"},
		{"two as array of three", []int{1, 2}, as[[3]int], "$", "list of 3 items", "2"},
		{"int as timedelta", 5, as[time.Duration], "$", "timedelta of at most 292 years", "int"},
		{"long timedelta", value.Timedelta{Days: 365250}, as[time.Duration], "$", "timedelta of at most 292 years", "timedelta"},
		{"str as datetime", "2024-05-06T07:08:09Z", as[time.Time], "$", "datetime with an offset", "str"},
		{"naive as aware", local(2024, 5, 6, 7, 8, 9, 0), as[time.Time], "$", "datetime with an offset", "datetime"},
		{"list as dict", []int{1}, as[map[string]int], "$", "dict (map[string]int)", "list"},
		{"int key", map[int]int{1: 1}, as[map[string]int], "$[key 0]", "str", "int"},
		{"other message", timestamppb.New(time.Unix(1, 0)), as[string], "$", "str", "message google.protobuf.Timestamp"},
		{"record", value.Record{Class: "P"}, as[int], "$", "int", `record "P"`},
	} {
		encoded, err := value.Encode(c.in)
		require.NoError(t, err, c.name)
		requireFailure(t, c.decode(encoded), c.path, c.want, c.got)
	}
}

func as[T any](v tool.Value) error {
	_, err := value.As[T](v)
	return err
}

func requireFailure(t testing.TB, err error, path, want, got string) {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, tool.SerializationError, e.Code)
	require.Equal(t, path, e.Details["path"], e.Message)
	require.Equal(t, want, e.Details["expected"], e.Message)
	require.Equal(t, got, e.Details["got"], e.Message)
}

func TestTheTargetMustBeAPointer(t *testing.T) {
	t.Parallel()
	c := value.New()
	encoded, err := c.Encode("x")
	require.NoError(t, err)
	require.ErrorContains(t, c.DecodeInto(encoded, 5), "must be a pointer")
	require.ErrorContains(t, c.DecodeInto(encoded, (*string)(nil)), "must be a pointer")
	require.ErrorContains(t, c.DecodeInto(encoded, (*int64)(nil)), "must be a pointer")
	require.ErrorContains(t, c.Assign("x", nil), "must be a pointer")
}

// bothWays decodes into a place of a type that has a name of its own, which goes the long way, and into the same type without.
func bothWays[Plain, Named any](t *testing.T, v tool.Value, convert func(Named) Plain) (plain, named Plain, plainErr, namedErr error) {
	t.Helper()
	var long Named
	plainErr, namedErr = value.New().DecodeInto(v, &plain), value.New().DecodeInto(v, &long)
	return plain, convert(long), plainErr, namedErr
}

func TestScalarsDecodeAlikeTheShortAndTheLongWay(t *testing.T) {
	t.Parallel()
	type (
		text  string
		small int
		long  int64
		float float64
		flag  bool
	)
	given := []any{"", "x", "é", 0, 5, -1, math.MaxInt64, 0.0, 1.5, math.Inf(1), 2.0, true, false, nil, []byte("x"), []any{1}, new(big.Int).Lsh(big.NewInt(1), 70)}
	values := make([]tool.Value, 0, len(given)+6)
	for _, v := range given {
		encoded, err := value.Encode(v)
		require.NoError(t, err)
		values = append(values, encoded)
	}
	for _, name := range []string{"StringValue", "Int64Value", "DoubleValue", "BoolValue"} {
		url := "type.googleapis.com/google.protobuf." + name
		values = append(values, tool.Value{TypeURL: url, Bytes: []byte{0x0a, 0x02, 'a'}}, tool.Value{TypeURL: url, Bytes: []byte{0x0a, 0x01, 0xff}},
			tool.Value{TypeURL: url, Bytes: []byte{0x08, 1, 0x08, 2}}, tool.Value{TypeURL: "other.host/google.protobuf." + name})
	}
	same := func(what string, plain, named any, plainErr, namedErr error) {
		require.Equal(t, namedErr == nil, plainErr == nil, "%s: %v, %v", what, plainErr, namedErr)
		require.Equal(t, named, plain, what)
	}
	for _, v := range values {
		what := v.TypeURL + " " + string(v.Bytes)
		s, ls, err, lerr := bothWays(t, v, func(x text) string { return string(x) })
		same(what, s, ls, err, lerr)
		i, li, err, lerr := bothWays(t, v, func(x small) int { return int(x) })
		same(what, i, li, err, lerr)
		n, ln, err, lerr := bothWays(t, v, func(x long) int64 { return int64(x) })
		same(what, n, ln, err, lerr)
		f, lf, err, lerr := bothWays(t, v, func(x float) float64 { return float64(x) })
		same(what, f, lf, err, lerr)
		b, lb, err, lerr := bothWays(t, v, func(x flag) bool { return bool(x) })
		same(what, b, lb, err, lerr)
	}
}

func TestATextOverTheLimitOfTheCodecIsRefused(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode("a text that is too long")
	require.NoError(t, err)
	var into string
	require.ErrorContains(t, value.New(value.MaxBytes(20)).DecodeInto(encoded, &into), "20")
}

func TestAStructIsRefusedForALackOfFields(t *testing.T) {
	t.Parallel()
	type inner struct{ Code int }
	type price struct {
		Amount float64 `bridge:"amount"`
		Unit   string  `bridge:"unit,optional"`
		Note   string  `bridge:"note,omitempty"`
		Rebate *int
		Tags   []string
		*inner
	}
	require.Equal(t, []price{{Amount: 1.5}}, through[[]price](t, []any{map[string]any{"amount": 1.5}}))
	encodedDefaults, err := value.Encode(map[string]any{"amount": 1.5})
	require.NoError(t, err)
	prefilled := struct {
		Amount float64 `bridge:"amount"`
		Port   int
		Empty  struct{}
	}{Port: 80}
	require.NoError(t, value.New().DecodeInto(encodedDefaults, &prefilled))
	require.Equal(t, 80, prefilled.Port)
	for path, lacking := range map[string]any{
		"$[1].amount": []any{map[string]any{"amount": 1.5}, map[string]any{"amuont": 2.5}},
		"$[0].amount": []any{value.Record{Class: "Price", Fields: []value.Field{{Name: "unit", Value: "EUR"}}}},
	} {
		encoded, err := value.Encode(lacking)
		require.NoError(t, err)
		requireFailure(t, as[[]price](encoded), path, "float", "nothing")
	}
}

func TestAUUIDOfAnotherPackageIsAUUID(t *testing.T) {
	t.Parallel()
	id := uuid.UUID{0: 1, 15: 2}
	for _, in := range []any{id, &id, []uuid.UUID{id}[0]} {
		encoded, err := value.Encode(in)
		require.NoError(t, err)
		back, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Equal(t, value.UUID(id), back)
		same, err := value.As[uuid.UUID](encoded)
		require.NoError(t, err)
		require.Equal(t, id, same)
	}
	text, err := value.Encode(id.String())
	require.NoError(t, err)
	read, err := value.As[uuid.UUID](text)
	require.NoError(t, err)
	require.Equal(t, id, read)
}

func TestWrappersBecomeWhatAHintAsksFor(t *testing.T) {
	t.Parallel()
	type color string
	require.Equal(t, color("red"), through[color](t, value.Enum{Class: "Color", Name: "RED", Value: "red"}))
	require.Equal(t, base{5}, through[base](t, value.Record{Class: "Base", Fields: []value.Field{{Name: "id", Value: 5}}}))
	require.Equal(t, "a thing", through[string](t, value.Opaque{TypeURL: "type.googleapis.com/python.Thing", Bytes: []byte("a thing")}))
	require.Equal(t, big.NewRat(1, 10), through[*big.Rat](t, value.MustDecimal("0.1")))
	require.Equal(t, value.Set{int64(2), int64(1)}, through[value.Set](t, []int{2, 1}))
	require.Equal(t, value.Tuple{int64(2), int64(1)}, through[value.Tuple](t, []int{2, 1}))
	require.Equal(t, "5", through[value.Decimal](t, 5).String())
	require.Equal(t, map[string]struct{}{"a": {}}, through[map[string]struct{}](t, value.SetOf("a", "a")))
}
