package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/internal/demo"
)

func TestMain(m *testing.M) {
	// The search library keeps workers for as long as the process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
}

// outcome is what a run of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// document reads standard output as one JSON document.
func (o outcome) document(t *testing.T, target any) {
	t.Helper()
	require.Equal(t, exitOK, o.code, o.stderr)
	require.Empty(t, o.stderr)
	require.Equal(t, 1, strings.Count(o.stdout, "\n"), o.stdout)
	require.NoError(t, json.Unmarshal([]byte(o.stdout), target), o.stdout)
}

// failure reads standard error as the JSON document of an error.
func (o outcome) failure(t *testing.T) report {
	t.Helper()
	var document struct{ Error report }
	require.NoError(t, json.Unmarshal([]byte(o.stderr), &document), o.stderr)
	require.Empty(t, o.stdout)
	return document.Error
}

// alone runs the program without a bridge.
func alone(t *testing.T, args ...string) outcome {
	t.Helper()
	return runWith(t.Context(), nil, "", args...)
}

func runWith(ctx context.Context, env map[string]string, stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr, func(name string) string { return env[name] })
	return outcome{code, stdout.String(), stderr.String()}
}

// desk is a bridge of a test's own and somebody who types commands for it.
type desk struct {
	t       *testing.T
	address string
}

// newDesk starts a bridge with the demo tools.
func newDesk(t *testing.T) *desk {
	t.Helper()
	tools, err := demo.New()
	require.NoError(t, err)
	return newDeskWith(t, tools)
}

func newDeskWith(t *testing.T, hosts ...bridge.Host) *desk {
	t.Helper()
	b, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true, Hosts: hosts})
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, b.Stop(ctx))
	})
	return &desk{t, b.Addr()}
}

func (d *desk) env() map[string]string { return map[string]string{"TOOLBRIDGE_ADDR": d.address} }

// run runs a command.
func (d *desk) run(args ...string) outcome {
	d.t.Helper()
	return runWith(d.t.Context(), d.env(), "", args...)
}

// givenTime makes an attempt with twice the time of the one before, until what has to happen in that time did.
func givenTime(t *testing.T, first time.Duration, inTime func(limit time.Duration) bool) {
	t.Helper()
	for limit := first; !inTime(limit); limit *= 2 {
		require.Less(t, limit, time.Minute, "it never happened in time")
	}
}

// works runs a command that must succeed and returns what it prints.
func (d *desk) works(args ...string) string {
	d.t.Helper()
	out := d.run(args...)
	require.Equal(d.t, exitOK, out.code, out.stderr)
	require.Empty(d.t, out.stderr)
	return out.stdout
}

// client is a connection to the bridge for what the command line does not do.
func (d *desk) client() *toolbridge.Client {
	d.t.Helper()
	client, err := toolbridge.Dial(d.t.Context(), d.address)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = client.Close() }) // its bridge may be gone
	return client
}

// running is a command that goes on until it is interrupted.
type running struct {
	t         *testing.T
	stdout    *journal
	stderr    *journal
	interrupt context.CancelFunc
	ended     chan int
}

func startCommand(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, stdout: &journal{}, stderr: &journal{}, interrupt: cancel, ended: make(chan int, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- run(ctx, args, strings.NewReader(""), r.stdout, r.stderr, func(name string) string { return env[name] })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

// says waits until standard output contains a text and returns all of it.
func (r *running) says(text string) string {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return strings.Contains(r.stdout.String(), text) }, 20*time.Second, 5*time.Millisecond,
		"%s\n%s", r.stdout, r.stderr)
	return r.stdout.String()
}

// stop interrupts the command and returns its exit code.
func (r *running) stop() int {
	r.t.Helper()
	r.interrupt()
	return r.wait()
}

func (r *running) wait() int {
	r.t.Helper()
	select {
	case code := <-r.ended:
		return code
	case <-time.After(30 * time.Second):
		require.Fail(r.t, "the command did not end", "%s", r.stderr)
		return -1
	}
}

// journal is written by one goroutine and read by another.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String is what was written so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

var _ io.Writer = (*journal)(nil)

// file writes a file of a test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
