package toolbridge

import (
	"context"
	"sync"
)

// running counts the calls that a worker runs. Any goroutine may use it; idle has room for one.
type running struct {
	idle chan struct{}

	mu      sync.Mutex
	count   int
	opened  bool
	closing bool
}

// open lets calls begin, once.
func (r *running) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.opened
	r.opened = true
	return first
}

// begin counts a call, unless the worker does not run or stops.
func (r *running) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opened || r.closing {
		return false
	}
	r.count++
	return true
}

func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count--
	if r.count == 0 && r.closing {
		r.idle <- struct{}{}
	}
}

// wait refuses new calls and waits until those that run have ended, or ctx has. It returns how many are left.
func (r *running) wait(ctx context.Context) int {
	r.mu.Lock()
	r.closing = true
	idle := r.count == 0
	r.mu.Unlock()
	if idle {
		return 0
	}
	select {
	case <-r.idle:
		return 0
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}
