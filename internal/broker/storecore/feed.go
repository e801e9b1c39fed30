package storecore

import (
	"context"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Feed tells readers of changes. A slow reader delays nobody: what waits for it is merged, so that at most two
// changes of one session wait (its end, and what came after). The zero Feed is ready for use.
type Feed struct {
	mu      sync.Mutex
	readers map[*queue]struct{}
}

// Publish hands a change to every reader. It never blocks on one.
func (f *Feed) Publish(changes ...broker.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for q := range f.readers {
		q.add(changes)
	}
}

// Watch calls each for every change published from now on, in order, until ctx ends or stop is closed.
func (f *Feed) Watch(ctx context.Context, stop <-chan struct{}, each func(broker.Change)) {
	q := &queue{ready: make(chan struct{}, 1)}
	f.attach(q)
	defer f.detach(q)
	for {
		select {
		case <-ctx.Done():
			return
		case <-stop:
			return
		case <-q.ready:
		}
		for _, c := range q.take() {
			if ctx.Err() != nil {
				return
			}
			each(c)
		}
	}
}

func (f *Feed) attach(q *queue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers == nil {
		f.readers = make(map[*queue]struct{})
	}
	f.readers[q] = struct{}{}
}

func (f *Feed) detach(q *queue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, q)
}

// queue is what waits for one reader.
type queue struct {
	ready chan struct{}

	mu      sync.Mutex
	pending []broker.Change
	// live are the sessions of which a change that is not an end waits.
	live map[tool.SessionKey]bool
}

func (q *queue) add(changes []broker.Change) {
	q.mu.Lock()
	for _, c := range changes {
		q.merge(c)
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// merge drops a change that one waiting already tells, and with an end the earlier changes of its session.
func (q *queue) merge(c broker.Change) {
	if !c.Ended {
		if q.live[c.Session] {
			return
		}
		if q.live == nil {
			q.live = make(map[tool.SessionKey]bool)
		}
		q.live[c.Session] = true
		q.pending = append(q.pending, c)
		return
	}
	if q.live[c.Session] {
		delete(q.live, c.Session)
		q.forget(c.Session)
	}
	q.pending = append(q.pending, c)
}

func (q *queue) forget(key tool.SessionKey) {
	kept := q.pending[:0]
	for _, c := range q.pending {
		if c.Session != key {
			kept = append(kept, c)
		}
	}
	q.pending = kept
}

func (q *queue) take() []broker.Change {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.pending
	q.pending, q.live = nil, nil
	return taken
}
