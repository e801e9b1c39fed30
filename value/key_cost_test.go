package value_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// inLevels is the JSON form of a value in so many levels of others.
func inLevels(levels int, before, innermost, after string) []byte {
	return []byte(strings.Repeat(before, levels) + innermost + strings.Repeat(after, levels))
}

// waysOf are the ways that a value of a JSON form can go.
func waysOf(t *testing.T, text []byte) map[string]func() {
	t.Helper()
	encoded, err := value.FromJSON(text)
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	return map[string]func(){
		"FromJSON":   func() { _, err = value.FromJSON(text) },
		"ToJSON":     func() { _, err = value.ToJSON(encoded) },
		"Decode":     func() { _, err = value.Decode(encoded) },
		"Encode":     func() { _, err = value.Encode(decoded) },
		"EncodeJSON": func() { _, err = value.EncodeJSON(decoded) },
	}
}

//nolint:paralleltest // it counts what the process allocates
func TestLevelsOfKeysAddWorkAndDoNotMultiplyIt(t *testing.T) {
	for name, level := range map[string][2]string{
		"frozensets":                {`{"$frozenset":[`, `]}`},
		"frozensets of two":         {`{"$frozenset":[0,`, `]}`},
		"frozensets in tuples":      {`{"$tuple":[{"$frozenset":[`, `]}]}`},
		"frozensets in enums":       {`{"$enum":{"class_name":"C","name":"N","value":{"$frozenset":[`, `]}}}`},
		"frozensets in records":     {`{"$record":{"class_name":"C","fields":{"a":{"$frozenset":[`, `]}}}}`},
		"dicts with keys of tuples": {`{"$map":[[{"$tuple":[1,{"$frozenset":[2.5]}]},`, `]]}`},
		"tuples":                    {`{"$tuple":[`, `]}`},
	} {
		half, whole := waysOf(t, inLevels(15, level[0], "1", level[1])), waysOf(t, inLevels(30, level[0], "1", level[1]))
		for way := range half {
			fewer, more := testing.AllocsPerRun(5, half[way]), testing.AllocsPerRun(5, whole[way])
			require.Less(t, more, 3*fewer+60, "%s: %s", way, name)
		}
	}
}

//nolint:paralleltest // it counts what the process allocates
func TestWhatIsInManyFrozensetsIsWorkOnce(t *testing.T) {
	items := make([]string, 1000)
	for i := range items {
		items[i] = fmt.Sprintf(`{"$tuple":[%d]}`, i)
	}
	payload := `{"$frozenset":[` + strings.Join(items, ",") + `]}`
	alone, deep := waysOf(t, []byte(payload)), waysOf(t, inLevels(60, `{"$frozenset":[`, payload, `]}`))
	for way := range alone {
		once, often := testing.AllocsPerRun(3, alone[way]), testing.AllocsPerRun(3, deep[way])
		require.Less(t, often, 3*once, way)
	}
}

//nolint:paralleltest // it measures what the process allocates
func TestNumbersAsKeysTakeMemoryInProportionToTheirText(t *testing.T) {
	for _, form := range []string{`{"$decimal":"%d1E4990"}`, `{"$decimal":"%d1E-4990"}`, `{"$fraction":[1%d,3]}`, `%d.5e300`, `1%d0000000000000000000000`} {
		items := make([]string, 1000)
		for i := range items {
			items[i] = fmt.Sprintf(form, i)
		}
		text := []byte(`{"$set":[` + strings.Join(items, ",") + `]}`)
		var encoded tool.Value
		var err error
		took := alloctest.Bytes(func() { encoded, err = value.FromJSON(text) })
		require.NoError(t, err, form)
		require.Less(t, took, uint64(200*len(text)), form)
		took = alloctest.Bytes(func() { _, err = value.Decode(encoded) })
		require.NoError(t, err, form)
		require.Less(t, took, uint64(200*len(text)), form)
	}
}

// shared is a value of so many levels, each of which has the next twice: its parts are few, what it says is not.
func shared(levels int, level func(any) any) any {
	v := any("a")
	for range levels {
		v = level(v)
	}
	return v
}

func TestAValueThatIsSharedTooOftenIsTooLargeAndNotTried(t *testing.T) {
	t.Parallel()
	tuples := func(v any) any { return value.Tuple{v, v} }
	frozen := func(v any) any { return value.FrozenSet{value.Tuple{1, v}, value.Tuple{2, v}} }
	records := func(v any) any {
		return value.Record{Class: "C", Fields: []value.Field{{Name: "a", Value: v}, {Name: "b", Value: v}}}
	}
	for name, v := range map[string]any{
		"a set of tuples":           value.Set{shared(60, tuples)},
		"frozensets":                shared(31, frozen),
		"records":                   shared(60, records),
		"a set of records":          value.Set{shared(60, records)},
		"dicts":                     shared(60, func(v any) any { return map[string]any{"a": v, "b": v} }),
		"dicts with keys of floats": shared(60, func(v any) any { return map[float64]any{1: v, 2: v} }),
		"lists":                     shared(60, func(v any) any { return []any{v, v} }),
		"members of enumerations":   shared(31, func(v any) any { return value.Enum{Class: "C", Name: "N", Value: value.Tuple{v, v}} }),
	} {
		codec := value.New(value.MaxBytes(10_000))
		_, err := codec.Encode(v)
		require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge}, name)
		_, err = codec.EncodeJSON(v)
		require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge}, name)
	}
}

func TestAKeyThatContainsItselfIsRefused(t *testing.T) {
	t.Parallel()
	cycle := value.Tuple{nil}
	cycle[0] = cycle
	for _, v := range []any{value.Set{cycle}, value.FrozenSet{cycle, 1}} {
		_, err := value.Encode(v)
		require.ErrorContains(t, err, "contains itself")
		_, err = value.EncodeJSON(v)
		require.ErrorContains(t, err, "contains itself")
	}
	require.Panics(t, func() { value.NewDict(cycle, 1) })
	require.False(t, value.Set{1}.Contains(cycle))
}

func TestARecordMayHaveManyFields(t *testing.T) {
	t.Parallel()
	record := value.Record{Class: "C", Fields: make([]value.Field, 200_000)}
	for i := range record.Fields {
		record.Fields[i].Name = fmt.Sprintf("%07d", i)
	}
	text, err := value.EncodeJSON(record)
	require.NoError(t, err)
	encoded, err := value.FromJSON(text)
	require.NoError(t, err)
	again, err := value.ToJSON(encoded)
	require.NoError(t, err)
	require.Len(t, again, len(text))
	record.Fields[1].Name = record.Fields[199_999].Name
	_, err = value.EncodeJSON(record)
	require.ErrorContains(t, err, `the record "C" has the field "0199999" twice`)
}
