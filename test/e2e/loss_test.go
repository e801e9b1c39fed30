package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// impatient is a config file by which lost workers are given up after a second.
func impatient(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bridge.yaml")
	require.NoError(t, os.WriteFile(path, []byte("reattach_grace: 1s\n"), 0o600))
	return path
}

// grace is how long both ends of a link keep calls after a lost connection.
const grace = 5 * time.Second

func TestACallWhoseWorkerDies(t *testing.T) {
	processes(t)
	b := serve(t, "--memory", "--config", impatient(t))
	s := session(t, b.address, "loss")
	for language, worker := range map[string]func() *process{
		"go": func() *process { return goWorker(t, b.address, 8) },
		"py": func() *process { return pythonWorker(t, b.address) },
	} {
		t.Run(language+", a plain tool: is lost, and was not run again", func(t *testing.T) {
			t.Parallel()
			first, call := worker(), newHeld(t)
			name := language + "_hold"
			awaitTools(t, s, name)
			answered := calling(t, s, name, call.path)
			call.began()
			first.kill()
			safe := newHeld(t)
			second := worker()
			e := failure(t, within(t, "the call ends", answered).err, tool.WorkerLost, name, "within 1s")
			require.False(t, e.Retryable)
			require.Equal(t, 1, call.runs())

			// An idempotent one is given to a third worker.
			awaitTools(t, s, name+"_safe")
			answered = calling(t, s, name+"_safe", safe.path)
			safe.began()
			worker()
			second.kill()
			safe.release()
			done := within(t, "the call ends", answered)
			require.NoError(t, done.err)
			require.Equal(t, "call is done", done.value)
			require.Equal(t, 2, safe.runs())
		})
	}
}

func TestACallOverAWireThatIsCut(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	for _, c := range []struct {
		name   string
		tool   string
		cut    func(worker, caller *proxy) *proxy
		mended bool
	}{
		{"a Go worker comes back in time", "go_hold", func(w, _ *proxy) *proxy { return w }, true},
		{"a Python worker comes back in time", "py_hold", func(w, _ *proxy) *proxy { return w }, true},
		{"a Go caller comes back in time", "go_hold", func(_, c *proxy) *proxy { return c }, true},
		{"a Go worker stays away", "go_hold", func(w, _ *proxy) *proxy { return w }, false},
		{"a Go caller stays away", "go_hold", func(_, c *proxy) *proxy { return c }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bridge := b
			if c.tool == "go_hold" { // workers of one tool would take each other's calls
				bridge = serve(t, "--memory")
			}
			worker, caller := newProxy(t, bridge.address), newProxy(t, bridge.address)
			if c.tool == "go_hold" {
				goWorker(t, worker.address, 8)
			} else {
				pythonWorker(t, worker.address)
			}
			s := session(t, caller.address, "wire")
			awaitTools(t, s, c.tool)
			call := newHeld(t)
			answered := calling(t, s.With(toolbridge.Timeout(patience)), c.tool, call.path)
			call.began()

			broken, began := c.cut(worker, caller), time.Now()
			broken.cut()
			if c.mended {
				call.release() // while nobody hears it
				broken.mend()
				done := within(t, "the call ends", answered)
				require.NoError(t, done.err)
				require.Equal(t, "call is done", done.value)
			} else {
				failed(t, within(t, "the call ends", answered).err, tool.WorkerLost)
				require.GreaterOrEqual(t, time.Since(began), grace)
				call.ended()
			}
			require.Equal(t, 1, call.runs(), "it ran once")
		})
	}
}

func TestAPythonCallerGoesOnOverAWireThatIsCut(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	goWorker(t, b.address, 8)
	awaitTools(t, session(t, b.address, "wire"), "go_hold")
	wire, call := newProxy(t, b.address), newHeld(t)
	type outcome struct{ Value, Failure string }
	answered := pythonCalling[outcome](t, wire.address, "hold", "wire", "go_hold", call.path)
	call.began()
	wire.cut()
	call.release()
	wire.mend()
	kept := within(t, "the call ends", answered)
	require.NoError(t, kept.err)
	require.Equal(t, outcome{Value: "call is done"}, kept.got)
	require.Equal(t, 1, call.runs())

	lost := newHeld(t)
	answered = pythonCalling[outcome](t, wire.address, "hold", "wire", "go_hold", lost.path)
	lost.began()
	wire.cut()
	given := within(t, "the call ends", answered)
	require.NoError(t, given.err)
	require.NotEmpty(t, given.got.Failure)
	lost.ended()
	require.Equal(t, 1, lost.runs())
}
