package broker

import (
	"errors"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// callRecord is what is known of a call. One that is kept holds no text that is a part of a message.
type callRecord struct {
	number, parent                             uint64
	session                                    tool.SessionKey
	requestID, tool, worker                    string
	code                                       tool.Code
	began                                      int64 // Unix time in nanoseconds
	duration, queue, route, execute, transport time.Duration
	attempts, depth                            int32
	state                                      CallState
	phase                                      callPhase
	stream                                     bool
}

func (c *callRecord) info(b *Broker) CallInfo {
	return CallInfo{
		ID: b.CallID(c.number), RequestID: c.requestID, Session: c.session.ID, Tool: c.tool, State: c.state, Phase: c.phase.String(),
		StartedAt: time.Unix(0, c.began), Depth: int(c.depth), Parent: b.CallID(c.parent), Stream: c.stream, Error: c.code,
		Metrics: tool.Metrics{
			Duration: c.duration, Queue: c.queue, Route: c.route, Execute: c.execute, Transport: c.transport, Worker: c.worker, Attempts: int(c.attempts),
		},
	}
}

// callPhase is how far a call is, or was when it ended.
type callPhase uint8

const (
	phaseRouting callPhase = iota
	phaseQueued
	phaseRunning
	phaseStreaming
)

// String is the phase as operators read it.
func (p callPhase) String() string {
	switch p {
	case phaseQueued:
		return "queued"
	case phaseRunning:
		return "running"
	case phaseStreaming:
		return "streaming"
	default:
		return "routing"
	}
}

// endedCalls remembers the calls that ended last. Guarded by scheduler.mu.
type endedCalls struct {
	most int
	ring []callRecord
	next int // the oldest, once the ring is full
}

func (e *endedCalls) add() *callRecord {
	if len(e.ring) < e.most {
		e.ring = append(e.ring, callRecord{})
		return &e.ring[len(e.ring)-1]
	}
	c := &e.ring[e.next]
	if e.next++; e.next == e.most {
		e.next = 0
	}
	return c
}

// glance is a call under way as others see it; scheduler.mu is held.
func (r *run) glance(now time.Time) callRecord {
	c := callRecord{
		number: r.number, parent: r.parentNumber, session: r.session.key, requestID: nameOf(r.asked), tool: r.asked.Tool,
		began: r.began.UnixNano(), duration: max(now.Sub(r.began), 1), attempts: r.given, depth: int32(r.asked.Depth),
		state: CallQueued, stream: r.asked.Stream,
	}
	if r.found != nil {
		c.tool = r.found.ID
	}
	switch {
	case r.offer != nil:
		c.state, c.phase, c.worker = CallRunning, phaseRunning, r.offer.host.name()
		if r.flowing.Load() {
			c.phase = phaseStreaming
		}
	case r.waiting:
		c.phase = phaseQueued
	}
	return c
}

// nameOf is how the caller names a call.
func nameOf(c *tool.Call) string {
	if c.RequestID != "" {
		return c.RequestID
	}
	return c.StreamID
}

// ending is what a call notes for its record. Owned by the goroutine of the call.
type ending struct {
	session *SessionRecord // as the store has it; nil where it was not found
	took    time.Duration  // 0 before it has ended
	name    string         // the caller's for it
	failure *failure       // nil for none
}

// failure is why a call has no answer.
type failure struct {
	code tool.Code
	lost bool // what became of the call is not known
}

// conclude notes what became of a call, before it leaves.
func (r *run) conclude(err error) {
	if r.mark == 0 {
		r.mark = time.Since(r.began)
	}
	r.ending.took = max(r.mark, 1)
	if name := nameOf(r.asked); name != "" {
		r.ending.name = strings.Clone(name[:min(len(name), tool.MaxIDBytes)])
	}
	if err != nil {
		r.ending.failure = r.failed(err)
	}
}

func (r *run) failed(err error) *failure {
	var e *tool.Error
	switch {
	case errors.As(err, &e):
		lost := e.Code == tool.WorkerLost || e.Code == tool.OutcomeUnknown || uncertain(err) && r.started
		return &failure{tool.Code(strings.Clone(string(e.Code))), lost}
	case r.sendErr != nil: // the way to the caller broke
		return &failure{tool.Cancelled, true}
	default:
		return &failure{tool.Internal, false}
	}
}

// remember keeps what became of a call; the mutex is held.
func (s *scheduler) remember(r *run) {
	if r.ending.took == 0 { // it only waited for another, or its host panicked
		return
	}
	m := r.metrics()
	c := s.ended.add()
	*c = callRecord{
		number: r.number, parent: r.parentNumber, requestID: r.ending.name, began: r.began.UnixNano(), worker: m.Worker,
		duration: m.Duration, queue: m.Queue, route: m.Route, execute: m.Execute, transport: m.Transport,
		attempts: int32(m.Attempts), depth: int32(r.asked.Depth), state: CallDone, phase: r.lastPhase(), stream: r.asked.Stream,
	}
	if f := r.ending.failure; f != nil {
		c.code = f.code
		if f.lost {
			c.state = CallOutcomeUnknown
		}
	}
	if rec := r.ending.session; rec != nil {
		c.session = rec.Key
	} else {
		c.session = tool.SessionKey{Owner: strings.Clone(r.session.key.Owner), ID: strings.Clone(r.session.key.ID)}
	}
	if r.spec != nil {
		c.tool = r.spec.ID
	} else {
		c.tool = strings.Clone(r.asked.Tool)
	}
}

// lastPhase is how far a call was when it ended.
func (r *run) lastPhase() callPhase {
	switch {
	case r.chunks > 0:
		return phaseStreaming
	case r.attempts > 0:
		return phaseRunning
	case r.queue > 0:
		return phaseQueued
	default:
		return phaseRouting
	}
}
