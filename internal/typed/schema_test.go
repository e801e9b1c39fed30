package typed_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestTheFieldsOfAStructBecomeArgumentsInTheirOrder(t *testing.T) {
	t.Parallel()
	spec := adder(t).Spec()
	require.Equal(t, "add_numbers", spec.ID)
	require.Equal(t, tool.Standard, spec.Type)
	require.Equal(t, "int", spec.ReturnType)
	require.Equal(t, []tool.Argument{
		{Name: "a", Type: "int", Required: true, Description: "the first summand"},
		{Name: "b", Type: "int", Required: true, Description: "the second summand"},
	}, spec.Arguments)
	require.JSONEq(t, `{"type":"object","properties":{
		"a":{"type":"integer","description":"the first summand"},"b":{"type":"integer","description":"the second summand"}},
		"required":["a","b"],"additionalProperties":false}`, spec.InputSchema)
	require.JSONEq(t, `{"type":"integer"}`, spec.OutputSchema)
	require.Nil(t, spec.Check())
}

func TestWhatJSONCannotSayIsLeftOpenInTheSchema(t *testing.T) {
	t.Parallel()
	type row struct {
		When time.Time `json:"when"`
		Data []byte    `json:"data"`
	}
	require.JSONEq(t, `{"type":"object","additionalProperties":false,"required":["value"],"properties":{"value":{"type":"array","items":{
		"type":"object","additionalProperties":false,"required":["when","data"],
		"properties":{"when":{"format":"datetime"},"data":{"format":"bytes"}}}}}}`, specOf[[]row](t).InputSchema)
	require.JSONEq(t, `{"type":"object","additionalProperties":false,"required":["value"],"properties":{"value":{"type":"object"}}}`, specOf[*value.Dict](t).InputSchema)
}

func TestTheSchemaOfAStructInsideSaysWhatItsFieldsAre(t *testing.T) {
	t.Parallel()
	type point struct {
		X int `json:"x" desc:"to the right"`
		Y int `json:"y,omitempty" jsonschema:"upwards"`
	}
	require.JSONEq(t, `{"type":"object","additionalProperties":false,"required":["value"],"properties":{"value":{"type":"array","items":{
		"type":"object","additionalProperties":false,"required":["x"],
		"properties":{"x":{"type":"integer","description":"to the right"},"y":{"type":"integer","description":"upwards"}}}}}}`,
		specOf[[]point](t).InputSchema)
}

func TestTheSchemaOfAStructInsideFollowsItsBridgeTags(t *testing.T) {
	t.Parallel()
	type point struct {
		X    int       `bridge:"x_axis" desc:"to the right"`
		When time.Time `json:"when"`
		Note string    `bridge:"note,omitempty"`
		Skip int       `bridge:"-"`
	}
	require.JSONEq(t, `{"type":"object","additionalProperties":false,"required":["value"],"properties":{"value":{"type":"array","items":{
		"type":"object","additionalProperties":false,"required":["x_axis","when"],
		"properties":{"x_axis":{"type":"integer","description":"to the right"},"when":{"format":"datetime"},"note":{"type":"string"}}}}}}`,
		specOf[[]point](t).InputSchema)
}

type cyclic struct {
	Next *cyclic `json:"next"`
}

func TestATypeThatContainsItselfHasAnOpenSchema(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"type":"object","additionalProperties":false,"required":["value"],"properties":{"value":{"$comment":"any value"}}}`, specOf[[]cyclic](t).InputSchema)
}

// table is a type whose meaning only an extension of the codec knows.
type table struct{ rows int }

func TestATypeThatShowsNothingOfItselfIsLeftToTheCodec(t *testing.T) {
	t.Parallel()
	spec := specOf[*table](t)
	require.Equal(t, []tool.Argument{{Name: "value", Type: "any", Required: true, Nullable: true}}, spec.Arguments)
	made, err := typed.New("rows", func(_ context.Context, in struct {
		Frame *table `bridge:"frame,required,type=DataFrame"`
	}) (*table, error) {
		return in.Frame, nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, "any", made.Spec().ReturnType)
	require.Equal(t, []tool.Argument{{Name: "frame", Type: "DataFrame", Required: true, Nullable: true}}, made.Spec().Arguments)
	require.Equal(t, tool.ValidationError, failure(t, made, callOf(t, "text")).Code)
	_ = table{rows: 1}
}
