package typed

import (
	"context"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// point is a struct of one field.
type point struct{ X float64 }

// samples are values of every kind.
func samples() []any {
	day := value.Date{Year: 2024, Month: 5, Day: 6}
	enum := func(v any) any { return value.Enum{Class: "E", Name: "A", Value: v} }
	return []any{
		nil, true, int64(3), new(big.Int).Lsh(big.NewInt(1), 70), 1.5, "a", "1.2.3.4", []byte("a"), []any{int64(1)}, value.Tuple{int64(1)},
		value.Set{int64(1)}, value.FrozenSet{int64(1)}, value.NewDict("X", 1.5), value.NewDict(int64(1), "a"), point{1.5},
		value.Record{Class: "C", Fields: []value.Field{{Name: "X", Value: 1.5}}},
		time.Now(), value.LocalDateTime{Date: day}, day, value.TimeOfDay{}, time.Second, value.MustDecimal("1.10"), value.UUID{1}, 1i,
		big.NewRat(1, 3), enum(true), enum(int64(1)), enum(1.5), enum("a"), enum([]byte("a")), enum([]any{int64(1)}),
		enum(value.NewDict("X", 1.5)), timestamppb.Now(), value.Opaque{TypeURL: "type.googleapis.com/python.Pattern", Bytes: []byte("a")},
	}
}

func TestNothingIsRefusedThatAGoToolTakes(t *testing.T) {
	t.Parallel()
	codec := value.New()
	for _, to := range []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[uint8](), reflect.TypeFor[big.Int](), reflect.TypeFor[float64](),
		reflect.TypeFor[float32](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]int](), reflect.TypeFor[[1]int](),
		reflect.TypeFor[value.Tuple](), reflect.TypeFor[value.Set](), reflect.TypeFor[value.FrozenSet](), reflect.TypeFor[map[int]struct{}](),
		reflect.TypeFor[map[string]any](), reflect.TypeFor[map[int]string](), reflect.TypeFor[value.Dict](), reflect.TypeFor[point](),
		reflect.TypeFor[value.Record](), reflect.TypeFor[value.Enum](), reflect.TypeFor[time.Time](), reflect.TypeFor[value.LocalDateTime](),
		reflect.TypeFor[value.Date](), reflect.TypeFor[value.TimeOfDay](), reflect.TypeFor[time.Duration](), reflect.TypeFor[value.Timedelta](),
		reflect.TypeFor[value.Decimal](), reflect.TypeFor[value.UUID](), reflect.TypeFor[complex128](), reflect.TypeFor[big.Rat](),
		reflect.TypeFor[netip.Addr](), reflect.TypeFor[any](), reflect.TypeFor[timestamppb.Timestamp](),
		reflect.TypeFor[wrapperspb.StringValue](), reflect.TypeFor[wrapperspb.Int64Value](), reflect.TypeFor[structpb.Value](),
		reflect.TypeFor[structpb.Struct](), reflect.TypeFor[structpb.ListValue](), reflect.TypeFor[*int](), reflect.TypeFor[value.Opaque](),
	} {
		name, taken := typeName(to), 0
		for _, sample := range samples() {
			encoded, err := codec.Encode(sample)
			require.NoError(t, err)
			if codec.DecodeInto(encoded, reflect.New(to).Interface()) != nil {
				continue
			}
			taken++
			nullable := to.Kind() == reflect.Pointer || to.Kind() == reflect.Slice || to.Kind() == reflect.Map
			require.True(t, tool.CanBe(encoded.TypeURL, name, nullable), "%v (%s) for %v (%s)", sample, encoded.TypeURL, to, name)
		}
		require.NotZero(t, taken, to)
	}
}

func TestAPlainTextForAValueWithAFormOfItsOwnInJSONIsRefusedWithTheForm(t *testing.T) {
	t.Parallel()
	type input struct {
		At   time.Time
		Days []value.Date
		IDs  map[int]string `bridge:"ids"`
	}
	made, err := New("f", func(_ context.Context, _ input) (int, error) { return 0, nil }, Options{Codec: value.New()})
	require.NoError(t, err)
	good := map[string]any{"at": time.Now(), "days": []any{}, "ids": value.NewDict(int64(1), "a")}
	for name, c := range map[string]struct {
		given any
		path  string
		says  string
	}{
		"at":   {"2024-05-06", "$", `in JSON that is {"$datetime":"2024-05-06T07:08:09+02:00"}`},
		"days": {[]any{"2024-05-06"}, "$[0]", `in JSON that is {"$date":"2024-05-06"}`},
		"ids":  {value.NewDict("1", "a"), "$[key 0]", `in JSON a dict whose keys are no texts is {"$map":[[1,"a"]]}`},
	} {
		call := &tool.Call{}
		for _, argument := range made.Spec().Arguments {
			v := good[argument.Name]
			if argument.Name == name {
				v = c.given
			}
			encoded, err := value.Encode(v)
			require.NoError(t, err)
			call.Kwargs = append(call.Kwargs, tool.Keyword{Name: argument.Name, Value: encoded})
		}
		_, err := made.Call(t.Context(), call)
		var e *tool.Error
		require.ErrorAs(t, err, &e)
		require.True(t, strings.HasSuffix(e.Message, c.says), e.Message)
		require.Contains(t, e.Message, `argument "`+name+`" of tool "f"`)
		if c.path != "$" {
			require.Equal(t, c.path, e.Details["path"])
			require.Contains(t, e.Message, c.path)
		}
	}
}
