package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

// runWorker is the Go worker process of the tests; worker.py is the same in Python. It ends with its standard input.
func runWorker(address, prefix string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, err := toolbridge.Dial(ctx, address)
	if err != nil {
		return err
	}
	w := toolbridge.NewWorker(client)
	toolbridge.AddTool(w, prefix+"_echo", func(_ context.Context, v any) (any, error) { return v, nil })
	runs := counter{runs: map[string]int{}}
	toolbridge.AddTool(w, prefix+"_once", runs.add, toolbridge.Argument("key"))
	toolbridge.AddTool(w, prefix+"_runs", runs.of, toolbridge.Argument("key"))
	toolbridge.AddStreamingTool(w, prefix+"_count", countTo)
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	select {
	case err := <-ran:
		return err
	case <-w.Ready():
	}
	fmt.Fprintln(os.Stdout, "ready")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return errors.Join(<-ran, client.Close())
}

// counter counts how often a tool ran with each key.
type counter struct {
	mu   sync.Mutex
	runs map[string]int
}

func (c *counter) add(_ context.Context, key string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[key]++
	return c.runs[key], nil
}

func (c *counter) of(_ context.Context, key string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[key], nil
}

type counting struct {
	N       int `bridge:"n"`
	PauseMS int `bridge:"pause_ms"`
}

func countTo(ctx context.Context, in counting, yield func(int) error) error {
	for i := 1; i <= in.N; i++ {
		if err := yield(i); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(in.PauseMS) * time.Millisecond):
		}
	}
	return nil
}
