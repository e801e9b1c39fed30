package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// mebibytes is what calls of so many bytes each carry in a second, as the testing strategy counts megabytes.
func mebibytes(size int) quantity {
	return func(s sample) float64 { return s.Rate * float64(size) / (1 << 20) }
}

// document are the figures that the testing strategy asks for, from Python, of the bridge's own tools. Its benchmarks
// themselves stand in python/tests/performance; there the best of three rounds counts, here the median of all.
func document() scene {
	const group = "document "
	return scene{name: "document", open: documentGroups, rows: []row{
		{name: "testing strategy: calls one after another, on average", group: group + "calls", width: 1, of: mean, unit: "ms", ours: "fast_tool", reach: 5, atMost: true},
		{name: "testing strategy: calls one after another, the longest of a round", group: group + "calls", width: 1, of: longest, unit: "ms", ours: "fast_tool", reach: 30, atMost: true},
		{name: "testing strategy: 64 KiB chunks", group: group + "chunks", width: 1, of: mebibytes(chunkCount * chunkBytes), unit: "MiB/s", ours: "stream_processor", reach: 50},
		{name: "testing strategy: 10 calls of 20 ms at once, against one", group: group + "at once", of: rate, unit: "calls/s", ours: "10", theirs: "1", reach: 5},
		{name: "testing strategy: 50 calls of 20 ms at once, against 10", group: group + "at once", of: rate, unit: "calls/s", ours: "50", theirs: "10", reach: 2},
		{name: "testing strategy: a batch of 50 calls, against 50 one after another", group: group + "batch", width: 1, of: p50, unit: "p50 ms", ours: "batch", theirs: "one by one", reach: 5, inverse: true},
		{name: "testing strategy: memory of a caller, growth at most during 1,000 calls", group: group + "growth", of: single, unit: "MiB", ours: "at most", reach: 100, atMost: true},
		{name: "testing strategy: memory of a caller, growth after 1,000 calls", group: group + "growth", of: single, unit: "MiB", ours: "after", reach: 50, atMost: true},
	}}
}

func documentGroups(ctx context.Context, s *stage) []group {
	c := startCast(ctx, s)
	fresh := []*process{c.pythonCaller(ctx, s), c.pythonCaller(ctx, s)}
	if s.err != nil {
		return nil
	}
	peers := []*process{c.bridge, c.caller}
	one := func(name, way string) []side { return []side{{name, measuredBy(c.caller, way), peers}} }
	var atOnce []side
	for _, width := range []int{1, 10, 50} {
		atOnce = append(atOnce, side{strconv.Itoa(width), always(width, measuredBy(c.caller, "cpu_bound_tool")), peers})
	}
	return []group{
		{name: "document growth", once: true, sides: []side{{"at most", growth(fresh[0], greatest), nil}, {"after", growth(fresh[1], last), nil}}},
		{name: "document calls", width: 1, main: true, sides: one("fast_tool", "fast_tool")},
		{name: "document chunks", width: 1, main: true, sides: one("stream_processor", "chunks bridge")},
		{name: "document at once", main: true, long: 0.5, sides: atOnce},
		{name: "document batch", width: 1, main: true, long: 0.5, sides: []side{
			{"one by one", measuredBy(c.caller, "document one by one"), peers}, {"batch", measuredBy(c.caller, "document batch"), peers},
		}},
	}
}

// always measures so many at a time, whatever the group says.
func always(width int, run measuring) measuring {
	return func(ctx context.Context, _ int, d time.Duration) (sample, error) { return run(ctx, width, d) }
}

func greatest(grown []float64) float64 {
	most := 0.0
	for _, one := range grown {
		most = max(most, one)
	}
	return most
}

func last(grown []float64) float64 { return max(0, grown[len(grown)-1]) }

// growth is by how many MiB the resident memory of a caller that has not called yet grows while it calls 1,000 times,
// looked at ten times.
func growth(caller *process, which func([]float64) float64) measuring {
	return func(ctx context.Context, _ int, _ time.Duration) (sample, error) {
		before, err := residentMemory(caller.command.Process.Pid)
		if err != nil {
			return sample{}, err
		}
		grown := make([]float64, 0, 10)
		for range cap(grown) {
			_, failed := caller.ask(ctx, asked{Way: "100 calls of simple_tool", Width: 1})
			now, err := residentMemory(caller.command.Process.Pid)
			if err := errors.Join(failed, err); err != nil {
				return sample{}, err
			}
			grown = append(grown, (now-before)/(1<<20))
		}
		return sample{Value: which(grown)}, nil
	}
}

// residentMemory is how many bytes of memory a process has, files included; anonymousMemory is that without files.
func residentMemory(pid int) (float64, error)  { return memoryOf(pid, "VmRSS") }
func anonymousMemory(pid int) (float64, error) { return memoryOf(pid, "RssAnon") }

func memoryOf(pid int, name string) (float64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("%s does not say %s", path, name)
	}
	kib, err := strconv.ParseFloat(string(found[1]), 64)
	return kib * 1024, err
}
