package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// pacing makes of a rate, calls a second, what measures at that rate. So long after the last call was due it waits for
// answers; what is not answered then is given up: the side was overloaded.
type pacing func(rate float64, patience time.Duration) measuring

// waiting is how many calls of an open loop may be under way at once, in Go and in Python; what is due beyond counts from when it was due.
const waiting = 256

// errGivenUp ends the calls that are given up.
var errGivenUp = errors.New("the round is over, and the call was not answered: the rate is more than this side can take")

// paced begins calls at a fixed rate, whatever the earlier ones do, and counts each from when it was due: the time that a
// call waits because others are slow is not left out (coordinated omission). Those that are given up count until then.
func paced(begin caller) pacing {
	return func(rate float64, patience time.Duration) measuring {
		return func(ctx context.Context, _ int, d time.Duration) (sample, error) {
			if rate <= 0 {
				return sample{}, fmt.Errorf("a rate of %g calls a second: want above 0", rate)
			}
			began := time.Now()
			// No deadline: that would travel with the calls, and a server's refusal might come before it has passed here.
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			defer time.AfterFunc(d+patience, func() { cancel(errGivenUp) }).Stop()
			s := &schedule{began: began, rate: rate, count: int64(max(1, rate*d.Seconds()))}
			return s.follow(ctx, begin)
		}
	}
}

// schedule says when calls are due, and takes how long they took.
type schedule struct {
	began  time.Time
	rate   float64
	count  int64
	issued atomic.Int64

	mu             sync.Mutex
	took, unserved []time.Duration
}

// due is when a call is, by its number.
func (s *schedule) due(number int64) time.Time {
	return s.began.Add(time.Duration(float64(number) / s.rate * float64(time.Second)))
}

// next is when the next call is due; false if there is none.
func (s *schedule) next() (time.Time, bool) {
	number := s.issued.Add(1) - 1
	return s.due(number), number < s.count
}

// follow makes all calls, or gives up those that are left, and sums them up.
func (s *schedule) follow(ctx context.Context, begin caller) (sample, error) {
	var all errgroup.Group
	for range waiting {
		all.Go(func() error { return s.makeCalls(ctx, begin) })
	}
	if err := all.Wait(); err != nil {
		return sample{}, err
	}
	ended := time.Now()
	for due, more := s.next(); more; due, more = s.next() {
		s.unserved = append(s.unserved, ended.Sub(due))
	}
	return sampleOfOpenLoop(s.took, s.unserved, ended.Sub(s.began)), nil
}

// makeCalls makes the calls that are due, one after another, until there are no more or the rest is given up.
func (s *schedule) makeCalls(ctx context.Context, begin caller) error {
	call, done, err := begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	var took, unserved []time.Duration
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.took, s.unserved = append(s.took, took...), append(s.unserved, unserved...)
	}()
	for due, more := s.next(); more; due, more = s.next() {
		err := wait(ctx, time.Until(due))
		if err == nil {
			err = call()
		}
		switch {
		case err == nil:
			took = append(took, time.Since(due))
		case errors.Is(context.Cause(ctx), errGivenUp):
			unserved = append(unserved, time.Since(due))
			return nil
		default:
			return err
		}
	}
	return nil
}

// sampleOfOpenLoop sums up calls of which some were answered and others given up: all count in the percentiles, the
// former alone in the throughput.
func sampleOfOpenLoop(took, unserved []time.Duration, all time.Duration) sample {
	got := sampleOf(slices.Concat(took, unserved), all)
	got.Rate, got.Calls, got.Unanswered = float64(len(took))/all.Seconds(), len(took), len(unserved)
	return got
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

// paceSide is a side that can be measured at a part of the highest rate that it keeps up with.
type paceSide struct {
	side
	at pacing
	// found is what is known of that rate.
	found *fastestFound
}

// fastestFound is how fast a side was found to be, in calls a second: with 64 callers, each again as soon as its call has
// ended, and in an open loop of more than that, round by round.
type fastestFound struct {
	closed float64
	open   []float64
}

// fastest finds the highest rate: as many calls as 64 callers would make in the round come due in half of it, and how
// long they take altogether says how many a second an open loop can have answered. So it includes what that costs its
// caller beyond the calls themselves. The first time it only warms up, and finds out how many 64 callers make.
func (p paceSide) fastest() side {
	s := p.side
	s.run = func(ctx context.Context, _ int, d time.Duration) (sample, error) {
		if p.found.closed == 0 {
			got, err := p.run(ctx, 64, d)
			p.found.closed = got.Rate
			return got, err
		}
		got, err := p.at(2*p.found.closed, 4*d)(ctx, 0, d/2)
		if err == nil {
			p.found.open = append(p.found.open, got.Rate)
		}
		return got, err
	}
	return s
}

// part is the side at a part of its highest rate, which is the median of what was found.
func (p paceSide) part(of float64) side {
	s := p.side
	s.run = func(ctx context.Context, width int, d time.Duration) (sample, error) {
		for len(p.found.open) == 0 { // its group was left out
			if _, err := p.fastest().run(ctx, width, d); err != nil {
				return sample{}, err
			}
		}
		return p.at(of*median(p.found.open), d/4)(ctx, width, d)
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
		for _, theirs := range language.theirs {
			all = append(all, row{
				name:  language.name + ": the highest rate of calls that are due at fixed times, against " + theirs,
				group: highestOf + language.name, of: rate, unit: "calls/s", ours: "link", theirs: theirs, look: true,
			})
		}
		for _, part := range parts() {
			for _, theirs := range language.theirs {
				for _, q := range []struct {
					unit string
					of   quantity
				}{{"p50 ms", p50}, {"p99 ms", p99}, {"p99.9 ms", p999}} {
					all = append(all, row{
						name:  fmt.Sprintf("%s: calls due at %s of the highest rate, against %s at its own", language.name, part.name, theirs),
						group: "open loop " + language.name + " " + part.name, of: q.of, unit: q.unit, ours: "link", theirs: theirs, atMost: true, look: true,
					})
				}
			}
		}
	}
	return scene{name: "open loop", rows: all, open: openLoopGroups}
}

// highestOf begins the names of the groups that find the highest rates.
const highestOf = "highest rate "

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
	first := group{name: highestOf + language}
	for _, one := range sides {
		first.sides = append(first.sides, one.fastest())
	}
	all := []group{first}
	for _, part := range parts() {
		g := group{name: "open loop " + language + " " + part.name, long: 2}
		for _, one := range sides {
			g.sides = append(g.sides, one.part(part.of))
		}
		all = append(all, g)
	}
	return all
}

func paceOf(name string, begin caller, peers ...*process) paceSide {
	return paceSide{side{name, loop(begin), peers}, paced(begin), new(fastestFound)}
}

func pythonPace(name string, caller *process, way string, peers ...*process) paceSide {
	return paceSide{side{name, measuredBy(caller, way), append(peers, caller)}, pythonRate(caller, way), new(fastestFound)}
}
