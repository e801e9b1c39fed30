package frame_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

type place struct {
	Lat, Lon float64
}

type Named struct{ Alias, Title string }

type hidden struct{ Secret int }

type base struct {
	ID uint64 `json:"id"`
}

type everyField struct {
	base
	time.Time
	*Named
	*hidden
	Took   time.Duration
	Maybe  *time.Duration
	Day    value.Date
	Clock  value.TimeOfDay
	Local  value.LocalDateTime
	Tags   []string
	Scores []float64
	Where  place
	Stops  []place
	Count  uint
	Many   *uint64
	Spaced string `bridge:"a b"`
}

func TestStructsOfEveryKindOfFieldComeBack(t *testing.T) {
	t.Parallel()
	span, many := 5*time.Second, uint64(math.MaxUint64)
	in := []everyField{{
		base: base{math.MaxUint64}, Time: time.Date(2024, 5, 6, 7, 8, 9, 1, time.UTC), Named: &Named{"a", "b"},
		Took: -time.Nanosecond, Maybe: &span, Day: value.Date{Year: 2024, Month: 5, Day: 6},
		Clock: value.TimeOfDay{Hour: 7, Nanosecond: 1000}, Local: value.LocalDateTime{Date: value.Date{Year: 1969, Month: 12, Day: 31}, Hour: 23},
		Tags: []string{"a", ""}, Scores: []float64{1.5}, Where: place{3, 4}, Stops: []place{{5, 6}}, Count: 7, Many: &many, Spaced: "x",
	}, {
		Time: time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), Named: &Named{}, Day: value.Date{Year: 1, Month: 1, Day: 1}, Tags: []string{}, Scores: []float64{}, Stops: []place{},
		Local: value.LocalDateTime{Date: value.Date{Year: 2000, Month: 1, Day: 1}},
	}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	require.Equal(t, []string{"id", "Time", "Alias", "Title", "Took", "Maybe", "Day", "Clock", "Local", "Tags", "Scores", "Where", "Stops", "Count", "Many", "a b"}, table.Names())
	notes, _ := table.Schema().Metadata().GetValue("grpc_tool_bridge")
	require.JSONEq(t, `{"objects":[9,10,11,12]}`, notes, "lists and dicts are no arrays in Python")
	out, err := frame.ToStructs[everyField](table)
	require.NoError(t, err)
	require.Equal(t, in, out)
}

func TestTimesBeyondNanosecondsAreCountedInMicroseconds(t *testing.T) {
	t.Parallel()
	type row struct {
		At    time.Time
		Maybe *time.Time
		Local value.LocalDateTime
	}
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	in := []row{
		{Local: value.LocalDateTime{Date: value.Date{Year: 3000, Month: 1, Day: 1}}},
		{time.Date(3000, 1, 1, 0, 0, 0, 1000, time.UTC), &last, value.LocalDateTime{Date: value.Date{Year: 1, Month: 1, Day: 1}}},
	}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	require.Equal(t, "timestamp[us, tz=UTC]", table.Schema().Field(0).Type.String())
	out, err := frame.ToStructs[row](table)
	require.NoError(t, err)
	require.Equal(t, in, out)

	in[1].At = in[1].At.Add(time.Nanosecond)
	_, err = frame.FromStructs(in)
	requirePath(t, err, "$[1].At")
	require.ErrorContains(t, err, "has nanoseconds")
}

func TestTimedeltasAreSpansAsDurationsAre(t *testing.T) {
	t.Parallel()
	type run struct {
		Took  value.Timedelta
		Maybe *value.Timedelta
	}
	in := []run{{value.Timedelta{Days: 1, Nanoseconds: 5}, nil}, {value.Timedelta{Days: -1, Nanoseconds: 7}, &value.Timedelta{Days: 106_751}}}
	table, err := frame.FromStructs(in)
	require.NoError(t, err)
	out, err := frame.ToStructs[run](table)
	require.NoError(t, err)
	require.Equal(t, in, out)
	durations, err := frame.ToStructs[struct {
		Took  time.Duration
		Maybe *time.Duration
	}](table)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour+5, durations[0].Took)

	in[1].Maybe.Days = 106_752
	_, err = frame.FromStructs(in)
	requirePath(t, err, "$[1].Maybe")
	require.ErrorContains(t, err, "292 years")
	in[0].Took.Nanoseconds = -1
	_, err = frame.FromStructs(in)
	requirePath(t, err, "$[0].Took")
}

func TestWhatNoColumnHoldsIsNamedWithRowAndField(t *testing.T) {
	t.Parallel()
	_, err := frame.FromStructs([]struct{ Took time.Duration }{{1}, {math.MinInt64}})
	requirePath(t, err, "$[1].Took")
	_, err = frame.FromStructs([]struct {
		Name string `json:"full name"`
	}{{"a"}, {"b"}, {"\xff"}})
	requirePath(t, err, `$[2]["full name"]`)
	require.ErrorContains(t, err, "UTF-8")
	_, err = frame.FromStructs([]struct{ Day value.Date }{{}})
	requirePath(t, err, "$[0].Day")
	_, err = frame.FromStructs([]struct{ Clock value.TimeOfDay }{{value.TimeOfDay{HasOffset: true}}})
	requirePath(t, err, "$[0].Clock")
	_, err = frame.FromStructs([]struct{ Tags []string }{{[]string{"a", "\xff"}}})
	requirePath(t, err, "$[0].Tags")
	require.ErrorContains(t, err, "item 1")
	_, err = frame.FromStructs([]struct {
		Inner struct{ Took []time.Duration }
	}{{struct{ Took []time.Duration }{[]time.Duration{math.MinInt64}}}})
	requirePath(t, err, "$[0].Inner")
	require.ErrorContains(t, err, "field Took: item 0: the duration -")
}

type endless struct{ Children []endless }

type oneself struct{ A int }

// BridgeValue implements value.Marshaler.
func (oneself) BridgeValue() (any, error) { return "x", nil }

func TestTypesThatNoColumnHoldsAreRefused(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]func() error{
		"an endless type":       func() error { _, err := frame.FromStructs([]endless{}); return err },
		"a number of JSON":      func() error { _, err := frame.FromStructs([]struct{ N json.Number }{}); return err },
		"a fraction":            func() error { _, err := frame.FromStructs([]struct{ N *big.Rat }{}); return err },
		"an array of nothing":   func() error { _, err := frame.FromStructs([]struct{ N [0]int }{}); return err },
		"a channel in an array": func() error { _, err := frame.FromStructs([]struct{ C [2]chan int }{}); return err },
		"a channel in a map":    func() error { _, err := frame.FromStructs([]struct{ C map[int]chan int }{}); return err },
		"a set":                 func() error { _, err := frame.FromStructs([]struct{ S map[string]struct{} }{}); return err },
		"UUIDs in a list":       func() error { _, err := frame.FromStructs([]struct{ I []value.UUID }{}); return err },
		"UUIDs in a map": func() error {
			_, err := frame.FromStructs([]struct {
				I map[string]struct{ A uuid.UUID }
			}{})
			return err
		},
		"a value of its own":    func() error { _, err := frame.FromStructs([]struct{ O oneself }{}); return err },
		"a value of the codec":  func() error { _, err := frame.FromStructs([]struct{ R value.Record }{}); return err },
		"a map of floats":       func() error { _, err := frame.FromStructs([]struct{ M map[float64]int }{}); return err },
		"anything":              func() error { _, err := frame.FromStructs([]struct{ A any }{}); return err },
		"a channel in a list":   func() error { _, err := frame.FromStructs([]struct{ C []chan int }{}); return err },
		"a channel in a struct": func() error { _, err := frame.FromStructs([]struct{ S struct{ C chan int } }{}); return err },
		"pointers to pointers":  func() error { _, err := frame.FromStructs([]struct{ P **int }{}); return err },
	} {
		require.ErrorContains(t, from(), "cannot be a column", name)
	}
	_, err := frame.FromStructs([]struct {
		A int `bridge:"x"`
		B int `json:"x"`
	}{})
	require.ErrorContains(t, err, `are called "x"`)
}

func requirePath(t *testing.T, err error, path string) {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, tool.SerializationError, e.Code)
	require.Equal(t, path, e.Details["path"], e.Message)
}

func TestFromStructsNamesTheColumnThatHasNoForm(t *testing.T) {
	t.Parallel()
	type span struct {
		Ends [0]int `bridge:"ends"`
	}
	for path, from := range map[string]func() error{
		"$.pair": func() error {
			return refusal([]struct {
				Pair [0]int `bridge:"pair"`
			}{{}})
		},
		`$["the pair"]`: func() error {
			return refusal([]struct {
				Pair [0]int `bridge:"the pair"`
			}{})
		},
		"$.pairs[]": func() error {
			return refusal([]struct {
				Pairs [][0]int `bridge:"pairs"`
			}{{}})
		},
		"$.span.ends": func() error {
			return refusal([]struct {
				Span *span `bridge:"span"`
			}{{}})
		},
		"$.spans[].ends": func() error {
			return refusal([]struct {
				Spans []span `bridge:"spans"`
			}{{}})
		},
	} {
		err := from()
		var e *tool.Error
		require.ErrorAs(t, err, &e, path)
		require.Equal(t, tool.SerializationError, e.Code, path)
		require.Equal(t, path, e.Details["path"])
		require.ErrorContains(t, err, "a field of type [0]int cannot be a column", path)
		require.ErrorContains(t, err, "at "+path)
		require.ErrorContains(t, err, "column \"", path)
	}
}

func refusal[T any](rows []T) error {
	_, err := frame.FromStructs(rows)
	return err
}
