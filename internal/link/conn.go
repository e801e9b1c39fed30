package link

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
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
	// idle says that the writer waits for work.
	idle bool
	work chan struct{}
	// sendingSince is when the writer began to send; 0 while it does not.
	sendingSince time.Duration

	over chan struct{} // closed when the connection has ended
	err  error         // why; nil if the other side closed it
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
func (e *engine) serve(ctx context.Context, s Stream, received uint64, begin func() []byte) error {
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

// detach lets the engine wait for another connection. A side that drained and has nothing to answer does not come back.
func (e *engine) detach(c *conn) {
	finish := func() {}
	e.mu.Lock()
	if e.conn == c && e.gone == nil {
		e.conn = nil
		e.deadlines.remove(&e.pingAlarm.deadline)
		e.deadlines.remove(&e.slowAlarm.deadline)
		if e.draining && len(e.out) == 0 && !e.process {
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

// protocolErrorMessage is the message that says why a link ends.
func protocolErrorMessage(ack uint64, why *tool.Error) []byte {
	return singleMessage(ack, frameProtocolError, &bridgepb.ProtocolError{Error: wire.ErrorProto(why)})
}

// singleMessage is a message with one frame that is not counted.
func singleMessage(ack uint64, kind protowire.Number, m proto.Message) []byte {
	var e encoder
	e.proto(m)
	p := newPack(0, 0)
	p.header(0, kind, len(e.buf))
	p.buf = append(p.buf, e.buf...)
	return p.message(ack)
}

// read reads the connection's messages.
func (e *engine) read(c *conn) {
	for {
		m, err := c.stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			e.lose(c, err)
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

// deliveries are kept for later messages, of whatever link.
//
//nolint:gochecknoglobals // a pool of buffers
var deliveries = sync.Pool{New: func() any { return new(delivery) }}

// deliver takes one message. It returns false when the connection has ended.
func (e *engine) deliver(c *conn, d *delivery, m []byte) bool {
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

// write sends the connection's messages.
func (e *engine) write(c *conn, first []byte) {
	if first != nil {
		if err := c.stream.Send(first, nil); err != nil {
			e.lose(c, err)
			return
		}
	}
	for {
		m, release, over := e.nextMessage(c)
		if m == nil && over {
			return
		}
		if m == nil {
			select {
			case <-c.work:
				runtime.Gosched() // whoever is about to send gets into this message; when nobody is, this returns at once
			case <-c.over:
			}
			continue
		}
		if err := c.stream.Send(m, release); err != nil {
			e.lose(c, err)
			return
		}
	}
}

// nextMessage returns the next message to be sent; nil if there is none, or none may be sent. In the end that is the final
// message, and then over.
func (e *engine) nextMessage(c *conn) (m []byte, release func(), over bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.sendingSince = 0
	if c.last {
		if c.final != nil {
			m = protocolErrorMessage(e.window.read, c.final)
			c.final = nil
		}
		return m, nil, true
	}
	if m, release = e.nextOpen(c); m == nil {
		c.idle = true
		select {
		case <-c.work:
		default:
		}
		return nil, nil, false
	}
	now := e.now()
	c.sendingSince = max(now, 1)
	e.watchProgress(now)
	return m, release, false
}

// nextOpen returns the next message of a connection that is open.
func (e *engine) nextOpen(c *conn) (m []byte, release func()) {
	if c.again = max(c.again, e.window.acked+1); c.again <= c.upTo {
		p := e.window.unacked[c.again-e.window.acked-1].pack
		c.again++
		copied := pack{buf: slices.Clone(p.buf)} // the old connection may still be sending it
		return copied.message(e.window.tell()), nil
	}
	some, full := e.queue.ready()
	switch {
	case some && e.window.allows(full):
		p := e.queue.take()
		e.window.add(p)
		if e.queue.bytes < roomAgain && len(e.slotWaiters)+len(e.roomWaiters) > 0 {
			e.wakeAll()
		}
		return p.message(e.window.tell()), p.release
	case some && e.blockedSince == 0:
		now := e.now()
		e.blockedSince = max(now, 1)
		e.watchProgress(now)
	}
	if e.window.owesAck() {
		return appendAck(e.window.tell()), nil
	}
	return nil, nil
}

func appendAck(ack uint64) []byte { return appendNumber(make([]byte, 0, 11), ack) }

// appendNumber appends a number as field 1.
func appendNumber(b []byte, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(append(b, 1<<3), n)
}
