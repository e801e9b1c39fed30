package frame_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type Spot struct{ Lat, Lon float64 }

type spotted struct {
	*Spot
	Name string
}

func TestAnEmbeddedPointerThatIsNilComesBackAsNil(t *testing.T) {
	t.Parallel()
	in := []spotted{{nil, "a"}, {&Spot{1, 2}, "b"}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	out, err := frame.ToStructs[spotted](table)
	require.NoError(t, err)
	require.Equal(t, in, out)

	for _, valid := range [][]bool{{false}, {true}} {
		half, err := frame.New().Float64("Lat", []float64{1}, valid).Float64("Lon", []float64{1}, []bool{!valid[0]}).String("Name", []string{"a"}).Build()
		require.NoError(t, err)
		_, err = frame.ToStructs[spotted](half)
		require.ErrorContains(t, err, "want float, got none", "half of it is there")
	}
}

func TestWhatHasNoColumnIsNotDropped(t *testing.T) {
	t.Parallel()
	_, err := frame.FromStructs([]everyField{{}, {hidden: &hidden{7}}})
	requirePath(t, err, "$[1].Secret")
	_, err = frame.FromStructs([]struct{}{{}, {}})
	requirePath(t, err, "$")
	require.ErrorContains(t, err, "no exported fields")
}

func TestMessagesAboutKeysAndPointersAreReadable(t *testing.T) {
	t.Parallel()
	_, err := frame.FromStructs([]struct{ M map[string]int }{{map[string]int{"\xff": 1}}})
	requirePath(t, err, "$[0].M")
	require.True(t, utf8.ValidString(err.Error()))
	_, err = frame.FromStructs([]struct{ P **int }{})
	require.ErrorContains(t, err, "type **int cannot be a column")
}

type Bag struct {
	A int
	B string
}

type Optionals struct{ Q *int }

type bagged struct {
	Bag `bridge:"bag"`
	X   int
}

type unsure struct {
	*Optionals
	N int
}

type unsureInside struct{ In []unsure }

func TestAnEmbeddedStructWithANameIsOneColumn(t *testing.T) {
	t.Parallel()
	in := []bagged{{Bag{1, "a"}, 2}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	require.Equal(t, []string{"bag", "X"}, table.Names())
	require.Equal(t, "struct<A: int64 nullable, B: utf8 nullable>", table.Schema().Field(0).Type.String())
	out, err := frame.ToStructs[bagged](table)
	require.NoError(t, err)
	require.Equal(t, in, out)
	var decoded []bagged
	encoded, err := codec().Encode(table)
	require.NoError(t, err)
	require.NoError(t, codec().DecodeInto(encoded, &decoded))
	require.Equal(t, in, decoded)
}

func TestAnEmbeddedPointerToPointersIsNilWhereAllAreNull(t *testing.T) {
	t.Parallel()
	seven := 7
	in := []unsure{{nil, 1}, {&Optionals{&seven}, 2}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	out, err := frame.ToStructs[unsure](table)
	require.NoError(t, err)
	require.Equal(t, in, out)
	nested := []unsureInside{{in}}
	table, err = frame.FromStructs(nested)
	require.NoError(t, err)
	inside, err := frame.ToStructs[unsureInside](table)
	require.NoError(t, err)
	require.Equal(t, nested, inside)

	in[0].Optionals = &Optionals{}
	_, err = frame.FromStructs(in)
	requirePath(t, err, "$[0].Q")
	require.ErrorContains(t, err, "a table cannot tell from a pointer that is nil")
	_, err = frame.FromStructs(nested)
	requirePath(t, err, "$[0].In")
	require.ErrorContains(t, err, "item 0: field Q: all that is behind the embedded *frame_test.Optionals is nil")
	alone, err := value.Encode(in[0])
	require.NoError(t, err)
	back, err := value.As[unsure](alone)
	require.NoError(t, err)
	require.Equal(t, in[0], back, "a dict can tell it by its fields")
}

func TestWhatNobodyCouldSetAgainIsRefusedInsideOfStructsToo(t *testing.T) {
	t.Parallel()
	type inner struct {
		*hidden
		A int
	}
	_, err := frame.FromStructs([]struct{ In []inner }{{[]inner{{nil, 1}, {&hidden{7}, 1}}}})
	requirePath(t, err, "$[0].In")
	require.ErrorContains(t, err, "item 1: field Secret: it is behind an embedded pointer")
}

func TestBytesOfAFixedLengthComeBackFromListsAndMaps(t *testing.T) {
	t.Parallel()
	type digests struct {
		List  [][3]byte
		Map   map[string][16]byte
		Parts []struct{ Sum *[2]byte }
		Alone [3]byte
	}
	in := []digests{{[][3]byte{{1, 2, 3}}, map[string][16]byte{"a": {15: 1}}, []struct{ Sum *[2]byte }{{nil}, {&[2]byte{1}}}, [3]byte{9}}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	require.Equal(t, "list<item: binary, nullable>", table.Schema().Field(0).Type.String(), "pandas reads no others in lists")
	out, err := frame.ToStructs[digests](table)
	require.NoError(t, err)
	require.Equal(t, in, out)
}

// codedStamp says itself what it is.
type codedStamp struct{ A int }

// BridgeValue implements value.Marshaler.
func (s *codedStamp) BridgeValue() (any, error) { return int64(s.A), nil }

func TestWhatWouldComeBackAsAnotherValueIsNoColumn(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"pointers to pointers to ints":  refusal([]struct{ V **big.Int }{}),
		"pointers to pointers to times": refusal([]struct{ V **time.Time }{}),
		"such in a list":                refusal([]struct{ V []**time.Time }{}),
		"spans as keys":                 refusal([]struct{ V map[time.Duration]int }{}),
		"a message":                     refusal([]struct{ V *timestamppb.Timestamp }{}),
		"one that is encoded otherwise": refusal([]struct{ V codedStamp }{}),
		"and by a pointer":              refusal([]struct{ V *codedStamp }{}),
		"a record":                      refusal([]struct{ V []value.Record }{}),
		"an enumeration":                refusal([]struct{ V value.Enum }{}),
		"a set":                         refusal([]struct{ V value.Set }{}),
		"anything":                      refusal([]struct{ V any }{}),
		"numbers of JSON":               refusal([]struct{ V json.Number }{}),
		"complex numbers":               refusal([]struct{ V complex128 }{}),
	} {
		require.ErrorContains(t, err, "cannot be a column", name)
	}
	require.ErrorContains(t, refusal([]struct{ V *big.Rat }{}), "a field of type big.Rat cannot be a column; give it another type")
	for name, err := range map[string]error{
		"days":           refusal([]value.Date{{}}),
		"own values":     refusal([]codedStamp{{}}),
		"no rows at all": refusal([]int{1}),
	} {
		requirePath(t, err, "$")
		require.NotContains(t, err.Error(), "cannot be a column", name)
	}
}

func TestTimesThatAColumnWouldChangeAreNamed(t *testing.T) {
	t.Parallel()
	day := value.Date{Year: 2024, Month: 10, Day: 27}
	for says, err := range map[string]error{
		"Python's have microseconds":    refusal([]struct{ V value.TimeOfDay }{{value.TimeOfDay{Nanosecond: 1}}}),
		"without a fold":                refusal([]struct{ V value.LocalDateTime }{{value.LocalDateTime{Date: day, Hour: 2, Fold: true}}}),
		"one of the years 1 to 9999":    refusal([]struct{ V value.LocalDateTime }{{value.LocalDateTime{Date: day, Hour: 24}}}),
		"no time of the years 1 to 999": refusal([]struct{ V *time.Time }{{pointer(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}}),
	} {
		requirePath(t, err, "$[0].V")
		require.ErrorContains(t, err, says)
	}
}

func pointer[T any](v T) *T { return &v }

func TestTimesInsideOfCellsAreAsFineAsTheyHaveToBe(t *testing.T) {
	t.Parallel()
	type moments struct {
		At    []time.Time
		Spans map[string]time.Duration
		Local struct{ At value.LocalDateTime }
	}
	in := []moments{{[]time.Time{time.Unix(1, 1000).UTC()}, map[string]time.Duration{"a": math.MaxInt64 / 1000 * 1000}, struct{ At value.LocalDateTime }{
		value.LocalDateTime{Date: value.Date{Year: 2024, Month: 1, Day: 1}},
	}}}
	for _, types := range [][]string{
		{"list<item: timestamp[us, tz=UTC], nullable>", "map<utf8, duration[us], items_nullable>", "struct<At: timestamp[us] nullable>"},
		{"list<item: timestamp[ns, tz=UTC], nullable>", "map<utf8, duration[ns], items_nullable>", "struct<At: timestamp[ns] nullable>"},
	} {
		table, err := frame.FromStructs(in)
		require.NoError(t, err)
		for i, want := range types {
			require.Equal(t, want, table.Schema().Field(i).Type.String(), "pandas makes datetimes of microseconds")
		}
		out, err := frame.ToStructs[moments](table)
		require.NoError(t, err)
		require.Equal(t, in, out)
		in[0].At[0], in[0].Spans["b"], in[0].Local.At.Nanosecond = in[0].At[0].Add(1), 1, 1
	}
}

func TestThePairsThatPandasMakesOfAMapAreOneAgain(t *testing.T) {
	t.Parallel()
	pairs, err := frame.FromStructs([]struct{ M [][]string }{{[][]string{{"a", "b"}, {"c", ""}}}, {}})
	require.NoError(t, err)
	type row struct{ M map[string]string }
	rows, err := frame.ToStructs[row](pairs)
	require.NoError(t, err)
	require.Equal(t, []row{{map[string]string{"a": "b", "c": ""}}, {map[string]string{}}}, rows)
	for says, lists := range map[string][][]string{"want dict": {{"a"}}, "two keys become the same": {{"a", "b"}, {"a", "c"}}} {
		table, err := frame.FromStructs([]struct{ M [][]string }{{lists}})
		require.NoError(t, err)
		_, err = frame.ToStructs[row](table)
		require.ErrorContains(t, err, says)
	}
	alone, err := value.Encode(map[string]any{"M": []any{[]any{"a", "b"}}})
	require.NoError(t, err)
	_, err = value.As[row](alone)
	require.ErrorContains(t, err, "want dict", "outside of tables a list is a list")
}

// unset writes a text of what it may not have.
type unset struct{ of *string }

// MarshalText implements encoding.TextMarshaler.
func (u unset) MarshalText() ([]byte, error) { return []byte(*u.of), nil }

func TestATextThatPanicsIsRefusedAtItsRow(t *testing.T) {
	t.Parallel()
	given := "a"
	_, err := frame.FromStructs([]struct{ At unset }{{unset{&given}}, {}})
	require.ErrorContains(t, err, "value at $[1].At: the text of a frame_test.unset: the method MarshalText of *frame_test.unset panics: runtime error: invalid memory address")
}

func TestAnEncodedValueIsNoColumn(t *testing.T) {
	t.Parallel()
	for _, err := range []error{refusedRows[tool.Value](), refusedRows[*value.Opaque](), refusedRows[[]value.Unknown]()} {
		require.ErrorContains(t, err, "cannot be a column: what it is encoded as is only known of each value")
	}
}

func refusedRows[T any]() error {
	_, err := frame.FromStructs([]struct{ At T }{{}})
	return err
}
