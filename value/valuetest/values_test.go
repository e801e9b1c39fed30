package valuetest_test

import (
	"encoding/hex"
	"math"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// manyVariable is set where tests run in their longer forms.
const manyVariable = "TOOLBRIDGE_TEST_FULL"

// each checks 1,000 values, or 10,000 in the longer form.
func each(t *testing.T, check func(t *rapid.T, v any)) {
	t.Helper()
	values := 10
	if os.Getenv(manyVariable) != "" {
		values = 100
	}
	rapid.Check(t, func(t *rapid.T) {
		for range values {
			check(t, valuetest.Values().Draw(t, "value"))
		}
	})
}

func TestEveryValueComesBackThroughTheCodecAndItsBytesStay(t *testing.T) {
	t.Parallel()
	each(t, func(t *rapid.T, v any) {
		encoded, err := value.Encode(v)
		require.NoError(t, err)
		decoded, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Empty(t, valuetest.Difference(v, decoded))
		again, err := value.Encode(decoded)
		require.NoError(t, err)
		require.Equal(t, encoded.TypeURL, again.TypeURL)
		require.Equal(t, hex.EncodeToString(encoded.Bytes), hex.EncodeToString(again.Bytes))

		plain, err := value.New(value.Plain()).Encode(v)
		require.NoError(t, err)
		decoded, err = value.Decode(plain)
		require.NoError(t, err)
		require.Empty(t, valuetest.Difference(v, decoded), "by the rule without limits of size")
	})
}

func TestEveryValueComesBackThroughItsJSONForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *rapid.T, v any) {
		encoded, err := value.Encode(v)
		require.NoError(t, err)
		text, err := value.ToJSON(encoded)
		require.NoError(t, err)
		direct, err := value.EncodeJSON(v)
		require.NoError(t, err)
		require.Equal(t, string(text), string(direct))
		back, err := value.FromJSON(text)
		require.NoError(t, err, string(text))
		require.Equal(t, encoded.TypeURL, back.TypeURL)
		require.Equal(t, hex.EncodeToString(encoded.Bytes), hex.EncodeToString(back.Bytes), string(text))
	})
}

func TestDifferenceTellsApartWhatLooksAlike(t *testing.T) {
	t.Parallel()
	nan := math.Float64frombits(0x7ff8000000000000)
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, pair := range map[string][2]any{
		"int and float":           {int64(1), 1.0},
		"int and bool":            {int64(1), true},
		"zeros":                   {0.0, math.Copysign(0, -1)},
		"NaNs":                    {nan, math.Copysign(nan, -1)},
		"list and tuple":          {[]any{}, value.Tuple{}},
		"nothing and empty":       {nil, []any{}},
		"order of keys":           {value.NewDict("a", nil, "b", nil), value.NewDict("b", nil, "a", nil)},
		"types of keys":           {value.NewDict(int64(1), nil), value.NewDict(1.0, nil)},
		"items of sets":           {value.Set{int64(1)}, value.Set{1.0}},
		"lengths":                 {[]any{nil}, []any{nil, nil}},
		"zone and offset":         {at.In(berlin), at.In(time.FixedZone("", 7200))},
		"seconds of offsets":      {at.In(time.FixedZone("", 7200)), at.In(time.FixedZone("", 7201))},
		"set and frozenset":       {value.Set{}, value.FrozenSet{}},
		"trailing zeros":          {value.MustDecimal("1.1"), value.MustDecimal("1.10")},
		"complex parts":           {complex(0, 1), complex(math.Copysign(0, -1), 1)},
		"large ints":              {big.NewInt(1), big.NewInt(2)},
		"fractions":               {big.NewRat(1, 2), big.NewRat(1, 3)},
		"bytes":                   {[]byte("a"), []byte("b")},
		"order of fields":         {record("a", "b"), record("b", "a")},
		"classes of records":      {record(), value.Record{Class: "D"}},
		"deep down":               {[]any{value.NewDict("a", 1.0)}, []any{value.NewDict("a", int64(1))}},
		"members of enumerations": {value.Enum{Class: "C", Name: "N", Value: int64(1)}, value.Enum{Class: "C", Name: "N", Value: 1.0}},
		"names of members":        {value.Enum{Class: "C", Name: "N"}, value.Enum{Class: "C", Name: "M"}},
		"what is unknown":         {value.Opaque{TypeURL: "a"}, value.Opaque{TypeURL: "b"}},
	} {
		require.NotEmpty(t, valuetest.Difference(pair[0], pair[1]), name)
		require.NotEmpty(t, valuetest.Difference(pair[1], pair[0]), name)
		require.Empty(t, valuetest.Difference(pair[0], pair[0]), name)
		require.Empty(t, valuetest.Difference(pair[1], pair[1]), name)
	}
}

func record(names ...string) value.Record {
	r := value.Record{Class: "C"}
	for _, name := range names {
		r.Fields = append(r.Fields, value.Field{Name: name})
	}
	return r
}
