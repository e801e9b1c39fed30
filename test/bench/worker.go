package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grpc-tool-bridge/toolbridge"
)

// The names of the tools of the Go worker, and of those elsewhere that do the same.
const (
	goEcho     = "go_echo"
	pythonEcho = "python_echo"
	demoEcho   = "echo_tool" // the bridge's own
	goEmpty    = "go_empty"
	goChunks   = "go_chunks"
	demoChunks = "stream_processor" // the bridge's own
	goFirst    = "go_first"
)

// chunkBytes is the size of a chunk, chunkCount how many a stream has.
const (
	chunkBytes = 64 << 10
	chunkCount = 160
)

// work hosts the tools of the Go worker.
func work(ctx context.Context, address string, out io.Writer) error {
	return host(ctx, address, out, func(worker *toolbridge.Worker) {
		toolbridge.AddTool(worker, goEcho, func(_ context.Context, text string) (string, error) { return text, nil })
		toolbridge.AddTool(worker, goEmpty, func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
		toolbridge.AddStreamingTool(worker, goChunks, yieldChunks)
		toolbridge.AddStreamingTool(worker, goFirst, func(_ context.Context, _ struct{}, yield func(int) error) error {
			return yield(1)
		})
		addWaiting(worker)
	})
}

// chunked is how many chunks are wanted.
type chunked struct {
	N int `bridge:"n"`
}

func yieldChunks(_ context.Context, in chunked, yield func([]byte) error) error {
	chunk := make([]byte, chunkBytes)
	for range in.N {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

// host hosts tools and says when they are registered.
func host(ctx context.Context, address string, out io.Writer, add func(*toolbridge.Worker)) error {
	client, err := toolbridge.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // the process ends
	worker := toolbridge.NewWorker(client)
	add(worker)
	go func() {
		select {
		case <-worker.Ready():
			_ = ready(out, address)
		case <-ctx.Done():
		}
	}()
	return worker.Run(ctx)
}

// hostMany hosts so many tools that nobody calls.
func hostMany(ctx context.Context, address string, count int, out io.Writer) error {
	return host(ctx, address, out, func(worker *toolbridge.Worker) {
		for i := range count {
			toolbridge.AddTool(worker, fmt.Sprintf("idle_%05d", i), func(_ context.Context, text string) (string, error) { return text, nil },
				toolbridge.Description("Returns the text that it is given, as one of many tools of its kind."))
		}
	})
}

// atOnce is how many links or sessions are made at once.
const atOnce = 64

// connectMany keeps so many links, each with a session and one call behind it.
func connectMany(ctx context.Context, address string, count int, out io.Writer) error {
	clients := make([]*toolbridge.Client, count)
	defer func() {
		for _, client := range clients {
			if client != nil {
				_ = client.Close()
			}
		}
	}()
	connecting, within := errgroup.WithContext(ctx)
	connecting.SetLimit(atOnce)
	for i := range clients {
		connecting.Go(func() (err error) {
			if clients[i], err = toolbridge.Dial(within, address); err != nil {
				return err
			}
			session, err := clients[i].Session(within, "links")
			if err != nil {
				return err
			}
			_, err = toolbridge.Call[string](within, session, goEcho, payload())
			return err
		})
	}
	if err := connecting.Wait(); err != nil {
		return err
	}
	if err := ready(out, address); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// createMany creates so many sessions and leaves them.
func createMany(ctx context.Context, address string, count int, out io.Writer) error {
	client, err := toolbridge.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // the process ends
	creating, within := errgroup.WithContext(ctx)
	creating.SetLimit(atOnce)
	for i := range count {
		creating.Go(func() error {
			_, err := client.Session(within, fmt.Sprintf("idle-%032d", i))
			return err
		})
	}
	if err := creating.Wait(); err != nil {
		return err
	}
	return ready(out, address)
}

// waits are the calls that wait to be cancelled, by their names.
type waits struct {
	mu  sync.Mutex
	all map[string]*waitingCall
}

// waitingCall is one of them.
type waitingCall struct {
	running, stopped chan struct{}
	at               time.Time // when it was stopped; written before stopped is closed
}

func (w *waits) of(name string) *waitingCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.all[name]
	if one == nil {
		one = &waitingCall{running: make(chan struct{}), stopped: make(chan struct{})}
		w.all[name] = one
	}
	return one
}

// addWaiting adds the tool that is cancelled, and two that say what became of it.
func addWaiting(worker *toolbridge.Worker) {
	w := &waits{all: map[string]*waitingCall{}}
	toolbridge.AddTool(worker, "go_wait", func(ctx context.Context, name string) (bool, error) {
		one := w.of(name)
		close(one.running)
		<-ctx.Done()
		one.at = time.Now()
		close(one.stopped)
		return false, context.Cause(ctx)
	}, toolbridge.Argument("name"))
	toolbridge.AddTool(worker, "go_running", func(ctx context.Context, name string) (bool, error) {
		select {
		case <-w.of(name).running:
			return true, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}, toolbridge.Argument("name"))
	toolbridge.AddTool(worker, "go_stopped", func(ctx context.Context, name string) (int64, error) {
		one := w.of(name)
		select {
		case <-one.stopped:
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.all, name)
			return one.at.UnixNano(), nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}, toolbridge.Argument("name"))
}
