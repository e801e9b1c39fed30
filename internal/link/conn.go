package link

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// conn is one connection of an engine. Everything but the channels is guarded by the engine's mutex.
type conn struct {
	stream Stream
	// again is the number of the next message that is sent again, up to upTo, before any other.
	again, upTo uint64
	// final is what the other side is told last: why the link ends.
	final *tool.Error
	// told says that the writer has taken final, which it may still be sending.
	told bool
	// leaves says that this side says goodbye: the writer ends its side of the stream when nothing waits any more, and
	// then is silent.
	leaves, silent bool
	// idle says that the writer waits for work, lent that somebody sends in its place; see errand.
	idle, lent bool
	work       chan struct{}
	// sendingSince is when the writer began to send; 0 while it does not.
	sendingSince time.Duration

	over chan struct{} // closed when the connection has ended
	err  error         // why; nil if the other side said goodbye
	last bool          // over is closed
}

// end ends the connection; the engine's mutex is held.
func (c *conn) end(why error) {
	if c.last {
		return
	}
	c.last, c.err = true, why
	close(c.over)
}

// serve serves a connection until it ends. The other side has read so many messages on this incarnation. begin is called
// with the mutex held when it is certain that the connection is taken, and returns the message to begin with, if any.
func (e *engine) serve(ctx context.Context, s Stream, received uint64, begin func() Message) error {
	c := &conn{stream: s, work: make(chan struct{}, 1), over: make(chan struct{})}
	e.mu.Lock()
	if err := e.attach(c, received); err != nil {
		e.mu.Unlock()
		return err
	}
	first := begin()
	e.mu.Unlock()

	writer := make(chan struct{})
	go func() {
		defer close(writer)
		e.write(c, first)
	}()
	go e.read(c)
	select {
	case <-c.over:
	case <-ctx.Done():
		e.lose(c, wire.ContextError(ctx))
	}
	e.detach(c)
	e.lastWords(c, writer)
	s.Close()
	return c.err
}

// attach makes c the engine's connection; the mutex is held. One that is still open ends.
func (e *engine) attach(c *conn, received uint64) *tool.Error {
	if e.gone != nil {
		return e.gone
	}
	if e.served {
		if err := e.window.attach(received); err != nil {
			return err
		}
	}
	if old := e.conn; old != nil {
		old.end(tool.Errorf(tool.WorkerLost, "another connection took the place of this one"))
	}
	c.again, c.upTo = e.window.acked+1, e.window.sent
	resumed := e.served
	e.conn, e.served = c, true
	e.missed, e.blockedSince = 0, 0
	e.deadlines.remove(&e.lostAlarm.deadline)
	if e.ping > 0 {
		e.schedule(&e.pingAlarm.deadline, e.now()+e.ping, &e.pingAlarm)
	}
	e.last = Detached
	e.tell(resumed, nil)
	return nil
}

// lose ends a connection.
func (e *engine) lose(c *conn, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.end(why)
}

// loseBy ends a connection whose stream ended with an error. Where the bridge ended it because the protocol was broken, the status of
// the stream says so, also when its last message did not come through any more: the incarnation is over then, for that reason.
func (e *engine) loseBy(c *conn, err error) {
	why := wire.Error(err)
	if !e.process || why == nil || why.Code != tool.ProtocolError {
		e.lose(c, err)
		return
	}
	told := *why
	told.Cause = otherSideError{}
	finish := func() {}
	e.mu.Lock()
	if e.conn == c && !c.last {
		finish = e.violateLocked(&told)
	}
	c.end(&told)
	e.mu.Unlock()
	finish()
}

// detach lets the engine wait for another connection. A process that said goodbye, or that drained and has nothing to
// answer, does not come back.
func (e *engine) detach(c *conn) {
	finish := func() {}
	e.mu.Lock()
	if e.conn == c && e.gone == nil {
		e.conn = nil
		e.deadlines.remove(&e.pingAlarm.deadline)
		e.deadlines.remove(&e.slowAlarm.deadline)
		if !e.process && (c.err == nil || e.draining && e.out.Len() == 0) {
			finish = e.endLocked(tool.Errorf(tool.WorkerUnavailable, "%s has left", e.peer))
		} else {
			e.schedule(&e.lostAlarm.deadline, e.now()+e.grace, &e.lostAlarm)
			e.tell(false, c.err)
		}
	}
	e.mu.Unlock()
	finish()
}

// lastWords waits until the writer has sent the final message, if there is one, but not for long.
func (e *engine) lastWords(c *conn, writer <-chan struct{}) {
	e.mu.Lock()
	final := c.final
	e.mu.Unlock()
	if final == nil {
		return
	}
	patience := time.NewTimer(lastWordsTimeout)
	defer patience.Stop()
	select {
	case <-writer:
	case <-patience.C:
	}
}

const lastWordsTimeout = time.Second

// violate ends the engine because a side broke the protocol, or cannot be served, and tells the other side.
func (e *engine) violate(why *tool.Error) {
	e.mu.Lock()
	finish := e.violateLocked(why)
	e.mu.Unlock()
	finish()
}

func (e *engine) violateLocked(why *tool.Error) func() {
	if c := e.conn; c != nil && e.gone == nil && !errors.Is(why, otherSideError{}) {
		c.final = why
	}
	return e.endLocked(why)
}

// read reads the connection's messages.
func (e *engine) read(c *conn) {
	for {
		m, err := c.stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			e.loseBy(c, err)
			return
		}
		d, _ := deliveries.Get().(*delivery)
		open := e.deliver(c, d, m)
		d.reset()
		deliveries.Put(d)
		if !open {
			return
		}
	}
}

// deliver takes one message. It returns false when the connection has ended.
func (e *engine) deliver(c *conn, d *delivery, m Message) bool {
	malformed := d.decode(e, m)
	e.mu.Lock()
	if e.conn != c || c.last {
		e.mu.Unlock()
		return false
	}
	var violation *tool.Error
	if malformed != nil {
		violation = wire.Error(malformed)
	} else {
		violation = d.apply(e)
	}
	finish := func() {}
	if violation != nil {
		finish = e.violateLocked(violation)
	}
	open := !c.last
	e.mu.Unlock()
	finish()
	d.finish(e)
	return open
}
