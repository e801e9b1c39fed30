package typed_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
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

func specOf[In any](t *testing.T) *tool.Spec {
	t.Helper()
	made, err := typed.New("one", func(context.Context, In) (any, error) { return nil, nil }, options())
	require.NoError(t, err)
	return made.Spec()
}
