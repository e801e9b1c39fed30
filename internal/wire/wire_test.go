package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// row is one line of proto/errors.json.
type row struct {
	Code      tool.Code
	Retryable any
	GRPC      string
	HTTP      int
}

func errorTable(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("../../proto/errors.json")
	require.NoError(t, err)
	var table struct{ Errors []row }
	require.NoError(t, json.Unmarshal(text, &table))
	require.NotEmpty(t, table.Errors)
	return table.Errors
}

func TestEveryCodeOfTheTableHasItsStatuses(t *testing.T) {
	t.Parallel()
	for _, want := range errorTable(t) {
		var grpc codes.Code
		require.NoError(t, grpc.UnmarshalJSON([]byte(`"`+want.GRPC+`"`)), want.Code)
		require.True(t, wire.Known(want.Code), want.Code)
		require.Equal(t, grpc, wire.GRPC(want.Code), want.Code)
		require.Equal(t, want.HTTP, wire.HTTP(want.Code), want.Code)
		require.Equal(t, want.Retryable == true, want.Code.Retryable(), want.Code)
		require.Equal(t, want.Retryable != false, want.Code.RetryableIfIdempotent(), want.Code)
	}
}

func TestACodeOutsideTheTableIsInternal(t *testing.T) {
	t.Parallel()
	require.False(t, wire.Known("NoSuchCode"))
	require.Equal(t, codes.Internal, wire.GRPC("NoSuchCode"))
	require.Equal(t, 500, wire.HTTP("NoSuchCode"))
}

func TestErrorsSurviveAStatusWithEveryCode(t *testing.T) {
	t.Parallel()
	for _, want := range errorTable(t) {
		sent := tool.Errorf(want.Code, "what was wrong").With("path", "a.b")
		got := wire.FromStatus(wire.Status(sent))
		require.Equal(t, sent.Code, got.Code)
		require.Equal(t, sent.Message, got.Message)
		require.Equal(t, sent.Details, got.Details)
		require.Equal(t, sent.Retryable, got.Retryable)
		require.Equal(t, wire.GRPC(want.Code), status.Code(wire.Status(sent)))
	}
	require.NoError(t, wire.Status(nil))
	require.Nil(t, wire.FromStatus(nil))
}

func TestStatusesOfTheTransportBecomeErrorsOfTheTable(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]tool.Code{
		codes.Canceled:          tool.Cancelled,
		codes.DeadlineExceeded:  tool.DeadlineExceeded,
		codes.ResourceExhausted: tool.MessageTooLarge,
		codes.InvalidArgument:   tool.ProtocolError,
		codes.Unimplemented:     tool.Unimplemented,
		codes.Unauthenticated:   tool.Unauthenticated,
		codes.PermissionDenied:  tool.PermissionDenied,
		codes.Unavailable:       tool.WorkerLost,
		codes.Unknown:           tool.Internal,
	} {
		got := wire.Error(status.Error(code, "why"))
		require.Equal(t, want, got.Code, code)
		require.Contains(t, got.Message, "why")
		require.Equal(t, code.String(), got.Details["grpc"])
	}
	dial := status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: refused"`)
	require.Equal(t, tool.WorkerUnavailable, wire.FromStatus(dial).Code)
	require.True(t, wire.FromStatus(dial).Retryable)
}

func TestAnyErrorBecomesTheProductsError(t *testing.T) {
	t.Parallel()
	known := tool.Errorf(tool.ToolNotFound, "no tool")
	require.Nil(t, wire.Error(nil))
	require.Same(t, known, wire.Error(fmt.Errorf("while calling: %w", known)))
	require.Equal(t, tool.DeadlineExceeded, wire.Error(context.DeadlineExceeded).Code)
	require.Equal(t, tool.Cancelled, wire.Error(fmt.Errorf("stopped: %w", context.Canceled)).Code)
	require.Equal(t, tool.Internal, wire.Error(errors.New("disk on fire")).Code)
	require.ErrorIs(t, wire.Error(context.Canceled), context.Canceled)
}

func TestAContextsErrorIsItsCauseIfThatIsOfTheProduct(t *testing.T) {
	t.Parallel()
	require.Nil(t, wire.ContextError(t.Context()))

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(tool.Errorf(tool.WorkerLost, "gone"))
	require.Equal(t, tool.WorkerLost, wire.ContextError(ctx).Code)

	plain, stop := context.WithCancel(t.Context())
	stop()
	require.Equal(t, tool.Cancelled, wire.ContextError(plain).Code)
}

func TestErrorsTravelWhole(t *testing.T) {
	t.Parallel()
	sent := &tool.Error{
		Code: tool.ExecutionError, Message: "b is zero", Details: map[string]string{"argument": "b"},
		Retryable: true, RetryAfter: 1500 * time.Millisecond, Class: "ZeroDivisionError",
		Exception: tool.Value{TypeURL: "t/x", Bytes: []byte{1}}, Stack: "line 1",
	}
	got := wire.ErrorFromProto(wire.ErrorProto(sent))
	want := *sent
	want.Details = map[string]string{"argument": "b", "retry_after": "1.5"}
	require.Equal(t, &want, got)
	require.Len(t, sent.Details, 1, "the error that was sent is not changed")
	require.Nil(t, wire.ErrorProto(nil))
}

func TestAnErrorsTextIsRepairedSoThatItCanBeSent(t *testing.T) {
	t.Parallel()
	bad := &tool.Error{Code: tool.ExecutionError, Message: "a\xffb", Details: map[string]string{"k\xff": "v\xff"}, Class: "C\xff", Stack: "s\xff"}
	_, err := proto.Marshal(wire.ErrorProto(bad))
	require.NoError(t, err)
	require.Equal(t, "a\uFFFDb", wire.ErrorProto(bad).GetMessage())
}

func TestAnUnknownOrMissingErrorIsInternal(t *testing.T) {
	t.Parallel()
	unknown := wire.ErrorFromProto(&bridgepb.ErrorInfo{Type: "FromTheFuture", Message: "m"})
	require.Equal(t, tool.Internal, unknown.Code)
	require.Equal(t, "FromTheFuture", unknown.Details["type"])
	require.Equal(t, tool.Internal, wire.ErrorFromProto(nil).Code)
}

func fullCall() *tool.Call {
	return &tool.Call{
		SessionID: "s", Epoch: 3, MinRevision: "r", Tool: "add",
		Args:   []tool.Value{{TypeURL: "t/a", Bytes: []byte("1")}, {}},
		Kwargs: []tool.Keyword{{Name: "a", Value: tool.Value{TypeURL: "t/b"}}, {Name: "b", Value: tool.Value{Bytes: []byte("2")}}},
		Stream: true, StreamID: "st", RequestID: "q", Depth: 4, Attempt: 2, BridgeRun: "run",
		TraceParent: "tp", TraceState: "ts", PlainValues: true, WantStack: true,
	}
}

func TestCallsTravelWhole(t *testing.T) {
	t.Parallel()
	want := fullCall()
	require.Equal(t, want, wire.CallFromProto(roundTrip(t, wire.CallProto(want), &bridgepb.ToolCallRequest{})))
	require.Equal(t, &tool.Call{}, wire.CallFromProto(wire.CallProto(&tool.Call{})))
}

func TestStreamingCallsTravelWhole(t *testing.T) {
	t.Parallel()
	want := fullCall()
	want.RequestID, want.Attempt, want.BridgeRun = "", 0, ""
	require.Equal(t, want, wire.StreamCallFromProto(roundTrip(t, wire.StreamCallProto(want), &bridgepb.ToolStreamRequest{})))
}

func TestAnswersTravelWhole(t *testing.T) {
	t.Parallel()
	want := tool.Result{
		Value: tool.Value{TypeURL: "t/a", Bytes: []byte("1")},
		Metrics: tool.Metrics{
			Duration: 5 * time.Millisecond, Queue: time.Microsecond, Route: 2 * time.Microsecond,
			Execute: 3 * time.Microsecond, Transport: 4 * time.Microsecond, Worker: "w", Attempts: 2,
		},
	}
	message := roundTrip(t, wire.ResponseProto("q", want, nil), &bridgepb.ToolCallResponse{})
	got, err := wire.ResultFromProto(message)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, "q", message.GetRequestId())

	failed := wire.ResponseProto("q", tool.Result{}, tool.Errorf(tool.Overloaded, "full"))
	_, err = wire.ResultFromProto(failed)
	require.Equal(t, tool.Overloaded, tool.CodeOf(err))
	require.True(t, wire.Error(err).Retryable)
}

func TestChunksTravelWholeAndSayHowTheStreamEnds(t *testing.T) {
	t.Parallel()
	data := roundTrip(t, wire.ChunkProto("st", 7, tool.Chunk{Value: tool.Value{TypeURL: "t/a"}}), &bridgepb.ToolStreamChunk{})
	chunk, ok, end := wire.ChunkFromProto(data)
	require.True(t, ok)
	require.False(t, end.Last)
	require.Equal(t, "t/a", chunk.Value.TypeURL)
	require.Equal(t, uint64(7), data.GetSequence())

	_, ok, end = wire.ChunkFromProto(wire.LastChunkProto("st", 8, tool.Metrics{Execute: time.Second}, nil))
	require.False(t, ok)
	require.Equal(t, wire.ChunkEnd{Last: true, Metrics: tool.Metrics{Execute: time.Second}}, end)

	_, _, end = wire.ChunkFromProto(wire.LastChunkProto("st", 8, tool.Metrics{}, context.Canceled))
	require.True(t, end.Last)
	require.Equal(t, tool.Cancelled, tool.CodeOf(end.Err))

	_, ok, end = wire.ChunkFromProto(&bridgepb.ToolStreamChunk{})
	require.False(t, ok)
	require.False(t, end.Last, "a chunk of an unknown kind is skipped")
}

func fullSpec() *tool.Spec {
	return &tool.Spec{
		ID: "id", Name: "name", Description: "d", Type: tool.Streaming, ReturnType: "int",
		Arguments: []tool.Argument{{
			Name: "a", Type: "str", Nullable: true, Required: true, Kind: tool.VarKeyword, Streamed: true,
			Description: "d", Default: tool.Value{TypeURL: "t/a"},
		}},
		InputSchema: "{}", OutputSchema: "[]", Idempotent: true, Once: true, Sticky: true, Hidden: true, Available: true,
		MaxConcurrency: 5, Timeout: time.Second, RatePerSecond: 2.5, RateBurst: 3, SessionID: "s", Owner: "o",
		Metadata: map[string]string{"k": "v"}, Hash: "h", Order: 9,
	}
}

func TestSpecsTravelWhole(t *testing.T) {
	t.Parallel()
	want := []*tool.Spec{fullSpec()}
	require.Equal(t, want, wire.SpecsFromProto(wire.SpecsProto(want)))
}

func TestAnOfferSaysNothingThatOnlyTheBridgeMaySay(t *testing.T) {
	t.Parallel()
	got := wire.OffersFromProto(wire.SpecsProto([]*tool.Spec{fullSpec()}))[0]
	want := fullSpec()
	want.Available, want.Hash, want.Order, want.Owner = false, "", 0, ""
	require.Equal(t, want, got)
}

func TestUnknownEnumsAreTheirZeroAndAnEmptyIDIsTheName(t *testing.T) {
	t.Parallel()
	got := wire.SpecFromProto(&bridgepb.ToolSpec{Name: "n", Type: 99, Arguments: []*bridgepb.ArgumentSpec{{Kind: 99}, {Kind: -1}}})
	require.Equal(t, "n", got.ID)
	require.Equal(t, tool.Standard, got.Type)
	require.Equal(t, tool.PositionalOrKeyword, got.Arguments[0].Kind)
	require.Equal(t, tool.PositionalOrKeyword, got.Arguments[1].Kind)
	require.Equal(t, tool.External, wire.SpecFromProto(&bridgepb.ToolSpec{Type: bridgepb.ToolType_EXTERNAL}).Type)
}

func TestSessionsVariablesAndAgentsTravelWhole(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC)
	session := tool.Session{
		Key: tool.SessionKey{Owner: "o", ID: "s"}, Epoch: 2, Metadata: map[string]string{"k": "v"},
		CreatedAt: now, TTL: time.Hour, Revision: "r",
	}
	require.Equal(t, session, wire.SessionFromProto(wire.SessionProto(session)))

	variable := tool.Variable{Name: "v", Value: tool.Value{TypeURL: "t/a"}, Metadata: map[string]string{}, Revision: "r", UpdatedAt: now}
	require.Equal(t, variable, wire.VariableFromProto(wire.VariableProto(variable)))
	require.Equal(t, tool.Variable{}, wire.VariableFromProto(wire.VariableProto(tool.Variable{})))

	agent := tool.Agent{
		ID: "a", Signature: "q -> a", Tools: []string{"t"}, MaxIters: 3, Model: "m", Instructions: "i",
		Metadata: map[string]string{"k": "v"}, CreatedAt: now,
	}
	require.Equal(t, agent, wire.AgentFromProto(wire.AgentProto(agent)))
}

func TestLimitsTravelWhole(t *testing.T) {
	t.Parallel()
	require.Equal(t, wire.DefaultLimits(), wire.LimitsFromProto(wire.LimitsProto(wire.DefaultLimits())))
	require.Zero(t, wire.LimitsFromProto(wire.LimitsProto(wire.Limits{MaxValueBytes: -1, MaxBatchItems: -1})))
	require.Equal(t, math.MaxInt, wire.LimitsFromProto(&bridgepb.Limits{MaxValueBytes: math.MaxUint64}).MaxValueBytes)
}

func TestProgressTravelsWhole(t *testing.T) {
	t.Parallel()
	want := tool.Progress{Done: 1, Total: 2, Message: "half"}
	require.Equal(t, want, wire.ProgressFromProto(wire.ProgressProto(want)))
	require.Equal(t, "\uFFFD", wire.ProgressProto(tool.Progress{Message: "\xff"}).GetMessage())
}

func TestTimesKeepTheirMeaningAtTheEdges(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Duration(math.MaxInt64), wire.Duration(math.MaxUint64))
	require.Equal(t, uint64(1), wire.Micros(time.Nanosecond), "a span above zero is never the 0 that means not set")
	require.Zero(t, wire.Micros(-time.Second))
	require.Equal(t, uint64(math.MaxInt64/1000+1), wire.Micros(math.MaxInt64))
	require.Equal(t, time.Duration(math.MaxInt64), wire.FromMillis(math.Inf(1)))
	require.Zero(t, wire.FromMillis(math.NaN()))
	require.Zero(t, wire.FromMillis(-1))
	require.Zero(t, wire.TimeLeft(t.Context()))

	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	require.Equal(t, uint64(1), wire.TimeLeft(past), "a deadline that has passed is not the 0 that means none")
}

// roundTrip marshals a message and reads it back, so that a test sees what really travels.
func roundTrip[M proto.Message](t *testing.T, m, into M) M {
	t.Helper()
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(b, into))
	return into
}
