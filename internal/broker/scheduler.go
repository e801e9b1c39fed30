package broker

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/numbered"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// phases of a broker's life.
type life uint8

const (
	unstarted life = iota
	serving
	draining
	stopped
)

// scheduler decides which host runs which call. It holds all state of hosts, of what they offer, of calls under way
// and of their queues, under one mutex whose critical sections never call out: contexts are cancelled and events
// published after it is released.
type scheduler struct {
	limits Limits
	grace  time.Duration

	mu        sync.Mutex
	life      life
	startedAt time.Time
	sessions  map[tool.SessionKey]*sessionState // sessions with calls under way or pools
	shared    map[string]*pool                  // pools of shared tools by id
	running   numbered.Table[run]               // dispatched calls by key
	hosts     []*host                           // oldest first
	lastKey   uint64
	lastCall  uint64
	ended     endedCalls
	lastOffer uint64
	fallen    atomic.Bool   // an older schema serves in some pool; set under mu, read without it
	active    int           // calls under way
	idle      chan struct{} // closed when active is 0 while draining; nil before
}

// sessionState is a session's calls under way, and the pools of its own tools.
type sessionState struct {
	key   tool.SessionKey
	first *run
	count int
	pools map[string]*pool
}

func newScheduler(limits Limits, grace time.Duration) *scheduler {
	return &scheduler{
		limits:   limits,
		grace:    grace,
		sessions: make(map[tool.SessionKey]*sessionState),
		shared:   make(map[string]*pool),
		ended:    endedCalls{most: limits.EndedCalls},
	}
}

// enter registers a call. From then on the end of its session or of the broker reaches it, and its parent's place at
// its host is free.
func (s *scheduler) enter(r *run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parent := s.parent(r)
	if s.life != serving && (s.life != draining || parent == nil) {
		return s.refuse()
	}
	r.session = s.session(tool.SessionKey{Owner: r.call.Principal.Name, ID: r.call.SessionID})
	r.session.add(r)
	s.lastCall++
	r.number, r.asked, r.call.Number = s.lastCall, r.call, s.lastCall
	s.active++
	if parent != nil {
		s.suspend(parent, r)
	}
	return nil
}

// parent returns the running call during which r is made, or nil.
func (s *scheduler) parent(r *run) *run {
	if r.call.Parent == 0 {
		return nil
	}
	p := s.running.Get(r.call.Parent)
	if p == nil || p.call.Principal != r.call.Principal {
		return nil
	}
	return p
}

func (s *scheduler) refuse() error {
	if s.life == unstarted {
		return tool.Errorf(tool.WorkerUnavailable, "the bridge has not started yet: try again").WithRetryAfter(time.Second)
	}
	return tool.Errorf(tool.WorkerUnavailable, "the bridge is stopping and takes no new calls: try again, at another bridge if there is one").WithRetryAfter(s.grace)
}

// suspend gives back the place of a call that begins to wait for a nested one, and passes its deadline on.
func (s *scheduler) suspend(parent, nested *run) {
	nested.parent, nested.parentNumber = parent, parent.number
	nested.inherited, _ = parent.Deadline()
	parent.nested++
	if parent.nested == 1 && parent.holding {
		parent.holding = false
		parent.offer.running--
		parent.offer.host.running--
		s.feed(parent.offer.host)
	}
}

// resume takes the place back, above the limit if need be.
func (s *scheduler) resume(nested *run) {
	parent := nested.parent
	nested.parent = nil
	parent.nested--
	if parent.nested == 0 && parent.offer != nil && !parent.holding {
		parent.holding = true
		parent.offer.running++
		parent.offer.host.running++
	}
}

// leave forgets a call, and gives back its place if it still has one.
func (s *scheduler) leave(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vacate(r)
	s.remember(r)
	if r.parent != nil {
		s.resume(r)
	}
	r.session.remove(r)
	s.drop(r.session)
	s.active--
	if s.active == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// release gives back the place of a call that goes on: it will be dispatched again.
func (s *scheduler) release(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vacate(r)
}

func (s *scheduler) vacate(r *run) {
	o := r.offer
	if o == nil {
		return
	}
	s.running.Delete(r.key)
	r.offer = nil
	if r.holding {
		r.holding = false
		o.running--
		o.host.running--
	}
	s.feed(o.host)
}

// take gives a call a place at a host.
func (s *scheduler) take(o *offer, r *run) {
	s.lastKey++
	r.key = s.lastKey
	s.running.Put(r.key, r)
	r.offer, r.waiting = o, false
	r.given++
	o.host.total++
	if r.nested > 0 { // dispatched again while nested calls of its first life still end
		return
	}
	r.holding = true
	o.running++
	o.host.running++
}

// acquire finds a place for a call whose session and spec were just looked up, or else a place in the tool's queue,
// which is then returned. It answers rerouted when the call must be looked up again.
func (s *scheduler) acquire(r *run, spec *tool.Spec, avoid *host) (w *waiter, rerouted bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.recheck {
		r.recheck = false
		return nil, true, nil
	}
	r.found = spec
	p := s.pool(r.session, spec)
	if p.changed(r, spec) {
		return nil, true, nil
	}
	if p != nil {
		p.follow(s, spec.Hash)
		o := p.choose(r.session.key, avoid)
		if o == nil && avoid != nil {
			o = p.choose(r.session.key, nil) // better the host to avoid than to wait for another that may never come
		}
		if o != nil {
			s.take(o, r)
			return nil, false, nil
		}
	}
	w, err = s.enqueue(p, r, spec)
	return w, false, err
}

// enqueue lets a call wait for its tool.
func (s *scheduler) enqueue(p *pool, r *run, spec *tool.Spec) (*waiter, error) {
	now := time.Now()
	if s.patience(p, now) <= 0 {
		return nil, unavailable(spec, s.grace)
	}
	if p == nil {
		p = s.newPool(r.session, spec)
	}
	bytes := r.call.ArgumentBytes()
	if err := s.crowded(&p.queue, spec, bytes); err != nil {
		return nil, err
	}
	w := &waiter{run: r, pool: p, bytes: bytes, ready: make(chan struct{})}
	p.queue.push(r.session.key, w)
	r.waiting = true
	if p.queue.count == 1 {
		p.hunger()
	}
	p.watch(s, now)
	return w, nil
}

// crowded refuses a call for which a queue has no room.
func (s *scheduler) crowded(q *queue, spec *tool.Spec, bytes int) error {
	if q.count >= s.limits.QueuedCalls {
		return tool.Errorf(tool.Overloaded, "tool %q is overloaded: %d calls wait for it, the limit is %d; try again later", spec.Name, q.count, s.limits.QueuedCalls).
			With("limit", strconv.Itoa(s.limits.QueuedCalls)).With("started", "false").WithRetryAfter(time.Second)
	}
	if q.bytes+bytes > s.limits.QueuedBytes {
		return tool.Errorf(tool.Overloaded, "tool %q is overloaded: calls with %d bytes of arguments wait for it, with this one %d, the limit is %d; try again later",
			spec.Name, q.bytes, q.bytes+bytes, s.limits.QueuedBytes).
			With("limit", strconv.Itoa(s.limits.QueuedBytes)).With("started", "false").WithRetryAfter(time.Second)
	}
	return nil
}

// patience is how long a new call may wait for a host to come; at most 0 when nobody is expected.
func (s *scheduler) patience(p *pool, now time.Time) time.Duration {
	switch {
	case p == nil:
		return s.startedAt.Add(s.grace).Sub(now)
	case p.awaited():
		return s.grace
	default:
		return p.goneSince.Add(s.grace).Sub(now)
	}
}

func unavailable(spec *tool.Spec, grace time.Duration) error {
	return tool.Errorf(tool.WorkerUnavailable, "tool %q is known, but no worker offers it now: start one, or try again later", spec.Name).
		With("tool", spec.ID).With("started", "false").WithRetryAfter(grace)
}

// abandon takes a call out of its queue. It reports false if the call got a place or a verdict meanwhile.
func (s *scheduler) abandon(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.line == nil {
		return false
	}
	w.pool.withdraw(w)
	return true
}

// feed gives the free places of a host to calls that wait for what it offers, a tool at a time.
func (s *scheduler) feed(h *host) {
	for h.free() {
		if !s.feedOne(h) {
			return
		}
	}
}

func (s *scheduler) feedOne(h *host) bool {
	for i, o := range h.hungry {
		if !o.takes() {
			continue
		}
		copy(h.hungry[i:], h.hungry[i+1:])
		h.hungry[len(h.hungry)-1] = o
		w := o.pool.queue.pop()
		s.take(o, w.run)
		if o.spec.Sticky {
			o.pool.stick(w.run.session.key, h)
		}
		w.settle(nil)
		if o.pool.queue.count == 0 {
			o.pool.sate()
		}
		return true
	}
	return false
}

// settle wakes the waiter's goroutine.
func (w *waiter) settle(verdict error) {
	w.verdict, w.run.waiting = verdict, false
	close(w.ready)
}

// pool returns the pool of a tool, or nil if nobody ever offered it here.
func (s *scheduler) pool(st *sessionState, spec *tool.Spec) *pool {
	return s.poolOf(st, spec.ID, spec.SessionID == "")
}

func (s *scheduler) poolOf(st *sessionState, id string, shared bool) *pool {
	if shared {
		return s.shared[id]
	}
	return st.pools[id]
}

func (s *scheduler) newPool(st *sessionState, spec *tool.Spec) *pool {
	p := &pool{id: spec.ID, hash: spec.Hash, goneSince: s.startedAt}
	if spec.SessionID == "" {
		s.shared[spec.ID] = p
		return p
	}
	p.session = st
	if st.pools == nil {
		st.pools = make(map[string]*pool)
	}
	st.pools[spec.ID] = p
	return p
}

// session returns a session's state, made if need be.
func (s *scheduler) session(key tool.SessionKey) *sessionState {
	st := s.sessions[key]
	if st == nil {
		st = &sessionState{key: key}
		s.sessions[key] = st
	}
	return st
}

// drop forgets a session's state that holds nothing.
func (s *scheduler) drop(st *sessionState) {
	if st.count == 0 && len(st.pools) == 0 {
		delete(s.sessions, st.key)
	}
}

func (st *sessionState) add(r *run) {
	r.next = st.first
	if st.first != nil {
		st.first.prev = r
	}
	st.first = r
	st.count++
}

func (st *sessionState) remove(r *run) {
	if r.prev == nil {
		st.first = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	st.count--
}

// calls returns how many calls of a session are under way.
func (s *scheduler) calls(key tool.SessionKey) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.sessions[key]; st != nil {
		return st.count
	}
	return 0
}

// busy reports whether calls of a session are under way. Those whose session is yet to be looked up do not count.
func (s *scheduler) busy(key tool.SessionKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.sessions[key]
	if st == nil {
		return false
	}
	for r := st.first; r != nil; r = r.next {
		if r.epoch.Load() != 0 {
			return true
		}
	}
	return false
}

// end forgets what hosts offered to epochs of a session up to the given one, and returns the calls of those epochs,
// to be cancelled. Calls that are just being looked up are made to look again.
func (s *scheduler) end(key tool.SessionKey, epoch uint64) []*run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var over []*run
	if st := s.sessions[key]; st != nil {
		for r := st.first; r != nil; r = r.next {
			switch at := r.epoch.Load(); {
			case at == 0:
				r.recheck = true
			case at <= epoch:
				over = append(over, r)
			}
		}
		for id, p := range st.pools {
			p.retire(epoch)
			p.notice(s, time.Now())
			if len(p.offers) == 0 && p.queue.count == 0 {
				delete(st.pools, id)
			}
		}
		s.drop(st)
	}
	return over
}

// reroute makes the calls that wait for a tool look it up again, because it changed or is gone.
func (s *scheduler) reroute(p *pool) {
	for w := p.queue.pop(); w != nil; w = p.queue.pop() {
		w.settle(nil)
	}
	p.sate()
}
