package rpc_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// hosting is a handler made of a function.
type hosting struct {
	call func(ctx context.Context, call *tool.Call) (tool.Result, error)
}

func (h hosting) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	return h.call(ctx, call)
}

func (h hosting) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	r, err := h.call(ctx, call)
	if err == nil {
		err = send(tool.Chunk{Value: r.Value})
	}
	return r.Metrics, err
}

func result(t *testing.T, v any) tool.Result {
	t.Helper()
	out, err := value.Encode(v)
	require.NoError(t, err)
	return tool.Result{Value: out, Metrics: tool.Metrics{Execute: time.Microsecond}}
}

func TestACallOfAnRPCReachesAWorkerOverItsLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.worker("worker-1", hosting{func(_ context.Context, call *tool.Call) (tool.Result, error) {
		return result(t, call.Tool+" of "+call.SessionID), nil
	}}, &tool.Spec{Name: "remote"})
	response := accepted[*bridgepb.ToolCallResponse](t)(b.execute("remote"))
	require.Equal(t, "remote of "+session, decoded(t, response.GetResult()))
	require.Equal(t, "worker-1", response.GetMetrics().GetWorker())
	require.Equal(t, uint32(1), response.GetMetrics().GetAttempts())
	require.InDelta(t, 0.001, response.GetMetrics().GetExecuteMs(), 1e-9)
	require.Positive(t, response.GetMetrics().GetTransportMs())

	chunks := stream(b, &bridgepb.ToolStreamRequest{ToolId: "remote"})
	require.Len(t, chunks, 2)

	workers := accepted[*bridgepb.ListWorkersResponse](t)(b.admin.ListWorkers(t.Context(), &bridgepb.ListWorkersRequest{}))
	require.Len(t, workers.GetWorkers(), 1)
	w := workers.GetWorkers()[0]
	require.Equal(t, "worker-1", w.GetIdentity())
	require.Equal(t, bridgepb.WorkerState_WORKER_READY, w.GetState())
	require.Equal(t, "remote", w.GetTools()[0].GetName())
	require.Equal(t, uint64(2), w.GetCallsTotal())
	require.Contains(t, w.GetAddress(), "127.0.0.1:")
}

func TestAProcessCallsOverItsLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.worker("caller", hosting{})
	args := []tool.Value{wire.ValueFromProto(encoded(t, 40)), wire.ValueFromProto(encoded(t, 2))}
	r, err := w.process.Call(t.Context(), &tool.Call{SessionID: session, Tool: "add_numbers", Args: args})
	require.NoError(t, err)
	require.Equal(t, int64(42), decoded(t, wire.ValueProto(r.Value)))
	require.Positive(t, r.Metrics.Duration)

	var got []any
	_, err = w.process.Stream(t.Context(), &tool.Call{SessionID: session, Tool: "count_to_n", Args: args[1:]}, func(c tool.Chunk) error {
		got = append(got, decoded(t, wire.ValueProto(c.Value)))
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []any{int64(1), int64(2)}, got)
}

// TestWhatAWorkerAnswersIsNeverTakenForItsLoss matters because the bridge starts a call again that was not started.
func TestWhatAWorkerAnswersIsNeverTakenForItsLoss(t *testing.T) {
	t.Parallel()
	for _, code := range []tool.Code{tool.WorkerUnavailable, tool.WorkerLost, tool.Overloaded, tool.OutcomeUnknown, tool.StoreUnavailable} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var ran atomic.Int32
			b.worker("worker-1", hosting{func(context.Context, *tool.Call) (tool.Result, error) {
				ran.Add(1)
				return tool.Result{}, tool.Errorf(code, "of a call that the tool made").WithRetryAfter(time.Second)
			}}, &tool.Spec{Name: "nesting", Idempotent: true})
			e := refused[*bridgepb.ToolCallResponse](t, tool.ExecutionError, "of a call that the tool made")(b.execute("nesting"))
			require.Equal(t, string(code), e.GetClassName())
			require.False(t, e.GetRetryable())
			chunks := stream(b, &bridgepb.ToolStreamRequest{ToolId: "nesting"})
			failed(t, chunks[0].GetContent().GetError(), tool.ExecutionError)
			require.Equal(t, int32(2), ran.Load(), "each call ran once")
		})
	}
}

func TestACallGoesOnOverALostConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	began, free := make(chan struct{}), make(chan struct{})
	var ran atomic.Int32
	w := b.worker("worker-1", hosting{func(context.Context, *tool.Call) (tool.Result, error) {
		ran.Add(1)
		close(began)
		<-free
		return result(t, "kept"), nil
	}}, &tool.Spec{Name: "slow"})
	answered := make(chan *bridgepb.ToolCallResponse, 1)
	go func() {
		response, _ := b.execute("slow")
		answered <- response
	}()
	within(t, "the tool begins", began)
	w.cut()
	close(free)
	response := within(t, "the call ends", answered)
	require.Equal(t, "kept", decoded(t, response.GetResult()))
	require.Equal(t, int32(1), ran.Load())
}

func TestAWorkerThatStaysAwayIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t, withGrace(100*time.Millisecond))
	began := make(chan struct{})
	w := b.worker("worker-1", hosting{func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		close(began)
		<-ctx.Done()
		return tool.Result{}, ctx.Err()
	}}, &tool.Spec{Name: "slow"})
	answered := make(chan *bridgepb.ToolCallResponse, 1)
	go func() {
		response, _ := b.execute("slow")
		answered <- response
	}()
	within(t, "the tool begins", began)
	w.stop()
	e := within(t, "the call ends", answered).GetError()
	failed(t, e, tool.WorkerLost, "slow")
	require.False(t, e.GetRetryable())
	refused[*bridgepb.ToolCallResponse](t, tool.WorkerUnavailable, "slow")(b.execute("slow"))
	require.Eventually(t, func() bool { return b.service.End("worker-1") == nil }, patience, 5*time.Millisecond)
}

func TestAnIdempotentCallOfALostWorkerIsGivenToAnother(t *testing.T) {
	t.Parallel()
	b := setup(t, withGrace(100*time.Millisecond))
	spec := &tool.Spec{Name: "safe", Idempotent: true}
	began := make(chan struct{}, 2)
	first := b.worker("worker-1", hosting{func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		began <- struct{}{}
		<-ctx.Done()
		return tool.Result{}, ctx.Err()
	}}, spec)
	answered := make(chan *bridgepb.ToolCallResponse, 1)
	go func() {
		response, _ := b.execute("safe")
		answered <- response
	}()
	within(t, "the tool begins", began)
	b.worker("worker-2", hosting{func(context.Context, *tool.Call) (tool.Result, error) { return result(t, "second"), nil }}, spec)
	first.stop()
	response := within(t, "the call ends", answered)
	require.Equal(t, "second", decoded(t, response.GetResult()), response.GetError())
	require.Equal(t, "worker-2", response.GetMetrics().GetWorker())
	require.Equal(t, uint32(2), response.GetMetrics().GetAttempts())
}

func TestANewIncarnationTakesThePlaceOfTheOldOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.play("worker-1") // a script does not connect again by itself
	old.register("slow")
	answered := make(chan *bridgepb.ToolCallResponse, 1)
	go func() {
		response, _ := b.execute("slow")
		answered <- response
	}()
	old.await("the call", func(f *bridgepb.Frame) bool { return f.GetCall() != nil })
	raw := b.play("worker-1") // the process was started anew under its old identity
	failed(t, within(t, "the call ends", answered).GetError(), tool.WorkerLost)
	require.False(t, raw.welcome.GetResumed())
	require.NotEmpty(t, raw.welcome.GetIncarnation())
}

func TestWhoUsesASessionHearsThatItsToolsChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := b.play("listener")
	raw.send(&bridgepb.Frame{CallId: 1, Body: &bridgepb.Frame_Call{Call: &bridgepb.ToolCallRequest{
		SessionId: session, ToolId: "add_numbers", Args: all(t, 1, 1),
	}}})
	require.True(t, raw.await("the result", func(f *bridgepb.Frame) bool { return f.GetResult() != nil }).GetResult().GetSuccess())
	accepted[*bridgepb.RegisterToolsResponse](t)(b.stub.RegisterTools(t.Context(), &bridgepb.RegisterToolsRequest{
		SessionId: session, Tools: []*bridgepb.ToolSpec{{Name: "own"}},
	}))
	changed := raw.await("the news", func(f *bridgepb.Frame) bool { return f.GetToolsChanged().GetSessionId() == session })
	require.NotEmpty(t, changed.GetToolsChanged().GetRevision())
}

func TestABridgeThatStopsTellsItsWorkersAndTakesNoNewOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := b.play("worker-1")
	b.service.Drain(t.Context(), "the bridge stops")
	require.Equal(t, "the bridge stops", raw.await("the drain", func(f *bridgepb.Frame) bool { return f.GetDrain() != nil }).GetDrain().GetReason())
	late, err := b.stub.Link(t.Context())
	require.NoError(t, err)
	require.NoError(t, late.Send(hello("late")))
	answer, err := late.Recv()
	require.NoError(t, err)
	failed(t, answer.GetFrames()[0].GetProtocolError().GetError(), tool.WorkerUnavailable, "stops")
}
