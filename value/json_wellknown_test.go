package value_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/apipb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/typepb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// option holds a message in an Any.
func option(t *testing.T, m proto.Message) proto.Message {
	t.Helper()
	held, err := anypb.New(m)
	require.NoError(t, err)
	return &typepb.Option{Name: "o", Value: held}
}

func TestEveryWellKnownMessageComesBackFromJSONWhateverItHolds(t *testing.T) {
	t.Parallel()
	negativeZero := math.Copysign(0, -1)
	odd := map[string]proto.Message{
		"mask":                    &fieldmaskpb.FieldMask{Paths: []string{"a_b.c"}},
		"mask of no identifier":   &fieldmaskpb.FieldMask{Paths: []string{"é"}},
		"mask in camels":          &fieldmaskpb.FieldMask{Paths: []string{"aB"}},
		"mask of a comma":         &fieldmaskpb.FieldMask{Paths: []string{"a,b"}},
		"mask of an empty path":   &fieldmaskpb.FieldMask{Paths: []string{""}},
		"mask of several":         &fieldmaskpb.FieldMask{Paths: []string{"a", "a_1", "_b", "c_"}},
		"mask of a space":         &fieldmaskpb.FieldMask{Paths: []string{" a"}},
		"no mask":                 &fieldmaskpb.FieldMask{},
		"moment":                  &timestamppb.Timestamp{Seconds: 1, Nanos: 1},
		"moment too late":         &timestamppb.Timestamp{Seconds: 253402300800},
		"moment too early":        &timestamppb.Timestamp{Seconds: -62135596801},
		"moment at the end":       &timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999999999},
		"moment below a second":   &timestamppb.Timestamp{Seconds: 1, Nanos: -1},
		"moment beyond a second":  &timestamppb.Timestamp{Nanos: 1000000000},
		"span":                    &durationpb.Duration{Seconds: -1, Nanos: -1},
		"span of mixed signs":     &durationpb.Duration{Seconds: 1, Nanos: -1},
		"span too long":           &durationpb.Duration{Seconds: 315576000001},
		"span at the end":         &durationpb.Duration{Seconds: -315576000000, Nanos: -999999999},
		"span beyond a second":    &durationpb.Duration{Nanos: math.MinInt32},
		"nothing":                 &emptypb.Empty{},
		"Any of nothing":          &anypb.Any{},
		"Any of bytes alone":      &anypb.Any{Value: []byte("x")},
		"Any of an unknown type":  &anypb.Any{TypeUrl: "x/a.B", Value: []byte("x")},
		"Any of no UTF-8 inside":  &anypb.Any{TypeUrl: "x/google.protobuf.StringValue", Value: []byte("\x0a\x01\xff")},
		"Any of broken bytes":     &anypb.Any{TypeUrl: "x/google.protobuf.Duration", Value: []byte{8}},
		"Any by another host":     &anypb.Any{TypeUrl: "x/google.protobuf.Duration", Value: []byte{8, 1}},
		"Any without a host":      &anypb.Any{TypeUrl: "google.protobuf.Duration", Value: []byte{8, 1}},
		"Any of a table":          &anypb.Any{TypeUrl: "type.googleapis.com/pyarrow.Table", Value: []byte("x")},
		"Any of surplus fields":   &anypb.Any{TypeUrl: "x/google.protobuf.Empty", Value: []byte{8, 1}},
		"Any of default values":   &anypb.Any{TypeUrl: "x/google.protobuf.Duration", Value: []byte{8, 0}},
		"Any of a Value of ours":  &anypb.Any{TypeUrl: "type.googleapis.com/dspex.bridge.Value", Value: []byte{8, 7}},
		"Value of nothing":        &structpb.Value{},
		"Value of NaN":            structpb.NewNumberValue(math.NaN()),
		"Value of infinity":       structpb.NewNumberValue(math.Inf(-1)),
		"Value of -0":             structpb.NewNumberValue(negativeZero),
		"Value of a tiny number":  structpb.NewNumberValue(math.SmallestNonzeroFloat64),
		"Struct of NaN":           &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewNumberValue(math.NaN())}},
		"Struct of nothing":       &structpb.Struct{Fields: map[string]*structpb.Value{"a": {}}},
		"Struct with an @type":    &structpb.Struct{Fields: map[string]*structpb.Value{"@type": structpb.NewStringValue("x")}},
		"ListValue of nothing":    &structpb.ListValue{Values: []*structpb.Value{{}}},
		"float":                   wrapperspb.Float(math.MaxFloat32),
		"tiny float":              wrapperspb.Float(math.SmallestNonzeroFloat32),
		"float of -NaN":           wrapperspb.Float(float32(math.Copysign(math.NaN(), -1))),
		"double of -0":            wrapperspb.Double(negativeZero),
		"double of -NaN":          wrapperspb.Double(math.Copysign(math.NaN(), -1)),
		"greatest double":         wrapperspb.Double(math.MaxFloat64),
		"tiny double":             wrapperspb.Double(math.SmallestNonzeroFloat64),
		"unsigned":                wrapperspb.UInt64(math.MaxUint64),
		"bytes":                   wrapperspb.Bytes([]byte{0xff, 0}),
		"text of a NUL":           wrapperspb.String("\x00\u2028</script>"),
		"enum that nobody knows":  &typepb.Field{Kind: 77, Cardinality: -5},
		"fields of later version": &apipb.Api{Name: "n", Methods: []*apipb.Method{{Syntax: 9}}},
	}
	for name, m := range odd {
		plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err, name)
		held, err := proto.MarshalOptions{Deterministic: true}.Marshal(option(t, m))
		require.NoError(t, err, name)
		for _, v := range []tool.Value{
			{TypeURL: google + string(m.ProtoReflect().Descriptor().FullName()), Bytes: plain},
			{TypeURL: google + "google.protobuf.Option", Bytes: held},
		} {
			decoded, err := value.Decode(v)
			require.NoError(t, err, name)
			canonical, err := value.Encode(decoded)
			require.NoError(t, err, name)
			text, err := value.ToJSON(canonical)
			require.NoError(t, err, name)
			back, err := value.FromJSON(text)
			require.NoError(t, err, "%s: %s", name, text)
			require.Equal(t, canonical, back, "%s: %s", name, text)
		}
	}
}

func TestNumbersOfMessagesThatNoFloatHoldsAreRefused(t *testing.T) {
	t.Parallel()
	wrapped := func(kind, number string) string {
		return `{"$message":{"@type":"type.googleapis.com/google.protobuf.` + kind + `","value":` + number + `}}`
	}
	inOption := func(held string) string {
		return `{"$message":{"@type":"type.googleapis.com/google.protobuf.Option","name":"o","value":{"@type":"x/google.protobuf.` + held + `}}}`
	}
	for _, text := range []string{
		"1e-400", "1e400", "-1e-400",
		wrapped("DoubleValue", "1e-400"), wrapped("DoubleValue", "-1e-400"), wrapped("DoubleValue", `"1e-400"`), wrapped("DoubleValue", "1e400"), wrapped("DoubleValue", `"1e400"`),
		wrapped("FloatValue", "1e-46"), wrapped("FloatValue", `"1e-46"`), wrapped("FloatValue", "1e39"), wrapped("FloatValue", `"-1e39"`),
		inOption(`Value","value":[{"a":1e-400}]`), inOption(`FloatValue","value":1e-46`), inOption(`Value","value":1e400`),
	} {
		_, err := value.FromJSON([]byte(text))
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, text)
	}
	for text, want := range map[string]any{
		wrapped("DoubleValue", "5e-324"): 5e-324, wrapped("DoubleValue", "0.0e-999"): 0.0, wrapped("DoubleValue", `"0e999"`): 0.0, wrapped("FloatValue", "1e-45"): float64(math.SmallestNonzeroFloat32),
		wrapped("StringValue", `"1e-400"`): "1e-400", wrapped("FloatValue", `"-Infinity"`): math.Inf(-1),
	} {
		got, err := value.DecodeJSON([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestValuesThatAreNotReadMayBeInOneAnotherAsFarAsProtobufReadsThem(t *testing.T) {
	t.Parallel()
	held := fields(anyField, fields(1, "a/b.C"))
	for name, c := range map[string]struct {
		unread []byte
		reads  bool
	}{
		"100 values":            {fields(itemsField, around(99, nil)), true},
		"101 values":            {fields(itemsField, around(100, nil)), false},
		"99 values and an Any":  {fields(itemsField, around(98, held)), true},
		"100 values and an Any": {fields(itemsField, around(99, held)), false},
	} {
		alone := append(fields(kindField, 1, 11, 1), c.unread...)
		inAny := fields(kindField, list, itemsField, fields(kindField, anyKind, anyField, fields(1, "x/dspex.bridge.Value", 2, alone)))
		for _, encoded := range [][]byte{alone, inAny} {
			_, err := value.Decode(tool.Value{TypeURL: "x/dspex.bridge.Value", Bytes: encoded})
			require.Equal(t, c.reads, err == nil, "%s, %d bytes: %v", name, len(encoded), err)
		}
	}
}
