package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
)

const traces = `File: bench
Type: cpu
Time: 2026-11-22 07:39:16 UTC
Duration: 8.01s, Total samples = 4.05s (50.55%)
-----------+-------------------------------------------------------
     bytes:  16
      30ms   runtime.memmove
             github.com/grpc-tool-bridge/toolbridge/internal/link.(*arrival).decode
             github.com/grpc-tool-bridge/toolbridge/internal/link.(*engine).read.func1
-----------+-------------------------------------------------------
     1.05s   runtime.lock2 (inline)
             runtime.mcall
-----------+-------------------------------------------------------
      10ms   runtime.mcallOfSomebodyElse
-----------+-------------------------------------------------------
      10ms   runtime.scanObject
             runtime.gcAssistAlloc.func2
             github.com/grpc-tool-bridge/toolbridge/internal/link.(*engine).read
-----------+-------------------------------------------------------
     100ms   runtime.mallocgc
             github.com/grpc-tool-bridge/toolbridge.receive[go.shape.string]
             github.com/grpc-tool-bridge/toolbridge.Call[go.shape.string] (inline)
             main.overLink.func1
`

func TestASampleCountsOnceForTheFirstStepThatItsStackHolds(t *testing.T) {
	t.Parallel()
	found, err := sumSteps(strings.NewReader(traces))
	require.NoError(t, err)
	all := map[string]float64{}
	for _, one := range found {
		all[one.name] = one.share * 1200
	}
	want := map[string]float64{
		"switching goroutines, waking threads":                                   1050,
		"2 the rest of the SDK: retries, limits, which link, the result decoded": 100,
		"5, 8, 11 a message is decoded, its calls are taken, callers are woken":  30,
		"collecting garbage": 10, otherStep: 10,
	}
	require.Len(t, all, len(want))
	for name, part := range want {
		require.InDelta(t, part, all[name], 1e-6, name)
	}
	require.Equal(t, "switching goroutines, waking threads", found[0].name, "the largest comes first")
	none, err := sumSteps(strings.NewReader("File: bench\n"))
	require.NoError(t, err)
	require.Empty(t, none, "of a process that only looks on")
}

// stepFunction is a name of a function of this project: the package's folder, the receiver and the function, or neither.
var stepFunction = regexp.MustCompile(`^/?(.*?)\.(?:\((\*\w+)\)\.)?(\w*)$`)

func TestEveryFunctionOfAStepExists(t *testing.T) {
	t.Parallel()
	for _, one := range steps() {
		for _, function := range one.functions {
			place, mine := strings.CutPrefix(function, ours)
			if !mine {
				continue
			}
			parts := stepFunction.FindStringSubmatch(place)
			require.NotNil(t, parts, function)
			files, err := filepath.Glob(filepath.Join("..", "..", parts[1], "*.go"))
			require.NoError(t, err)
			require.NotEmpty(t, files, function)
			receiver := ""
			if parts[2] != "" {
				receiver = `\(\w+ ` + regexp.QuoteMeta(parts[2]) + `\) `
			}
			defined, found := regexp.MustCompile(`(?m)^func `+receiver+parts[3]+`\b`), false
			for _, file := range files {
				code, err := os.ReadFile(file)
				require.NoError(t, err)
				found = found || defined.Match(code)
			}
			require.True(t, found, "%s is in none of %v", function, files)
		}
	}
}

func TestAProfileOfEachProcessSaysWhereTheTimeOfACallGoes(t *testing.T) { //nolint:paralleltest // a process has one profile at a time
	address := bridged(t)
	self, err := os.Executable()
	require.NoError(t, err)
	s := &stage{programs: programs{self: self}, plan: plan{profile: t.TempDir(), round: 100 * time.Millisecond}}
	worker := s.part(t.Context(), "worker", address)
	require.NoError(t, s.err)
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	require.NotEmpty(t, worker.debug)
	client, err := toolbridge.Dial(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	session, err := client.Session(t.Context(), "test")
	require.NoError(t, err)
	python := &process{name: "worker.py", command: worker.command} // of which there are none
	g := group{name: "a group", width: 8, sides: []side{{"link", loop(overLink(session, goEcho)), []*process{worker, python}}}}
	var out strings.Builder
	require.NoError(t, g.profile(t.Context(), s.plan, "scene", &out))
	for _, name := range []string{"bench", "worker"} {
		require.FileExists(t, filepath.Join(s.plan.profile, "scene,a-group,8,link,"+name+".pprof"))
		require.Regexp(t, `(?m)^`+name+`: [\d.e+]+ µs a call \(.*`+name+`\.pprof\)\n +[\d.]+ %`, out.String())
	}
	require.Regexp(t, `(?m)^worker.py: [\d.e+]+ µs a call \(no profile: not written in Go\)$`, out.String())
	require.Contains(t, out.String(), "scene,a group,8,link: ")
	require.Contains(t, out.String(), " µs  switching goroutines, waking threads\n")
	require.Contains(t, out.String(), " µs  5, 8, 11 a message is decoded, its calls are taken, callers are woken\n")
}

func TestAProfileThatCannotBeTakenSaysOfWhat(t *testing.T) { //nolint:paralleltest // a process has one profile at a time
	lost := &process{name: "the bridge", debug: "http://127.0.0.1:1/", command: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	p := plan{profile: t.TempDir(), round: 10 * time.Millisecond}
	g := group{name: "g", width: 1, sides: []side{{"link", operations(func() error { return nil }), []*process{lost}}}}
	require.ErrorContains(t, g.profile(t.Context(), p, "scene", io.Discard), "profiles of scene,g,1,link: of the bridge: ")
	p.profile += "\x00"
	require.Error(t, g.profile(t.Context(), p, "scene", io.Discard))
	_, err := stepsOf(t.Context(), "main.go")
	require.ErrorContains(t, err, "go tool pprof")
}

func TestAPartServesProfilesWhenItIsAskedTo(t *testing.T) { //nolint:paralleltest // a process has one profile at a time
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out strings.Builder
	require.NoError(t, serveProfiles(ctx, &out))
	address, found := strings.CutPrefix(strings.TrimSpace(out.String()), profilesOn)
	require.True(t, found, out.String())
	p := &process{name: "a part", debug: address}
	path := filepath.Join(t.TempDir(), "x.pprof")
	require.NoError(t, p.takeProfile(t.Context(), time.Second, path))
	require.FileExists(t, path)
	require.ErrorContains(t, (&process{name: "x", debug: address + "no/"}).takeProfile(t.Context(), time.Second, path), fmt.Sprintf("of x: %sno/profile?seconds=1 answered 404", address))
}
