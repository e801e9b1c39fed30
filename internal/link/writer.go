package link

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// write sends the connection's messages.
func (e *engine) write(c *conn, first Message) {
	if first != nil {
		if err := c.stream.Send(first, nil); err != nil {
			e.lose(c, err)
			return
		}
	}
	for {
		m, release, over := e.nextMessage(c)
		if m == nil && over {
			e.fallSilent(c)
			return
		}
		if m == nil {
			e.awaitWork(c)
			continue
		}
		if err := c.stream.Send(m, release); err != nil {
			e.letReaderSay(c, err)
			e.lose(c, err)
			return
		}
	}
}

// letReaderSay waits, but not for long, until the reader has found why the other side has ended the stream: a writer learns only that.
func (e *engine) letReaderSay(c *conn, err error) {
	if !errors.Is(err, io.EOF) {
		return
	}
	patience := time.NewTimer(lastWordsTimeout)
	defer patience.Stop()
	select {
	case <-c.over:
	case <-patience.C:
	}
}

// awaitWork waits until there is something to send or the connection is over, and nobody sends in the writer's place.
func (e *engine) awaitWork(c *conn) {
	select {
	case <-c.work:
	case <-c.over:
		e.mu.Lock()
		lent := c.lent
		e.mu.Unlock()
		if lent {
			<-c.work
		}
		return
	}
	runtime.Gosched() // whoever is about to send gets into this message; when nobody is, this returns at once
}

// fallSilent ends this side of the stream if it said goodbye. A connection that ended otherwise is not ended in this way:
// the other side would take that for a goodbye.
func (e *engine) fallSilent(c *conn) {
	if !c.silent {
		return
	}
	if err := c.stream.CloseSend(); err != nil {
		e.lose(c, err)
	}
}

// nextMessage returns the next message to be sent; nil if there is none, or none may be sent. In the end that is the final
// message, and then over.
func (e *engine) nextMessage(c *conn) (m Message, release func(), over bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.sendingSince = 0
	if c.last {
		if c.final != nil && !c.told {
			m = protocolErrorMessage(e.window.read, c.final)
			c.told = true
		}
		return m, nil, true
	}
	if m, release = e.nextOpen(c); m == nil {
		if c.leaves && e.queue.empty() {
			c.silent = true
			return nil, nil, true
		}
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
func (e *engine) nextOpen(c *conn) (m Message, release func()) {
	if c.again = max(c.again, e.window.acked+1); c.again <= c.upTo {
		p := e.window.unacked[c.again-e.window.acked-1].pack
		c.again++
		p.users.Add(1)                                             // what it shares is sent from where it lies
		copied := pack{buf: slices.Clone(p.buf), shared: p.shared} // the old connection may still be sending it
		return copied.message(e.window.tell()), p.release
	}
	some, full := e.queue.ready()
	switch {
	case some && e.window.allows(full):
		p := e.queue.take()
		e.window.add(p)
		e.wakeForRoom()
		return p.message(e.window.tell()), p.release
	case some && e.blockedSince == 0:
		now := e.now()
		e.blockedSince = max(now, 1)
		e.watchProgress(now)
	}
	if e.window.owesAck() {
		e.window.bare = true
		return Message{appendAck(e.window.tell())}, nil
	}
	return nil, nil
}

func appendAck(ack uint64) []byte { return appendNumber(make([]byte, 0, 11), ack) }

// protocolErrorMessage is the message that says why a link ends.
func protocolErrorMessage(ack uint64, why *tool.Error) Message {
	return singleMessage(ack, frameProtocolError, &bridgepb.ProtocolError{Error: wire.ErrorProto(brief(why))})
}

// singleMessage is a message with one frame that is not counted.
func singleMessage(ack uint64, kind protowire.Number, m proto.Message) Message {
	var e encoder
	e.proto(m)
	p := newPack(0, 0)
	p.header(0, kind, len(e.buf))
	p.buf = append(p.buf, e.buf...)
	return p.message(ack)
}
