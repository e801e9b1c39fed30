package toolbridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// patience is how long anything may take that should happen at once, on a busy machine.
const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eitherWay runs a test over a link and over plain RPCs.
func eitherWay(t *testing.T, test func(t *testing.T, session *toolbridge.Session)) {
	t.Helper()
	t.Run("over a link", func(t *testing.T) {
		t.Parallel()
		b := bridgetest.New(t)
		b.Worker(offerSamples)
		test(t, b.Session())
	})
	t.Run("over plain RPCs", func(t *testing.T) {
		t.Parallel()
		b := bridgetest.New(t)
		b.Worker(offerSamples)
		test(t, b.Session(toolbridge.WithoutLink()))
	})
}

// linked is a session over a link, with the sample tools.
func linked(t *testing.T) *toolbridge.Session {
	t.Helper()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	return b.Session()
}

type pair struct {
	A int `desc:"the first summand"`
	B int `desc:"the second summand"`
}

// offerSamples adds the tools that most tests call.
func offerSamples(w *toolbridge.Worker) {
	toolbridge.AddTool(w, "add_numbers", func(_ context.Context, in pair) (int, error) { return in.A + in.B, nil },
		toolbridge.Description("Adds two numbers."), toolbridge.IsIdempotent())
	toolbridge.AddTool(w, "echo", func(_ context.Context, v any) (any, error) { return v, nil })
	toolbridge.AddTool(w, "fail", func(_ context.Context, message string) (struct{}, error) { return struct{}{}, errors.New(message) })
	toolbridge.AddTool(w, "panic", func(context.Context, struct{}) (struct{}, error) { panic("at the disco") })
	toolbridge.AddTool(w, "wait", func(ctx context.Context, _ struct{}) (struct{}, error) {
		<-ctx.Done()
		return struct{}{}, ctx.Err()
	})
	toolbridge.AddTool(w, "describe_call", describeCall)
	toolbridge.AddTool(w, "nest", nest)
	toolbridge.AddStreamingTool(w, "count_to_n", countToN)
	toolbridge.AddStreamingTool(w, "count_for_ever", func(_ context.Context, _ struct{}, yield func(int) error) error {
		for i := 0; ; i++ {
			if err := yield(i); err != nil {
				return err
			}
		}
	})
}

func countToN(_ context.Context, in struct {
	N      int
	FailAt *int
}, yield func(int) error,
) error {
	for i := range in.N {
		if in.FailAt != nil && i == *in.FailAt {
			return fmt.Errorf("broken at %d", i)
		}
		if err := yield(i + 1); err != nil {
			return err
		}
	}
	return nil
}

// describeCall tells what the tool knows of its call.
func describeCall(ctx context.Context, _ struct{}) (map[string]any, error) {
	call := toolbridge.FromContext(ctx).Call()
	_, limited := toolbridge.TimeLeft(ctx)
	return map[string]any{
		"session": call.SessionID, "depth": call.Depth, "trace": call.TraceParent, "limited": limited, "request_id": call.RequestID,
	}, nil
}

// nest calls itself until the depth is reached, then describe_call.
func nest(ctx context.Context, depth int) (any, error) {
	session := toolbridge.FromContext(ctx).Session()
	if depth == 0 {
		return session.Call(ctx, "describe_call")
	}
	return session.Call(ctx, "nest", depth-1)
}

// codeOf asserts that err is the product's, and returns it.
func asError(t *testing.T, err error) *tool.Error {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	return e
}

// eventually polls until the condition holds.
func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, patience, 5*time.Millisecond, what)
}

// givenTime makes an attempt with twice the time of the one before, until what has to happen in that time did.
func givenTime(t *testing.T, first time.Duration, inTime func(limit time.Duration) bool) {
	t.Helper()
	for limit := first; !inTime(limit); limit *= 2 {
		require.Less(t, limit, patience, "it never happened in time")
	}
}
