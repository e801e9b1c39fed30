// Command bench measures calls through the bridge against raw gRPC calls in the same run, round by round in turn, and
// says which of the project's goals are reached. It starts and ends all processes itself:
//
//	go run . -quick          # under two minutes
//	go run . -rounds 11      # all rows
//
// It needs TOOLBRIDGE_BIN, the bridge's binary, and TOOLBRIDGE_PYTHON, an interpreter with the Python SDK;
// `make bench-quick` and `make bench` set both. TOOLBRIDGE_BENCH_FASTMCP names an interpreter with fastmcp, if there is one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	rounds int
	// round is how long one side is measured in one round.
	round time.Duration
	// warmUp is how long each side runs before the first round.
	warmUp time.Duration
	// only keeps the groups whose names contain it.
	only  string
	json  string
	quick bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return runPeer(ctx, args[0], args[1:], out)
	}
	p, err := parse(args)
	if err != nil {
		return err
	}
	b, err := startBenchmark(ctx, p)
	if err != nil {
		return errors.Join(err, b.stop())
	}
	began := time.Now()
	results, err := b.measure(ctx, p, out)
	if err := errors.Join(err, b.stop()); err != nil {
		return err
	}
	report := newReport(p, results, b.missing, time.Since(began))
	if err := report.writeJSON(p.json); err != nil {
		return err
	}
	return report.print(out)
}

func parse(args []string) (plan, error) {
	p := plan{rounds: 11, round: time.Second, warmUp: time.Second}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&p.quick, "quick", false, "five short rounds of the first six rows, under two minutes")
	rounds := flags.Int("rounds", 0, "rounds (default 11, with -quick 5)")
	round := flags.Duration("round", 0, "how long a side is measured in a round (default 1s, with -quick 750ms)")
	flags.StringVar(&p.only, "only", "", "measure only groups whose name contains this")
	flags.StringVar(&p.json, "json", "bench-results.json", "file that takes the results")
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	if flags.NArg() > 0 {
		return p, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if p.quick {
		p.rounds, p.round, p.warmUp = 5, 750*time.Millisecond, 300*time.Millisecond
	}
	if *rounds > 0 {
		p.rounds = *rounds
	}
	if *round > 0 {
		p.round = *round
	}
	return p, nil
}
