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
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a process may take to end when it is told to, and to answer.
const patience = 20 * time.Second

// startPatience is how long one may take to start, longPatience if it makes a hundred thousand of something first.
const (
	startPatience = time.Minute
	longPatience  = 10 * time.Minute
)

// process is a peer in a process of its own. One goroutine at a time talks to it.
type process struct {
	name    string
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Reader
	// said is what it wrote to its standard error; it may be read once the process has ended.
	said *bytes.Buffer
	// address is where it listens, debug where it serves profiles, once that was read; profiles says that it does.
	address, debug string
	profiles       bool
}

// start starts a process and waits until it says "listening on ADDRESS".
func start(ctx context.Context, within time.Duration, name, program string, args ...string) (*process, error) {
	return startIn(ctx, within, nil, name, program, args...)
}

// startIn starts one with more in its environment.
func startIn(ctx context.Context, within time.Duration, environment []string, name, program string, args ...string) (*process, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), environment...)
	said := &bytes.Buffer{}
	command.Stderr = said
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	// A group of its own, so that an interrupt of the terminal reaches this program first.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, failedIn := command.StdinPipe()
	stdout, failedOut := command.StdoutPipe()
	if err := errors.Join(failedIn, failedOut); err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{name: name, command: command, stdin: stdin, lines: bufio.NewReader(stdout), said: said}
	late := time.AfterFunc(within, func() { _ = command.Process.Kill() })
	line, err := p.lines.ReadString('\n')
	if debug, found := strings.CutPrefix(line, profilesOn); found {
		p.debug = strings.TrimSpace(debug)
		line, err = p.lines.ReadString('\n')
	}
	if !late.Stop() {
		err = fmt.Errorf("it took more than %v", within)
	}
	address, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		stopped := p.stop()
		return nil, errors.Join(fmt.Errorf("%s did not start: it said %q and %q", name, line, lastOf(said.String())), err, stopped)
	}
	p.address = address
	return p, nil
}

// lastOf is the end of what a process said: of a traceback, what went wrong.
func lastOf(said string) string {
	const most = 1000
	if len(said) > most {
		return "…" + said[len(said)-most:]
	}
	return said
}

// lineWith reads on to the line that begins so, and returns the rest of it.
func (p *process) lineWith(start string) (string, error) {
	late := time.AfterFunc(patience, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	for {
		line, err := p.lines.ReadString('\n')
		if rest, found := strings.CutPrefix(line, start); found {
			return strings.TrimSpace(rest), nil
		}
		if err != nil {
			return "", fmt.Errorf("%s said no line that begins %q: %w", p.name, start, err)
		}
	}
}

// stop tells the process to end and waits for that.
func (p *process) stop() error {
	_ = p.stdin.Close()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(patience, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	_, _ = io.Copy(io.Discard, p.lines)
	err := p.command.Wait()
	if late.Stop() { // told to end, and ended: how does not matter
		return nil
	}
	return fmt.Errorf("%s did not end within %v: %w", p.name, patience, err)
}

// processorTime is what a process has used so far, with all its threads, those that have ended too. Linux has a clock for
// that; of which process it is stands in its number (clock_getcpuclockid(3)).
func processorTime(pid int) (time.Duration, error) {
	const ofProcess = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|ofProcess), &used); err != nil {
		return 0, fmt.Errorf("the processor time of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}

// at is where the process listens; empty for one that was not started.
func (p *process) at() string {
	if p == nil {
		return ""
	}
	return p.address
}
