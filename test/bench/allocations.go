package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/perf/benchfmt"
)

// hotPath is a benchmark of which the allocations are counted.
type hotPath struct {
	folder, pattern string
	// calls is how often it runs: so often that what is allocated once does not count.
	calls int
	// meet: goroutines of both ends of a connection take part. How many calls share a message then depends a little on
	// who runs first; see count.spare.
	meet bool
	// bytes: KiB are counted too, because one copy of a large value is one allocation and no more.
	bytes bool
}

// hotPaths are what runs in every call, or for every chunk of a stream.
func hotPaths() []hotPath {
	return []hotPath{
		{folder: ".", pattern: "^BenchmarkCall$", calls: 10_000, meet: true},
		{folder: ".", pattern: "^BenchmarkPath$/^(1|64)$", calls: 20_000, meet: true},
		{folder: ".", pattern: "^BenchmarkPathChunks$", calls: 2_000, meet: true, bytes: true},
		{folder: "internal/broker", pattern: "^Benchmark(Call|CallNamed|Lookup)$", calls: 20_000},
		{folder: "internal/etcdstore", pattern: "^Benchmark(Session|Variable)$", calls: 10_000},
		{folder: "internal/link", pattern: "^Benchmark(Pipe|OneHop|Relay)$/^(1|64)$", calls: 20_000, meet: true},
		{folder: "internal/local", pattern: "^BenchmarkCall$", calls: 20_000},
		{folder: "internal/telemetry", pattern: "^Benchmark(Observer|Tracer)$/^(one|failed|none|unsampled|recorded)$", calls: 20_000},
		{folder: "value", pattern: "^Benchmark(Encode|Decode)$/.*/^value$", calls: 100},
		{folder: "value", pattern: "^BenchmarkTypedRun$", calls: 100},
	}
}

// counting makes counts repeat: on one processor a benchmark in parallel is one goroutine, and without collections
// nothing that is kept for reuse is lost in between.
func counting() []string { return []string{"GOMAXPROCS=1", "GOGC=off"} }

// count is how often something allocates, or how many KiB.
type count struct {
	n int
	// spare is by how much a count may exceed the one that is stored.
	spare int
}

// counted is a count of this path. Where nobody meets, it repeats exactly. Else it is seen to differ by less than one
// in most runs, which may still be the one from 14.9 to 15.1, and by a hundredth where there are many.
func (path hotPath) counted(n float64) count {
	c := count{n: int(n)}
	if path.meet {
		c.spare = max(1, c.n/50)
	}
	return c
}

// countAllocations counts how often each hot path allocates a call.
func countAllocations(ctx context.Context, p plan) (map[string]count, error) {
	s := &stage{plan: p}
	counted, err := countWith(ctx, s)
	return counted, errors.Join(err, s.stop())
}

func countWith(ctx context.Context, s *stage) (map[string]count, error) {
	counted, built := map[string]count{}, map[string]testBinary{}
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
			counted[path.name(one)] = path.counted(allocations)
			if bytes, _ := one.Value("B/op"); path.bytes {
				counted[path.name(one)+", KiB"] = path.counted(bytes / 1024)
			}
		}
	}
	return counted, nil
}

// name is under which a benchmark's count is stored.
func (path hotPath) name(of *benchfmt.Result) string { return path.folder + ": " + nameOf(of) }

// bare are the counts as they are stored.
func bare(counted map[string]count) map[string]int {
	all := make(map[string]int, len(counted))
	for name, c := range counted {
		all[name] = c.n
	}
	return all
}

// judgeAllocations compares counts: more than stored, and more than what is to spare, is an error; fewer is worth a new
// baseline, and so is what was never counted.
func judgeAllocations(allowed map[string]int, counted map[string]count, out io.Writer) (err error) {
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		now, found := counted[name]
		switch most := allowed[name] + now.spare; {
		case !found:
			err = errors.Join(err, fmt.Errorf("allocations of %s were counted before and are no longer: store new ones with -update", name))
		case now.n > most:
			err = errors.Join(err, fmt.Errorf("%s allocates %d times a call instead of %d: at most %d", name, now.n, allowed[name], most))
		case now.n < allowed[name]-now.spare:
			fmt.Fprintf(out, "%s allocates %d times a call instead of %d: -update keeps it so\n", name, now.n, allowed[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counted)) {
		if _, found := allowed[name]; !found {
			fmt.Fprintf(out, "%s allocates %d times a call, and nothing is stored to compare it with: -update does\n", name, counted[name].n)
		}
	}
	return err
}
