package link

import (
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// sendChunk sends a chunk when there is credit for it.
func (c *inCall) sendChunk(chunk tool.Chunk) error {
	if err := wire.ContextError(c); err != nil {
		return err
	}
	if err := c.engine.checkSize("chunks", &c.call, chunk.Value.Size()); err != nil {
		return err
	}
	enc := newSharer()
	defer enc.free()
	enc.chunk(c.streamID(), c.chunks, chunk.Value)
	enc.release(chunk.Release)
	if enc.invalid {
		return errNotText(c.call.Tool)
	}
	if size := enc.size(); size > maxBody {
		return errAnswerTooLong(&c.call, size)
	}
	if err := c.queueChunk(enc, c.Done()); err != nil {
		return err
	}
	c.chunks++
	return nil
}

// queueChunk queues a chunk's frame, whole or in pieces.
func (c *inCall) queueChunk(enc *encoder, done <-chan struct{}) error {
	body := enc.content()
	if frameSize(c.id, frameChunk, body.size) <= maxWhole {
		return c.putChunk(body, done)
	}
	body.written = slices.Clone(body.written)
	return c.putPieces(body, done)
}

// streamID is set in the first chunk only.
func (c *inCall) streamID() string {
	if c.chunks > 0 {
		return ""
	}
	return echoed(c.call.StreamID)
}

// finishStream sends the last chunk.
func (c *inCall) finishStream(m tool.Metrics, err error) {
	enc := newEncoder()
	defer enc.free()
	enc.lastChunk(c.streamID(), c.chunks, &m, c.shown(err))
	if enc.invalid {
		enc.reset()
		enc.lastChunk("", c.chunks, &m, errNotText(c.call.Tool))
	}
	if size := enc.size(); size > maxBody {
		enc.reset()
		enc.lastChunk(c.streamID(), c.chunks, &m, errAnswerTooLong(&c.call, size))
	}
	_ = c.queueChunk(enc, nil) // an error says that nobody waits for it
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.engine.release(c)
}

// putChunk queues a chunk's frame when there are room and credit for it and not too much of the call is queued already.
func (c *inCall) putChunk(body content, done <-chan struct{}) error {
	e := c.engine
	n := int64(frameSize(c.id, frameChunk, body.size))
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.gone == nil && !c.cancelled && (c.credit.left < n || c.credit.queued >= maxLead || !e.hasRoom(0)) {
		switch {
		case c.credit.left < n:
			e.queue.creditWaits++
			e.awaitCredit(&c.credit, done)
		case c.credit.queued >= maxLead:
			e.awaitCredit(&c.credit, done)
		default:
			e.await(&e.roomWaiters, done, func() bool { return c.cancelled || e.hasRoom(0) })
		}
		if done != nil && c.Err() != nil {
			return wire.ContextError(c)
		}
	}
	if e.gone != nil || c.cancelled {
		return c.ended()
	}
	c.credit.left -= n
	e.queue.add(c.id, frameChunk, body).lead(&c.credit, n)
	e.wake()
	return nil
}

// putPieces queues a chunk that leaves in pieces as credit comes, and waits until the last piece has left, so that the call's
// frames stay in order. Nothing of the body is copied.
func (c *inCall) putPieces(body content, done <-chan struct{}) error {
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone != nil || c.cancelled {
		return c.ended()
	}
	whole := make(chan struct{}, 1)
	b := e.queue.addBulk(c.id, frameChunk, body, &c.credit)
	b.whole = whole
	e.wake()
	e.mu.Unlock()
	select {
	case <-whole:
		e.mu.Lock()
	case <-done:
		e.mu.Lock()
		if b.taken == 0 {
			e.queue.drop(b)
			return wire.ContextError(c)
		}
		if b.taken < b.size() && e.gone == nil && !c.cancelled { // what was begun is brought to its end
			e.mu.Unlock()
			<-whole
			e.mu.Lock()
		}
	}
	if b.taken < b.size() {
		return c.ended()
	}
	return nil
}

// creditNow wakes the handler if it waits for credit.
func (c *inCall) creditNow() {
	if c.credit.waits != nil {
		close(c.credit.waits)
		c.credit.waits = nil
	}
}
