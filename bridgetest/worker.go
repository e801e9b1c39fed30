package bridgetest

import (
	"context"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

// Worker is a worker that runs until it is stopped or the test ends.
type Worker struct {
	// Client is the worker's connection.
	Client *toolbridge.Client

	bridge *Bridge
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
	once   sync.Once
}

// Worker runs a worker with a client of its own, to which add adds tools, and returns when its tools are registered.
func (b *Bridge) Worker(add func(w *toolbridge.Worker), options ...toolbridge.WorkerOption) *Worker {
	b.tb.Helper()
	return b.WorkerOn(b.Dial(), add, options...)
}

// WorkerOn is like Worker, over a client that is there already.
func (b *Bridge) WorkerOn(client *toolbridge.Client, add func(w *toolbridge.Worker), options ...toolbridge.WorkerOption) *Worker {
	b.tb.Helper()
	worker := toolbridge.NewWorker(client, options...)
	add(worker)
	ctx, cancel := context.WithCancel(context.Background())
	w := &Worker{Client: client, bridge: b, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		w.err = worker.Run(ctx)
	}()
	b.tb.Cleanup(w.Stop)
	select {
	case <-worker.Ready():
	case <-w.ended:
		b.tb.Fatalf("bridgetest: the worker could not register its tools: %v", w.err)
	case <-time.After(patience):
		b.tb.Fatalf("bridgetest: the worker has not registered its tools after %v", patience)
	}
	return w
}

// Stop lets the worker finish its running calls and waits for its end. An error fails the test. Stopping it again does
// nothing.
func (w *Worker) Stop() {
	w.once.Do(func() {
		w.cancel()
		<-w.ended
		if w.err != nil {
			w.bridge.tb.Errorf("bridgetest: the worker ended with: %v", w.err)
		}
	})
}
