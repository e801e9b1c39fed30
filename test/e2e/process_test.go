package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long anything may take that should happen at once, on a busy machine.
const patience = 30 * time.Second

// tick is the time between two looks at what is waited for.
const tick = 5 * time.Millisecond

// process is a program that a test started. It is gone when the test ends.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu    sync.Mutex
	lines []string // of its output
}

// start starts a program.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, done: make(chan struct{})}
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	if cmd.Env == nil {
		cmd.Env = environment()
	}
	require.NoError(t, cmd.Start(), name)
	go p.read(output)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of the %s:\n%s", p.name, p.output())
		}
	})
	return p
}

func (p *process) read(from io.Reader) {
	defer close(p.done)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // how it ended is in ProcessState
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// await returns the first line of output that contains the text.
func (p *process) await(text string) string {
	p.t.Helper()
	var found string
	eventually(p.t, p.name+" prints "+text, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, line := range p.lines {
			if strings.Contains(line, text) {
				found = line
				return true
			}
		}
		select {
		case <-p.done:
			require.FailNow(p.t, "the "+p.name+" ended", strings.Join(p.lines, "\n"))
		default:
		}
		return false
	})
	return found
}

// kill ends the process as a crash would, and waits for it. One that has ended is left alone.
func (p *process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Kill() // it may end by itself at this moment
	<-p.done
}

// wait waits until the process has ended by itself and returns its exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		require.FailNow(p.t, "the "+p.name+" does not end", p.output())
	}
	return p.cmd.ProcessState.ExitCode()
}

// finished is what a program that ran to its end left.
type finished struct {
	code           int
	stdout, stderr string
}

// run runs a program to its end.
func run(t *testing.T, cmd *exec.Cmd) finished {
	t.Helper()
	done, err := finish(cmd)
	require.NoError(t, err, done.stderr)
	return done
}

// finish does the same for goroutines that must not end the test.
func finish(cmd *exec.Cmd) (finished, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if cmd.Env == nil {
		cmd.Env = environment()
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return finished{stderr: stderr.String()}, err
	}
	return finished{cmd.ProcessState.ExitCode(), strings.TrimSpace(stdout.String()), strings.TrimSpace(stderr.String())}, nil
}

// command makes a command that a test's end kills.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, args...)
}

// alive reports whether there is a process of this id.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); <-time.After(tick) {
		if time.Now().After(deadline) {
			require.FailNow(t, "it did not happen within "+patience.String(), what)
		}
	}
}

// givenTime makes an attempt with twice the time of the one before, until what has to happen in that time did.
func givenTime(t *testing.T, first time.Duration, inTime func(limit time.Duration) bool) {
	t.Helper()
	for limit := first; !inTime(limit); limit *= 2 {
		require.Less(t, limit, patience, "it never happened in time")
	}
}

// within receives from a channel, soon.
func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(t, "it did not happen within "+patience.String(), what)
		panic("unreachable")
	}
}

// withHome leaves a command the environment of this program, for the Go tool.
func withHome(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = cmd.Environ()
	return cmd
}
