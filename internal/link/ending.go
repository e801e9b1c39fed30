package link

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/numbered"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// sayGoodbye sees to a proper end: what waits is still sent, then this side of the stream ends, and the other side, which has then read
// everything, ends the connection. No call is taken any more. It returns when the connection has ended, but before long.
func (e *engine) sayGoodbye(ctx context.Context) {
	e.mu.Lock()
	e.leaving = true
	c := e.conn
	if c == nil {
		e.mu.Unlock()
		return
	}
	c.leaves = true
	e.wake()
	e.mu.Unlock()
	patience := time.NewTimer(lastWordsTimeout)
	defer patience.Stop()
	select {
	case <-c.over:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// end ends the engine for good. Calls under way end with an error that says whether they were sent.
func (e *engine) end(why *tool.Error) {
	e.mu.Lock()
	finish := e.endLocked(why)
	e.mu.Unlock()
	finish()
}

// endLocked does what needs the mutex and returns the rest.
func (e *engine) endLocked(why *tool.Error) func() {
	if e.gone != nil {
		return func() {}
	}
	e.gone = why
	c := e.conn
	if c != nil {
		c.end(why)
	}
	e.leaveAudience()
	for call := range e.out.All() {
		call.fail(e.lost(call))
		call.depart()
	}
	for _, r := range e.replies {
		r.err = why
	}
	for b := range e.queue.cuts() {
		e.queue.finish(b)
	}
	for call := range e.in.All() {
		if b := call.credit.parked; b != nil {
			e.queue.finish(b)
		}
		call.creditNow()
	}
	out, in, replies := e.out, e.in, e.replies
	e.out, e.in, e.replies = numbered.Table[outCall]{}, numbered.Table[inCall]{}, nil
	e.queue, e.parts, e.window.unacked = queue{creditWaits: e.queue.creditWaits}, assembly{}, nil
	e.wakeAll()
	for len(e.deadlines) > 0 {
		e.deadlines.remove(e.deadlines[0])
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	e.tell(false, why)
	return func() {
		e.stop()
		e.workers.close()
		for call := range out.All() {
			call.signal()
		}
		for call := range in.All() {
			call.end(context.Canceled)
		}
		for _, r := range replies {
			close(r.ready)
		}
	}
}

// errClosed is why the end of a process that was closed is gone.
func errClosed() *tool.Error {
	return tool.Errorf(tool.WorkerUnavailable, "this end of the link was closed")
}

// lost says how a call ends whose link is gone.
func (e *engine) lost(call *outCall) *tool.Error {
	name := call.call.Tool
	if e.wasSent(call) {
		err := tool.Errorf(tool.WorkerLost, "the link to %s was lost while it ran tool %q; what the tool did is not known: %s", e.peer, name, e.gone.Message)
		err.Cause = e.gone
		if e.process { // only the bridge knows more
			return err.With("connection", "lost")
		}
		return err
	}
	return e.unavailable(name)
}

// unavailable is the error of a call that was not sent; the mutex is held.
func (e *engine) unavailable(name string) *tool.Error {
	why := "it drains and takes no new calls"
	switch {
	case e.gone != nil:
		why = e.gone.Message
	case e.leaving:
		why = errClosed().Message
	}
	err := tool.Errorf(tool.WorkerUnavailable, "tool %q was not called: the link to %s cannot be used: %s", name, e.peer, why)
	if e.gone != nil {
		err.Cause = e.gone
	}
	return err
}

// wasSent reports whether a part of the call may have reached the other side; the mutex is held.
func (e *engine) wasSent(call *outCall) bool {
	if call.cut != nil {
		return call.cut.taken > 0
	}
	return call.pack <= e.queue.left
}

// wait waits for all handlers and callbacks, or until ctx ends.
func (e *engine) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		e.handlers.Wait()
		e.controls.done.Wait()
		e.notices.done.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return wire.ContextError(ctx)
	}
}
