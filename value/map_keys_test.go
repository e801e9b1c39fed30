package value_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type cell struct {
	Row  int
	Name string
	At   [2]int
}

func requireMapComesBack[K comparable](t *testing.T, name string, m map[K]string) {
	t.Helper()
	encoded, err := value.Encode(m)
	require.NoError(t, err, name)
	back, err := value.As[map[K]string](encoded)
	require.NoError(t, err, name)
	require.Equal(t, m, back, name)

	decoded, err := value.Decode(encoded)
	require.NoError(t, err, name)
	again, err := value.Encode(decoded)
	require.NoError(t, err, name)
	require.Equal(t, encoded, again, name)

	text, err := value.ToJSON(encoded)
	require.NoError(t, err, name)
	fromJSON, err := value.FromJSON(text)
	require.NoError(t, err, name)
	require.Equal(t, encoded, fromJSON, "%s: %s", name, text)
}

func requireSetComesBack[K comparable](t *testing.T, name string, set map[K]struct{}) {
	t.Helper()
	encoded, err := value.Encode(set)
	require.NoError(t, err, name)
	back, err := value.As[map[K]struct{}](encoded)
	require.NoError(t, err, name)
	require.Equal(t, set, back, name)
}

func TestAMapOfAnyComparableKeyComesBack(t *testing.T) {
	t.Parallel()
	requireMapComesBack(t, "structs", map[cell]string{{1, "a", [2]int{3, 4}}: "x", {2, "b", [2]int{}}: "y"})
	requireMapComesBack(t, "arrays", map[[2]int]string{{1, 2}: "x", {0, 0}: "y"})
	requireMapComesBack(t, "arrays of arrays", map[[1][2]float64]string{{{1, 2.5}}: "x"})
	requireMapComesBack(t, "bytes", map[[3]byte]string{{1, 2, 3}: "x"})
	requireMapComesBack(t, "UUIDs", map[value.UUID]string{{1}: "x"})
	requireMapComesBack(t, "unsigned", map[uint64]string{math.MaxUint64: "x", 0: "y"})
	requireMapComesBack(t, "floats", map[float64]string{1.5: "x", math.Inf(-1): "y"})
	requireMapComesBack(t, "floats of 32 bits", map[float32]string{0.1: "x"})
	requireMapComesBack(t, "bools", map[bool]string{true: "x", false: "y"})
	requireMapComesBack(t, "complex numbers", map[complex128]string{1i: "x"})
	requireMapComesBack(t, "spans", map[time.Duration]string{1: "x", time.Hour: "y"})
	requireMapComesBack(t, "moments", map[time.Time]string{time.Unix(1, 2).UTC(): "x"})
	requireMapComesBack(t, "days", map[value.Date]string{{Year: 2024, Month: 5, Day: 6}: "x"})
	requireMapComesBack(t, "UUIDs of another package, which have a text", map[uuid.UUID]string{{1}: "x"})
	requireMapComesBack(t, "addresses, which are texts", map[netip.Addr]string{netip.AddrFrom4([4]byte{1, 2, 3, 4}): "x", netip.IPv6Loopback(): "y"})
	requireMapComesBack(t, "texts as anything", map[any]string{"b": "x", "a": "y"})
	requireSetComesBack(t, "arrays", map[[2]int]struct{}{{1, 2}: {}, {0, 0}: {}})
	requireSetComesBack(t, "structs", map[cell]struct{}{{1, "a", [2]int{3, 4}}: {}})
	requireSetComesBack(t, "addresses", map[netip.Addr]struct{}{netip.IPv6Loopback(): {}})
	requireMapComesBack(t, "anything", map[any]string{int64(1): "x", "a": "y", 2.5: "z", nil: "n"})
}

func TestAStructAsAKeyIsARecordAndAnArrayATuple(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode(map[any]int{cell{1, "a", [2]int{3, 4}}: 5})
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, value.NewDict(value.Record{Class: "cell", Fields: []value.Field{
		{Name: "Row", Value: int64(1)}, {Name: "Name", Value: "a"}, {Name: "At", Value: value.Tuple{int64(3), int64(4)}},
	}}, int64(5)), decoded)
}

func TestAKeyThatPythonCannotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]any{
		"a channel":               map[chan int]int{make(chan int): 1},
		"a struct with a channel": map[struct{ C chan int }]int{{make(chan int)}: 1},
		"an array of channels":    map[[1]chan int]int{{make(chan int)}: 1},
	} {
		_, err := value.Encode(map[string]any{"m": in})
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.Contains(t, details(t, err)["path"], "$.m[key]", name)
		require.ErrorContains(t, err, "cannot be encoded", name)
	}
}

func TestTheSecondReadingOfAClockSetBackStaysTheSecond(t *testing.T) {
	t.Parallel()
	reading := local(2024, 10, 27, 2, 30, 0, 0)
	reading.Fold = true
	for _, in := range []any{reading, value.TimeOfDay{Hour: 2, Minute: 30, Fold: true}} {
		encoded, err := value.Encode(in)
		require.NoError(t, err)
		back, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Equal(t, in, back)
	}
	for _, text := range []string{
		`{"$time":"02:30:00+01:00[_fold=1]"}`, `{"$time":"02:30:00[_fold=0]"}`, `{"$datetime":"2024-10-27T02:30:00+01:00[_fold=1]"}`,
	} {
		_, err := value.FromJSON([]byte(text))
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, text)
	}
	_, err := value.Encode(value.TimeOfDay{HasOffset: true, Fold: true})
	require.ErrorContains(t, err, "out of range")
}

func TestAReadingThatAClockShowsTwiceIsTheFirstOrTheSecond(t *testing.T) {
	t.Parallel()
	berlin := zone("Europe/Berlin")
	reading := local(2024, 10, 27, 2, 30, 0, 0)
	require.Equal(t, time.Date(2024, 10, 27, 0, 30, 0, 0, time.UTC), reading.In(berlin).UTC())
	reading.Fold = true
	require.Equal(t, time.Date(2024, 10, 27, 1, 30, 0, 0, time.UTC), reading.In(berlin).UTC())

	once := local(2024, 7, 1, 12, 0, 0, 0)
	require.Equal(t, time.Date(2024, 7, 1, 10, 0, 0, 0, time.UTC), once.In(berlin).UTC())
	once.Fold = true
	require.Equal(t, time.Date(2024, 7, 1, 10, 0, 0, 0, time.UTC), once.In(berlin).UTC())
	require.Equal(t, time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC), once.In(time.UTC))
}

func TestReadingsAreEqualKeysWhicheverOfTheTwoTheyAre(t *testing.T) {
	t.Parallel()
	first, second := local(2024, 10, 27, 2, 30, 0, 0), local(2024, 10, 27, 2, 30, 0, 0)
	second.Fold = true
	_, err := value.Encode(value.Set{first, second})
	require.ErrorContains(t, err, "is there twice")
	_, err = value.Encode(value.Set{value.TimeOfDay{Hour: 2}, value.TimeOfDay{Hour: 2, Fold: true}})
	require.ErrorContains(t, err, "is there twice")
}
