package value_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// A session's call returns a tool.Value, which a program may put into what it sends next.
func TestAnEncodedValueInsideOfAnotherIsWhatItHolds(t *testing.T) {
	t.Parallel()
	eachVector(t, func(v vector, held tool.Value) {
		decoded, err := value.Decode(held)
		require.NoError(t, err, v.Name)
		for _, around := range []func(any) any{
			func(v any) any { return v },
			func(v any) any { return []any{v, v} },
			func(v any) any { return map[string]any{"a": v} },
			func(v any) any { return struct{ A any }{v} },
			func(v any) any { return value.Tuple{1, &v} },
		} {
			want, err := value.Encode(around(decoded))
			if err != nil { // one level too deep
				require.ErrorContains(t, err, "deeper than", v.Name)
				continue
			}
			for _, given := range []any{held, &held} {
				got, err := value.Encode(around(given))
				require.NoError(t, err, v.Name)
				require.Equal(t, want, got, v.Name)
			}
			wantText, err := value.ToJSON(want)
			require.NoError(t, err, v.Name)
			text, err := value.EncodeJSON(around(held))
			require.NoError(t, err, v.Name)
			require.Equal(t, string(wantText), string(text), v.Name)
		}
	})
}

func TestWhatThisProgramCannotReadGoesOnInsideOfAnotherValue(t *testing.T) {
	t.Parallel()
	table := tool.Value{TypeURL: "type.googleapis.com/pandas.DataFrame", Bytes: []byte("a table")}
	unknown := tool.Value{TypeURL: "x/python.Pattern", Bytes: []byte("a+")}
	for _, codec := range []*value.Codec{value.New(), value.New(value.Strict())} {
		encoded, err := codec.Encode([]any{table, unknown, tool.Value{}})
		require.NoError(t, err)
		decoded, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Equal(t, []any{value.Opaque(table), value.Opaque(unknown), nil}, decoded)
	}
}

func TestAnEncodedValueThatIsBrokenIsRefusedAtItsPlace(t *testing.T) {
	t.Parallel()
	_, err := value.Encode(map[string]any{"a": []any{1, tool.Value{TypeURL: "type.googleapis.com/google.protobuf.StringValue", Bytes: []byte{10, 9}}}})
	requireRefusedAt(t, err, "$.a[1]")
	_, err = value.Encode(map[string]any{"a": tool.Value{TypeURL: "nothing"}})
	require.NoError(t, err)
	_, err = value.Encode(map[string]any{"a": tool.Value{Bytes: []byte{1}}})
	requireRefusedAt(t, err, "$.a")
}

func TestAPartOfAValueIsDecodedIntoAnEncodedOne(t *testing.T) {
	t.Parallel()
	type envelope struct {
		Kind string
		Body tool.Value
		More []tool.Value
		None *tool.Value
	}
	body, err := value.Encode(map[string]any{"b": 1, "a": []any{math.Inf(1), value.Tuple{1}}})
	require.NoError(t, err)
	none, err := value.Encode(nil)
	require.NoError(t, err)
	one, err := value.Encode(1)
	require.NoError(t, err)
	given := envelope{"x", body, []tool.Value{one, none, body}, nil}
	require.Equal(t, given, through[envelope](t, given))
	require.Equal(t, body, through[tool.Value](t, body))
	require.Equal(t, none, through[tool.Value](t, nil))
}

func TestAnEmbeddedEncodedValueIsAField(t *testing.T) {
	t.Parallel()
	one, err := value.Encode(1)
	require.NoError(t, err)
	given := struct {
		tool.Value
		Name string
	}{one, "a"}
	require.Equal(t, value.NewDict("Value", int64(1), "Name", "a"), through[any](t, given))
}
