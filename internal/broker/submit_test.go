package broker_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// starter is a host that answers what it was started with when it is told.
type starter struct {
	fakeHost
	started chan tool.Answerer
}

func (s *starter) Start(_ context.Context, _ *tool.Call, then tool.Answerer) bool {
	s.started <- then
	return true
}

// answers takes the answers of submitted calls.
type answers chan answer

func (a answers) Answer(result tool.Result, err error) { a <- answer{result, err} }

func TestACallWhoseWayBackPanicsIsAnsweredAndHoldsNothingAnyMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	host := &starter{started: make(chan tool.Answerer, 1)}
	b.hostWith(host, broker.AttachOptions{MaxCalls: 1}, plain("x"))
	got := make(answers, 1)
	for range 3 { // each wants the only place
		b.Submit(t.Context(), to("x"), got)
		var none *tool.Error // a host's mistake: an error that is none
		(<-host.started).Answer(tool.Result{}, none)
		refused(t, (<-got).err, tool.Internal, `answering the call of tool "x" panicked`)
	}
	require.Zero(t, b.Load().Running)
	b.Submit(t.Context(), to("x"), got)
	(<-host.started).Answer(tool.Result{Value: text("fine")}, nil)
	require.NoError(t, (<-got).err)
}

func TestAFunctionOfTheBridgeThatEndsItsGoroutineIsAnsweredFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hostWith(&fakeHost{
		call: func(context.Context, *tool.Call) (tool.Result, error) {
			runtime.Goexit()
			return tool.Result{}, nil
		},
		stream: func(_ context.Context, _ *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			if err := send(tool.Chunk{Value: text("one")}); err != nil {
				return tool.Metrics{}, err
			}
			runtime.Goexit()
			return tool.Metrics{}, nil
		},
	}, broker.AttachOptions{Local: true, MaxCalls: 1}, plain("x"))
	for range 3 {
		_, err := b.Call(t.Context(), to("x"))
		refused(t, err, tool.Internal, `tool "x" ended its goroutine by runtime.Goexit`)
		named := to("x")
		named.RequestID = "once"
		_, err = b.Call(t.Context(), named)
		refused(t, err, tool.Internal, "Goexit")
		chunks := 0
		_, err = b.Stream(t.Context(), to("x"), func(tool.Chunk) error { chunks++; return nil })
		refused(t, err, tool.Internal, "Goexit")
		require.Equal(t, 1, chunks)
	}
	require.Zero(t, b.Load().Running)
}

func TestAHostOfTheBridgeThatPanicsPanicsAtItsCaller(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hostWith(&fakeHost{call: func(context.Context, *tool.Call) (tool.Result, error) { panic("a broken host") }},
		broker.AttachOptions{Local: true}, plain("x"))
	require.PanicsWithValue(t, "a broken host", func() { _, _ = b.Call(t.Context(), to("x")) })
	require.Zero(t, b.Load().Running)
}
