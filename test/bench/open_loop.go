package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// pacing makes of a rate, calls a second, what measures at that rate.
type pacing func(rate float64) measuring

// waiting is how many calls of an open loop may be under way at once; what is due beyond counts from when it was due.
const waiting = 256

// paced begins calls at a fixed rate, whatever the earlier ones do, and counts each from when it was due: the time that a
// call waits because others are slow is not left out (coordinated omission).
func paced(begin caller) pacing {
	return func(rate float64) measuring {
		return func(ctx context.Context, _ int, d time.Duration) (sample, error) {
			if rate <= 0 {
				return sample{}, fmt.Errorf("a rate of %g calls a second: want above 0", rate)
			}
			var issued atomic.Int64
			began := time.Now()
			due := func() (time.Time, bool) {
				after := time.Duration(float64(issued.Add(1)-1) / rate * float64(time.Second))
				return began.Add(after), after < d
			}
			return inParallel(waiting, func() ([]time.Duration, error) { return followSchedule(ctx, begin, due) })
		}
	}
}

// followSchedule makes the calls that are due until there are no more.
func followSchedule(ctx context.Context, begin caller, next func() (time.Time, bool)) ([]time.Duration, error) {
	call, done, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var took []time.Duration
	for due, more := next(); more; due, more = next() {
		if err := wait(ctx, time.Until(due)); err != nil {
			return nil, err
		}
		if err := call(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(due))
	}
	return took, nil
}

// wait returns after d, or earlier with the reason.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// paceSide is a side that can be measured as fast as it goes and at a part of that.
type paceSide struct {
	side
	at pacing
	// highest is the throughput that was found, in calls a second.
	highest *float64
}

// fastest is the side as fast as it goes; it keeps the highest throughput of all rounds.
func (p paceSide) fastest() side {
	s := p.side
	s.run = func(ctx context.Context, width int, d time.Duration) (sample, error) {
		got, err := p.run(ctx, width, d)
		*p.highest = max(*p.highest, got.Rate)
		return got, err
	}
	return s
}

// part is the side at a part of the highest throughput.
func (p paceSide) part(of float64) side {
	s := p.side
	s.run = func(ctx context.Context, width int, d time.Duration) (sample, error) {
		if *p.highest == 0 { // its group was left out
			if _, err := p.fastest().run(ctx, width, d); err != nil {
				return sample{}, err
			}
		}
		return p.at(of**p.highest)(ctx, width, d)
	}
	return s
}

// openLoop measures how long calls take at 10 %, 50 % and 80 % of the highest throughput of each side.
func openLoop() scene {
	var all []row
	for _, language := range []struct {
		name   string
		theirs []string
	}{{"Go", []string{"gRPC Go", "net/http JSON", "MCP Go SDK"}}, {"Python", []string{"gRPC Python", "FastMCP", "MCP Python SDK"}}} {
		for _, part := range parts() {
			for _, theirs := range language.theirs {
				for _, q := range []struct {
					unit string
					of   quantity
				}{{"p50 ms", p50}, {"p99 ms", p99}, {"p99.9 ms", p999}} {
					all = append(all, row{
						name:  fmt.Sprintf("%s: calls due at %s of the highest rate, against %s at its own", language.name, part.name, theirs),
						group: "open loop " + language.name + " " + part.name, width: 64, of: q.of, unit: q.unit, ours: "link", theirs: theirs, atMost: true, look: true,
					})
				}
			}
		}
	}
	return scene{name: "open loop", rows: all, open: openLoopGroups}
}

type ratePart struct {
	name string
	of   float64
}

// parts are those of the highest throughput.
func parts() []ratePart { return []ratePart{{"10 %", 0.1}, {"50 %", 0.5}, {"80 %", 0.8}} }

func openLoopGroups(ctx context.Context, s *stage) []group {
	c := startCast(ctx, s)
	web := s.part(ctx, "json")
	if s.err != nil {
		return nil
	}
	goSides := []paceSide{
		paceOf("gRPC Go", rawUnary(c.toGo), c.rawGo), paceOf("net/http JSON", postJSON(web.at()), web),
		paceOf("link", overLink(c.session, goEcho), c.bridge, c.goWorker),
	}
	if mcp := startMCPGo(ctx, s); mcp != nil {
		goSides = append(goSides, paceOf("MCP Go SDK", mcp.caller, mcp.server))
	}
	pythonSides := []paceSide{
		pythonPace("gRPC Python", c.caller, rawInPython, c.rawPython), pythonPace("link", c.caller, pythonEcho, c.bridge, c.pythonWorker),
	}
	if fast := startFastMCP(ctx, s); fast != nil {
		pythonSides = append(pythonSides, pythonPace("FastMCP", fast.caller, echoWay, fast.server))
	}
	if mcp := startMCPPython(ctx, s); mcp != nil {
		pythonSides = append(pythonSides, pythonPace("MCP Python SDK", mcp.caller, echoWay, mcp.server))
	}
	return append(pacedGroups("Go", goSides), pacedGroups("Python", pythonSides)...)
}

func pacedGroups(language string, sides []paceSide) []group {
	first := group{name: "highest " + language, width: 64}
	for _, one := range sides {
		first.sides = append(first.sides, one.fastest())
	}
	all := []group{first}
	for _, part := range parts() {
		g := group{name: "open loop " + language + " " + part.name, width: 64, long: 2}
		for _, one := range sides {
			g.sides = append(g.sides, one.part(part.of))
		}
		all = append(all, g)
	}
	return all
}

func paceOf(name string, begin caller, peers ...*process) paceSide {
	return paceSide{side{name, loop(begin), peers}, paced(begin), new(float64)}
}

func pythonPace(name string, caller *process, way string, peers ...*process) paceSide {
	return paceSide{side{name, pythonWay(caller, way), append(peers, caller)}, pythonRate(caller, way), new(float64)}
}
