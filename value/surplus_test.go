package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

type corner struct {
	X, Y int
}

type spot struct {
	corner
	Name string  `bridge:"name"`
	Was  *corner `bridge:"was"`
}

func TestAFieldThatAStructDoesNotHaveIsRefusedWithItsPath(t *testing.T) {
	t.Parallel()
	over := value.NewDict("X", 1, "Y", 2, "zz", map[string]any{"lost": true})
	record := value.Record{Class: "Point3", Fields: []value.Field{{Name: "X", Value: 1}, {Name: "Y", Value: 2}, {Name: "zz", Value: 3}}}
	for path, decode := range map[string]func() error{
		"$.zz": func() error { return value.DecodeInto(mustEncode(t, over), new(corner)) },
		"$[1].zz": func() error {
			return value.DecodeInto(mustEncode(t, []any{value.NewDict("X", 1, "Y", 2), record}), new([]corner))
		},
		`$["a b"].zz`: func() error {
			return value.DecodeInto(mustEncode(t, map[string]any{"a b": over}), new(map[string]*corner))
		},
		"$.was.zz": func() error {
			return value.DecodeInto(mustEncode(t, value.NewDict("X", 1, "Y", 2, "name", "n", "was", record)), new(spot))
		},
	} {
		err := decode()
		requireFailure(t, err, path, "a field of corner", `"zz"`)
		require.ErrorContains(t, err, `the value for corner has a field "zz" too many`)
		require.ErrorContains(t, err, "value.AllowSurplus()")
	}
	for name, surplus := range map[string]any{
		"the name of a tagged field":     value.NewDict("X", 1, "Y", 2, "Name", "n", "name", "n"),
		"the name of an embedded struct": value.NewDict("X", 1, "Y", 2, "name", "n", "corner", 1),
		"that differs in its letters":    value.NewDict("X", 1, "Y", 2, "name", "n", "x", 1),
	} {
		err := value.DecodeInto(mustEncode(t, surplus), new(spot))
		require.ErrorContains(t, err, "the value for spot has a field", name)
	}
	err := value.DecodeInto(mustEncode(t, map[string]any{"a": 1}), new(struct{}))
	require.ErrorContains(t, err, `the value for a struct has a field "a" too many`)
}

func TestAFieldTooManyOfWhichOneLacksIsCalledLacking(t *testing.T) {
	t.Parallel()
	requireFailure(t, value.DecodeInto(mustEncode(t, value.NewDict("x", 1, "Y", 2)), new(corner)), "$.X", "int", "nothing")
}

func TestACodecThatAllowsSurplusLeavesOutWhatAStructDoesNotHave(t *testing.T) {
	t.Parallel()
	some := value.New(value.AllowSurplus())
	var into struct {
		Points []corner     `bridge:"points"`
		By     map[int]spot `bridge:"by"`
	}
	sent := mustEncode(t, map[string]any{
		"points": []any{value.NewDict("X", 1, "Y", 2, "zz", 3)},
		"by":     map[int]any{7: value.Record{Fields: []value.Field{{Name: "X", Value: 1}, {Name: "Y", Value: 2}, {Name: "name", Value: "n"}, {Name: "more", Value: nil}}}},
		"more":   nil,
	})
	require.NoError(t, some.DecodeInto(sent, &into))
	require.Equal(t, []corner{{1, 2}}, into.Points)
	require.Equal(t, map[int]spot{7: {corner: corner{1, 2}, Name: "n"}}, into.By)
	require.ErrorContains(t, some.Configured(value.Strict()).DecodeInto(mustEncode(t, value.Opaque{TypeURL: "x/a.B"}), new(any)), "a.B",
		"what may be left out says nothing of unknown types")
	require.ErrorContains(t, some.DecodeInto(mustEncode(t, map[string]any{"X": 1}), new(corner)), "$.Y", "nor of fields that are missing")
}

func TestWhatHasNoFieldsOfGoTakesAllThatThereIs(t *testing.T) {
	t.Parallel()
	when := timestamppb.Timestamp{Seconds: 5}
	when.ProtoReflect().SetUnknown([]byte{0xf8, 0x06, 0x01}) // a field of a later version
	var back timestamppb.Timestamp
	require.NoError(t, value.DecodeInto(mustEncode(t, &when), &back))
	require.Equal(t, []byte{0xf8, 0x06, 0x01}, []byte(back.ProtoReflect().GetUnknown()), "messages keep the fields of later versions")
	require.Equal(t, map[string]any{"a": int64(1)}, through[map[string]any](t, map[string]any{"a": 1}))
	require.Equal(t, 2, through[*value.Dict](t, value.Record{Fields: []value.Field{{Name: "a"}, {Name: "b"}}}).Len())
}
