// Package hosttest is the conformance suite that every broker.Host passes.
package hosttest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Functions are what a host under test offers. Each test brings its own.
type Functions struct {
	// Echo is offered as the standard tool "echo", with one required argument "text" of type str and a result of type str. The host
	// treats an error that it returns as one that the tool itself raised, whatever its type.
	Echo func(ctx context.Context, text string) (string, error)
	// Count is offered as the streaming tool "count", with one required argument "n" of type int, whose chunks are of
	// type int. Yield blocks while the reader is not ready.
	Count func(ctx context.Context, n int64, yield func(int64) error) error
	// Table is offered as the standard tool "table", with one required argument "value" of any type, given and returned as it is encoded.
	Table func(ctx context.Context, value tool.Value) (tool.Value, error)
}

// Harness is a host under test.
type Harness struct {
	// Host offers Functions. What it needs is released by the test's Cleanup.
	Host broker.Host
	// Specs of what it offers, as they reach a call.
	Specs []*tool.Spec
	// Lose makes the host lose whatever runs its calls, if there is such a thing.
	Lose func()

	keys *atomic.Uint64 // of calls, as a broker gives them
}

// spec finds a tool's spec by its name.
func (h Harness) spec(name string) *tool.Spec {
	for _, s := range h.Specs {
		if s.Name == name {
			return s
		}
	}
	return &tool.Spec{ID: name, Name: name}
}

// Run runs the suite against hosts that start makes, a new one for each test.
func Run(t *testing.T, start func(t *testing.T, f Functions) Harness) {
	t.Helper()
	s := suite{start}
	for _, c := range []struct {
		name string
		test func(suite, *testing.T)
	}{
		{"identity is a name that stays", suite.identity},
		{"a call returns the tool's result", suite.result},
		{"many calls run at once", suite.many},
		{"a large value passes whole", suite.large},
		{"a table larger than a message comes and goes in pieces", suite.tables},
		{"an error of the tool is an ExecutionError", suite.toolError},
		{"an error of the tool never looks like one of the host", suite.disguise},
		{"a panic of the tool is an error of that call alone", suite.panics},
		{"cancelling reaches the function", suite.cancel},
		{"a deadline reaches the function", suite.deadline},
		{"a call whose context is over ends", suite.over},
		{"an unknown tool is not started", suite.unknown},
		{"chunks arrive in order", suite.order},
		{"an empty stream is whole", suite.empty},
		{"a slow reader holds the function back", suite.pressure},
		{"send is called by one at a time", suite.oneAtATime},
		{"an error of send ends the function and is returned", suite.sendError},
		{"an error of the function ends the stream after its chunks", suite.streamError},
		{"cancelling ends a stream", suite.cancelStream},
		{"a standard tool streams its result as one chunk", suite.streamOfStandard},
		{"a streaming tool answers a plain call with a list", suite.callOfStreaming},
		{"a call that runs when its worker is lost is WorkerLost", suite.lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(s, t)
		})
	}
}

type suite struct {
	start func(t *testing.T, f Functions) Harness
}

// with starts a host, with functions that do the obvious in place of those that are nil.
func (s suite) with(t *testing.T, f Functions) Harness {
	t.Helper()
	if f.Echo == nil {
		f.Echo = func(_ context.Context, text string) (string, error) { return text, nil }
	}
	if f.Count == nil {
		f.Count = countTo
	}
	if f.Table == nil {
		f.Table = func(_ context.Context, value tool.Value) (tool.Value, error) { return value, nil }
	}
	h := s.start(t, f)
	h.keys = new(atomic.Uint64)
	return h
}

func countTo(ctx context.Context, n int64, yield func(int64) error) error {
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(i); err != nil {
			return err
		}
	}
	return nil
}
