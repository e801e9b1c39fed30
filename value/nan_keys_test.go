package value_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestSetsAndDictsMayHaveSeveralNaN(t *testing.T) {
	t.Parallel()
	nan, err := value.ParseDecimal("NaN")
	require.NoError(t, err)
	for _, text := range []string{
		`{"$set":[{"$float":"NaN"},{"$float":"NaN"}]}`,
		`{"$map":[[{"$float":"NaN"},1],[{"$float":"NaN"},2]]}`,
		`{"$set":[{"$decimal":"NaN"},{"$decimal":"NaN"}]}`,
	} {
		encoded, err := value.FromJSON([]byte(text))
		require.NoError(t, err, text)
		back, err := value.ToJSON(encoded)
		require.NoError(t, err, text)
		require.Equal(t, text, string(back))
	}
	encoded, err := value.Encode(value.Set{nan, nan})
	require.NoError(t, err)
	require.Len(t, through[value.Set](t, value.Set{math.NaN(), math.NaN()}), 2)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, value.Set{nan, nan}, decoded)
}

func TestAMapWithSeveralNaNIsRefusedBecauseNoneIsFoundAgain(t *testing.T) {
	t.Parallel()
	several := map[float64]int{math.NaN(): 1}
	several[math.NaN()] = 2
	_, err := value.Encode(several)
	require.ErrorContains(t, err, "several keys that are NaN")
	require.Equal(t, "$[key]", details(t, err)["path"])
}

func TestASignalingNaNIsNoKey(t *testing.T) {
	t.Parallel()
	nan, err := value.ParseDecimal("sNaN")
	require.NoError(t, err)
	_, err = value.Encode(value.Set{int64(1), nan})
	require.ErrorContains(t, err, "hashable")
	require.Equal(t, "$[1]", details(t, err)["path"])
}

func TestWhatContainsNaNEqualsNothing(t *testing.T) {
	t.Parallel()
	for _, nan := range []string{
		`{"$complex":[{"$float":"NaN"},1.0]}`,
		`{"$complex":[1.0,{"$float":"NaN"}]}`,
		`{"$tuple":[{"$float":"NaN"},1]}`,
		`{"$tuple":[1,{"$decimal":"-NaN7"}]}`,
		`{"$frozenset":[{"$float":"NaN"}]}`,
		`{"$frozenset":[{"$tuple":[{"$float":"NaN"}]}]}`,
		`{"$record":{"class_name":"A","fields":{"x":{"$float":"NaN"}}}}`,
		`{"$enum":{"class_name":"A","name":"x","value":{"$float":"-NaN"}}}`,
	} {
		for _, text := range []string{`{"$set":[` + nan + `,` + nan + `]}`, `{"$map":[[` + nan + `,1],[` + nan + `,2]]}`, `{"$frozenset":[{"$tuple":[` + nan + `]},{"$tuple":[` + nan + `]}]}`} {
			encoded, err := value.FromJSON([]byte(text))
			require.NoError(t, err, text)
			back, err := value.ToJSON(encoded)
			require.NoError(t, err, text)
			require.Equal(t, text, string(back))
		}
	}
	_, err := value.FromJSON([]byte(`{"$set":[{"$tuple":[{"$decimal":"sNaN"}]}]}`))
	require.ErrorContains(t, err, "want a hashable value, got tuple")
	keyed := value.NewDict(value.Tuple{math.NaN(), 1}, "found")
	found, _ := keyed.Get(value.Tuple{math.NaN(), 1})
	require.Equal(t, "found", found, "a Dict finds a NaN, and what contains one, by what it is")
}

func TestAMapWithSeveralKeysThatContainNaNIsRefused(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y float64 }
	several := map[point]int{{math.NaN(), 1}: 1}
	several[point{math.NaN(), 1}] = 2
	_, err := value.Encode(several)
	require.ErrorContains(t, err, "several keys that are NaN")
}
