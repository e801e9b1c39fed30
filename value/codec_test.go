package value_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAPlainCodecUsesStructAndListValueAtAnySize(t *testing.T) {
	t.Parallel()
	plain := value.New(value.Plain())
	for _, v := range []any{count(1000), letters(500), nested(64), nestedDicts(40)} {
		encoded, err := plain.Encode(v)
		require.NoError(t, err)
		require.Contains(t, []string{"type.googleapis.com/google.protobuf.ListValue", "type.googleapis.com/google.protobuf.Struct"}, encoded.TypeURL)
		back, err := value.Decode(encoded)
		require.NoError(t, err)
		canonical, err := value.Encode(back)
		require.NoError(t, err)
		direct, err := value.Encode(v)
		require.NoError(t, err)
		require.Equal(t, direct, canonical)
	}
	encoded, err := plain.Encode([]any{1.0})
	require.NoError(t, err)
	require.Equal(t, "type.googleapis.com/dspex.bridge.Value", encoded.TypeURL, "still lossless")
}

func TestTheFormDependsOnTheValueAloneNotOnItsGoType(t *testing.T) {
	t.Parallel()
	type name string
	type number int32
	one, two := int64(1), int64(2)
	for _, group := range [][]any{
		{[]any{1, 2}, []int{1, 2}, []int64{1, 2}, []uint8{1, 2}[:0:0], []number{1, 2}, []*int64{&one, &two}, [2]int32{1, 2}, []json.Number{"1", "2"}},
		{[]any{"a", "b"}, []string{"a", "b"}, []name{"a", "b"}},
		{[]any{1.5, 2.0}, []float64{1.5, 2}, []float32{1.5, 2}},
		{map[string]any{"a": 1.0, "b": 2}, value.NewDict("a", 1.0, "b", int8(2)), struct {
			A float32 `json:"a"`
			B uint    `json:"b"`
		}{1, 2}},
		{value.Set{1, 2}, map[int]struct{}{2: {}, 1: {}}, value.SetOf(2, 1, 2)},
		{big.NewInt(7), 7, uint64(7), json.Number("7"), *big.NewInt(7)},
		{map[int]string{1: "a", 2: "b"}, value.NewDict(1, "a", 2, "b")},
		{time.Duration(5), value.Timedelta{Nanoseconds: 5}},
	} {
		want, err := value.Encode(group[0])
		require.NoError(t, err)
		for _, v := range group[1:] {
			if b, ok := v.([]uint8); ok && len(b) == 0 {
				continue
			}
			got, err := value.Encode(v)
			require.NoError(t, err)
			require.Equal(t, want, got, "%T", v)
		}
	}
}

func TestEqualKeysOfPythonAreOneKey(t *testing.T) {
	t.Parallel()
	d := value.NewDict(1, "a", 1.0, "b", true, "c", big.NewInt(1), "d", value.MustDecimal("1.00"), "e", big.NewRat(1, 1), "f", complex(1, 0), "g")
	require.Equal(t, 1, d.Len())
	d = value.NewDict(0.5, 1, big.NewRat(1, 2), 2, value.MustDecimal("0.50"), 3, "0.5", 4, []byte("0.5"), 5, nil, 6, math.Inf(1), 7,
		math.NaN(), 8, power(2, 70, 0), 9, uint64(math.MaxUint64), 10, value.Tuple{1}, 11, value.FrozenSet{1}, 12, value.Enum{Class: "C", Name: "N"}, 13,
		value.Record{Class: "R"}, 14, complex(1, 2), 15, value.MustDecimal("NaN"), 16, value.MustDecimal("1E+999999"), 17, value.MustDecimal("-1E+999999"), 18, time.Unix(1, 0), 19)
	require.Equal(t, 17, d.Len())
	got, ok := d.Get(value.MustDecimal("10E+999998"))
	require.True(t, ok)
	require.Equal(t, 17, got)
	_, ok = d.Get([]any{})
	require.False(t, ok)
	require.Panics(t, func() { d.Set([]any{}, 1) })
	odd := []any{"a"}
	require.Panics(t, func() { value.NewDict(odd...) })
	require.False(t, value.SetOf(1).Contains([]any{}))
	require.True(t, value.FrozenSetOf(1, 2).Contains(2.0))
}

func TestADictIsItsJSONForm(t *testing.T) {
	t.Parallel()
	in := value.NewDict("z", int64(1), "a", []any{1.0, []byte("x")})
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.Equal(t, `{"z":1,"a":[1.0,{"$bytes":"eA=="}]}`, string(text))
	var out value.Dict
	require.NoError(t, json.Unmarshal(text, &out))
	require.Equal(t, in, &out)
	require.ErrorContains(t, out.UnmarshalJSON([]byte(`[]`)), "want dict, got list")
	require.Error(t, out.UnmarshalJSON([]byte(`{`)))
}

func TestIntsAsText(t *testing.T) {
	t.Parallel()
	text, err := value.New(value.IntsAsText()).EncodeJSON([]any{1, power(2, 64, 0), 1.5})
	require.NoError(t, err)
	require.Equal(t, `["1","18446744073709551616",1.5]`, string(text))
}

func TestForeignWrappersAndAnUnsetAnyAreUnderstood(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]any{"Int32Value": int64(-1), "UInt64Value": new(big.Int).SetUint64(math.MaxUint64)} {
		got, err := value.Decode(tool.Value{TypeURL: "x/google.protobuf." + url, Bytes: []byte{8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}})
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := value.Decode(tool.Value{TypeURL: "x/google.protobuf.UInt32Value", Bytes: []byte{8, 255, 255, 255, 255, 15}})
	require.NoError(t, err)
	require.Equal(t, int64(math.MaxUint32), got)
	got, err = value.Decode(tool.Value{TypeURL: "x/google.protobuf.FloatValue", Bytes: []byte{13, 0, 0, 192, 63}})
	require.NoError(t, err)
	require.Equal(t, 1.5, got)
	got, err = value.Decode(tool.Value{})
	require.NoError(t, err)
	require.Nil(t, got)
}

// shout is an extension for a type of its own.
type shout struct{}

type loud string

var errTooLoud = errors.New("too loud")

func (shout) Encode(v any) (tool.Value, bool, error) {
	l, ok := v.(loud)
	if l == "!!!" {
		return tool.Value{}, false, errTooLoud
	}
	return tool.Value{TypeURL: "x/loud", Bytes: []byte(l)}, ok, nil
}

func (shout) Decode(v tool.Value) (any, bool, error) {
	if string(v.Bytes) == "!!!" {
		return nil, false, errTooLoud
	}
	return loud(v.Bytes), v.TypeURL == "x/loud", nil
}

func (shout) Assign(decoded, target any) (bool, error) {
	l, ok := decoded.(loud)
	n, fits := target.(*int)
	if !ok || !fits {
		return false, nil
	}
	if l == "" {
		return false, errTooLoud
	}
	*n = len(l)
	return true, nil
}

func TestAnExtensionTeachesFurtherTypes(t *testing.T) {
	t.Parallel()
	c := value.New(value.With(shout{}))
	encoded, err := c.Encode([]any{loud("hey"), 1})
	require.NoError(t, err)
	decoded, err := c.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, []any{loud("hey"), int64(1)}, decoded)
	var lengths []int
	require.NoError(t, c.DecodeInto(encoded, &lengths))
	require.Equal(t, []int{3, 1}, lengths)
	_, err = c.Encode([]any{loud("!!!")})
	require.ErrorIs(t, err, errTooLoud)
	require.Equal(t, "$[0]", details(t, err)["path"])
	_, err = c.Decode(tool.Value{TypeURL: "x/loud", Bytes: []byte("!!!")})
	require.ErrorIs(t, err, errTooLoud)
	text, err := c.EncodeJSON(loud("hey"))
	require.NoError(t, err)
	require.Equal(t, `{"$any":{"type_url":"x/loud","base64":"aGV5"}}`, string(text))
}

func TestKeysAndItemsOfKindsOfLaterVersionsArePassedOn(t *testing.T) {
	t.Parallel()
	unknown := value.Unknown{Kind: 99, Bytes: []byte{8, 99, 16, 2}}
	other := value.Unknown{Kind: 99, Bytes: []byte{8, 99, 16, 4}}
	for _, in := range []any{value.SetOf(1, unknown, other, unknown), value.NewDict(unknown, 1, other, 2)} {
		encoded, err := value.Encode(in)
		require.NoError(t, err)
		out, err := value.Decode(encoded)
		require.NoError(t, err)
		again, err := value.Encode(out)
		require.NoError(t, err)
		require.Equal(t, encoded, again)
		written, err := value.ToJSON(encoded)
		require.NoError(t, err)
		read, err := value.FromJSON(written)
		require.NoError(t, err)
		require.Equal(t, encoded, read)
	}
	require.Len(t, value.SetOf(unknown, other, unknown), 2)
}
