package typed_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestConstraintsOfTheTagsAreChecked(t *testing.T) {
	t.Parallel()
	type in struct {
		Count int      `min:"1" max:"5"`
		Name  string   `pattern:"^[a-z]+$" max:"3"`
		Unit  string   `enum:"m|km" default:"m"`
		Items []string `bridge:",optional" max:"2"`
	}
	made, err := typed.New("checked", func(_ context.Context, in in) (string, error) { return in.Unit, nil }, options())
	require.NoError(t, err)
	require.Equal(t, "km", result(t, made, callOf(t, 5, "abc", "km", []any{"x"})))
	for argument, call := range map[string]*tool.Call{
		"count": callOf(t, 6, "abc"),
		"name":  callOf(t, 5, "ABC"),
		"unit":  callOf(t, 5, "abc", "mile"),
		"items": callOf(t, 5, "abc", "km", []any{"x", "y", "z"}),
	} {
		e := failure(t, made, call)
		require.Equal(t, tool.ValidationError, e.Code)
		require.Equal(t, argument, e.Details["argument"], e.Message)
		require.Contains(t, e.Message, `of tool "checked": `)
	}
	require.Contains(t, failure(t, made, callOf(t, 6, "abc")).Message, "maximum: got 6, want 5")
}

func TestASchemaOfOnesOwnReplacesTheInferredOneAndIsChecked(t *testing.T) {
	t.Parallel()
	o := options()
	o.InputSchema = `{"type":"object","properties":{"value":{"type":"object","required":["x"],"properties":{"x":{"$ref":"#/$defs/positive"}}}},
		"$defs":{"positive":{"type":"integer","minimum":1}}}`
	made, err := typed.New("own", func(_ context.Context, in map[string]any) (any, error) { return in["x"], nil }, o)
	require.NoError(t, err)
	require.Equal(t, o.InputSchema, made.Spec().InputSchema)
	require.Equal(t, int64(3), result(t, made, callOf(t, map[string]any{"x": 3})))
	require.Contains(t, failure(t, made, callOf(t, map[string]any{"x": 0})).Message, "at $.x: minimum: got 0, want 1")
	require.Contains(t, failure(t, made, callOf(t, map[string]any{})).Message, "missing property 'x'")
	huge, _ := new(big.Int).SetString("100000000000000000000", 10)
	require.Equal(t, huge, result(t, made, callOf(t, map[string]any{"x": huge})))
	require.Contains(t, failure(t, made, callOf(t, map[string]any{"x": time.Now()})).Message, "at $.x: ")
}

func TestASchemaThatLeadsOutOfItselfIsRefused(t *testing.T) {
	t.Parallel()
	for _, reference := range []string{"https://example.com/schema.json", "file:///etc/passwd", "other.json"} {
		o := options()
		o.InputSchema = `{"type":"object","properties":{"value":{"$ref":"` + reference + `"}}}`
		_, err := typed.New("remote", func(context.Context, any) (any, error) { return nil, nil }, o)
		require.ErrorContains(t, err, "outside the schema", reference)
	}
}
