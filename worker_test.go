package toolbridge_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestAWorkerForOneSessionIsSeenByThatSessionOnly(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	mine, theirs := b.Session(), b.Session()
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "who", func(context.Context, struct{}) (string, error) { return "shared", nil })
	})
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "who", func(context.Context, struct{}) (string, error) { return "mine", nil })
	}, toolbridge.ForSession(mine.ID()))
	got, err := mine.Call(t.Context(), "who")
	require.NoError(t, err)
	require.Equal(t, "mine", got, "a session's own tool hides the shared one")
	got, err = theirs.Call(t.Context(), "who")
	require.NoError(t, err)
	require.Equal(t, "shared", got)
}

func TestOneClientCallsAndAnswersOverOneLink(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	b.WorkerOn(client, offerSamples)
	s, err := client.Session(t.Context(), "")
	require.NoError(t, err)
	got, err := toolbridge.Call[map[string]any](t.Context(), s, "nest", 2)
	require.NoError(t, err)
	require.Equal(t, int64(3), got["depth"])
}

func TestAToolAddedLaterIsOfferedToo(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	var worker *toolbridge.Worker
	b.Worker(func(w *toolbridge.Worker) {
		worker = w
		offerSamples(w)
	})
	s := b.Session()
	toolbridge.AddTool(worker, "late", func(context.Context, struct{}) (int, error) { return 7, nil })
	eventually(t, func() bool {
		got, err := s.Call(t.Context(), "late")
		return err == nil && got == int64(7)
	}, "the tool that was added while the worker ran")
}

func TestAWorkerThatStopsFinishesWhatItRuns(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	running, release := make(chan struct{}), make(chan struct{})
	w := b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "slow", func(context.Context, struct{}) (string, error) {
			close(running)
			<-release
			return "done", nil
		})
	})
	s := b.Session()
	type outcome struct {
		value any
		err   error
	}
	ended := make(chan outcome, 1)
	go func() {
		v, err := s.Call(context.WithoutCancel(t.Context()), "slow")
		ended <- outcome{v, err}
	}()
	<-running
	stopped := make(chan struct{})
	go func() {
		w.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Fatal("the worker stopped while a call ran")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	require.Equal(t, outcome{"done", nil}, <-ended)
	<-stopped
}

func TestAWorkerThatCannotFinishInTimeSaysHowManyCallsAreLeft(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	worker := toolbridge.NewWorker(client, toolbridge.DrainTimeout(20*time.Millisecond))
	running := make(chan struct{})
	toolbridge.AddTool(worker, "stuck", func(ctx context.Context, _ struct{}) (int, error) {
		close(running)
		<-ctx.Done()
		return 0, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	go func() { _, _ = b.Session().Call(context.WithoutCancel(t.Context()), "stuck") }()
	<-running
	cancel()
	err := <-ended
	require.ErrorContains(t, err, "1 calls still ran")
	require.ErrorContains(t, worker.Run(t.Context()), "has run already")
}

func TestTwoWorkersOfOneClientStopByThemselves(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	one := b.WorkerOn(client, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "one", func(context.Context, struct{}) (int, error) { return 1, nil })
	})
	b.WorkerOn(client, func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "two", func(context.Context, struct{}) (int, error) { return 2, nil })
	})
	s := b.Session()
	one.Stop()
	got, err := s.Call(t.Context(), "two")
	require.NoError(t, err)
	require.Equal(t, int64(2), got)
	_, err = s.Call(t.Context(), "one")
	require.Equal(t, tool.ToolNotFound, asError(t, err).Code)
}

func TestABridgeThatRefusesAWorkersToolsEndsIt(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	s := b.Session()
	_, err := s.RegisterTools(t.Context(), &tool.Spec{ID: "other", Name: "mine"})
	require.NoError(t, err)
	worker := toolbridge.NewWorker(b.Dial(), toolbridge.ForSession(s.ID()))
	toolbridge.AddTool(worker, "mine", func(context.Context, struct{}) (int, error) { return 1, nil })
	require.Equal(t, tool.ToolConflict, asError(t, worker.Run(t.Context())).Code)
}

func TestTwoWorkersOfOneClientCannotOfferTheSameTool(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()
	b.WorkerOn(client, offerSamples)
	second := toolbridge.NewWorker(client)
	offerSamples(second)
	require.Equal(t, tool.ToolConflict, asError(t, second.Run(t.Context())).Code)
}

func TestWhatCannotBeAToolPanicsWhenItIsAdded(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	w := toolbridge.NewWorker(b.Dial())
	require.PanicsWithValue(t, `toolbridge: AddTool: tool "bad": argument: a chan cannot cross a bridge`, func() {
		toolbridge.AddTool(w, "bad", func(context.Context, chan int) (int, error) { return 0, nil })
	})
	require.PanicsWithValue(t, "toolbridge: AddTool: tool \"bad\": result: two fields of toolbridge_test.shadowing are called \"Name\", origin.Name and Name: "+
		"give one of them another name by the tag `bridge:\"...\"`, or leave it out by `bridge:\"-\"`", func() {
		toolbridge.AddTool(w, "bad", func(context.Context, int) (out shadowing, err error) { return out, nil })
	})
	require.PanicsWithValue(t, `toolbridge: AddTool: the worker has a tool with the id "add_numbers" already`, func() {
		offerSamples(w)
		offerSamples(w)
	})
	require.Panics(t, func() { toolbridge.NewWorker(b.Dial(toolbridge.WithoutLink())) })
}

func TestToolOptionsReachTheCallers(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "described", func(_ context.Context, n int) (int, error) { return n, nil },
			toolbridge.Description("text"), toolbridge.ToolID("id-1"), toolbridge.Argument("n"), toolbridge.IsIdempotent(), toolbridge.Sticky(),
			toolbridge.MaxConcurrency(3), toolbridge.ToolTimeout(time.Minute), toolbridge.ToolMetadata(map[string]string{"a": "b"}),
			toolbridge.InputSchema(`{"type":"object","properties":{"n":{"type":"integer","maximum":5}}}`), toolbridge.OutputSchema(`{"type":"integer"}`))
		toolbridge.AddTool(w, "secret", func(context.Context, struct{}) (int, error) { return 1, nil }, toolbridge.Hidden())
	})
	s := b.Session()
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.Len(t, tools, 1)
	spec := tools[0].Spec()
	require.Equal(t, "id-1", spec.ID)
	require.Equal(t, "n", spec.Arguments[0].Name)
	require.True(t, spec.Idempotent && spec.Sticky)
	require.Equal(t, 3, spec.MaxConcurrency)
	require.Equal(t, time.Minute, spec.Timeout)
	require.Equal(t, map[string]string{"a": "b"}, spec.Metadata)
	require.JSONEq(t, `{"type":"integer"}`, spec.OutputSchema)
	for _, name := range []string{"id-1", "described", "secret"} {
		_, err := s.Call(t.Context(), name, []any{1}[:len(spec.Arguments)*boolInt(name != "secret")]...)
		require.NoError(t, err, name)
	}
	_, err = s.Call(t.Context(), "described", 6)
	require.Contains(t, err.Error(), "maximum: got 6, want 5")
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestAToolUsesTheSessionOfItsCall(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "remember", func(ctx context.Context, v any) (string, error) {
			tc := toolbridge.FromContext(ctx)
			tc.Log(ctx, slog.LevelInfo, "remembering", "value", v)
			return tc.Session().Set(ctx, "remembered", v)
		})
	})
	s := b.Session()
	_, err := s.Call(t.Context(), "remember", "this")
	require.NoError(t, err)
	got, err := s.Get(t.Context(), "remembered")
	require.NoError(t, err)
	require.Equal(t, "this", got)
	require.Nil(t, toolbridge.FromContext(t.Context()))
	_, limited := toolbridge.TimeLeft(context.Background())
	require.False(t, limited)
}

func TestCallsGoOnOverALostConnection(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	running, release := make(chan struct{}), make(chan struct{})
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "slow", func(context.Context, struct{}) (string, error) {
			close(running)
			<-release
			return "done", nil
		})
	})
	s := b.Session()
	ended := make(chan any, 2)
	go func() {
		v, err := s.Call(context.WithoutCancel(t.Context()), "slow")
		ended <- err
		ended <- v
	}()
	<-running
	b.Cut()
	close(release)
	require.Nil(t, <-ended)
	require.Equal(t, "done", <-ended)
}

func TestAWorkerRegistersAgainAfterTheBridgeRestarted(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	s := b.Session()
	_, err := s.Set(t.Context(), "kept", true)
	require.NoError(t, err)
	b.Restart()
	got, err := s.With(toolbridge.WithRetry(quick)).Call(t.Context(), "add_numbers", 1, 2)
	require.NoError(t, err, "a call waits for the bridge and for its worker")
	require.Equal(t, int64(3), got)
	kept, err := s.Get(t.Context(), "kept")
	require.NoError(t, err)
	require.Equal(t, true, kept)
	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	require.True(t, tools[0].Spec().Available)
}

func TestInterceptorsSeeCallsOnBothSides(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	var seen []string
	tracing := func(where string) toolbridge.Interceptor {
		return toolbridge.Interceptor{
			Call: func(next toolbridge.CallFunc) toolbridge.CallFunc {
				return func(ctx context.Context, call *tool.Call) (tool.Result, error) {
					seen = append(seen, where+" "+call.Tool)
					result, err := next(ctx, call)
					seen = append(seen, where+" ended")
					return result, err
				}
			},
		}
	}
	var faults bridgetest.Faults
	faults.Fail("add_numbers", nil)
	faults.Fail("add_numbers", tool.Errorf(tool.QuotaExceeded, "no more"))
	b.Worker(offerSamples, toolbridge.WithWorkerInterceptors(tracing("worker"), faults.Interceptor()))
	s := b.Session(toolbridge.WithInterceptors(tracing("outer"), tracing("inner")))
	_, err := s.Call(t.Context(), "add_numbers", 1, 2)
	require.NoError(t, err)
	require.Equal(t, []string{
		"outer add_numbers", "inner add_numbers", "worker add_numbers", "worker ended", "inner ended", "outer ended",
	}, seen)
	_, err = s.Call(t.Context(), "add_numbers", 1, 2)
	require.Equal(t, tool.QuotaExceeded, asError(t, err).Code)
	require.Equal(t, 2, faults.Calls("add_numbers"))
}

func TestAPanicIsLoggedAtTheWorkerWithItsStack(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	var log bytes.Buffer
	client := b.Dial(toolbridge.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	w := b.WorkerOn(client, offerSamples)
	_, err := b.Session().Call(t.Context(), "panic")
	require.Error(t, err)
	w.Stop()
	require.Contains(t, log.String(), "setup_test.go")
	require.Contains(t, log.String(), "tool=panic")
}
