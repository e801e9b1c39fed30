package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const sessionID = "demo"

// stage holds the processes of the demo and this program's own session. One goroutine uses it.
type stage struct {
	out     io.Writer
	folder  string
	address string
	bridge  *process
	others  []*process
	client  *toolbridge.Client
	session *toolbridge.Session
}

func newStage(ctx context.Context, out io.Writer) (s *stage, err error) {
	s = &stage{out: out, address: "127.0.0.1:0"}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.logs(), s.clear())
		}
	}()
	if s.folder, err = os.MkdirTemp("", "toolbridge-demo-"); err != nil {
		return s, err
	}
	if err := s.startBridge(ctx); err != nil {
		return s, err
	}
	if err := s.startWorkers(ctx); err != nil {
		return s, err
	}
	codec := value.New(value.With(frame.Extension()))
	if s.client, err = toolbridge.Dial(ctx, s.address, toolbridge.WithCodec(codec)); err != nil {
		return s, err
	}
	if s.session, err = s.client.Session(ctx, sessionID); err != nil {
		return s, err
	}
	return s, s.awaitTools(ctx, "convert", "ticks", "add_totals", "countdown")
}

// startBridge starts a bridge on the stage's folder and remembers where it listens, so that the next one listens there too.
func (s *stage) startBridge(ctx context.Context) error {
	bin := os.Getenv("TOOLBRIDGE_BIN")
	if bin == "" {
		return errors.New("TOOLBRIDGE_BIN is not set: run `make demo`, or build the bridge and name its binary")
	}
	p, err := start("bridge", exec.CommandContext(ctx, bin, "serve", "--demo", "--grpc", s.address, "--data", filepath.Join(s.folder, "data")))
	if err != nil {
		return err
	}
	s.bridge = p
	line, err := p.await(ctx, "listening on ")
	if err != nil {
		return err
	}
	s.address = strings.Fields(strings.SplitN(line, "listening on ", 2)[1])[0]
	fmt.Fprintf(s.out, "bridge: process %d at %s, store in its own folder\n", p.cmd.Process.Pid, s.address)
	return nil
}

func (s *stage) startWorkers(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	python := os.Getenv("TOOLBRIDGE_PYTHON")
	if python == "" {
		return errors.New("TOOLBRIDGE_PYTHON is not set: run `make demo`, or name a Python that has grpc_tool_bridge")
	}
	here, err := folderOf("tools.py")
	if err != nil {
		return err
	}
	pythonWorker := exec.CommandContext(ctx, python, "-m", "grpc_tool_bridge.worker", "--bridge", s.address, "--agents", "tools")
	pythonWorker.Dir = here
	for name, cmd := range map[string]*exec.Cmd{"Go worker": exec.CommandContext(ctx, self, "-worker", s.address), "Python worker": pythonWorker} {
		p, err := start(name, cmd)
		if err != nil {
			return err
		}
		s.others = append(s.others, p)
		fmt.Fprintf(s.out, "%s: process %d\n", name, p.cmd.Process.Pid)
	}
	return nil
}

// folderOf finds the folder of the demo's Python files, from the repository's root or from beside them.
func folderOf(name string) (string, error) {
	for _, dir := range []string{filepath.Join("examples", "demo"), "."} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", fmt.Errorf("%s was not found: run the demo from the repository's root", name)
}

// awaitTools waits until the session sees the tools and somebody offers them.
func (s *stage) awaitTools(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		missing, err := s.missing(ctx, names)
		if err != nil || len(missing) == 0 {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("nobody offers %s: %w", strings.Join(missing, ", "), ctx.Err())
		}
	}
}

func (s *stage) missing(ctx context.Context, names []string) ([]string, error) {
	tools, err := s.session.Tools(ctx)
	if err != nil {
		return nil, err
	}
	available := map[string]bool{}
	for _, t := range tools {
		available[t.Name()] = t.Spec().Available
	}
	var missing []string
	for _, name := range names {
		if !available[name] {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

// runPython runs a Python program of the demo to its end and returns what it printed.
func (s *stage) runPython(ctx context.Context, arguments ...string) (string, error) {
	here, err := folderOf("client.py")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, os.Getenv("TOOLBRIDGE_PYTHON"), append([]string{"client.py", s.address, sessionID}, arguments...)...)
	cmd.Dir = here
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("client.py %s: %w\n%s", strings.Join(arguments, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// logs returns what the processes wrote last, as an error to be shown beside another.
func (s *stage) logs() error {
	var errs []error
	for _, p := range append([]*process{s.bridge}, s.others...) {
		if p != nil {
			errs = append(errs, fmt.Errorf("last output of the %s:\n%s", p.name, p.tail()))
		}
	}
	return errors.Join(errs...)
}

// clear ends every process and removes the folder.
func (s *stage) clear() error {
	var errs []error
	if s.client != nil {
		errs = append(errs, s.client.Close())
	}
	for _, p := range append(s.others, s.bridge) {
		if p != nil {
			errs = append(errs, p.end())
		}
	}
	if s.folder != "" {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// process is a program that the demo started.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	lines []string
	grew  chan struct{}
}

// tailLines is how many lines of a process's output are kept.
const tailLines = 200

func start(name string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, cmd: cmd, done: make(chan struct{}), grew: make(chan struct{}, 1)}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	go p.read(pipe)
	return p, nil
}

func (p *process) read(from io.Reader) {
	defer close(p.done)
	for lines := bufio.NewScanner(from); lines.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines[max(0, len(p.lines)-tailLines+1):], lines.Text())
		p.mu.Unlock()
		select {
		case p.grew <- struct{}{}:
		default:
		}
	}
	_ = p.cmd.Wait()
}

// await returns the first line that contains the text.
func (p *process) await(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		p.mu.Lock()
		for _, line := range p.lines {
			if strings.Contains(line, text) {
				p.mu.Unlock()
				return line, nil
			}
		}
		p.mu.Unlock()
		select {
		case <-p.grew:
		case <-p.done:
			return "", fmt.Errorf("the %s ended: %s", p.name, p.tail())
		case <-ctx.Done():
			return "", fmt.Errorf("the %s did not print %q: %w", p.name, text, ctx.Err())
		}
	}
}

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// kill ends the process as a crash would.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.done
	return err
}

// end asks the process to leave and waits for it; one that does not is killed, which is an error.
func (p *process) end() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end the %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(15 * time.Second):
		return errors.Join(fmt.Errorf("the %s did not leave within 15 s and was killed", p.name), p.kill())
	}
}
