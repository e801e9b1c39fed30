package main

import (
	"context"
	"time"
)

// peerPair is a peer's server and its caller in Python.
type peerPair struct{ server, caller *process }

// startFastMCP starts FastMCP's server and client; nil where they are not installed.
func startFastMCP(ctx context.Context, s *stage) *peerPair {
	return startPair(ctx, s, "FastMCP", "fastmcp_server.py", "fastmcp_caller.py")
}

// startMCPPython starts the MCP Python SDK's server and client; nil where they are not installed.
func startMCPPython(ctx context.Context, s *stage) *peerPair {
	return startPair(ctx, s, "the MCP Python SDK", "mcp_server.py", "mcp_caller.py")
}

func startPair(ctx context.Context, s *stage, name, server, caller string) *peerPair {
	if s.programs.peers == "" {
		s.skip(name, "TOOLBRIDGE_BENCH_PYTHON does not name an interpreter with the packages of requirements.txt; `make bench` makes one")
		return nil
	}
	pair := &peerPair{}
	if !s.try(name, func() {
		pair.server = s.script(ctx, s.programs.peers, server)
		pair.caller = s.script(ctx, s.programs.peers, caller, pair.server.at())
	}) {
		return nil
	}
	return pair
}

func (p *peerPair) side(name string) side {
	return side{name, measuredBy(p.caller, echoWay), []*process{p.server, p.caller}}
}

// peers are other ways to call a tool in another process, one at a time and 64 at a time.
func peers() scene {
	goWay, both := "Go → bridge → Go worker", "Python → bridge → Python worker"
	rows := []row{
		{name: both + ", against FastMCP", group: "python both", width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: "FastMCP", reach: 6, inverse: true},
		{name: both + ", against FastMCP", group: "python both", width: 64, of: rate, unit: "calls/s", ours: "link", theirs: "FastMCP", reach: 40},
	}
	for _, theirs := range []string{"MCP Go SDK", "net/http JSON", "gRPC Go"} {
		rows = append(rows, againstPeer(goWay, "go peers", theirs)...)
	}
	for _, theirs := range []string{"MCP Python SDK", "gRPC Python"} {
		rows = append(rows, againstPeer(both, "python both", theirs)...)
	}
	return scene{name: "peers", rows: rows, open: peerGroups}
}

func againstPeer(ours, in, theirs string) []row {
	name := ours + ", against " + theirs
	return []row{
		{name: name, group: in, width: 1, of: p50, unit: "p50 ms", ours: "link", theirs: theirs, inverse: true, look: true},
		{name: name, group: in, width: 64, of: rate, unit: "calls/s", ours: "link", theirs: theirs, look: true},
	}
}

func peerGroups(ctx context.Context, s *stage) []group {
	c := startCast(ctx, s)
	web := s.part(ctx, "json")
	if s.err != nil {
		return nil
	}
	goSides := []side{
		{"net/http JSON", loop(postJSON(web.at())), []*process{web}},
		{"gRPC Go", loop(rawUnary(c.toGo)), []*process{c.rawGo}},
		{"link", loop(overLink(c.session, goEcho)), []*process{c.bridge, c.goWorker}},
	}
	if mcp := startMCPGo(ctx, s); mcp != nil {
		goSides = append(goSides, side{"MCP Go SDK", loop(mcp.caller), []*process{mcp.server}})
	}
	both := []side{
		{"gRPC Python", measuredBy(c.caller, rawInPython), []*process{c.rawPython, c.caller}},
		{"link", measuredBy(c.caller, pythonEcho), []*process{c.bridge, c.caller, c.pythonWorker}},
	}
	if pair := startFastMCP(ctx, s); pair != nil {
		both = append(both, pair.side("FastMCP"))
	}
	if pair := startMCPPython(ctx, s); pair != nil {
		both = append(both, pair.side("MCP Python SDK"))
	}
	return []group{
		{name: "go peers", width: 1, sides: goSides}, {name: "go peers", width: 64, sides: goSides},
		{name: "python both", width: 1, sides: both, main: true}, {name: "python both", width: 64, sides: both, main: true},
	}
}

// patient is how long one request of a peer may take before it counts as lost.
const patient = 30 * time.Second
