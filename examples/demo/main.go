// Command demo shows the main job with real processes: a bridge with an embedded store, a Go worker, and a Python
// worker that hosts tools and agents. It calls, streams, shares a variable, runs an agent, kills the bridge in the
// middle and goes on. It ends with code 0 only if every step held.
//
// `make demo` builds what it needs and runs it. TOOLBRIDGE_BIN names the bridge's binary, TOOLBRIDGE_PYTHON the
// Python interpreter that has the SDK.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit bounds the whole demo.
const limit = 2 * time.Minute

func main() {
	worker := flag.String("worker", "", "be the Go worker of the bridge at this address (the demo starts itself so)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *worker != "" {
		exit(runWorker(ctx, *worker))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	exit(run(ctx, os.Stdout))
}

func exit(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run sets the stage, plays every step on it, and clears it away whatever happened.
func run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	s, err := newStage(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear()) }()
	for i, step := range steps() {
		fmt.Fprintf(out, "\n%d. %s\n", i+1, step.title)
		start := time.Now()
		if err := step.play(ctx, s); err != nil {
			return errors.Join(fmt.Errorf("step %d, %s: %w", i+1, step.title, err), s.logs())
		}
		fmt.Fprintf(out, "   held, in %s\n", time.Since(start).Round(100*time.Microsecond))
	}
	fmt.Fprintf(out, "\nEvery step held, in %s.\n", time.Since(began).Round(time.Millisecond))
	return nil
}
