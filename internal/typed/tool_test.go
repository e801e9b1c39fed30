package typed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func options() typed.Options { return typed.Options{Codec: value.New()} }

func encode(t *testing.T, v any) tool.Value {
	t.Helper()
	encoded, err := value.Encode(v)
	require.NoError(t, err)
	return encoded
}

// callOf is a call with positional arguments.
func callOf(t *testing.T, args ...any) *tool.Call {
	t.Helper()
	call := &tool.Call{}
	for _, arg := range args {
		call.Args = append(call.Args, encode(t, arg))
	}
	return call
}

// with adds a keyword argument.
func with(t *testing.T, call *tool.Call, name string, v any) *tool.Call {
	t.Helper()
	call.Kwargs = append(call.Kwargs, tool.Keyword{Name: name, Value: encode(t, v)})
	return call
}

func result(t *testing.T, made *typed.Tool, call *tool.Call) any {
	t.Helper()
	r, err := made.Call(t.Context(), call)
	require.NoError(t, err)
	decoded, err := value.Decode(r.Value)
	require.NoError(t, err)
	return decoded
}

func failure(t *testing.T, made *typed.Tool, call *tool.Call) *tool.Error {
	t.Helper()
	_, err := made.Call(t.Context(), call)
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	return e
}

type addition struct {
	A int `desc:"the first summand"`
	B int `jsonschema:"the second summand"`
}

func adder(t *testing.T) *typed.Tool {
	t.Helper()
	made, err := typed.New("add_numbers", func(_ context.Context, in addition) (int, error) { return in.A + in.B, nil }, options())
	require.NoError(t, err)
	return made
}

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

func TestArgumentsAreBoundByPositionAndByName(t *testing.T) {
	t.Parallel()
	made := adder(t)
	require.Equal(t, int64(42), result(t, made, callOf(t, 2, 40)))
	require.Equal(t, int64(42), result(t, made, with(t, callOf(t, 2), "b", 40)))
	require.Equal(t, int64(42), result(t, made, with(t, with(t, callOf(t), "b", 40), "a", 2)))
}

func TestABadCallIsAValidationErrorThatNamesToolAndArgument(t *testing.T) {
	t.Parallel()
	made := adder(t)
	for name, c := range map[string]struct {
		call     *tool.Call
		message  string
		argument string
	}{
		"surplus":       {callOf(t, 1, 2, 3), `tool "add_numbers" takes at most 2 positional arguments, got 3`, "2"},
		"missing":       {callOf(t, 1), `argument "b" of tool "add_numbers" is missing: want int`, "b"},
		"mistyped":      {callOf(t, 1, "x"), `argument "b" of tool "add_numbers": want int, got str`, "b"},
		"float for int": {callOf(t, 1, 2.0), `argument "b" of tool "add_numbers": want int, got float`, "b"},
		"bool for int":  {callOf(t, 1, true), `argument "b" of tool "add_numbers": want int, got bool`, "b"},
		"none":          {callOf(t, 1, nil), `argument "b" of tool "add_numbers": want int, got none`, "b"},
		"misnamed":      {with(t, callOf(t, 1, 2), "c", 3), `tool "add_numbers" has no argument "c": want a, b`, "c"},
		"given twice":   {with(t, callOf(t, 1, 2), "b", 3), `argument "b" of tool "add_numbers" is given twice, by position and by name`, "b"},
	} {
		e := failure(t, made, c.call)
		require.Equal(t, tool.ValidationError, e.Code, name)
		require.Equal(t, c.message, e.Message, name)
		require.Equal(t, c.argument, e.Details["argument"], name)
		require.Equal(t, "add_numbers", e.Details["tool"], name)
	}
}

func TestAValueThatDoesNotFitTheGoTypeSaysWhy(t *testing.T) {
	t.Parallel()
	made, err := typed.New("narrow", func(_ context.Context, in struct {
		Small int8
		Rows  []map[string]int `json:"rows,omitempty"`
	}) (int, error) {
		return int(in.Small), nil
	}, options())
	require.NoError(t, err)

	e := failure(t, made, callOf(t, 300))
	require.Equal(t, tool.ValidationError, e.Code)
	require.Contains(t, e.Message, `argument "small" of tool "narrow": want int8 (-128 to 127), got 300`)

	e = failure(t, made, callOf(t, 1, []any{map[string]any{"x": "y"}}))
	require.Equal(t, tool.ValidationError, e.Code)
	require.Contains(t, e.Details["path"], "[0]")
}

func TestBytesThatAreNoValueAreASerializationError(t *testing.T) {
	t.Parallel()
	broken := tool.Value{TypeURL: "type.googleapis.com/google.protobuf.Int64Value", Bytes: []byte{0xff}}
	e := failure(t, adder(t), &tool.Call{Args: []tool.Value{broken, broken}})
	require.Equal(t, tool.SerializationError, e.Code)
	require.Equal(t, "a", e.Details["argument"])
}

func TestOptionalArgumentsKeepTheirDefaults(t *testing.T) {
	t.Parallel()
	type in struct {
		Query string   `bridge:"q"`
		Limit int      `default:"10"`
		Sort  string   `default:"name"`
		Tags  []string `default:"[\"a\"]"`
		Lang  *string
		Deep  bool `json:"deep,omitempty"`
	}
	made, err := typed.New("search", func(_ context.Context, in in) (string, error) {
		lang := "none"
		if in.Lang != nil {
			lang = *in.Lang
		}
		text := fmt.Sprint(in.Query, " ", in.Limit, " ", in.Sort, " ", in.Tags, " ", lang, " ", in.Deep)
		in.Tags[0] = "changed"
		return text, nil
	}, options())
	require.NoError(t, err)

	require.Equal(t, "x 10 name [a] none false", result(t, made, callOf(t, "x")))
	require.Equal(t, "x 10 name [a] none false", result(t, made, callOf(t, "x")), "a default is never changed")
	require.Equal(t, "x 3 name [a] de true", result(t, made, with(t, with(t, callOf(t, "x", 3), "lang", "de"), "deep", true)))
	require.Equal(t, "x 10 name [a] none false", result(t, made, with(t, callOf(t, "x"), "lang", nil)))

	arguments := made.Spec().Arguments
	require.Equal(t, "q", arguments[0].Name)
	require.Equal(t, encode(t, 10), arguments[1].Default)
	require.False(t, arguments[1].Required)
	require.True(t, arguments[4].Nullable)
	require.False(t, arguments[5].Required)
	var schema struct {
		Properties map[string]struct {
			Default any `json:"default"`
			Type    any `json:"type"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	require.NoError(t, json.Unmarshal([]byte(made.Spec().InputSchema), &schema))
	require.Equal(t, []string{"q"}, schema.Required)
	require.InDelta(t, 10, schema.Properties["limit"].Default, 0)
	require.Equal(t, "array", schema.Properties["tags"].Type)
	require.Equal(t, []any{"null", "string"}, schema.Properties["lang"].Type)
}

func TestSurplusArgumentsGoWhereTheTagsSay(t *testing.T) {
	t.Parallel()
	type in struct {
		First string         `bridge:",positional"`
		Rest  []int          `bridge:",variadic"`
		Loud  bool           `bridge:",keyword,optional"`
		Extra map[string]any `bridge:",keywords"`
	}
	made, err := typed.New("gather", func(_ context.Context, in in) (string, error) {
		return fmt.Sprint(in.First, in.Rest, in.Loud, in.Extra), nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, "a[] false map[]", result(t, made, callOf(t, "a")))
	require.Equal(t, "a[1 2] true map[x:y]", result(t, made, with(t, with(t, callOf(t, "a", 1, 2), "loud", true), "x", "y")))
	require.Equal(t, `argument "rest[1]" of tool "gather": want int, got str`, failure(t, made, callOf(t, "a", 1, "b")).Message)
	require.Equal(t, tool.VarPositional, made.Spec().Arguments[1].Kind)
	require.Equal(t, "int", made.Spec().Arguments[1].Type)
	require.Equal(t, "any", made.Spec().Arguments[3].Type)
}

func TestAFunctionMayHaveMoreThan64Arguments(t *testing.T) {
	t.Parallel()
	type many struct {
		F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13,
		F14, F15, F16, F17, F18, F19, F20, F21, F22, F23, F24, F25, F26, F27,
		F28, F29, F30, F31, F32, F33, F34, F35, F36, F37, F38, F39, F40, F41,
		F42, F43, F44, F45, F46, F47, F48, F49, F50, F51, F52, F53, F54, F55,
		F56, F57, F58, F59, F60, F61, F62, F63, F64, F65, F66, F67 int
	}
	made, err := typed.New("last", func(_ context.Context, in many) (int, error) { return in.F64 + in.F65 + in.F66 + in.F67, nil }, options())
	require.NoError(t, err)
	call := &tool.Call{}
	for i := range 65 {
		call.Args = append(call.Args, encode(t, i))
	}
	call = with(t, with(t, call, "f67", 67), "f66", 66)

	require.Contains(t, failure(t, made, call).Message, `"f65"`)
	call = with(t, call, "f65", 65)
	require.Equal(t, int64(64+65+66+67), result(t, made, call))
	require.Contains(t, failure(t, made, with(t, call, "f64", 0)).Message, "given twice")
}

func TestAPositionalOnlyArgumentCannotBeNamed(t *testing.T) {
	t.Parallel()
	made, err := typed.New("echo", func(_ context.Context, in struct {
		Text string `bridge:"text,positional"`
	}) (string, error) {
		return in.Text, nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, `argument "text" of tool "echo" can only be given by position`, failure(t, made, with(t, callOf(t), "text", "x")).Message)
}

func TestAnyOtherArgumentIsOneValue(t *testing.T) {
	t.Parallel()
	one := func(made *typed.Tool, err error) *typed.Tool {
		require.NoError(t, err)
		return made
	}
	o := options()
	double := one(typed.New("double", func(_ context.Context, n float64) (float64, error) { return 2 * n, nil }, o))
	require.Equal(t, "value", double.Spec().Arguments[0].Name)
	require.InDelta(t, 6.0, result(t, double, callOf(t, 3)), 0, "an int is a float")

	o.Argument = "items"
	count := one(typed.New("count", func(_ context.Context, items []any) (int, error) { return len(items), nil }, o))
	require.Equal(t, int64(2), result(t, count, with(t, callOf(t), "items", []any{1, "x"})))

	whatever := one(typed.New("echo", func(_ context.Context, v any) (any, error) { return v, nil }, o))
	require.Equal(t, "any", whatever.Spec().Arguments[0].Type)
	require.Empty(t, whatever.Spec().OutputSchema)
	require.Nil(t, result(t, whatever, callOf(t, nil)))
	require.Equal(t, "x", result(t, whatever, callOf(t, "x")))

	raw := one(typed.New("raw", func(_ context.Context, v tool.Value) (tool.Value, error) { return v, nil }, o))
	require.Equal(t, value.Tuple{int64(1)}, result(t, raw, callOf(t, value.Tuple{1})))

	nothing := one(typed.New("ping", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }, o))
	require.Empty(t, nothing.Spec().Arguments)
	require.Equal(t, "none", nothing.Spec().ReturnType)
	require.Nil(t, result(t, nothing, callOf(t)))
	require.Contains(t, failure(t, nothing, with(t, callOf(t), "x", 1)).Message, "want no keyword arguments")
}

func TestGoTypesHaveTheNamesOfDeclaredTypes(t *testing.T) {
	t.Parallel()
	type nested struct{ X int }
	type in struct {
		Bool     bool
		Uint     uint16
		Big      *big.Int
		Float    float32
		Text     string
		Bytes    []byte
		List     []nested
		Tuple    value.Tuple
		Set      map[string]struct{}
		Dict     map[string]int
		Ordered  *value.Dict
		Struct   nested
		Time     time.Time
		Local    value.LocalDateTime
		Date     value.Date
		Clock    value.TimeOfDay
		Duration time.Duration
		Decimal  value.Decimal
		UUID     value.UUID
		Enum     value.Enum
		Record   value.Record
		Any      any
		Err      error
	}
	made, err := typed.New("types", func(context.Context, struct {
		In in
	}) (in, error) {
		return in{}, nil
	}, options())
	require.NoError(t, err)
	require.Equal(t, "dict", made.Spec().ReturnType)

	flat, err := typed.New("types", func(context.Context, struct {
		in
		Optional *int
	}) (any, error) {
		return nil, nil
	}, options())
	require.Error(t, err, "an embedded pointer after required fields is fine, but *big.Int is optional and stands first")
	require.Nil(t, flat)

	var names []string
	for _, c := range []struct{ spec *tool.Spec }{
		{specOf[bool](t)}, {specOf[uint16](t)}, {specOf[*big.Int](t)}, {specOf[float32](t)}, {specOf[string](t)}, {specOf[[]byte](t)},
		{specOf[[]nested](t)}, {specOf[value.Tuple](t)}, {specOf[map[string]struct{}](t)}, {specOf[map[string]int](t)}, {specOf[*value.Dict](t)},
		{specOf[time.Time](t)}, {specOf[value.LocalDateTime](t)}, {specOf[value.Date](t)}, {specOf[value.TimeOfDay](t)},
		{specOf[time.Duration](t)}, {specOf[value.Decimal](t)}, {specOf[value.UUID](t)}, {specOf[value.Enum](t)}, {specOf[value.Record](t)},
		{specOf[any](t)}, {specOf[*string](t)},
	} {
		names = append(names, c.spec.Arguments[0].Type)
	}
	require.Equal(t, strings.Fields("bool int int float str bytes list tuple set dict dict datetime datetime date time timedelta Decimal UUID Enum record any str"), names)
}

func specOf[In any](t *testing.T) *tool.Spec {
	t.Helper()
	made, err := typed.New("one", func(context.Context, In) (any, error) { return nil, nil }, options())
	require.NoError(t, err)
	return made.Spec()
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
	require.Contains(t, failure(t, made, callOf(t, map[string]any{"x": 0})).Message, "at x: minimum: got 0, want 1")
	require.Contains(t, failure(t, made, callOf(t, map[string]any{})).Message, "missing property 'x'")
	huge, _ := new(big.Int).SetString("100000000000000000000", 10)
	require.Equal(t, huge, result(t, made, callOf(t, map[string]any{"x": huge})))
	require.Contains(t, failure(t, made, callOf(t, map[string]any{"x": time.Now()})).Message, "at x: ")
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

func TestWhatCannotBeAToolIsSaidWhenItIsMade(t *testing.T) {
	t.Parallel()
	try := func(err error) string { require.Error(t, err); return err.Error() }
	_, err := typed.New("x", func(context.Context, struct{ C chan int }) (any, error) { return nil, nil }, options())
	require.Contains(t, try(err), `tool "x": field C: a chan cannot cross a bridge`)
	_, err = typed.New("x", func(context.Context, int) (func(), error) { return nil, nil }, options())
	require.Contains(t, try(err), "result: a func cannot cross a bridge")
	_, err = typed.New("", func(context.Context, int) (int, error) { return 0, nil }, options())
	require.Contains(t, try(err), "is empty")
	_, err = typed.New("x", func(context.Context, int) (int, error) { return 0, nil }, typed.Options{})
	require.Contains(t, try(err), "Codec is required")
	for want, sample := range map[string]func() error{
		"unknown option": fails[struct {
			A int `bridge:"a,maybe"`
		}],
		"want positional ones first": fails[struct {
			A []int `bridge:",variadic"`
			B int
		}],
		"then one variadic": fails[struct {
			A, B []int `bridge:",variadic"`
		}],
		"a variadic argument is a": fails[struct {
			A int `bridge:",variadic"`
		}],
		"a keywords argument is a": fails[struct {
			A int `bridge:",keywords"`
		}],
		"two arguments have": fails[struct {
			A int
			B int `json:"a"`
		}],
		"stands after \"a\", which": fails[struct {
			A *int
			B int
		}],
		"does not fit int": fails[struct {
			A int `default:"x"`
		}],
		"only an optional argument": fails[struct {
			A int `bridge:",required" default:"1"`
		}],
		"is not a number": fails[struct {
			A int `min:"x"`
		}],
		"pattern:": fails[struct {
			A string `pattern:"("`
		}],
		"enum: \"x\" does not fit": fails[struct {
			A int `enum:"1|x"`
		}],
	} {
		require.Contains(t, try(sample()), want)
	}
	o := options()
	o.InputSchema = `{"type":`
	_, err = typed.New("x", func(context.Context, int) (int, error) { return 0, nil }, o)
	require.Contains(t, try(err), "input schema")
	o.InputSchema = `[]`
	_, err = typed.New("x", func(context.Context, int) (int, error) { return 0, nil }, o)
	require.Contains(t, try(err), "want an object")
	o.InputSchema = `{"type":"nonsense"}`
	_, err = typed.New("x", func(context.Context, int) (int, error) { return 0, nil }, o)
	require.Contains(t, try(err), "input schema")
}

func fails[In any]() error {
	_, err := typed.New("x", func(context.Context, In) (any, error) { return nil, nil }, options())
	return err
}

type insufficient struct {
	Missing int `json:"missing"`
}

func (e *insufficient) Error() string { return fmt.Sprintf("%d are missing", e.Missing) }

func TestErrorsOfTheFunctionReachTheCallerWithTheirClass(t *testing.T) {
	t.Parallel()
	var give error
	made, err := typed.New("failing", func(context.Context, struct{}) (int, error) { return 0, give }, options())
	require.NoError(t, err)

	give = &insufficient{Missing: 3}
	e := failure(t, made, callOf(t))
	require.Equal(t, tool.ExecutionError, e.Code)
	require.Equal(t, "3 are missing", e.Message)
	require.Equal(t, "insufficient", e.Class)
	require.ErrorIs(t, e, give)
	exception, err := value.Decode(e.Exception)
	require.NoError(t, err)
	require.IsType(t, value.Record{}, exception)

	give = errors.New("plain")
	require.Equal(t, "error", failure(t, made, callOf(t)).Class)

	give = tool.Errorf(tool.RateLimitExceeded, "slowly").WithRetryAfter(time.Second)
	require.Equal(t, give, failure(t, made, callOf(t)))

	give = fmt.Errorf("while looking up: %w", tool.Errorf(tool.VariableNotFound, "no x"))
	e = failure(t, made, callOf(t))
	require.Equal(t, tool.VariableNotFound, e.Code)
	require.Equal(t, "while looking up: VariableNotFound: no x", e.Message)

	give = tool.Errorf(tool.WorkerUnavailable, "nobody offers the nested tool").With("tool", "nested")
	e = failure(t, made, callOf(t))
	require.Equal(t, tool.ExecutionError, e.Code, "a bridge would start the outer call again")
	require.False(t, e.Retryable)
	require.Equal(t, "WorkerUnavailable", e.Class)
	require.Equal(t, "nested", e.Details["tool"])
}

func TestAPanicIsAnExecutionErrorWhoseStackIsKeptUnlessAskedFor(t *testing.T) {
	t.Parallel()
	made, err := typed.New("panics", func(_ context.Context, s []int) (int, error) { return s[7], nil }, options())
	require.NoError(t, err)
	call := callOf(t, []any{})
	e := failure(t, made, call)
	require.Equal(t, tool.ExecutionError, e.Code)
	require.Equal(t, "panic", e.Class)
	require.Contains(t, e.Message, `tool "panics" panicked: runtime error: index out of range`)
	require.Empty(t, e.Stack)
	text, panicked := typed.Panicked(e)
	require.True(t, panicked)
	require.Contains(t, text, "tool_test.go", "the worker's log needs the stack")
	_, panicked = typed.Panicked(errors.New("x"))
	require.False(t, panicked)
	call.WantStack = true
	require.Contains(t, failure(t, made, call).Stack, "tool_test.go")
}

func TestAFunctionThatGivesUpWithItsContextSaysWhichEnd(t *testing.T) {
	t.Parallel()
	made, err := typed.New("waits", func(ctx context.Context, _ struct{}) (int, error) {
		<-ctx.Done()
		return 0, fmt.Errorf("waiting: %w", ctx.Err())
	}, options())
	require.NoError(t, err)
	for code, end := range map[tool.Code]func(context.Context) (context.Context, context.CancelFunc){
		tool.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 1) },
		tool.Cancelled: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
		tool.SessionExpired: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(tool.Errorf(tool.SessionExpired, "ended"))
			return ctx, func() {}
		},
	} {
		ctx, cancel := end(t.Context())
		_, err := made.Call(ctx, callOf(t))
		cancel()
		require.Equal(t, code, tool.CodeOf(err))
	}
}

func counter(t *testing.T, o typed.Options) *typed.Tool {
	t.Helper()
	made, err := typed.NewStreaming("count_to_n", func(_ context.Context, n int, yield func(int) error) error {
		for i := range n {
			if err := yield(i); err != nil {
				return fmt.Errorf("wrapped: %w", err)
			}
		}
		return nil
	}, o)
	require.NoError(t, err)
	return made
}

func TestAStreamingToolSendsEachResult(t *testing.T) {
	t.Parallel()
	made := counter(t, options())
	require.Equal(t, tool.Streaming, made.Spec().Type)
	require.Equal(t, "int", made.Spec().ReturnType)
	var got []tool.Value
	metrics, err := made.Stream(t.Context(), callOf(t, 3), func(c tool.Chunk) error { got = append(got, c.Value); return nil })
	require.NoError(t, err)
	require.Equal(t, []tool.Value{encode(t, 0), encode(t, 1), encode(t, 2)}, got)
	require.Positive(t, metrics.Execute)
}

func TestLongChunksLieInMemoryThatMayBeUsedAgain(t *testing.T) {
	t.Parallel()
	one := []byte{0}
	long, short := bytes.Repeat([]byte("chunk"), 10_000), bytes.Repeat([]byte("c"), 1000)
	for name, yielded := range map[string][]any{
		"bytes": {long, short, long}, "texts": {string(long), string(short), string(long)}, "others": {[]any{string(long)}, int64(1)},
		"named bytes": {json.RawMessage(long)}, "very long ones": {bytes.Repeat(one, 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := typed.NewStreaming("long", func(_ context.Context, _ struct{}, yield func(any) error) error {
				for _, v := range yielded {
					if err := yield(v); err != nil {
						return err
					}
				}
				return nil
			}, typed.Options{Codec: value.New()})
			require.NoError(t, err)
			n := 0
			_, err = made.Stream(t.Context(), &tool.Call{Tool: "long"}, func(c tool.Chunk) error {
				want, err := value.Encode(yielded[n])
				require.NoError(t, err)
				require.Equal(t, want, c.Value)
				kept := (name == "bytes" || name == "texts") && len(want.Bytes) > 8<<10
				if require.Equal(t, kept, c.Release != nil); kept {
					c.Release()
				}
				n++
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, len(yielded), n)
		})
	}
}

func TestALongChunkOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	made, err := typed.NewStreaming("long", func(_ context.Context, _ struct{}, yield func([]byte) error) error {
		return yield(make([]byte, 20_000))
	}, typed.Options{Codec: value.New(), MaxValueBytes: 10_000})
	require.NoError(t, err)
	_, err = made.Stream(t.Context(), &tool.Call{Tool: "long"}, func(tool.Chunk) error { return nil })
	require.ErrorContains(t, err, "message too large")
}

func TestAnErrorOfTheReaderEndsTheStreamAndComesBackUnchanged(t *testing.T) {
	t.Parallel()
	left := errors.New("left")
	sent := 0
	_, err := counter(t, options()).Stream(t.Context(), callOf(t, 100), func(tool.Chunk) error {
		sent++
		if sent == 2 {
			return left
		}
		return nil
	})
	require.Equal(t, left, err)
	require.Equal(t, 2, sent)
}

func TestAFunctionThatGoesOnAfterItsReaderLeftSendsNothing(t *testing.T) {
	t.Parallel()
	made, err := typed.NewStreaming("stubborn", func(_ context.Context, _ struct{}, yield func(int) error) error {
		for i := range 10 {
			_ = yield(i)
		}
		return nil
	}, options())
	require.NoError(t, err)
	sent := 0
	_, err = made.Stream(t.Context(), callOf(t), func(tool.Chunk) error { sent++; return context.Canceled })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, sent)
}

func TestEitherKindOfToolServesEitherKindOfCaller(t *testing.T) {
	t.Parallel()
	require.Equal(t, []any{int64(0), int64(1)}, result(t, counter(t, options()), callOf(t, 2)))
	require.Equal(t, []any{}, result(t, counter(t, options()), callOf(t, 0)))
	var chunks []tool.Value
	_, err := adder(t).Stream(t.Context(), callOf(t, 1, 2), func(c tool.Chunk) error { chunks = append(chunks, c.Value); return nil })
	require.NoError(t, err)
	require.Equal(t, []tool.Value{encode(t, 3)}, chunks)
}

func TestAResultOverTheLimitIsRefusedWhereItIsMade(t *testing.T) {
	t.Parallel()
	o := options()
	o.MaxValueBytes = 100
	made, err := typed.New("large", func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil }, o)
	require.NoError(t, err)
	e := failure(t, made, callOf(t, 200))
	require.Equal(t, tool.MessageTooLarge, e.Code)
	require.Contains(t, e.Message, "message too large")
	require.Equal(t, "100", e.Details["limit"])

	e = failure(t, counter(t, o), callOf(t, 1000))
	require.Equal(t, tool.MessageTooLarge, e.Code)
	require.Contains(t, e.Message, "the list of its chunks")
}

func TestAResultThatCannotBeEncodedIsASerializationError(t *testing.T) {
	t.Parallel()
	made, err := typed.New("bad", func(context.Context, struct{}) (any, error) { return make(chan int), nil }, options())
	require.NoError(t, err)
	e := failure(t, made, callOf(t))
	require.Equal(t, tool.SerializationError, e.Code)
	require.Contains(t, e.Message, `the result of tool "bad" cannot be encoded`)
}

func TestWhatCannotBeEncodedOrDecodedIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	made, err := typed.New("bad", func(context.Context, any) (any, error) {
		return map[string]any{"rows": []any{1, "a\xff"}}, nil
	}, options())
	require.NoError(t, err)
	e := failure(t, made, callOf(t, 1))
	require.Equal(t, "$.rows[1]", e.Details["path"])
	require.Equal(t, "text in valid UTF-8", e.Details["expected"])
	require.Error(t, e.Cause)

	call := callOf(t, 1)
	call.Args = []tool.Value{{TypeURL: "type.googleapis.com/google.protobuf.Int64Value", Bytes: []byte{0xff}}}
	e = failure(t, made, call)
	require.Equal(t, tool.SerializationError, e.Code)
	require.Equal(t, "$", e.Details["path"])
	require.Equal(t, "a well-formed google.protobuf.Int64Value", e.Details["expected"])
	require.Contains(t, e.Message, `argument "value" of tool "bad" cannot be decoded: value: want a well-formed`)
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

func TestALongTextIsTakenFromTheCallAsItIsAndLongBytesAreNot(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 20_000)
	echo, err := typed.New("echo", func(_ context.Context, in struct {
		Text  string
		Bytes []byte
	}) (string, error) {
		clear(in.Bytes)
		return in.Text + strconv.Itoa(len(in.Bytes)), nil
	}, options())
	require.NoError(t, err)
	for _, c := range []struct {
		text  string
		bytes []byte
	}{{long, nil}, {"short", bytes.Repeat([]byte{7}, 20_000)}, {long, bytes.Repeat([]byte{7}, 20_000)}} {
		call := callOf(t, c.text, c.bytes)
		require.Equal(t, c.text+strconv.Itoa(len(c.bytes)), result(t, echo, call))
		require.Equal(t, callOf(t, c.text, c.bytes).Args, call.Args, "the function changed its own bytes")
	}
	bad := callOf(t, long, []byte{})
	bad.Args[0].Bytes[100] = 0xff
	require.Equal(t, tool.SerializationError, failure(t, echo, bad).Code)
}

// shade has a text, but is not made of one.
type shade int

// MarshalText implements encoding.TextMarshaler.
func (s shade) MarshalText() ([]byte, error) { return []byte("shade " + strconv.Itoa(int(s))), nil }

func TestATypeThatIsOnlyWrittenAsTextTakesWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	made, err := typed.New("dye", func(_ context.Context, v shade) (shade, error) { return v + 1, nil }, options())
	require.NoError(t, err)
	require.Equal(t, "shade 5", result(t, made, callOf(t, 4)))
	e := failure(t, made, callOf(t, "shade 4"))
	require.Equal(t, tool.ValidationError, e.Code)
	require.True(t, strings.HasSuffix(e.Message, ` of tool "dye": want int, got str`), e.Message)
}

func TestWhatDoesNotFitInsideOfATableIsNamedByItsPathAlone(t *testing.T) {
	t.Parallel()
	type row struct{ Name string }
	codec := value.New(value.With(frame.Extension()))
	made, err := typed.New("greet", func(_ context.Context, rows []row) (int, error) { return len(rows), nil }, typed.Options{Codec: codec})
	require.NoError(t, err)
	for says, build := range map[string]func(*frame.Builder){
		`value at $[0].Name: want str, got int`:                        func(b *frame.Builder) { b.Int64("Name", []int64{1}) },
		`value at $.Age: the value for row has a field "Age" too many`: func(b *frame.Builder) { b.String("Name", []string{"a"}).Int64("Age", []int64{1}) },
	} {
		b := frame.New()
		build(b)
		table, err := b.Build()
		require.NoError(t, err)
		sent, err := codec.Encode(table)
		require.NoError(t, err)
		e := failure(t, made, &tool.Call{Args: []tool.Value{sent}})
		require.Equal(t, tool.ValidationError, e.Code)
		require.Contains(t, e.Message, `argument "value" of tool "greet": `+says)
		require.NotContains(t, e.Message, "want list")
	}
}
