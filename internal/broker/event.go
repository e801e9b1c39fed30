package broker

import (
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Event tells that the tools that a session sees have changed: registered, forgotten, available or no longer.
type Event struct {
	// Session; the zero key when the shared tools changed, and so what every session sees.
	Session tool.SessionKey
	// Revision of the session now; empty for the shared tools and for a session that ended.
	Revision string
}

// maxPending bounds what a slow subscriber has yet to hear; beyond it, it hears that every session changed.
const maxPending = 4096

// events passes events on. A subscriber that is slow hears the last event of each session.
type events struct {
	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
	closed      bool
	wait        sync.WaitGroup
}

// subscriber has a goroutine of its own.
type subscriber struct {
	each   func(Event)
	signal chan struct{} // holds one token while something is pending
	end    chan struct{}

	mu      sync.Mutex
	pending map[tool.SessionKey]Event
}

func newEvents() *events { return &events{subscribers: make(map[*subscriber]struct{})} }

// Subscribe calls each for every change, one at a time, until cancel is called or the broker stops. A slow subscriber
// delays nobody: it hears the last event of each session, or, far behind, one for the zero key. After cancel each may still be
// finishing its last event.
func (b *Broker) Subscribe(each func(Event)) (cancel func()) { return b.events.subscribe(each) }

func (e *events) subscribe(each func(Event)) (cancel func()) {
	s := &subscriber{
		each: each, signal: make(chan struct{}, 1), end: make(chan struct{}), pending: make(map[tool.SessionKey]Event),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return func() {}
	}
	e.subscribers[s] = struct{}{}
	e.wait.Go(s.run)
	return func() { e.cancel(s) }
}

func (e *events) cancel(s *subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.subscribers[s]; ok {
		delete(e.subscribers, s)
		close(s.end)
	}
}

// publish never waits for a subscriber.
func (e *events) publish(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.subscribers {
		s.put(event)
	}
}

// close ends all subscriptions and waits for their goroutines.
func (e *events) close() {
	e.mu.Lock()
	e.closed = true
	for s := range e.subscribers {
		delete(e.subscribers, s)
		close(s.end)
	}
	e.mu.Unlock()
	e.wait.Wait()
}

func (s *subscriber) put(event Event) {
	s.mu.Lock()
	if _, there := s.pending[event.Session]; !there && len(s.pending) >= maxPending {
		clear(s.pending)
		event = Event{}
	}
	s.pending[event.Session] = event
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (s *subscriber) take() map[tool.SessionKey]Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.pending
	s.pending = make(map[tool.SessionKey]Event)
	return taken
}

func (s *subscriber) run() {
	for {
		select {
		case <-s.end:
			return
		case <-s.signal:
		}
		for _, event := range s.take() {
			select {
			case <-s.end:
				return
			default:
				s.each(event)
			}
		}
	}
}
