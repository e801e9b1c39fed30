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
	enc := newEncoder()
	defer enc.free()
	enc.chunkHead(c.streamID(), c.chunks, chunk.Value)
	if enc.invalid {
		return errNotText(c.call.Tool)
	}
	var err error
	if frameSize(c.id, frameChunk, len(enc.buf)+len(chunk.Value.Bytes)) > maxPiece {
		err = c.putPieces(enc.buf, chunk.Value.Bytes, c.Done())
	} else {
		enc.buf = append(enc.buf, chunk.Value.Bytes...)
		err = c.putChunk(enc.buf, c.Done())
	}
	if err != nil {
		return err
	}
	c.chunks++
	return nil
}

// streamID is set in the first chunk only.
func (c *inCall) streamID() string {
	if c.chunks > 0 {
		return ""
	}
	return c.call.StreamID
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
	// An error says that nobody waits for it.
	if frameSize(c.id, frameChunk, len(enc.buf)) > maxPiece {
		_ = c.putPieces(nil, slices.Clone(enc.buf), nil)
	} else {
		_ = c.putChunk(enc.buf, nil)
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.engine.release(c)
}

// putChunk queues a chunk's frame when there are room and credit for it.
func (c *inCall) putChunk(body []byte, done <-chan struct{}) error {
	e := c.engine
	n := int64(frameSize(c.id, frameChunk, len(body)))
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.gone == nil && !c.cancelled && (c.credit.left < n || !e.hasRoom(0)) {
		if c.credit.left >= n {
			e.await(&e.roomWaiters, done, func() bool { return c.cancelled || e.hasRoom(0) })
		} else {
			c.awaitCredit(done)
		}
		if done != nil && c.Err() != nil {
			return wire.ContextError(c)
		}
	}
	if e.gone != nil || c.cancelled {
		return c.ended()
	}
	c.credit.left -= n
	e.put(c.id, frameChunk, body)
	return nil
}

// putPieces queues a chunk that leaves in pieces as credit comes, and waits until the last piece has left, so that the call's
// frames stay in order. The head is copied, the rest of the chunk is not.
func (c *inCall) putPieces(head, rest []byte, done <-chan struct{}) error {
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone != nil || c.cancelled {
		return c.ended()
	}
	whole := make(chan struct{}, 1)
	b := e.queue.addBulk(c.id, frameChunk, head, rest, &c.credit)
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

// awaitCredit waits for more credit; the mutex is held, and let go meanwhile.
func (c *inCall) awaitCredit(done <-chan struct{}) {
	waits := make(chan struct{})
	c.credit.waits = waits
	c.engine.queue.creditWaits++
	c.engine.mu.Unlock()
	select {
	case <-waits:
	case <-done:
	}
	c.engine.mu.Lock()
}

// creditNow wakes the handler if it waits for credit.
func (c *inCall) creditNow() {
	if c.credit.waits != nil {
		close(c.credit.waits)
		c.credit.waits = nil
	}
}
