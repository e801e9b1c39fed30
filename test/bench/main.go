// Command bench measures calls through the bridge against raw gRPC calls and against other ways to call a tool, in the
// same run, round by round in turn, and says which of the project's goals are reached. It starts and ends all processes itself:
//
//	go run . -quick                  # under two minutes
//	go run .                         # all rows, under 40 minutes
//	go run . -guard                  # -quick, compared with baseline.json
//	go run . -only payloads          # one scene
//
// It needs TOOLBRIDGE_BIN, the bridge's binary, and TOOLBRIDGE_PYTHON, an interpreter with the Python SDK. TOOLBRIDGE_BENCH_PYTHON
// names an interpreter with the packages of requirements.txt; without it the rows that need them are left out. The
// targets of make set all three.
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
	// rounds of every group; 0: 11 of those of the design's table, 5 of the others, and 5 of all with quick.
	rounds int
	// round is how long one side is measured in one round.
	round time.Duration
	// warmUp is how long each side runs before the first round.
	warmUp time.Duration
	// only keeps a part: SCENE or SCENE/GROUP, and several with commas between them.
	only string
	// again keeps these groups; nil keeps all.
	again map[place]bool
	// scale is the part of the 1,000 links, 10,000 tools and 100,000 sessions that there are.
	scale float64
	// json and chart are the files that take what was found; an empty chart is not drawn.
	json, chart  string
	quick, guard bool
	// baseline and allocations are what the guard compares with; update stores instead of comparing.
	baseline, allocations string
	update                bool
	// profile is the folder that takes profiles; empty: none are taken.
	profile string
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
	found, err := findPrograms()
	if err != nil {
		return err
	}
	if p.guard {
		return guard(ctx, found, p, out)
	}
	_, err = measureAndReport(ctx, found, p, out)
	return err
}

// measureAndReport measures, prints the table and writes the files. What was measured is printed and written even if
// something else could not be, which is an error in the end. A run that is ended prints what it has, and leaves it beside
// the file of the results, which keeps those of the last whole run.
func measureAndReport(ctx context.Context, found programs, p plan, out io.Writer) (report, error) {
	began := time.Now()
	reported := func(results []result, missing []string) report {
		return newReport(p, results, missing, time.Since(began))
	}
	var unsaved error
	results, missing, ended := measure(ctx, found, p, out, func(results []result, missing []string) {
		unsaved = writeJSON(p.partial(), reported(results, missing))
	})
	r := reported(results, missing)
	if err := errors.Join(unsaved, r.print(out)); err != nil {
		return r, err
	}
	if ended != nil {
		return r, fmt.Errorf("ended after %.0f s; what was measured until then is in %s: %w", r.Seconds, p.partial(), ended)
	}
	if err := errors.Join(r.write(p), os.Remove(p.partial())); err != nil { //nolint:gosec // the path is the user's own
		return r, err
	}
	if len(r.Missing) > 0 {
		return r, fmt.Errorf("%d things were not measured; the lines that begin \"not measured:\" say which, and why", len(r.Missing))
	}
	return r, nil
}

// partial is the file that has the results so far while the run goes on.
func (p plan) partial() string { return p.json + ".partial" }

func parse(args []string) (plan, error) {
	p := plan{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&p.quick, "quick", false, "five rounds of the calls between SDKs alone, under two minutes")
	flags.BoolVar(&p.guard, "guard", false, "measure quickly, compare with the baseline, and fail when a ratio fell twice")
	flags.BoolVar(&p.update, "update", false, "with -guard: store what was measured instead of comparing")
	flags.StringVar(&p.baseline, "baseline", "baseline.json", "ratios that -guard compares with")
	flags.StringVar(&p.allocations, "allocations", "allocations.json", "counts of allocations that -guard compares with")
	flags.IntVar(&p.rounds, "rounds", 0, "rounds of each group (default 11 or 5, with -quick 5)")
	flags.DurationVar(&p.round, "round", time.Second, "how long a side is measured in a round")
	flags.DurationVar(&p.warmUp, "warm-up", 0, "how long a side runs before the first round (default 1s, with -quick 200ms)")
	flags.StringVar(&p.only, "only", "", "measure only SCENE, or SCENE/GROUP, of which the names contain this; several with commas")
	flags.Float64Var(&p.scale, "scale", 1, "part of the 1,000 links, 10,000 tools and 100,000 sessions that are made")
	flags.StringVar(&p.json, "json", "", "file that takes the results (default bench-results.json, of a part of the scenes bench-part.json)")
	flags.StringVar(&p.profile, "profile", "", "folder that takes CPU profiles of all processes of each side, from a round of their own; they are summed up by steps")
	flags.StringVar(&p.chart, "chart", "", "file that takes a chart, as SVG")
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	p.quick = p.quick || p.guard
	if p.json == "" {
		p.json = "bench-results.json"
		if p.quick || p.only != "" {
			p.json = "bench-part.json" // so that the figures of a whole run are kept
		}
	}
	if p.warmUp == 0 {
		p.warmUp = time.Second
		if p.quick {
			p.warmUp = 200 * time.Millisecond
		}
	}
	switch {
	case flags.NArg() > 0:
		return p, fmt.Errorf("unknown argument %q", flags.Arg(0))
	case p.rounds < 0 || p.round <= 0 || p.warmUp < 0:
		return p, fmt.Errorf("-rounds %d, -round %v, -warm-up %v: want nothing below 0, and a round above it", p.rounds, p.round, p.warmUp)
	case !(p.scale > 0 && p.scale <= 1):
		return p, fmt.Errorf("-scale is %g: want above 0, at most 1", p.scale)
	}
	return p, nil
}

// longer is a multiple of a round.
func (p plan) longer(times float64) time.Duration { return time.Duration(times * float64(p.round)) }

// scaled is a part of how many there should be, at least one.
func (p plan) scaled(n int) int { return max(1, int(p.scale*float64(n))) }
