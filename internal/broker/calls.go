package broker

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallState says how far a call is.
type CallState uint8

// The states of calls. The zero CallState stands for any.
const (
	// CallQueued calls are looked up or wait for a host.
	CallQueued CallState = iota + 1
	// CallRunning calls were given to a host.
	CallRunning
	// CallDone calls have ended, and what became of them is known.
	CallDone
	// CallOutcomeUnknown calls have ended after they were given to a host, and what became of them is not known.
	CallOutcomeUnknown
)

// String is the state as programs read it.
func (s CallState) String() string {
	switch s {
	case CallQueued:
		return "queued"
	case CallRunning:
		return "running"
	case CallDone:
		return "done"
	case CallOutcomeUnknown:
		return "outcome_unknown"
	default:
		return "any"
	}
}

// CallInfo is a call as operators see it: none of its values.
type CallInfo struct {
	// ID is the broker's own name of the call, unique also among brokers and their runs.
	ID string
	// RequestID or, of a stream, StreamID, as the caller gave it; may be empty.
	RequestID string
	// Session in which it is made.
	Session string
	// Tool is the tool's id, or what the caller asked for where there is none.
	Tool string
	// State now.
	State CallState
	// Phase is how far it is, or was when it ended: "routing", "queued", "running" or "streaming".
	Phase string
	// StartedAt is when it arrived.
	StartedAt time.Time
	// Metrics of a call that has not ended are Duration, Worker and Attempts so far.
	Metrics tool.Metrics
	// Depth is how many calls it is nested in.
	Depth int
	// Parent is the ID of the call during which it was made; empty for none.
	Parent string
	// Stream says that its caller wants chunks.
	Stream bool
	// Error is the code of why it failed; empty where it did not.
	Error tool.Code
}

// CallFilter says which calls are wanted. A zero field stands for all.
type CallFilter struct {
	// Session in which they are made.
	Session string
	// Tool is the tool's id.
	Tool string
	// RequestID or StreamID.
	RequestID string
	// State that they have.
	State CallState
}

// CallPage is a part of a listing.
type CallPage struct {
	// Calls in the order in which they arrived, the last first.
	Calls []CallInfo
	// Next continues the listing; empty on its last page.
	Next string
}

// CallName names one call: by its ID, or by session and request id, where the newest of several is meant.
type CallName struct {
	// ID is CallInfo.ID.
	ID string
	// Session and RequestID are looked at where ID is empty.
	Session string
	// RequestID or StreamID.
	RequestID string
}

// Bounds on a page of calls.
const (
	defaultCalls = 100
	maxCalls     = 1000
)

// Calls lists a principal's calls that are under way or ended lately, the last that arrived first: at most limit (0 means
// 100; at most 1,000) of those behind the page that ended with after.
func (b *Broker) Calls(p tool.Principal, filter CallFilter, after string, limit int) (CallPage, error) {
	limit, err := pageSize(limit, defaultCalls, maxCalls)
	if err != nil {
		return CallPage{}, err
	}
	q := callQuery{owner: p.Name, filter: filter, before: ^uint64(0), limit: limit + 1}
	if after != "" {
		number, known := b.callNumber(after)
		if !known {
			return CallPage{}, tool.Errorf(tool.ValidationError, "the page token %.80q is not of this run of the bridge: list from the beginning", after).With("field", "page_token")
		}
		q.before = number
	}
	found := b.scheduler.find(&q)
	page := CallPage{Calls: make([]CallInfo, 0, min(len(found), limit))}
	for i := range found {
		if i == limit {
			page.Next = page.Calls[limit-1].ID
			break
		}
		page.Calls = append(page.Calls, found[i].info(b))
	}
	return page, nil
}

// FindCall tells of one call. Errors: CallNotFound, ValidationError.
func (b *Broker) FindCall(p tool.Principal, name CallName) (CallInfo, error) {
	q, err := b.queryOf(p, name)
	if err != nil {
		return CallInfo{}, err
	}
	found := b.scheduler.find(q)
	if len(found) == 0 {
		return CallInfo{}, noCall(name, "it never was, or ended too long ago to be remembered; list the calls there are")
	}
	return found[0].info(b), nil
}

// CancelCall cancels a call that is under way, for an operator: its caller hears Cancelled. Errors: CallNotFound, ValidationError.
func (b *Broker) CancelCall(p tool.Principal, name CallName) error {
	q, err := b.queryOf(p, name)
	if err != nil {
		return err
	}
	r, number := b.scheduler.findRun(q)
	if r == nil {
		if found := b.scheduler.find(q); len(found) > 0 {
			return noCall(name, "it has ended already").With("state", found[0].info(b).State.String())
		}
		return noCall(name, "it never was, or ended long ago; list the calls there are")
	}
	id := b.CallID(number)
	r.cancel(tool.Errorf(tool.Cancelled, "an operator cancelled the call %s of tool %q", id, r.asked.Tool).With("call_id", id).With("cancelled_by", "operator"))
	return nil
}

func noCall(name CallName, why string) *tool.Error {
	if name.ID != "" {
		return tool.Errorf(tool.CallNotFound, "call %.80q does not run: %s", name.ID, why).With("call_id", shortened(name.ID))
	}
	return tool.Errorf(tool.CallNotFound, "no call %.80q runs in session %.80q: %s", name.RequestID, name.Session, why).
		With("request_id", shortened(name.RequestID)).With("session", shortened(name.Session))
}

func shortened(s string) string { return strings.ToValidUTF8(s[:min(len(s), tool.MaxNameBytes)], "") }

// CallID is CallInfo.ID of a call whose Number the broker has set; empty for 0.
func (b *Broker) CallID(number uint64) string {
	if number == 0 {
		return ""
	}
	return b.run[:8] + "-" + strconv.FormatUint(number, 10)
}

// callNumber reverses CallID. It answers false for what this run has not made.
func (b *Broker) callNumber(id string) (uint64, bool) {
	text, ours := strings.CutPrefix(id, b.run[:8]+"-")
	number, err := strconv.ParseUint(text, 10, 64)
	return number, ours && err == nil && number > 0
}

func (b *Broker) queryOf(p tool.Principal, name CallName) (*callQuery, error) {
	q := &callQuery{owner: p.Name, before: ^uint64(0), limit: 1}
	switch {
	case name.ID != "":
		number, ours := b.callNumber(name.ID)
		if !ours {
			return nil, noCall(name, "it never was, or is of an earlier run of the bridge; list the calls there are")
		}
		q.number = number
	case name.Session == "" || name.RequestID == "":
		return nil, tool.Errorf(tool.ValidationError, "no call is named: give a call id, or a session and a request id").With("field", "call_id")
	default:
		q.filter = CallFilter{Session: name.Session, RequestID: name.RequestID}
	}
	return q, nil
}

// callQuery is what is looked for.
type callQuery struct {
	owner  string
	filter CallFilter
	number uint64 // exactly this one; 0 for any
	before uint64 // only those that arrived earlier
	limit  int
}

func (q *callQuery) wants(c *callRecord) bool {
	return c.session.Owner == q.owner && c.number < q.before && (q.number == 0 || q.number == c.number) &&
		matches(q.filter.Session, c.session.ID) && matches(q.filter.Tool, c.tool) && matches(q.filter.RequestID, c.requestID) &&
		(q.filter.State == 0 || q.filter.State == c.state)
}

func matches(wanted, is string) bool { return wanted == "" || wanted == is }

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

// find finds calls, the last that arrived first.
func (s *scheduler) find(q *callQuery) []callRecord {
	found, now := newestCalls{most: q.limit}, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.underWay(q) {
		if c := r.glance(now); q.wants(&c) {
			found.add(&c)
		}
	}
	for i := range s.ended.ring {
		if c := &s.ended.ring[i]; q.wants(c) {
			found.add(c)
		}
	}
	return found.sorted()
}

// findRun finds the newest call under way.
func (s *scheduler) findRun(q *callQuery) (newest *run, number uint64) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.underWay(q) {
		if c := r.glance(now); c.number > number && q.wants(&c) {
			newest, number = r, c.number
		}
	}
	return newest, number
}

// underWay goes through the calls under way that may be wanted; the mutex is held.
func (s *scheduler) underWay(q *callQuery) iter.Seq[*run] {
	return func(yield func(*run) bool) {
		for key, st := range s.sessions {
			if key.Owner != q.owner || !matches(q.filter.Session, key.ID) {
				continue
			}
			for r := st.first; r != nil; r = r.next {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// newestCalls keeps those of many calls that arrived last. It sorts seldom.
type newestCalls struct {
	most  int
	calls []callRecord
	floor uint64 // what did not arrive later is of no interest
}

func (n *newestCalls) add(c *callRecord) {
	if c.number <= n.floor {
		return
	}
	if n.calls = append(n.calls, *c); len(n.calls) > 2*n.most+16 {
		n.calls = n.sorted()
		n.floor = n.calls[n.most-1].number
	}
}

func (n *newestCalls) sorted() []callRecord {
	slices.SortFunc(n.calls, func(a, b callRecord) int { return cmp.Compare(b.number, a.number) })
	return n.calls[:min(len(n.calls), n.most)]
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
