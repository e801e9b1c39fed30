package value_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestOtherGoTypesThanTheVectorsOwnHaveTheirBytes(t *testing.T) {
	t.Parallel()
	known := map[string]string{}
	for _, v := range committedVectors(t) {
		known[v.Name] = v.Any
	}
	type text string
	type UUID [16]byte
	type keyed struct {
		Key string `json:"key"`
	}
	type lower struct {
		A uint8 `json:"a"`
		B uint8 `json:"b"`
	}
	type other struct {
		B int `json:"b"`
		A int `json:"a"`
	}
	minusZero := math.Copysign(0, -1)
	for name, others := range map[string][]any{
		"int 42":                     {42, int8(42), int16(42), int32(42), uint(42), uint8(42), uint16(42), uint32(42), uint64(42), big.NewInt(42), json.Number("42")},
		"int 2**64-1":                {uint64(math.MaxUint64), json.Number("18446744073709551615")},
		"edge -(2**7)":               {int8(math.MinInt8)},
		"int 65535":                  {uint16(math.MaxUint16)},
		"float 0.1 of 32 bits":       {float32(0.1)},
		"float -0.0":                 {float32(minusZero)},
		"float -nan":                 {float32(math.Copysign(math.NaN(), -1))},
		"float inf":                  {float32(math.Inf(1))},
		"float 1.5":                  {float32(1.5), json.Number("1.5")},
		"complex":                    {complex64(complex(1, -2.5))},
		"complex -0.0":               {complex64(complex(minusZero, minusZero))},
		"complex -0.0 and 0.0":       {complex64(complex(minusZero, 0))},
		"complex 0.0 and -0.0":       {complex64(complex(0, minusZero))},
		"complex nan and inf":        {complex64(complex(math.NaN(), math.Inf(-1)))},
		"str ascii":                  {text("hello")},
		"list empty":                 {[]int{}, []string(nil), [0]int{}},
		"list 1 2 3":                 {[]int{1, 2, 3}, []uint16{1, 2, 3}, [3]int64{1, 2, 3}, []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3)}},
		"list mixed":                 {[]any{nil, true, 1, float32(1.5), text("a"), []any{}, map[string]any{}}},
		"list 1.0":                   {[]float64{1}, []float32{1}, [1]float64{1}},
		"list -0.0":                  {[]float64{minusZero}, []float32{float32(minusZero)}},
		"run of ints at the edges":   {[]int64{math.MinInt64, math.MaxInt64, 0, -1}},
		"dict empty":                 {map[string]int{}, map[int]string(nil), struct{}{}},
		"dict key value":             {map[string]any{"key": "value"}, map[text]text{"key": "value"}, keyed{"value"}},
		"dict keys ascending":        {map[string]int{"a": 1, "b": 2}, lower{1, 2}},
		"dict keys not ascending":    {value.NewDict("b", 1, "a", 2), other{1, 2}},
		"key int":                    {map[int]string{7: "v"}, map[uint8]string{7: "v"}},
		"key true":                   {map[bool]string{true: "v"}},
		"tuple of ints":              {value.Tuple{1, 2}},
		"set of ints":                {value.SetOf(3, -1, 200, 2), value.Set{200, 2, -1, 3}},
		"frozenset of ints":          {value.FrozenSetOf(2, 1)},
		"matrix of ints":             {[][]int{{1, 2}, {3, 4}}, [2][2]int8{{1, 2}, {3, 4}}},
		"embedding":                  {[]float64{0.25, -0.5, 1, 0}, []float32{0.25, -0.5, 1, 0}},
		"uuid":                       {UUID(must(value.ParseUUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")))},
		"timedelta 36h":              {36 * time.Hour, value.Timedelta{Days: 1, Nanoseconds: int64(12 * time.Hour)}},
		"datetime of another offset": {time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("Europe/Berlin", 5*3600))},
		"datetime Europe/Berlin":     {must(time.Parse(time.RFC3339Nano, "2024-05-06T05:08:09.000001Z")).In(zone("Europe/Berlin"))},
		"datetime first of a repeated hour": {
			value.LocalDateTime{Date: value.Date{Year: 2024, Month: 10, Day: 27}, Hour: 2, Minute: 30}.In(zone("Europe/Berlin")),
		},
		"record": {&value.Record{Class: "Point", Fields: []value.Field{{Name: "x", Value: 1}, {Name: "y", Value: 2.5}}}},
	} {
		want, ok := known[name]
		require.True(t, ok, "no vector is called %s", name)
		for _, other := range others {
			got, err := value.Encode(other)
			require.NoError(t, err, "%s: %T %v", name, other, other)
			require.Equal(t, want, serialized(t, got), "%s: %T %v", name, other, other)
		}
	}
}
