package typed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

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
