package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// written is what a bridge has acknowledged, by session.
type written struct {
	mu        sync.Mutex
	sessions  map[string]bool
	tools     map[string][]string
	variables map[string]map[string]int64
}

func newWritten() *written {
	return &written{sessions: map[string]bool{}, tools: map[string][]string{}, variables: map[string]map[string]int64{}}
}

func (w *written) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.sessions)
	for id := range w.sessions {
		n += len(w.tools[id]) + len(w.variables[id])
	}
	return n
}

// write makes sessions, each with tools and variables, as fast as it can until the bridge is gone.
func (w *written) write(ctx context.Context, client *toolbridge.Client, name string) {
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprint(name, "-", i)
		s, err := client.Session(ctx, id)
		if err != nil {
			return
		}
		w.note(func() { w.sessions[id], w.variables[id] = true, map[string]int64{} })
		for n := range int64(4) {
			tool := &tool.Spec{Name: fmt.Sprint("tool-", n), Description: "kept"}
			if _, err := s.RegisterTools(ctx, tool); err != nil {
				return
			}
			w.note(func() { w.tools[id] = append(w.tools[id], tool.Name) })
			if _, err := s.Set(ctx, fmt.Sprint("variable-", n), n); err != nil {
				return
			}
			w.note(func() { w.variables[id][fmt.Sprint("variable-", n)] = n })
		}
	}
}

func (w *written) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// check asserts that everything that was acknowledged is there.
func (w *written) check(t *testing.T, client *toolbridge.Client) {
	t.Helper()
	for id := range w.sessions {
		s, err := client.Session(t.Context(), id)
		require.NoError(t, err)
		require.False(t, s.Created(), "session %s was lost", id)
		tools, err := s.Tools(t.Context())
		require.NoError(t, err)
		var names []string
		for _, offered := range tools {
			names = append(names, offered.Name())
		}
		require.Subset(t, names, w.tools[id], "session %s", id)
		values := map[string]any{}
		for v, err := range s.Variables(t.Context(), "") {
			require.NoError(t, err)
			values[v.Name] = v.Value
		}
		for name, want := range w.variables[id] {
			require.Equal(t, want, values[name], "variable %s of session %s", name, id)
		}
	}
}

func TestNothingThatWasAcknowledgedIsLostWhenTheBridgeIsKilled(t *testing.T) {
	processes(t)
	const rounds, writers = 4, 8
	folder, address := t.TempDir(), keptAddress(t)
	everything := newWritten()
	var python *process
	for round := range rounds {
		b := serve(t, "--data", folder, "--grpc", address)
		if python == nil { // it lives on through the crashes
			cmd := command(t, os.Getenv(pythonVariable), "caller.py", address, "write", "python-writer")
			cmd.Dir = "testdata"
			python = start(t, "Python writer", cmd)
		}
		client := dial(t, address)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var writing sync.WaitGroup
		for i := range writers {
			writing.Go(func() { everything.write(ctx, client, fmt.Sprint("round-", round, "-", i)) })
		}
		goal, pythonGoal := everything.count()+300, acknowledged(python)+20
		eventually(t, "enough is written", func() bool { return everything.count() >= goal && acknowledged(python) >= pythonGoal })
		b.kill() // SIGKILL, in the middle of everything
		cancel()
		writing.Wait()
		require.NoError(t, client.Close())
	}
	python.kill()
	b := serve(t, "--data", folder, "--grpc", address)
	client := dial(t, b.address)
	everything.check(t, client)
	s, err := client.Session(t.Context(), "python-writer")
	require.NoError(t, err)
	require.False(t, s.Created())
	for i := range acknowledged(python) {
		got, err := toolbridge.Get[int64](t.Context(), s, fmt.Sprint("python-", i))
		require.NoError(t, err)
		require.Equal(t, int64(i), got)
	}
	t.Logf("%d sessions, tools and variables of Go, %d variables of Python", everything.count(), acknowledged(python))
}

// acknowledged is how many variables the Python writer wrote.
func acknowledged(p *process) int { return strings.Count(p.output(), "acknowledged ") }

func TestAToolOfAWorkerIsKnownRightAfterTheBridgeCameBack(t *testing.T) {
	processes(t)
	folder, address := t.TempDir(), keptAddress(t)
	b := serve(t, "--data", folder, "--grpc", address)
	worker := goWorker(t, address, 8)
	s := session(t, address, "goes-on")
	_, err := s.Set(t.Context(), "kept", "yes")
	require.NoError(t, err)
	b.kill()

	serve(t, "--data", folder, "--grpc", address)
	echoed, err := toolbridge.Call[string](t.Context(), s, "go_echo", "still there") // waits until its worker is back
	require.NoError(t, err)
	require.Equal(t, "still there", echoed)
	kept, err := s.Get(t.Context(), "kept")
	require.NoError(t, err)
	require.Equal(t, "yes", kept)

	worker.kill()
	eventually(t, "the bridge misses the worker", func() bool {
		tools, err := s.Tools(t.Context())
		require.NoError(t, err)
		return len(tools) > 0 && !tools[0].Spec().Available
	})
	began := time.Now()
	_, err = s.Call(t.Context(), "go_echo", "nobody there")
	failed(t, err, tool.WorkerUnavailable, "go_echo")
	require.Less(t, time.Since(began), grace+10*time.Second)
}
