package value_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAMapIsADictInAscendingOrderOfItsKeys(t *testing.T) {
	t.Parallel()
	day := time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		given any
		want  string
	}{
		"floats":   {map[float64]int{-1.5: 1, 2.5: 2, -3: 3, math.Inf(-1): 4, 0: 5}, `{"$map":[[{"$float":"-Infinity"},4],[-3.0,3],[-1.5,1],[0.0,5],[2.5,2]]}`},
		"narrow":   {map[float32]int{-1.5: 1, 2.5: 2, -3: 3}, `{"$map":[[-3.0,3],[-1.5,1],[2.5,2]]}`},
		"ints":     {map[int8]int{-1: 1, 100: 2, -100: 3}, `{"$map":[[-100,3],[-1,1],[100,2]]}`},
		"unsigned": {map[uint64]int{math.MaxUint64: 1, 1: 2, 1 << 63: 3}, `{"$map":[[1,2],[9223372036854775808,3],[18446744073709551615,1]]}`},
		"bools":    {map[bool]int{true: 1, false: 2}, `{"$map":[[false,2],[true,1]]}`},
		"spans":    {map[time.Duration]int{-1000: 1, 1000: 2, 1000_000: 3}, `{"$map":[[{"$timedelta":"-1"},1],[{"$timedelta":"1"},2],[{"$timedelta":"1000"},3]]}`},
		"long spans": {
			map[value.Timedelta]int{{Days: -200_000}: 1, {Days: 200_000}: 2, {}: 3},
			`{"$map":[[{"$timedelta":"-17280000000000000"},1],[{"$timedelta":"0"},3],[{"$timedelta":"17280000000000000"},2]]}`,
		},
		"moments": {
			map[time.Time]int{day: 1, day.AddDate(-100, 0, 0): 2, day.In(time.FixedZone("", 3600)).Add(-time.Second): 3},
			`{"$map":[[{"$datetime":"1924-05-06T00:00:00+00:00"},2],[{"$datetime":"2024-05-06T00:59:59+01:00"},3],[{"$datetime":"2024-05-06T00:00:00+00:00"},1]]}`,
		},
		"days":  {map[value.Date]int{value.DateOf(day): 1, {1900, 1, 1}: 2}, `{"$map":[[{"$date":"1900-01-01"},2],[{"$date":"2024-05-06"},1]]}`},
		"times": {map[value.TimeOfDay]int{{Hour: 9}: 1, {Hour: 7}: 2, {Minute: 5}: 3}, `{"$map":[[{"$time":"00:05:00"},3],[{"$time":"07:00:00"},2],[{"$time":"09:00:00"},1]]}`},
		"texts": {map[string]int{"b": 1, "a": 2, "ä": 3}, `{"a":2,"b":1,"ä":3}`},
	} {
		for range 5 { // for maps are iterated in any order
			got, err := value.EncodeJSON(c.given)
			require.NoError(t, err, name)
			require.Equal(t, c.want, string(got), name)
			encoded, err := value.Encode(c.given)
			require.NoError(t, err, name)
			again, err := value.ToJSON(encoded)
			require.NoError(t, err, name)
			require.Equal(t, c.want, string(again), name)
		}
	}
}

func TestKeysOfSeveralKindsAreInOneOrder(t *testing.T) {
	t.Parallel()
	given := map[any]int{1.5: 1, "a": 2, int64(3): 3, true: 4, [2]int{1, 2}: 5}
	first, err := value.Encode(given)
	require.NoError(t, err)
	for range 20 {
		again, err := value.Encode(given)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}
