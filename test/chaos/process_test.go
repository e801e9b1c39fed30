package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tick is the time between two looks at what is waited for.
const tick = 10 * time.Millisecond

// process is a program that a test started. It is gone when the test ends. The mutex guards what stands below it.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed when it has ended

	mu    sync.Mutex
	lines []string // of its output
}

// start starts a program whose output is read line by line; take, if there is one, gets each line that is JSON.
func start(t *testing.T, name string, take func([]byte), cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, done: make(chan struct{})}
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdin, err = cmd.StdinPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	if cmd.Env == nil {
		cmd.Env = environment()
	}
	require.NoError(t, cmd.Start(), name)
	go p.read(output, take)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of the %s:\n%s", p.name, p.output())
		}
	})
	return p
}

func (p *process) read(from io.Reader, take func([]byte)) {
	defer close(p.done)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if take != nil && json.Valid(lines.Bytes()) {
			take(lines.Bytes())
			continue
		}
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

// await returns what follows the text in the first line of output that begins with it.
func (p *process) await(text string) string {
	p.t.Helper()
	var found string
	eventually(p.t, p.name+" prints "+text, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, line := range p.lines {
			if rest, is := strings.CutPrefix(line, text); is {
				found = rest
				return true
			}
		}
		require.False(p.t, p.ended(), "the %s ended:\n%s", p.name, strings.Join(p.lines, "\n"))
		return false
	})
	return found
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process as a crash would, and waits for it. One that has ended is left alone.
func (p *process) kill() {
	if p.ended() {
		return
	}
	_ = p.cmd.Process.Kill() // it may end by itself at this moment
	<-p.done
}

// command makes a command that a test's end kills.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, args...)
}

// itself is this program in another role.
func itself(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, os.Args[0], args...)
	cmd.Env = environment(roleVariable + "=" + role)
	return cmd
}

// python is a script of this folder.
func python(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	return command(t, os.Getenv(pythonVariable), append([]string{"-u", script}, args...)...)
}

// startBridge starts a bridge with the demo tools, as the containers of CI are configured, and returns its address.
func startBridge(t *testing.T) string {
	t.Helper()
	config := filepath.Join(root, "test", "fixtures", "bridge.yaml")
	return start(t, "bridge", nil, command(t, os.Getenv(bridgeVariable),
		"serve", "--demo", "--memory", "--config", config, "--grpc", "127.0.0.1:0", "--http", "off")).await("listening on ")
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); <-time.After(tick) {
		if time.Now().After(deadline) {
			require.FailNow(t, "it did not happen within "+patience.String(), what)
		}
	}
}
