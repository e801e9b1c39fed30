package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestTheNameBehindTheLastSlashSaysWhatAValueIsWhateverStandsBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes string
		want  any
	}{
		"google.protobuf.StringValue": {"\n\x01a", "a"},
		"google.protobuf.Int32Value":  {"\x08\x07", int64(7)},
		"google.protobuf.ListValue":   {"\n\x02\x08\x00", []any{nil}},
		"google.protobuf.Struct":      {"", struct{}{}},
		"google.protobuf.Value":       {"\x1a\x01a", "a"},
		"dspex.bridge.Value":          {"\x08\x00", nil},
	} {
		for _, host := range []string{"type.googleapis.com/", "x/", "/", "a/b/", ""} {
			got, err := value.Decode(tool.Value{TypeURL: host + name, Bytes: []byte(c.bytes)})
			require.NoError(t, err, host+name)
			if _, empty := c.want.(struct{}); empty {
				require.Zero(t, got.(*value.Dict).Len(), host+name)
			} else {
				require.Equal(t, c.want, got, host+name)
			}
			_, err = value.Decode(tool.Value{TypeURL: host + name, Bytes: []byte("\xff")})
			require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, host+name)
		}
	}
}

func TestTheJSONFormOfATableUnderAnotherHostKeepsItsURL(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series", "pyarrow.Table", "numpy.ndarray"} {
		for host, want := range map[string]string{
			"type.googleapis.com/": `{"$frame":{"kind":"` + kind + `","arrow":"eA=="}}`,
			"x/":                   `{"$any":{"type_url":"x/` + kind + `","base64":"eA=="}}`,
			"":                     `{"$any":{"type_url":"` + kind + `","base64":"eA=="}}`,
		} {
			table := tool.Value{TypeURL: host + kind, Bytes: []byte("x")}
			text, err := value.ToJSON(table)
			require.NoError(t, err)
			require.Equal(t, want, string(text))
			back, err := value.FromJSON(text)
			require.NoError(t, err)
			require.Equal(t, table, back)
		}
	}
}

func TestATypeURLWithoutANameIsRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "/", "example.com/", "type.googleapis.com/google.protobuf.ListValue/", "stream.dspex.bridge/pandas.DataFrame", "stream.dspex.bridge/google.protobuf.BoolValue", "\xff/a.B"} {
		_, err := value.Decode(tool.Value{TypeURL: url, Bytes: []byte("1")})
		var refused *tool.Error
		require.ErrorAs(t, err, &refused, url)
		require.Equal(t, tool.SerializationError, refused.Code, url)
		require.Equal(t, "$", refused.Details["path"], url)
	}
	unknown := tool.Value{TypeURL: "nohost", Bytes: []byte("1")}
	got, err := value.Decode(unknown)
	require.NoError(t, err)
	require.Equal(t, value.Opaque(unknown), got)
}

func TestAnErrorOfTheJSONFormOfAMessageSaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{"$message":{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"2024-13-01T00:00:00Z"}}`: `want the JSON form of message google.protobuf.Timestamp`,
		`{"$message":{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"2024-13-02T00:00:00Z"}}`: `2024-13-02T00:00:00Z`,
		`{"$message":{"@type":"type.googleapis.com/a.B","value":1}}`:                                            "that this program knows",
		`{"$message":{"value":1}}`: "that this program knows",
		`{"$message":[1]}`:         "that this program knows",
	} {
		_, err := value.DecodeJSON([]byte(text))
		require.ErrorContains(t, err, says, text)
		require.ErrorContains(t, err, `$["$message"]`, text)
	}
}

func TestAnErrorNamesTheTypeThatWasWantedEvenIfItHoldsNothing(t *testing.T) {
	t.Parallel()
	dict, err := value.Encode(map[string]int{"a": 1})
	require.NoError(t, err)
	_, err = value.As[value.Record](dict)
	require.ErrorContains(t, err, "want record, got dict")
	_, err = value.As[value.Enum](dict)
	require.ErrorContains(t, err, "want Enum, got dict")
	_, err = value.As[value.Opaque](dict)
	require.ErrorContains(t, err, "want a value of a type that this program does not know, got dict")
	_, err = value.As[value.Unknown](dict)
	require.ErrorContains(t, err, "want a value of a later version, got dict")
}
