package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// limitVariable says how many calls the worker runs at once.
const limitVariable = "TOOLBRIDGE_E2E_LIMIT"

// runWorker is the Go worker process of the tests: it leaves when its standard input ends or it is killed.
func runWorker(address string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	limit, err := strconv.Atoi(os.Getenv(limitVariable))
	if err != nil {
		return err
	}
	client, err := toolbridge.Dial(ctx, address, toolbridge.WithConcurrency(limit), toolbridge.WithConnectTimeout(patience), toolbridge.WithCodec(value.New(value.With(frame.Extension()))))
	if err != nil {
		return err
	}
	w := toolbridge.NewWorker(client)
	toolbridge.AddTool(w, "go_echo", func(_ context.Context, v any) (any, error) { return v, nil })
	toolbridge.AddTool(w, "go_hold", hold, toolbridge.Argument("path"))
	toolbridge.AddTool(w, "go_hold_safe", hold, toolbridge.Argument("path"), toolbridge.IsIdempotent())
	toolbridge.AddTool(w, "go_nest", nest)
	toolbridge.AddTool(w, "go_make", func(_ context.Context, size int) (string, error) { return strings.Repeat("x", size), nil }, toolbridge.Argument("size"))
	toolbridge.AddStreamingTool(w, "go_make_chunk", func(_ context.Context, size int, yield func(string) error) error {
		return yield(strings.Repeat("x", size))
	}, toolbridge.Argument("size"))
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	select {
	case err := <-ran:
		return err
	case <-w.Ready():
	}
	fmt.Fprintln(os.Stdout, "ready")
	return errors.Join(<-ran, client.Close())
}

// hold says that it runs, and waits for the file that releases it.
func hold(ctx context.Context, path string) (string, error) {
	if err := note(path + ".began"); err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(path + ".go"); err == nil {
			return filepath.Base(path) + " is done", nil
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(ctx.Err(), note(path+".ended"))
		case <-time.After(tick):
		}
	}
}

// note adds a line to a file.
func note(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return errors.Join(err, f.Close())
}

type nesting struct {
	Depth int    `bridge:"depth"`
	Path  string `bridge:"path,optional"`
}

// nest calls its twin in Python until the depth is reached, and there holds if it has a path.
func nest(ctx context.Context, in nesting) (any, error) {
	if in.Depth > 0 {
		return toolbridge.FromContext(ctx).Session().Call(ctx, "py_nest", in.Depth-1, in.Path)
	}
	if in.Path != "" {
		return hold(ctx, in.Path)
	}
	left, _ := toolbridge.TimeLeft(ctx)
	return map[string]any{"depth": toolbridge.FromContext(ctx).Call().Depth, "left": left.Seconds()}, nil
}
