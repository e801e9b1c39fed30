package rpc_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// received reads a stream to its end.
func received[M any](t *testing.T, from grpc.ServerStreamingClient[M]) []*M {
	t.Helper()
	var out []*M
	for {
		m, err := from.Recv()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, m)
	}
}

func TestKeywordArgumentsReachTheTool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := accepted[*bridgepb.ToolCallResponse](t)(b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{
		SessionId: session, ToolId: "add_numbers", Args: all(t, 40), Kwargs: map[string]*anypb.Any{"b": encoded(t, 2)},
	}))
	require.Equal(t, int64(42), decoded(t, response.GetResult()))
}

func TestArgumentsThatDoNotFitAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for what, c := range map[string]struct {
		args   []any
		kwargs map[string]any
		says   string
	}{
		"missing":            {[]any{1}, nil, `"b"`},
		"surplus":            {[]any{1, 2, 3}, nil, "3"},
		"misnamed":           {[]any{1}, map[string]any{"c": 2}, `"c"`},
		"given twice":        {[]any{1, 2}, map[string]any{"b": 2}, `"b"`},
		"mistyped":           {[]any{1, "x"}, nil, `"b"`},
		"mistyped by name":   {nil, map[string]any{"a": 1, "b": 2.5}, `"b"`},
		"a float for an int": {[]any{1.0, 2}, nil, `"a"`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			kwargs := map[string]*anypb.Any{}
			for k, v := range c.kwargs {
				kwargs[k] = encoded(t, v)
			}
			refused[*bridgepb.ToolCallResponse](t, tool.ValidationError, c.says, "add_numbers")(b.stub.ExecuteTool(t.Context(),
				&bridgepb.ToolCallRequest{SessionId: session, ToolId: "add_numbers", Args: all(t, c.args...), Kwargs: kwargs}))
		})
	}
}

func TestAnErrorOfAToolIsItsAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := refused[*bridgepb.ToolCallResponse](t, tool.ExecutionError, "no such row")(b.execute("fail", "no such row"))
	require.Empty(t, e.GetStackTrace())
	require.False(t, e.GetRetryable())
}

func TestNineMebibytesPassAndElevenAreTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("x", 9<<20)
	response := accepted[*bridgepb.ToolCallResponse](t)(b.execute("echo", large))
	require.Equal(t, len(large), strings.Count(decoded(t, response.GetResult()).(string), "x"), "it came back changed")

	e := refused[*bridgepb.ToolCallResponse](t, tool.MessageTooLarge, "message too large", "10485760")(b.executeText(strings.Repeat("x", 11<<20)))
	require.Equal(t, "10485760", e.GetDetails()["limit"])
	refused[*bridgepb.ToolCallResponse](t, tool.MessageTooLarge, "message too large", "inflate")(b.execute("inflate", 11))

	_, err := b.executeText(strings.Repeat("x", 17<<20))
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "above the transport's own limit")
	accepted[*bridgepb.ToolCallResponse](t)(b.execute("add_numbers", 1, 1))
}

// executeText calls "echo" with a text of any size: a bare client has no limit of its own.
func (b *bundle) executeText(text string) (*bridgepb.ToolCallResponse, error) {
	b.t.Helper()
	argument, err := anypb.New(wrapperspb.String(text))
	require.NoError(b.t, err)
	return b.stub.ExecuteTool(b.t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "echo", Args: []*anypb.Any{argument}})
}

func TestADeadlineInTheRequestEndsTheCallAndTheTool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	givenTime(t, 50*time.Millisecond, func(limit time.Duration) bool {
		began := time.Now()
		refused[*bridgepb.ToolCallResponse](t, tool.DeadlineExceeded, "wait")(b.stub.ExecuteTool(t.Context(),
			&bridgepb.ToolCallRequest{SessionId: session, ToolId: "wait", Args: all(t, "late"), TimeoutUs: wire.Micros(limit)}))
		require.GreaterOrEqual(t, time.Since(began), limit)
		return b.wasBegun("late")
	})
}

func TestADeadlineOfTheRPCEndsTheTool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	givenTime(t, 100*time.Millisecond, func(limit time.Duration) bool {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := b.stub.ExecuteTool(ctx, &bridgepb.ToolCallRequest{SessionId: session, ToolId: "wait", Args: all(t, "rpc")})
		require.Equal(t, codes.DeadlineExceeded, status.Code(err))
		return b.wasBegun("rpc")
	})
}

func TestACallerThatLeavesEndsTheTool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answered, request := make(chan error, 1), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "wait", Args: all(t, "left")}
	go func() {
		_, err := b.stub.ExecuteTool(ctx, request)
		answered <- err
	}()
	require.Equal(t, "left", within(t, "the tool begins", b.samples.began))
	cancel()
	require.Equal(t, codes.Canceled, status.Code(within(t, "the RPC ends", answered)))
	require.Equal(t, "left", within(t, "the tool's context ends", b.samples.ended))
}

func TestCallsNestedTooDeepAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	call := func(depth uint32) (*bridgepb.ToolCallResponse, error) {
		return b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{
			SessionId: session, ToolId: "add_numbers", Args: all(t, 1, 1), CallDepth: depth,
		})
	}
	accepted[*bridgepb.ToolCallResponse](t)(call(32))
	refused[*bridgepb.ToolCallResponse](t, tool.CallDepthExceeded, "32")(call(33))
}

func TestSessionsThatDoNotExistOrHaveEndedAreToldApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := func(id string) (*bridgepb.ToolCallResponse, error) {
		return b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: id, ToolId: "add_numbers", Args: all(t, 1, 1)})
	}
	refused[*bridgepb.ToolCallResponse](t, tool.SessionNotFound, `"never"`)(in("never"))
	accepted[*bridgepb.CleanupSessionResponse](t)(b.stub.CleanupSession(t.Context(), &bridgepb.CleanupSessionRequest{SessionId: session}))
	refused[*bridgepb.ToolCallResponse](t, tool.SessionExpired, session)(in(session))
}

func stream(b *bundle, r *bridgepb.ToolStreamRequest) []*bridgepb.ToolStreamChunk {
	b.t.Helper()
	r.SessionId = session
	s, err := b.stub.StreamTool(b.t.Context(), r)
	require.NoError(b.t, err)
	return received(b.t, s)
}

func TestAStreamThatFailsEndsWithItsError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for what, c := range map[string]struct {
		request *bridgepb.ToolStreamRequest
		code    tool.Code
	}{
		"unknown tool":     {&bridgepb.ToolStreamRequest{ToolId: "nothing"}, tool.ToolNotFound},
		"wrong arguments":  {&bridgepb.ToolStreamRequest{ToolId: "count_to_n", Args: all(t, "x")}, tool.ValidationError},
		"resumed":          {&bridgepb.ToolStreamRequest{ToolId: "count_to_n", Args: all(t, 1), ResumeFrom: 7}, tool.Unimplemented},
		"out of time":      {&bridgepb.ToolStreamRequest{ToolId: "wait", Args: all(t, "s"), TimeoutUs: 20_000}, tool.DeadlineExceeded},
		"the tool's error": {&bridgepb.ToolStreamRequest{ToolId: "fail", Args: all(t, "broke")}, tool.ExecutionError},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			chunks := stream(b, c.request)
			require.Len(t, chunks, 1)
			failed(t, chunks[0].GetContent().GetError(), c.code)
			require.NotEmpty(t, chunks[0].GetStreamId(), "the bridge names a stream that has no name")
		})
	}
}

func TestAToolThatDoesNotStreamYieldsItsResult(t *testing.T) {
	t.Parallel()
	b := setup(t)
	chunks := stream(b, &bridgepb.ToolStreamRequest{ToolId: "add_numbers", Args: all(t, 1, 2)})
	require.Len(t, chunks, 2)
	require.Equal(t, int64(3), decoded(t, chunks[0].GetContent().GetData()))
	require.Equal(t, uint64(1), chunks[1].GetContent().GetComplete().GetTotalChunks())
}

func TestAReaderThatLeavesEndsTheStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := b.stub.StreamTool(ctx, &bridgepb.ToolStreamRequest{SessionId: session, ToolId: "wait", Args: all(t, "gone")})
	require.NoError(t, err)
	require.Equal(t, "gone", within(t, "the tool begins", b.samples.began))
	cancel()
	_, err = s.Recv()
	require.Equal(t, codes.Canceled, status.Code(err))
	require.Equal(t, "gone", within(t, "the tool's context ends", b.samples.ended))
}

func TestAFunctionOfTheBridgeThatEndsItsGoroutineIsAnsweredOverPlainRPC(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.offerOwn("leaving", unary(t, "leave", func(context.Context, struct{}) (int, error) {
		runtime.Goexit()
		return 0, nil
	}, typed.Options{Codec: value.New()}))
	for range 20 { // more often than there are goroutines that serve streams
		response, err := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "leave"})
		require.NoError(t, err)
		require.Contains(t, response.GetError().GetMessage(), "ended its goroutine by runtime.Goexit")
	}
}
