package value_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestAMessageThatTravelsAsWhatItHoldsIsMadeAgain(t *testing.T) {
	t.Parallel()
	tree, err := structpb.NewStruct(map[string]any{"b": []any{1.0, 2.5, nil, true, "x"}, "a": map[string]any{"c": []any{}}})
	require.NoError(t, err)
	for _, m := range []proto.Message{
		wrapperspb.Bool(true), wrapperspb.Bytes([]byte("a")), wrapperspb.Double(1.5), wrapperspb.Double(2), wrapperspb.Float(1.5),
		wrapperspb.Int32(-3), wrapperspb.Int64(1 << 60), wrapperspb.String("a"), wrapperspb.UInt32(3), wrapperspb.UInt64(math.MaxUint64),
		structpb.NewNullValue(), structpb.NewNumberValue(2), structpb.NewStringValue("a"), structpb.NewBoolValue(true),
		structpb.NewStructValue(tree), tree, tree.GetFields()["b"].GetListValue(),
	} {
		encoded, err := value.Encode(m)
		require.NoError(t, err)
		made := m.ProtoReflect().New().Interface()
		require.NoError(t, value.New().DecodeInto(encoded, made), "%T %v", m, m)
		require.True(t, proto.Equal(m, made), "%T: want %v, got %v", m, m, made)
	}
}

func TestWhatAMessageDoesNotHoldIsRefusedWithItsPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given any
		into  proto.Message
		path  string
		says  string
	}{
		"out of range":       {int64(1) << 40, new(wrapperspb.Int32Value), "$", "want int32 (-2147483648 to"},
		"another type":       {true, new(wrapperspb.Int64Value), "$", "want int, got bool"},
		"a list for a dict":  {[]any{int64(1)}, new(structpb.Struct), "$", "want message google.protobuf.Struct"},
		"a text for a list":  {"a", new(structpb.ListValue), "$", "want message google.protobuf.ListValue"},
		"a large int":        {[]any{int64(1<<53 + 1)}, new(structpb.ListValue), "$[0]", "want what JSON has"},
		"a day":              {value.NewDict("a", value.Date{Year: 2024, Month: 5, Day: 6}), new(structpb.Struct), "$.a", "want what JSON has"},
		"a key that is none": {value.NewDict(int64(1), int64(2)), new(structpb.Struct), "$[key 0]", "want str, got int"},
		"no message":         {int64(1), new(timestamppb.Timestamp), "$", "want message google.protobuf.Timestamp, got int"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := value.Encode(c.given)
			require.NoError(t, err)
			var e *tool.Error
			require.ErrorAs(t, value.New().DecodeInto(encoded, c.into), &e)
			require.Contains(t, e.Message, c.says)
			require.Equal(t, c.path, e.Details["path"])
		})
	}
}

func TestASpanOfAnyLengthIsATimedelta(t *testing.T) {
	t.Parallel()
	for _, span := range []time.Duration{0, 1, -1, 24 * time.Hour, -24 * time.Hour, -25 * time.Hour, math.MaxInt64, math.MinInt64} {
		encoded, err := value.Encode(span)
		require.NoError(t, err)
		var made value.Timedelta
		require.NoError(t, value.DecodeInto(encoded, &made))
		back, ok := made.Duration()
		require.True(t, ok)
		require.Equal(t, span, back)
		require.GreaterOrEqual(t, made.Nanoseconds, int64(0))
	}
}

func TestADictIsNoStructThatShowsNoFields(t *testing.T) {
	t.Parallel()
	type hidden struct{ x int } //nolint:unused // that it cannot be seen is the point
	encoded, err := value.Encode(map[string]any{"Addr": map[string]any{"a": 1}, "Hidden": map[string]any{}})
	require.NoError(t, err)

	var at struct{ Addr netip.Addr }
	require.ErrorContains(t, value.DecodeInto(encoded, &at), "$.Addr: want str (netip.Addr), got dict")
	var in struct{ Hidden hidden }
	require.ErrorContains(t, value.DecodeInto(encoded, &in), "which has no exported field, got dict")
}
