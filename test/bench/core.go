package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// core is the broker alone, without a transport, as its own Go benchmarks measure it.
func core() scene {
	return scene{name: "broker", rows: []row{
		{name: "broker alone: session, registry, validation, admission, deadline", group: "broker", of: rate, unit: "calls/s", ours: "call", reach: 600_000},
		{name: "broker alone, with a request id of the user's", group: "broker", of: rate, unit: "calls/s", ours: "named call", reach: 300_000},
		{name: "broker alone", group: "broker", of: single, unit: "allocations/call", ours: "call", reach: 12, atMost: true},
		{name: "broker alone, with a request id of the user's; 3 are the benchmark's own", group: "broker", of: single, unit: "allocations/call", ours: "named call", atMost: true, look: true},
		{name: "a tool among 10,000, by name", group: "broker", of: nanoseconds, unit: "ns", ours: "lookup", reach: 100, atMost: true},
		{name: "a tool among 10,000, by name", group: "broker", of: single, unit: "allocations", ours: "lookup", atMost: true},
	}, open: func(ctx context.Context, s *stage) []group {
		broker := s.testBinary(ctx, "internal/broker")
		return []group{{name: "broker", sides: []side{
			{"call", broker.benchmark("BenchmarkCall", bridgeGarbage), nil}, {"named call", broker.benchmark("BenchmarkCallNamed", bridgeGarbage), nil},
			{"lookup", broker.benchmark("BenchmarkLookup", bridgeGarbage), nil},
		}}}
	}}
}

// testBinary is a package's tests and benchmarks as a program.
type testBinary struct{ path, folder, temporary string }

// testBinary builds that of a package of the repository, in its own module.
func (s *stage) testBinary(ctx context.Context, folder string) testBinary {
	temporary, root := s.folder(), s.root()
	if s.err != nil {
		return testBinary{}
	}
	b := testBinary{filepath.Join(temporary, strings.Trim(filepath.Base(folder), ".")+".test"), filepath.Join(root, folder), temporary}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.path, "./"+folder)
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		s.err = fmt.Errorf("building the benchmarks of %s: %w: %s", folder, err, said)
	}
	return b
}

// bridgeGarbage is how `toolbridge serve` collects garbage (see cmd/toolbridge), and what stands in its place without it.
const bridgeGarbage = "GOGC=400"

// benchmark runs one Go benchmark for so long, with more in its environment. Value counts allocations.
func (b testBinary) benchmark(name string, environment ...string) measuring {
	return func(ctx context.Context, _ int, d time.Duration) (sample, error) {
		found, err := b.run(ctx, "^"+name+"$", d.String(), environment...)
		if err != nil {
			return sample{}, err
		}
		if len(found) != 1 {
			return sample{}, fmt.Errorf("benchmark %s of %s: %d results: want 1", name, b.folder, len(found))
		}
		one := found[0]
		seconds, timed := one.Value("sec/op")
		if !timed || seconds <= 0 {
			return sample{}, fmt.Errorf("benchmark %s of %s did not say how long an operation takes", name, b.folder)
		}
		allocations, _ := one.Value("allocs/op")
		return sample{Rate: 1 / seconds, P50: seconds * 1000, Value: allocations, Calls: one.Iters, elsewhere: true}, nil
	}
}

// run runs the benchmarks that match and returns what they found.
func (b testBinary) run(ctx context.Context, pattern, benchtime string, environment ...string) ([]*benchfmt.Result, error) {
	command := exec.CommandContext(ctx, b.path, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+benchtime, "-test.benchmem")
	command.Dir = b.folder
	command.Env = append(os.Environ(), "TMPDIR="+b.temporary)
	command.Env = append(command.Env, environment...)
	var said, failed bytes.Buffer
	command.Stdout, command.Stderr = &said, &failed
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("the benchmarks of %s: %w: %s%s", b.folder, err, said.String(), failed.String())
	}
	return parseBenchmarks(&said)
}

// parseBenchmarks reads what `go test -bench` prints.
func parseBenchmarks(from io.Reader) (all []*benchfmt.Result, err error) {
	reader := benchfmt.NewReader(from, "benchmarks")
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			all = append(all, record.Clone())
		case *benchfmt.SyntaxError:
			err = errors.Join(err, record)
		}
	}
	return all, errors.Join(err, reader.Err())
}

// nameOf is what a benchmark is called, without the number of processors.
func nameOf(r *benchfmt.Result) string {
	base, parts := r.Name.Parts()
	var name strings.Builder
	name.Write(base)
	for _, part := range parts {
		if !bytes.HasPrefix(part, []byte("-")) {
			name.Write(part)
		}
	}
	return name.String()
}
