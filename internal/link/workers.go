package link

import (
	"sync"
	"time"
)

// workers are goroutines that wait for the next call to run: a fresh goroutine would have to grow its stack anew for
// each call, which costs as much as a tenth of a small one.
type workers struct {
	mu     sync.Mutex
	parked []*worker // the one that ran last at the end
	// least is how many were parked at least since the last trim: nobody needed those.
	least   int
	watched bool // a trim is due
	closed  bool
}

type worker struct{ next chan *inCall }

const (
	// maxParked is how many goroutines wait at most.
	maxParked = 1024
	// trimInterval is how often those are let go that nobody needed.
	trimInterval = time.Second
)

// run runs each call on a goroutine of its own.
func (w *workers) run(calls []*inCall) {
	w.mu.Lock()
	n := min(len(calls), len(w.parked))
	ready := w.parked[len(w.parked)-n:]
	for i, p := range ready {
		p.next <- calls[i]
	}
	clear(ready)
	w.parked = w.parked[:len(w.parked)-n]
	w.least = min(w.least, len(w.parked))
	w.mu.Unlock()
	for _, c := range calls[n:] {
		go w.loop(&worker{next: make(chan *inCall, 1)}, c)
	}
}

func (w *workers) loop(self *worker, c *inCall) {
	for c != nil {
		e := c.engine
		c.serve()
		if !w.park(self, e) {
			return
		}
		c = <-self.next
	}
}

// park lets a worker wait for its next call. It reports false if enough of them wait.
func (w *workers) park(self *worker, e *engine) bool {
	w.mu.Lock()
	if w.closed || len(w.parked) >= maxParked {
		w.mu.Unlock()
		return false
	}
	w.parked = append(w.parked, self)
	watch := !w.watched
	w.watched = true
	w.mu.Unlock()
	if watch {
		e.trimSoon()
	}
	return true
}

// trim lets those go that nobody needed since the last trim. It returns whether any are left.
func (w *workers) trim() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.parked[:w.least] {
		close(p.next)
	}
	w.parked = append(w.parked[:0], w.parked[w.least:]...)
	clear(w.parked[len(w.parked):cap(w.parked)])
	w.least = len(w.parked)
	w.watched = w.least > 0
	return w.watched
}

// trimSoon sees to it that idle workers are let go.
func (e *engine) trimSoon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.schedule(&e.trimAlarm.deadline, e.now()+trimInterval, &e.trimAlarm)
}

func (e *engine) trimWorkers() func() {
	if e.workers.trim() {
		e.schedule(&e.trimAlarm.deadline, e.now()+trimInterval, &e.trimAlarm)
	}
	return nil
}

func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, p := range w.parked {
		close(p.next)
	}
	w.parked = nil
}
