package broker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// runContext is the context of a run. It takes no memory but its own and no goroutine: a context of package context is
// made only for who asks for a channel or for a value, or derives a context from it. Hosts that need none of that are told of
// its end by Watch.
type runContext struct {
	from    context.Context //nolint:containedctx // what it is derived from
	watches bool            // parent tells it by Watch; if not, it sees the parent's end when it is asked
	over    atomic.Bool     // err is set: it is asked for far more often than it ends

	endMu    sync.Mutex // guards what follows
	err      error      // nil before it has ended
	why      error      // its cause
	watcher  interface{ ContextEnded() }
	standard context.Context //nolint:containedctx // the same context, as package context has it; nil until somebody asks
	end      context.CancelCauseFunc
}

// watchable is a context that tells one watcher of its end, without a goroutine or memory for it: contexts of calls that come
// over links, and those of runs. A watcher must not block.
type watchable interface {
	// Watch reports false when it tells nobody: because it has ended, or because somebody else is told.
	Watch(w interface{ ContextEnded() }) bool
	// Unwatch reports false when the watcher was told, or is just being told.
	Unwatch(w interface{ ContextEnded() }) bool
}

// under derives the context from a parent. It is called once, before anybody else sees it.
func (c *runContext) under(parent context.Context) {
	c.from = parent
	if p, ok := parent.(watchable); ok {
		c.watches = p.Watch(c)
	}
}

// release lets go of the parent, and ends it for whoever still holds it.
func (c *runContext) release() {
	if p, ok := c.from.(watchable); ok && c.watches {
		p.Unwatch(c)
	}
	c.cancel(nil)
}

// ContextEnded ends it with its parent.
func (c *runContext) ContextEnded() {
	err, why := endOf(c.from)
	c.finish(err, why, false)
}

// latitude is how much of its time a call may have left whose caller leaves because the time is over: the caller's clock began before
// the edge's, by the way of the request, and the way of the cancellation may be shorter.
const latitude = 100 * time.Millisecond

// endOf says how and why a context has ended. A caller that leaves says nothing where it has made a plain RPC or a request of HTTP; if then
// the call's time is over, or nearly, that is why: what a call came to must not depend on which of two timers was first. Contexts
// of calls that came over links know what the caller said.
func endOf(ctx context.Context) (err, why error) {
	err, why = ctx.Err(), context.Cause(ctx)
	if _, told := ctx.(watchable); told || why != context.Canceled { //nolint:errorlint // any other has its own reason
		return err, why
	}
	if at, limited := ctx.Deadline(); limited && time.Until(at) <= latitude {
		return context.DeadlineExceeded, context.DeadlineExceeded
	}
	return err, why
}

// cancel ends it for a reason; nil stands for context.Canceled.
func (c *runContext) cancel(why error) {
	if why == nil {
		why = context.Canceled
	}
	c.finish(context.Canceled, why, true)
}

// finish ends it, once. The standard context learns from the parent what the parent's end is.
func (c *runContext) finish(err, why error, own bool) {
	c.endMu.Lock()
	if c.err != nil {
		c.endMu.Unlock()
		return
	}
	c.err, c.why = err, why
	c.over.Store(true)
	told, end := c.watcher, c.end
	c.watcher = nil
	c.endMu.Unlock()
	if end != nil && own {
		end(why)
	}
	if told != nil {
		told.ContextEnded()
	}
}

// ended returns how and why it has ended; nil if it has not.
func (c *runContext) ended() (err, why error) {
	if !c.over.Load() {
		if c.from.Err() == nil {
			return nil, nil
		}
		c.ContextEnded() // which is yet to tell
	}
	c.endMu.Lock()
	defer c.endMu.Unlock()
	return c.err, c.why
}

// Err tells a deadline of the broker's own from a cancellation.
func (c *runContext) Err() error {
	err, why := c.ended()
	if err != nil && (errors.Is(why, context.DeadlineExceeded) || errors.Is(why, stall{})) {
		return context.DeadlineExceeded
	}
	return err
}

// Done is closed when it ends.
func (c *runContext) Done() <-chan struct{} { return c.full().Done() }

// Value finds what the parent knows, and lets package context find how it ends.
func (c *runContext) Value(key any) any { return c.full().Value(key) }

// full returns the same context as package context has it.
func (c *runContext) full() context.Context {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if c.standard == nil {
		c.standard, c.end = context.WithCancelCause(c.from)
		if c.err != nil {
			c.end(c.why)
		}
	}
	return c.standard
}

// Watch tells a watcher of the end, unless only a channel would tell of the parent's.
func (c *runContext) Watch(w interface{ ContextEnded() }) bool {
	if !c.watches && c.from.Done() != nil {
		return false
	}
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if c.err != nil || c.watcher != nil {
		return false
	}
	c.watcher = w
	return true
}

// Unwatch takes Watch back.
func (c *runContext) Unwatch(w interface{ ContextEnded() }) bool {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if c.watcher != w {
		return false
	}
	c.watcher = nil
	return true
}
