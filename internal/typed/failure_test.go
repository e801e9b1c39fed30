package typed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

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
	require.Contains(t, text, "failure_test.go", "the worker's log needs the stack")
	_, panicked = typed.Panicked(errors.New("x"))
	require.False(t, panicked)
	call.WantStack = true
	require.Contains(t, failure(t, made, call).Stack, "failure_test.go")
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
