package link

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
)

// audience is the calls that wait under contexts with the same Done channel. One goroutine sees its end for all of them, so that
// none of them has to select: many goroutines that wait on one channel keep each other busy.
type audience struct {
	done <-chan struct{}
	ctx  context.Context //nolint:containedctx // one of those, which says why they have ended
	quit chan struct{}   // closed when nobody will join any more and nobody waits

	// Guarded by the engine's mutex.
	calls int  // that wait
	over  bool // the contexts have ended, or nobody is interested
	left  bool // nobody joins any more
}

// usual is how many calls in a row have the same Done channel before they become an audience.
const usual = 16

// join puts a call among those that wait for the same end, if there are enough of them; the mutex is held.
func (e *engine) join(c *outCall, done <-chan struct{}) {
	a := e.audience
	if a == nil || a.done != done {
		if e.lastDone != done {
			e.lastDone, e.inRow = done, 0
		}
		if e.inRow++; e.inRow < usual {
			return
		}
		e.leaveAudience()
		a = &audience{done: done, ctx: c.ctx, quit: make(chan struct{})}
		e.audience = a
		go e.attend(a)
	}
	a.calls++
	c.among, c.attended = a, true
}

// depart takes a call out of its audience; the mutex is held.
func (c *outCall) depart() {
	a := c.among
	if a == nil {
		return
	}
	c.among = nil
	a.calls--
	a.dismiss()
}

// leaveAudience lets nobody join any more; the mutex is held.
func (e *engine) leaveAudience() {
	if a := e.audience; a != nil {
		e.audience, e.lastDone, e.inRow = nil, nil, 0
		a.left = true
		a.dismiss()
	}
}

// dismiss ends the goroutine of an audience that nobody needs any more; the mutex is held.
func (a *audience) dismiss() {
	if a.left && a.calls == 0 && !a.over {
		a.over = true
		close(a.quit)
	}
}

// attend gives up the calls of an audience when their contexts end.
func (e *engine) attend(a *audience) {
	select {
	case <-a.quit:
		return
	case <-a.done:
	}
	why := wire.ContextError(a.ctx)
	e.mu.Lock()
	a.over = true
	if e.audience == a {
		e.leaveAudience()
	}
	var given []*outCall
	for c := range e.out.All() {
		if c.among == a {
			given = append(given, c)
		}
	}
	for _, c := range given {
		e.abandon(c, why) // which departs
	}
	e.mu.Unlock()
	for _, c := range given {
		c.signal()
	}
}
