package main

import (
	"context"

	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
)

// The ways that callers in Python know besides the names of tools: the raw echoes in Go and Python, and the echo of a peer.
const (
	rawInGo     = "raw"
	rawInPython = "raw in Python"
	echoWay     = "echo"
)

// cast is what most scenes need: a bridge with a worker in each language, raw echoes, and a caller in Python.
type cast struct {
	bridge, goWorker, pythonWorker, caller *process
	rawGo, rawPython, relay                *process

	session                           *toolbridge.Session
	toGo, toPython, relayed, toBridge *grpc.ClientConn
}

func startCast(ctx context.Context, s *stage) *cast {
	c := &cast{}
	c.bridge = s.serve(ctx, "--demo", "--memory")
	c.rawGo = s.part(ctx, "echo")
	c.rawPython = s.script(ctx, s.python, "raw.py")
	c.relay = s.partIn(ctx, []string{bridgeGarbage}, "relay", c.rawGo.at()) // as the bridge, which stands in its place
	c.goWorker = s.part(ctx, "worker", c.bridge.at())
	c.pythonWorker = s.script(ctx, s.python, "worker.py", c.bridge.at())
	c.caller = c.pythonCaller(ctx, s)
	c.toGo, c.toPython, c.relayed, c.toBridge = s.dial(c.rawGo), s.dial(c.rawPython), s.dial(c.relay), s.dial(c.bridge)
	c.session = s.session(ctx, c.bridge)
	return c
}

// pythonCaller starts a caller in Python.
func (c *cast) pythonCaller(ctx context.Context, s *stage) *process {
	return s.script(ctx, s.python, "caller.py", c.bridge.at(), c.rawGo.at(), c.rawPython.at())
}

// calls are the rows of the design's table about single calls.
func calls() scene {
	relay := "Go → bridge → Go worker"
	python, worker := "Python → bridge → Go worker", "Go → bridge → Python worker"
	return scene{name: "calls", quick: true, open: callGroups, rows: []row{
		{name: relay + ", against raw grpc-go", group: "go", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 1.7, goal: 2},
		{name: relay + ", against raw grpc-go", group: "go", width: 256, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 3, goal: 3.5},
		{name: relay + ", against raw grpc-go", group: "go", width: 1024, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 3.5, goal: 4.5},
		{name: relay + ", against an empty relayed stream", group: "go", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "empty", reach: 1.15, atMost: true},
		{name: relay + ", against raw grpc-go", group: "go", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "raw", reach: 1.6, atMost: true},
		{name: "an empty relayed stream, against raw grpc-go", group: "go", width: 1, of: p50, unit: "p50 ms", ours: "empty", theirs: "raw", atMost: true, look: true, reference: true},
		{name: "the bridge's processor time", group: "go", width: 64, of: middle, unit: "µs/call", ours: "link", reach: 12, atMost: true},
		{name: "the bridge's processor time", group: "go", width: 1, of: middle, unit: "µs/call", ours: "link", atMost: true, look: true},
		{name: "the bridge's processor time, against that of raw grpc-go's server", group: "go", width: 64, of: middle, unit: "µs/call", ours: "link", theirs: "raw", atMost: true, look: true},
		{name: relay + ", processor time of all processes, against raw grpc-go", group: "go", width: 64, of: processor, unit: "µs/call", ours: "link", theirs: "raw", atMost: true, look: true},
		{name: "tool in the bridge, plain ExecuteTool, against raw grpc-go", group: "go", width: 64, of: rate, unit: "calls/s", ours: "plain", theirs: "raw", reach: 0.8},
		{name: python + ", against raw grpc.aio", group: "python caller", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 2},
		{name: python + ", against raw grpc.aio", group: "python caller", width: 512, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 2.5},
		{name: python + ", against raw grpc.aio", group: "python caller", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "raw", reach: 0.8, atMost: true},
		{name: python + ", processor time of all processes, against raw grpc.aio", group: "python caller", width: 64, of: processor, unit: "µs/call", ours: "link", theirs: "raw", atMost: true, look: true},
		{name: worker + ", against a grpc.aio server", group: "python worker", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "raw", reach: 5},
		{name: worker + ", against a grpc.aio server", group: "python worker", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "raw", reach: 0.9, atMost: true},
		{name: worker + ", processor time of all processes, against a grpc.aio server", group: "python worker", width: 64, of: processor, unit: "µs/call", ours: "link", theirs: "raw", atMost: true, look: true},
	}}
}

func callGroups(ctx context.Context, s *stage) []group {
	c := startCast(ctx, s)
	if s.err != nil {
		return nil
	}
	return c.callGroups()
}

// slicesOf is into how many slices a round of calls is cut: calls one at a time are so quick, and so dependent on what the
// machine does, that a quarter of a second is enough and much may change in a whole one.
func slicesOf(width int) int {
	if width == 1 {
		return 4
	}
	return 2
}

func (c *cast) callGroups() []group {
	link := side{"link", loop(overLink(c.session, goEcho)), []*process{c.bridge, c.goWorker}}
	raw := side{"raw", loop(rawUnary(c.toGo)), []*process{c.rawGo}}
	plain := side{"plain", loop(plainCall(c.toBridge, c.session.ID(), demoEcho)), []*process{c.bridge}}
	empty := side{"empty", loop(rawStream(c.relayed)), []*process{c.relay, c.rawGo}}
	all := []group{
		{name: "go", width: 64, sides: []side{raw, link, plain}}, {name: "go", width: 256, sides: []side{raw, link}},
		{name: "go", width: 1024, sides: []side{raw, link}}, {name: "go", width: 1, sides: []side{raw, empty, link}},
	}
	caller := []side{
		{"raw", measuredBy(c.caller, rawInGo), []*process{c.rawGo, c.caller}},
		{"link", measuredBy(c.caller, goEcho), []*process{c.bridge, c.caller, c.goWorker}},
	}
	for _, width := range []int{64, 512, 1} {
		all = append(all, group{name: "python caller", width: width, sides: caller})
	}
	worker := []side{
		{"raw", loop(rawUnary(c.toPython)), []*process{c.rawPython}},
		{"link", loop(overLink(c.session, pythonEcho)), []*process{c.bridge, c.pythonWorker}},
	}
	for _, width := range []int{64, 1} {
		all = append(all, group{name: "python worker", width: width, sides: worker})
	}
	for i := range all {
		all[i].main, all[i].slices = true, slicesOf(all[i].width)
	}
	return all
}
