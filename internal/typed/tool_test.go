package typed_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

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
