package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// step is a part of a call's way by which processor time is told apart.
type step struct {
	// name begins with the number that the step has in docs/performance.md, where it has one.
	name string
	// functions are those of which one is on the stack of every sample that belongs to it; a name that ends with a dot stands
	// for a whole package.
	functions []string
}

// The packages whose functions are named here.
const (
	ours      = "github.com/grpc-tool-bridge/toolbridge"
	transport = "google.golang.org/grpc/internal/transport"
)

// steps are all there are, in the order in which a sample is asked for them: it counts once, for the first that its stack
// holds. Memory that a step asks for is part of the step, unless the collector makes it help.
func steps() []step {
	return []step{
		{"collecting garbage", []string{
			"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.deductAssistCredit", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart",
		}},
		{"switching goroutines, waking threads", []string{
			"runtime.mcall", "runtime.mstart", "runtime.ready", "runtime.goready", "runtime.wakep", "runtime.newproc", "runtime.schedule", "runtime.goschedImpl",
		}},
		{"4 a message is written (HTTP/2, the system call)", []string{ours + "/internal/direct.(*Stream).Send", ours + "/internal/direct.(*Stream).flush", transport + ".(*loopyWriter).run"}},
		{"10 the answer, judged and passed on", []string{
			ours + "/internal/link.(*outCall).deliver", ours + "/internal/broker.(*run).Answer", ours + "/internal/link.(*inCall).Answer",
		}},
		{"the answer of a tool, framed and queued", []string{ours + "/internal/link.(*inCall).finish"}},
		{"6 session and tool looked up, arguments checked, rates", []string{
			ours + "/internal/broker.(*Broker).lookUp", ours + "/internal/broker.validate", ours + "/internal/broker.(*rates).take",
		}},
		{"7 framed and queued for the worker", []string{ours + "/internal/link.(*engine).Start", ours + "/internal/broker.(*Broker).dispatch"}},
		{"6 the edge and the broker", []string{ours + "/internal/rpc.", ours + "/internal/broker."}},
		{"9 the tool: arguments bound and decoded, the function, the result encoded", []string{ours + ".(*offers).Call", ours + "/internal/typed."}},
		{"5, 8, 11 a message is read (HTTP/2, the system call)", []string{
			ours + "/internal/direct.(*Stream).Recv", transport + ".(*http2Client).reader", transport + ".(*http2Server).HandleStreams",
		}},
		{"5, 8, 11 a message is decoded, its calls are taken, callers are woken", []string{ours + "/internal/link.(*engine).read", ours + "/internal/link.(*workers).loop"}},
		{"4 what waits is packed into a message", []string{ours + "/internal/link.(*engine).write"}},
		{"3 framed, queued, awaited", []string{ours + "/internal/link.(*engine).call", ours + "/internal/link.(*engine).Stream"}},
		{"1 arguments encoded", []string{ours + ".(*Session).prepare"}},
		{"2 the rest of the SDK: retries, limits, which link, the result decoded", []string{ours + "."}},
		{"the rest of grpc-go", []string{"google.golang.org/grpc.", "google.golang.org/grpc/"}},
	}
}

// has reports whether a function is one of the step's: itself, a function inside it, or one for some type.
func (s step) has(function string) bool {
	return slices.ContainsFunc(s.functions, func(name string) bool {
		rest, found := strings.CutPrefix(function, name)
		return found && (rest == "" || rest[0] == '.' || rest[0] == '[' || strings.HasSuffix(name, ".") || strings.HasSuffix(name, "/"))
	})
}

// otherStep is what no step explains.
const otherStep = "everything else: the program that measures, the runtime"

// stepShare is what part of a process's processor time a step took.
type stepShare struct {
	name  string
	share float64
}

// stepsOf reads a profile, through `go tool pprof`.
func stepsOf(ctx context.Context, path string) ([]stepShare, error) {
	command := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", path)
	var failed strings.Builder
	command.Stderr = &failed
	text, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go tool pprof: %w: %s", err, lastOf(failed.String()))
	}
	found, err := sumSteps(strings.NewReader(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return found, nil
}

// sumSteps sums up samples as `go tool pprof -traces` prints them, the largest step first.
func sumSteps(from io.Reader) ([]stepShare, error) {
	all, sums, total := steps(), map[string]time.Duration{}, time.Duration(0)
	var stack []string
	var took time.Duration
	count := func() {
		if took > 0 {
			sums[stepFor(all, stack)] += took
			total += took
		}
		stack, took = nil, 0
	}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(strings.TrimSuffix(lines.Text(), " (inline)"))
		switch {
		case strings.HasPrefix(lines.Text(), "-----------+"):
			count()
		case len(fields) == 0:
		case len(fields) == 2 && took == 0 && len(stack) == 0:
			if d, err := time.ParseDuration(fields[0]); err == nil {
				took, stack = d, append(stack, fields[1])
			}
		case took > 0:
			stack = append(stack, fields[len(fields)-1])
		}
	}
	count()
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if total == 0 { // a process that only looks on
		return nil, nil
	}
	shares := make([]stepShare, 0, len(sums))
	for name, sum := range sums {
		shares = append(shares, stepShare{name, float64(sum) / float64(total)})
	}
	slices.SortFunc(shares, func(a, b stepShare) int {
		return cmp.Or(cmp.Compare(b.share, a.share), strings.Compare(a.name, b.name))
	})
	return shares, nil
}

// stepFor is the first step that a stack holds.
func stepFor(all []step, stack []string) string {
	for _, one := range all {
		if slices.ContainsFunc(stack, one.has) {
			return one.name
		}
	}
	return otherStep
}
