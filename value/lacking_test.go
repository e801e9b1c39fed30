package value_test

import (
	"image"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type Spot struct{ Lat, Lon float64 }

func TestTheFieldsOfAnEmbeddedStructThatIsOptionalMayBeMissing(t *testing.T) {
	t.Parallel()
	type row struct {
		Spot `bridge:",optional"`
		Name string
	}
	require.Equal(t, row{Name: "a"}, through[row](t, map[string]any{"Name": "a"}))
	require.Equal(t, row{Spot{Lat: 1}, "a"}, through[row](t, map[string]any{"Name": "a", "Lat": 1}))
	type short struct {
		Spot `json:",omitzero"`
		Name string
	}
	require.Equal(t, short{Name: "a"}, through[short](t, map[string]any{"Name": "a"}))
	type whole struct {
		Spot
		Name string
	}
	encoded, err := value.Encode(map[string]any{"Name": "a"})
	require.NoError(t, err)
	_, err = value.As[whole](encoded)
	requireFailure(t, err, "$.Lat", "float", "nothing")
	require.ErrorContains(t, err, "tag the embedded value_test.Spot optional, or embed a pointer to it")
}

func TestAFieldThatIsMissingHasItsDefault(t *testing.T) {
	t.Parallel()
	type server struct {
		Host    string        `default:"localhost"`
		Port    int           `default:"80" json:"port,omitempty"`
		Wait    time.Duration `default:"1m30s"`
		From    time.Time     `default:"2024-05-06T07:08:09Z"`
		Tags    []string      `default:"[\"a\"]"`
		Retries *int          `default:"3"`
	}
	type job struct {
		Servers []server
	}
	retries := 3
	all := server{"localhost", 80, 90 * time.Second, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), []string{"a"}, &retries}
	got := through[job](t, map[string]any{"Servers": []any{map[string]any{}, map[string]any{}}})
	require.Equal(t, job{[]server{all, all}}, got)
	got.Servers[0].Tags[0] = "changed"
	require.Equal(t, "a", got.Servers[1].Tags[0], "each has its own")

	none := 0
	set := server{Retries: &none, Tags: []string{}, From: all.From.Add(time.Hour)}
	require.Equal(t, set, through[server](t, set), "what is empty is sent, for it would come back as the default")
	held := server{Port: 81}
	encoded, err := value.Encode(map[string]any{})
	require.NoError(t, err)
	require.NoError(t, value.New().DecodeInto(encoded, &held))
	require.Equal(t, 81, held.Port)
}

func TestADefaultThatDoesNotFitIsRefusedWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	type bad struct {
		Port int `default:"many"`
	}
	require.Equal(t, bad{7}, through[bad](t, map[string]any{"Port": 7}))
	encoded, err := value.Encode([]any{map[string]any{}})
	require.NoError(t, err)
	_, err = value.As[[]bad](encoded)
	require.Equal(t, "$[0].Port", details(t, err)["path"])
	require.ErrorContains(t, err, `the default "many" does not fit int`)
	require.ErrorContains(t, value.ParseDefault("1", 1), "must be a pointer")
	require.Error(t, value.ParseDefault("noon", new(time.Time)))
	var quoted time.Time
	require.NoError(t, value.ParseDefault(`"2024-05-06T07:08:09Z"`, &quoted))
	require.Equal(t, 2024, quoted.Year())
	require.Error(t, value.ParseDefault("x", new(*int)))
}

func TestAFieldThatIsMissingInAStructOfAnotherPackageSaysWhatCanBeDone(t *testing.T) {
	t.Parallel()
	type shape struct {
		Corner image.Point
		Inner  struct{ A int }
	}
	encoded, err := value.Encode(map[string]any{"Corner": map[string]any{"X": 1}, "Inner": map[string]any{"A": 1}})
	require.NoError(t, err)
	_, err = value.As[shape](encoded)
	requireFailure(t, err, "$.Corner.Y", "int", "nothing")
	require.ErrorContains(t, err, "if image.Point is of a package that you cannot change, a struct of your own with such tags can be converted to it")

	_, err = value.As[struct{ image.Point }](mustEncode(t, map[string]any{"X": 1}))
	requireFailure(t, err, "$.Y", "int", "nothing")
	require.ErrorContains(t, err, "embed a pointer to it")
	require.NoError(t, as[struct{ *image.Point }](mustEncode(t, map[string]any{"X": 1})))

	err = as[struct{ Spot Spot }](mustEncode(t, map[string]any{"Spot": map[string]any{"Lat": 1}}))
	require.NotContains(t, err.Error(), "cannot change")
}

func mustEncode(t *testing.T, v any) tool.Value {
	t.Helper()
	encoded, err := value.Encode(v)
	require.NoError(t, err)
	return encoded
}

func TestNoneIsAStructOfNothing(t *testing.T) {
	t.Parallel()
	require.NoError(t, as[struct{}](mustEncode(t, nil)))
	require.NoError(t, as[struct{ E struct{} }](mustEncode(t, map[string]any{"E": nil})))
	require.Error(t, as[struct{ E struct{ A *int } }](mustEncode(t, map[string]any{"E": nil})))
}
