package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
)

// benchmark is everything that runs while it measures.
type benchmark struct {
	// processes in the order in which they were started.
	processes []*process
	closers   []func() error

	bridge, goWorker, pythonWorker, caller *process
	rawGo, rawPython, relay                *process
	fastMCP, fastMCPCaller                 *process // nil where it is not installed
	session                                *toolbridge.Session
	toGo, toPython, relayed, plain         *grpc.ClientConn
	// missing says what could not be measured, and why.
	missing []string
}

// startBenchmark starts all processes and connects to them. What was started must be stopped also after an error.
func startBenchmark(ctx context.Context, p plan) (*benchmark, error) {
	b := &benchmark{}
	if err := b.startProcesses(ctx); err != nil {
		return b, err
	}
	if !p.quick {
		if err := b.startFastMCP(ctx); err != nil {
			return b, err
		}
	}
	client, err := toolbridge.Dial(ctx, b.bridge.address)
	if err != nil {
		return b, err
	}
	b.closers = append(b.closers, client.Close)
	b.session, err = client.Session(ctx, "bench-go")
	return b, err
}

func (b *benchmark) startProcesses(ctx context.Context) error {
	binary, python, err := programs()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}

	b.bridge, err = b.start(ctx, err, "the bridge", binary, "serve", "--demo", "--memory", "--grpc", "127.0.0.1:0")
	b.rawGo, err = b.start(ctx, err, "the raw echo in Go", self, "echo")
	b.rawPython, err = b.start(ctx, err, "the raw echo in Python", python, "raw.py")
	b.relay, err = b.start(ctx, err, "the relay of streams", self, "relay", b.rawGo.at())
	b.goWorker, err = b.start(ctx, err, "the worker in Go", self, "worker", b.bridge.at())
	b.pythonWorker, err = b.start(ctx, err, "the worker in Python", python, "worker.py", b.bridge.at())
	b.caller, err = b.start(ctx, err, "the caller in Python", python, "caller.py", b.bridge.at(), b.rawGo.at())
	b.toGo, err = b.dial(err, b.rawGo)
	b.toPython, err = b.dial(err, b.rawPython)
	b.relayed, err = b.dial(err, b.relay)
	b.plain, err = b.dial(err, b.bridge)
	return err
}

// startFastMCP starts the peer of the last row if it is installed.
func (b *benchmark) startFastMCP(ctx context.Context) error {
	python := os.Getenv("TOOLBRIDGE_BENCH_FASTMCP")
	if python == "" {
		b.missing = append(b.missing, "FastMCP: TOOLBRIDGE_BENCH_FASTMCP does not name a Python interpreter that has fastmcp")
		return nil
	}
	var err error
	b.fastMCP, err = b.start(ctx, nil, "the FastMCP server", python, "fastmcp_server.py")
	b.fastMCPCaller, err = b.start(ctx, err, "the FastMCP caller", python, "fastmcp_caller.py", b.fastMCP.at())
	return err
}

// programs are the bridge and the Python interpreter that the environment names.
func programs() (binary, python string, err error) {
	binary, python = os.Getenv("TOOLBRIDGE_BIN"), os.Getenv("TOOLBRIDGE_PYTHON")
	for name, path := range map[string]string{"TOOLBRIDGE_BIN": binary, "TOOLBRIDGE_PYTHON": python} {
		if _, missing := os.Stat(path); missing != nil {
			err = errors.Join(err, fmt.Errorf("%s is %q: want a program; `make bench-quick` builds and names it", name, path))
		}
	}
	return binary, python, err
}

// start starts a process unless something failed before.
func (b *benchmark) start(ctx context.Context, failed error, name, program string, args ...string) (*process, error) {
	if failed != nil {
		return nil, failed
	}
	p, err := start(ctx, name, program, args...)
	if err == nil {
		b.processes = append(b.processes, p)
	}
	return p, err
}

// dial connects unless something failed before.
func (b *benchmark) dial(failed error, to *process) (*grpc.ClientConn, error) {
	if failed != nil {
		return nil, failed
	}
	conn, err := dial(to.address)
	if err == nil {
		b.closers = append(b.closers, conn.Close)
	}
	return conn, err
}

// stop ends everything, the newest first.
func (b *benchmark) stop() error {
	var all error
	for _, closer := range slices.Backward(b.closers) {
		all = errors.Join(all, closer())
	}
	for _, p := range slices.Backward(b.processes) {
		all = errors.Join(all, p.stop())
	}
	return all
}
