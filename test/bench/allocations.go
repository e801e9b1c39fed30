package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// hotPath is a benchmark of which the allocations are counted.
type hotPath struct {
	folder, pattern string
	// calls is how often it runs: so often that what is allocated once does not count.
	calls int
}

// hotPaths are what runs in every call.
func hotPaths() []hotPath {
	return []hotPath{
		{"internal/broker", "^Benchmark(Call|CallNamed|Lookup)$", 20_000},
		{"internal/local", "^BenchmarkCall$", 20_000},
		{"internal/telemetry", "^Benchmark(Observer|Tracer)$/^(one|failed|none|unsampled|recorded)$", 20_000},
		{"value", "^Benchmark(Encode|Decode)$/.*/^value$", 100},
		{"value", "^BenchmarkTypedRun$", 100},
	}
}

// counting makes counts repeat: on one processor a benchmark in parallel is one goroutine, and without collections
// nothing that is kept for reuse is lost in between.
func counting() []string { return []string{"GOMAXPROCS=1", "GOGC=off"} }

// countAllocations counts how often each hot path allocates a call.
func countAllocations(ctx context.Context, p plan) (map[string]int, error) {
	s := &stage{plan: p}
	counted, err := countWith(ctx, s)
	return counted, errors.Join(err, s.stop())
}

func countWith(ctx context.Context, s *stage) (map[string]int, error) {
	counted, built := map[string]int{}, map[string]testBinary{}
	for _, path := range hotPaths() {
		if _, done := built[path.folder]; !done {
			built[path.folder] = s.testBinary(ctx, path.folder)
		}
		if s.err != nil {
			return nil, s.err
		}
		found, err := built[path.folder].run(ctx, path.pattern, fmt.Sprintf("%dx", path.calls), counting()...)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no benchmark of %s matches %s", path.folder, path.pattern)
		}
		for _, one := range found {
			allocations, _ := one.Value("allocs/op")
			counted[path.folder+": "+nameOf(one)] = int(allocations)
		}
	}
	return counted, nil
}

// judgeAllocations compares counts exactly: more is an error, fewer is worth a new baseline.
func judgeAllocations(allowed, counted map[string]int, out io.Writer) (err error) {
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		now, found := counted[name]
		switch {
		case !found:
			err = errors.Join(err, fmt.Errorf("allocations of %s were counted before and are no longer: store new ones with -update", name))
		case now > allowed[name]:
			err = errors.Join(err, fmt.Errorf("%s allocates %d times a call: at most %d", name, now, allowed[name]))
		case now < allowed[name]:
			fmt.Fprintf(out, "%s allocates %d times a call instead of %d: -update keeps it so\n", name, now, allowed[name])
		}
	}
	return err
}
