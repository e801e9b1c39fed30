package link

import (
	"slices"
	"sync"
	"time"
)

// workers are goroutines that run calls: one takes call after call while there are any, and whoever takes one sees to it that
// another worker comes for the next before it begins. So each call has a goroutine of its own as soon as those before it wait
// for something, and a message full of calls that do not wait is run by few goroutines, whose stacks are warm.
type workers struct {
	mu sync.Mutex
	// queue are calls that nobody has taken yet, the oldest at head. While there are any, a worker is coming.
	queue  []*inCall
	head   int
	coming bool      // a worker was woken or started that has not looked at the queue yet
	parked []*worker // the one that ran last at the end
	// least is how many were parked at least since the last trim: nobody needed those.
	least   int
	watched bool // a trim is due
	closed  bool
}

type worker struct{ wake chan struct{} }

const (
	// maxParked is how many goroutines wait at most.
	maxParked = 1024
	// trimInterval is how often those are let go that nobody needed.
	trimInterval = time.Second
)

// run runs each call, none behind one that waits.
func (w *workers) run(calls []*inCall) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head > len(w.queue)/2 {
		w.queue, w.head = slices.Delete(w.queue, 0, w.head), 0
	}
	w.queue = append(w.queue, calls...)
	w.summon()
}

// summon lets a worker come if there is something to take; the mutex is held.
func (w *workers) summon() {
	if w.coming || w.head == len(w.queue) {
		return
	}
	w.coming = true
	last := len(w.parked) - 1
	if last < 0 {
		go w.loop(&worker{wake: make(chan struct{}, 1)})
		return
	}
	w.parked[last].wake <- struct{}{}
	w.parked[last] = nil
	w.parked = w.parked[:last]
	w.least = min(w.least, last)
}

func (w *workers) loop(self *worker) {
	for awake := true; awake; _, awake = <-self.wake {
		var e *engine
		for c := w.take(true); c != nil; c = w.take(false) {
			e = c.engine
			c.serve()
		}
		if !w.park(self, e) {
			return
		}
	}
}

// take takes the next call, and lets another worker come for the one behind it.
func (w *workers) take(arrived bool) *inCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	if arrived {
		w.coming = false
	}
	if w.head == len(w.queue) {
		return nil
	}
	c := w.queue[w.head]
	w.queue[w.head] = nil
	w.head++
	w.summon()
	return c
}

// park lets a worker wait until it is needed. It reports false if enough of them wait.
func (w *workers) park(self *worker, e *engine) bool {
	w.mu.Lock()
	if w.closed || len(w.parked) >= maxParked {
		w.mu.Unlock()
		return false
	}
	w.parked = append(w.parked, self)
	watch := !w.watched && e != nil
	w.watched = w.watched || watch
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
		close(p.wake)
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

// close lets all go that wait. Calls that are still queued are run, by workers that go then.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, p := range w.parked {
		close(p.wake)
	}
	w.parked = nil
}
