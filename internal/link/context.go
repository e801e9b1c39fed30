package link

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callContext is the context of a call that runs here. It costs one small struct: its deadline is kept by the link's timer, its channel
// is made when somebody asks for it, and contexts derived from it need no goroutine because it has AfterFunc.
type callContext struct {
	at time.Time // zero: no deadline

	over atomic.Bool // err is set: it is asked for far more often than it ends

	mu    sync.Mutex
	done  chan struct{}
	err   error
	first *func() // to be called when it ends; nearly always there is one at most
	after map[*func()]struct{}
	// watcher is told when it ends, see Watch.
	watcher interface{ ContextEnded() }
}

// watchable is a context that tells one watcher of its end, without a goroutine, a channel or memory for it: contexts of calls
// that came over a link, and those that the broker makes of them. A watcher must not block.
type watchable interface {
	// Watch reports false when it tells nobody: because it has ended, or because somebody else is told.
	Watch(w interface{ ContextEnded() }) bool
	// Unwatch reports false when the watcher was told, or is just being told.
	Unwatch(w interface{ ContextEnded() }) bool
}

// Watch tells a watcher of the end.
func (c *callContext) Watch(w interface{ ContextEnded() }) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.watcher != nil {
		return false
	}
	c.watcher = w
	return true
}

// Unwatch takes Watch back.
func (c *callContext) Unwatch(w interface{ ContextEnded() }) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watcher != w {
		return false
	}
	c.watcher = nil
	return true
}

// callKey finds the *inCall in a context.
type callKey struct{}

// Deadline returns when the call's time is over.
func (c *callContext) Deadline() (time.Time, bool) { return c.at, !c.at.IsZero() }

// Done is closed when the call ends.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err says how it ended.
func (c *callContext) Err() error {
	if !c.over.Load() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// AfterFunc calls f on a goroutine of its own when the call ends. Package context looks for this method.
func (c *callContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	key := &f
	if c.first == nil {
		c.first = key
	} else {
		if c.after == nil {
			c.after = make(map[*func()]struct{}, 1)
		}
		c.after[key] = struct{}{}
	}
	return func() bool { return c.forget(key) }
}

// forget takes back what AfterFunc was given and reports whether it was still to be called.
func (c *callContext) forget(key *func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == key {
		c.first = nil
		return true
	}
	_, waiting := c.after[key]
	delete(c.after, key)
	return waiting
}

// end ends the context, once.
func (c *callContext) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	c.over.Store(true)
	if c.done != nil {
		close(c.done)
	}
	first, after, watcher := c.first, c.after, c.watcher
	c.first, c.after, c.watcher = nil, nil, nil
	c.mu.Unlock()
	if watcher != nil {
		watcher.ContextEnded()
	}
	if first != nil {
		go (*first)()
	}
	for f := range after {
		go (*f)()
	}
}

var (
	_ context.Context = (*inCall)(nil)
	_ watchable       = (*inCall)(nil)
)
