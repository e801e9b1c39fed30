package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
)

// programs are what processes are made of.
type programs struct {
	// self is this program, bridge the bridge's binary, python an interpreter that has the SDK.
	self, bridge, python string
	// peers is an interpreter that has the packages of requirements.txt; empty where there is none.
	peers string
}

// findPrograms reads the environment.
func findPrograms() (programs, error) {
	self, err := os.Executable()
	found := programs{self: self, bridge: os.Getenv("TOOLBRIDGE_BIN"), python: os.Getenv("TOOLBRIDGE_PYTHON"), peers: os.Getenv("TOOLBRIDGE_BENCH_PYTHON")}
	for name, path := range map[string]string{"TOOLBRIDGE_BIN": found.bridge, "TOOLBRIDGE_PYTHON": found.python} {
		if _, missing := os.Stat(path); missing != nil {
			err = errors.Join(err, fmt.Errorf("%s is %q: want a program; `make bench-quick` builds and names it", name, path))
		}
	}
	return found, err
}

// stage is what runs while a scene is measured: processes, connections, and how to make an end of them. Its methods
// do nothing once one has failed; err says why. It is used by one goroutine.
type stage struct {
	programs
	plan plan
	// out is where what is found along the way is told.
	out io.Writer
	err error
	// missing says what cannot be measured, and why.
	missing []string

	// long: processes take long to start, because they make or read many of something.
	long bool

	processes []*process // in the order in which they were started
	closers   []func() error
}

// start starts a process that says where it listens.
func (s *stage) start(ctx context.Context, name, program string, args ...string) *process {
	return s.startIn(ctx, nil, name, program, args...)
}

// startIn starts one with more in its environment.
func (s *stage) startIn(ctx context.Context, environment []string, name, program string, args ...string) *process {
	if s.err != nil {
		return nil
	}
	p, err := startIn(ctx, s.patience(), environment, name, program, args...)
	if err != nil {
		s.err = err
		return nil
	}
	s.processes = append(s.processes, p)
	return p
}

// patience is how long a process may take to start.
func (s *stage) patience() time.Duration {
	if s.long {
		return longPatience
	}
	return startPatience
}

// part starts this program in a part of its own; see runPeer.
func (s *stage) part(ctx context.Context, name string, args ...string) *process {
	return s.partIn(ctx, nil, name, args...)
}

// partIn starts it with more in its environment.
func (s *stage) partIn(ctx context.Context, environment []string, name string, args ...string) *process {
	args = append([]string{name}, args...)
	if s.plan.profile != "" {
		args = append([]string{profiledPart}, args...)
	}
	return s.startIn(ctx, environment, "the part "+name, s.self, args...)
}

// script starts a script of this folder with an interpreter.
func (s *stage) script(ctx context.Context, interpreter, script string, args ...string) *process {
	return s.start(ctx, script, interpreter, append([]string{script}, args...)...)
}

// serve starts a bridge. Flags come last, so that they win.
func (s *stage) serve(ctx context.Context, flags ...string) *process {
	args := []string{"serve", "--grpc", "127.0.0.1:0"}
	if s.plan.profile != "" {
		args = append(args, "--debug", "127.0.0.1:0")
	}
	args = append(args, flags...)
	p := s.start(ctx, "the bridge", s.bridge, args...)
	if p != nil {
		p.profiles = slices.Contains(args, "--debug")
	}
	return p
}

// end ends a process before the others, and forgets it.
func (s *stage) end(p *process) {
	if p == nil {
		return
	}
	s.processes = slices.DeleteFunc(s.processes, func(one *process) bool { return one == p })
	s.err = errors.Join(s.err, p.stop())
}

// dial connects by plain gRPC, with its defaults.
func (s *stage) dial(to *process) *grpc.ClientConn {
	if s.err != nil {
		return nil
	}
	conn, err := dial(to.address)
	if err != nil {
		s.err = err
		return nil
	}
	s.closers = append(s.closers, conn.Close)
	return conn
}

// client connects to a bridge by the SDK.
func (s *stage) client(ctx context.Context, to *process) *toolbridge.Client {
	if s.err != nil {
		return nil
	}
	client, err := toolbridge.Dial(ctx, to.address)
	if err != nil {
		s.err = err
		return nil
	}
	s.closers = append(s.closers, client.Close)
	return client
}

// clients are so many clients of a bridge, each with a link of its own.
func (s *stage) clients(ctx context.Context, to *process, count int) []*toolbridge.Client {
	all := make([]*toolbridge.Client, count)
	for i := range all {
		all[i] = s.client(ctx, to)
	}
	return all
}

// session connects to a bridge and attaches to a session.
func (s *stage) session(ctx context.Context, to *process) *toolbridge.Session {
	client := s.client(ctx, to)
	if s.err != nil {
		return nil
	}
	session, err := client.Session(ctx, "bench-go")
	s.err = err
	return session
}

// folder makes a folder that is deleted at the end. It lies where TMPDIR says: on a disk, if the price of syncing is to count.
func (s *stage) folder() string {
	if s.err != nil {
		return ""
	}
	path, err := os.MkdirTemp("", "bench-")
	s.err = err
	s.closers = append(s.closers, func() error { return os.RemoveAll(path) })
	return path
}

// root is the folder of the repository.
func (s *stage) root() string {
	path, err := filepath.Abs("../..")
	s.err = errors.Join(s.err, err)
	return path
}

// skip notes that something cannot be measured.
func (s *stage) skip(what, why string) []group {
	s.missing = append(s.missing, what+": "+why)
	return nil
}

// try starts what the others can be measured without; what fails of it is noted.
func (s *stage) try(what string, begin func()) bool {
	if s.err != nil {
		return false
	}
	begin()
	if s.err == nil {
		return true
	}
	s.skip(what, strings.ReplaceAll(s.err.Error(), "\n", "; "))
	s.err = nil
	return false
}

// stop ends everything, the newest first; folders go when nobody writes there any more.
func (s *stage) stop() error {
	all := s.err
	for _, p := range slices.Backward(s.processes) {
		all = errors.Join(all, p.stop())
	}
	for _, closer := range slices.Backward(s.closers) {
		all = errors.Join(all, closer())
	}
	return all
}
