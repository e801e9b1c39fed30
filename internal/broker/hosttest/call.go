package hosttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// soon is how long anything may take that should happen at once.
const soon = 30 * time.Second

// call makes a call of a tool as the broker dispatches it.
func (h Harness) call(name string, args ...tool.Value) *tool.Call {
	return &tool.Call{
		SessionID: "hosttest", Tool: name, Spec: h.spec(name), Args: args, Key: h.keys.Add(1), Received: time.Now(),
	}
}

// echo calls "echo".
func (h Harness) echo(ctx context.Context, s string) (tool.Result, error) {
	return h.Host.Call(ctx, h.call("echo", text(s)))
}

// failed asserts that err is a *tool.Error of one of these codes.
func failed(t *testing.T, err error, codes ...tool.Code) {
	t.Helper()
	_ = failure(t, err, codes...)
}

// failure does the same and returns the error.
func failure(t *testing.T, err error, codes ...tool.Code) *tool.Error {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, codes, e.Code, e.Message)
	return e
}

// within fails the test if something does not happen soon.
func within(t *testing.T, what string, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(soon):
		require.Fail(t, "it did not happen within "+soon.String(), what)
	}
}

func (s suite) identity(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	first := h.Host.Identity()
	require.Nil(t, tool.CheckName("identity", first))
	_, err := h.echo(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, first, h.Host.Identity())
}

func (s suite) result(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{Echo: func(_ context.Context, text string) (string, error) { return "you said " + text, nil }})
	r, err := h.echo(t.Context(), "héllo")
	require.NoError(t, err)
	require.Equal(t, "you said héllo", textOf(t, r.Value))
	require.GreaterOrEqual(t, r.Metrics.Execute, time.Duration(0))
}

func (s suite) many(t *testing.T) {
	t.Helper()
	const calls = 50
	var inside sync.WaitGroup
	inside.Add(calls)
	h := s.with(t, Functions{Echo: func(_ context.Context, text string) (string, error) {
		inside.Done()
		inside.Wait() // ends only when all are there
		return text, nil
	}})
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			want := fmt.Sprint("call ", i)
			r, err := h.echo(t.Context(), want)
			if err != nil || textOf(t, r.Value) != want {
				t.Errorf("call %d: got %v, %v", i, r.Value, err)
			}
		})
	}
	all.Wait()
}

func (s suite) large(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	want := strings.Repeat("0123456789abcdef", 3<<16)
	r, err := h.echo(t.Context(), want)
	require.NoError(t, err)
	if textOf(t, r.Value) != want {
		require.Fail(t, "3 MiB came back changed")
	}
}

func (s suite) toolError(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{Echo: func(context.Context, string) (string, error) { return "", errors.New("no such thing") }})
	_, err := h.echo(t.Context(), "x")
	e := failure(t, err, tool.ExecutionError)
	require.Contains(t, e.Message, "no such thing")
	require.Empty(t, e.Stack, "a stack that was not asked for")
}

// disguise matters because the broker dispatches a call again that its host says was not started.
func (s suite) disguise(t *testing.T) {
	t.Helper()
	for _, code := range []tool.Code{tool.WorkerUnavailable, tool.WorkerLost} {
		h := s.with(t, Functions{Echo: func(context.Context, string) (string, error) {
			return "", tool.Errorf(code, "of a call that the function made")
		}})
		_, err := h.echo(t.Context(), "x")
		failed(t, err, tool.ExecutionError, tool.Internal)
	}
}

func (s suite) panics(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{Echo: func(_ context.Context, text string) (string, error) {
		if text == "panic" {
			panic("out of order")
		}
		return text, nil
	}})
	_, err := h.echo(t.Context(), "panic")
	failed(t, err, tool.ExecutionError, tool.Internal)
	_, err = h.echo(t.Context(), "x")
	require.NoError(t, err)
}

// blocked returns functions that tell when they began and when their context ended.
func blocked() (f Functions, began, ended chan struct{}) {
	began, ended = make(chan struct{}), make(chan struct{})
	wait := func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}
	return Functions{
		Echo:  func(ctx context.Context, _ string) (string, error) { return "", wait(ctx) },
		Count: func(ctx context.Context, _ int64, _ func(int64) error) error { return wait(ctx) },
	}, began, ended
}

func (s suite) cancel(t *testing.T) {
	t.Helper()
	f, began, ended := blocked()
	h := s.with(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		_, err := h.echo(ctx, "x")
		answer <- err
	}()
	within(t, "the function begins", began)
	cancel()
	within(t, "the function's context ends", ended)
	failed(t, <-answer, tool.Cancelled)
}

func (s suite) deadline(t *testing.T) {
	t.Helper()
	for limit := 100 * time.Millisecond; ; limit *= 2 { // until it is enough for the function to begin
		require.Less(t, limit, soon, "the function never begins")
		f, began, ended := blocked()
		h := s.with(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		_, err := h.echo(ctx, "x")
		cancel()
		failed(t, err, tool.DeadlineExceeded)
		select {
		case <-began:
			within(t, "the function's context ends", ended)
			return
		default:
		}
	}
}

func (s suite) over(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.echo(ctx, "x")
	failed(t, err, tool.Cancelled)
}

func (s suite) unknown(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	_, err := h.Host.Call(t.Context(), h.call("no_such_tool"))
	failed(t, err, tool.WorkerUnavailable, tool.ToolNotFound)
}

func (s suite) callOfStreaming(t *testing.T) {
	t.Helper()
	h := s.with(t, Functions{})
	r, err := h.Host.Call(t.Context(), h.call("count", number(3)))
	require.NoError(t, err)
	require.Contains(t, []string{prefix + "ListValue", "type.googleapis.com/dspex.bridge.Value"}, r.Value.TypeURL)
}

func (s suite) lost(t *testing.T) {
	t.Helper()
	f, began, _ := blocked()
	h := s.with(t, f)
	if h.Lose == nil {
		t.Skip("this host runs its calls itself")
	}
	answer := make(chan error, 1)
	go func() {
		_, err := h.echo(t.Context(), "x")
		answer <- err
	}()
	within(t, "the function begins", began)
	h.Lose()
	select {
	case err := <-answer:
		failed(t, err, tool.WorkerLost)
	case <-time.After(soon):
		require.Fail(t, "the call did not end")
	}
	_, err := h.echo(t.Context(), "x")
	failed(t, err, tool.WorkerUnavailable)
}
