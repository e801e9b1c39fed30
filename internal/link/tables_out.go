package link

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// outTables are the tables of a call of this side that travel in pieces: those of its arguments, which a goroutine sends, and that of
// its result, which another one hands to the caller while the result waits. Guarded by the engine's mutex but for what says
// otherwise.
type outTables struct {
	// ctx ends when the call does; both goroutines then end soon.
	ctx     context.Context //nolint:containedctx // it is the goroutines' life
	cancel  context.CancelFunc
	running sync.WaitGroup

	credit   credit        // for pieces of the arguments
	sent     chan struct{} // told when the call itself has left; nil if it leaves whole
	sequence uint64        // of the next piece; the sending goroutine's

	kind     string // of the result's table
	size     int    // bytes of it that came
	handing  bool   // the second goroutine runs
	answered bool   // the result waits for it
	// arrived tells the second goroutine that there is something in the inbox.
	arrived chan struct{}
}

func newOutTables(e *engine) *outTables {
	t := &outTables{credit: credit{left: e.credit}, arrived: make(chan struct{}, 1)}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// end ends the goroutines of a call that is done and waits for them.
func (t *outTables) end() {
	t.cancel()
	t.running.Wait()
}

// endTables is end for a call that may have none; its caller waits no more.
func (c *outCall) endTables() {
	c.engine.mu.Lock()
	t := c.tables
	c.engine.mu.Unlock()
	if t != nil {
		t.end()
	}
}

// takesTables reports whether the other side takes tables in pieces.
func (e *engine) takesTables() bool {
	if e.process {
		return e.limits.Load().MaxTableBytes > 0
	}
	return e.peerTables
}

func (e *engine) tablesRefused(call *tool.Call) *tool.Error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: the arguments of tool %q hold tables that are larger than one message, and %s does not take those in pieces: send less at once", call.Tool, e.peer)
}

// sendTables begins to send the tables of a call's arguments; the mutex is held.
func (e *engine) sendTables(c *outCall) {
	t := newOutTables(e)
	c.tables = t
	if c.cut != nil {
		t.sent = make(chan struct{}, 1)
		c.cut.whole = t.sent
	}
	t.running.Add(1)
	go e.pumpTables(c, t)
}

// pumpTables sends the tables of a call's arguments, as credit comes, until they or the call have ended.
func (e *engine) pumpTables(c *outCall, t *outTables) {
	defer t.running.Done()
	if t.sent != nil {
		select {
		case <-t.sent:
		case <-t.ctx.Done():
			return
		}
	}
	tables, id, name := c.call.Tables, c.id, c.call.Tool
	for {
		piece, err := tables.Next(t.ctx)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			over := func() error { return c.over(t, name) }
			err = e.putTablePiece(t.ctx, id, &t.credit, tablePiece{sequence: t.sequence, data: piece}, over)
			t.sequence++
		}
		if err != nil {
			if t.ctx.Err() == nil {
				e.giveUp(c, wire.Error(err))
			}
			return
		}
	}
}

// over is why no piece of a call's arguments can be sent any more; the mutex is held.
func (c *outCall) over(t *outTables, name string) error {
	if c.tables != t || c.done || t.ctx.Err() != nil {
		return tool.Errorf(tool.Cancelled, "the call of tool %q has ended", name)
	}
	return nil
}

// putTablePiece queues a piece of a table when there are credit and room for it.
func (e *engine) putTablePiece(ctx context.Context, id uint64, cr *credit, p tablePiece, over func() error) error {
	if len(p.data) > tool.TablePieceBytes {
		return tool.Errorf(tool.Internal, "a piece of a table has %d bytes, the limit is %d", len(p.data), tool.TablePieceBytes)
	}
	enc := newEncoder()
	defer enc.free()
	if cap(enc.buf) < maxPiece {
		enc.buf = make([]byte, 0, maxPiece) // so that it is kept for the next piece
	}
	enc.tablePiece(p)
	n := int64(frameSize(id, frameChunk, len(enc.buf)))
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if e.gone != nil {
			return e.gone
		}
		if err := over(); err != nil {
			return err
		}
		if err := wire.ContextError(ctx); err != nil {
			return err
		}
		switch {
		case cr.left < n:
			e.awaitCredit(cr, ctx.Done())
		case !e.hasRoom(0):
			e.sleep(&e.roomWaiters, ctx.Done())
		default:
			cr.left -= n
			e.put(id, frameChunk, enc.content())
			return nil
		}
	}
}

// awaitCredit waits for more credit; the mutex is held, and let go meanwhile.
func (e *engine) awaitCredit(cr *credit, done <-chan struct{}) {
	waits := make(chan struct{})
	cr.waits = waits
	e.mu.Unlock()
	select {
	case <-waits:
	case <-done:
	}
	e.mu.Lock()
}

// now wakes who waits for credit; the mutex is held.
func (cr *credit) now() {
	if cr.waits != nil {
		close(cr.waits)
		cr.waits = nil
	}
}

// creditTables takes credit for the tables of a call of this side.
func (e *engine) creditTables(a *arrival) *tool.Error {
	c, err := e.host(a)
	if c == nil || c.tables == nil {
		return err
	}
	cr := &c.tables.credit
	if a.number > maxCredit || cr.left+int64(a.number) > maxCredit {
		return tool.Errorf(tool.ProtocolError, "call %d was granted more than %d bytes of credit", c.id, int64(maxCredit))
	}
	cr.left += int64(a.number)
	cr.now()
	return nil
}

// takeResultPiece puts a piece of a result's table into the inbox of a call. Its credit was counted.
func (d *delivery) takeResultPiece(e *engine, c *outCall, a *arrival, assembled bool) *tool.Error {
	if c.call.Tables == nil || !c.call.Tables.Takes() {
		return tool.Errorf(tool.ProtocolError, "call %d does not take tables in pieces, but one came", c.id)
	}
	if err := checkTablePiece(a, assembled); err != nil {
		return err
	}
	if c.tables == nil {
		c.tables = newOutTables(e)
	}
	t := c.tables
	if t.answered {
		return tool.Errorf(tool.ProtocolError, "a piece of a table came behind the result of call %d", c.id)
	}
	if t.size == 0 {
		t.kind = a.chunk.kind
	}
	t.size += len(a.chunk.value.Bytes)
	if most := e.limits.Load().MaxTableBytes; t.size > most {
		e.abandon(c, tool.TablesTooLarge(t.size, most).With("started", "true"))
		d.ready = append(d.ready, c)
		return nil
	}
	c.inbox.chunks = append(c.inbox.chunks, receivedChunk{value: a.chunk.value, credit: int64(a.size)})
	if !t.handing {
		t.handing = true
		t.running.Add(1)
		d.later = append(d.later, func() { go e.handTable(c, t) })
	}
	t.tell()
	return nil
}

// tell wakes the goroutine that hands the result's table on.
func (t *outTables) tell() {
	select {
	case t.arrived <- struct{}{}:
	default:
	}
}

// holdResult keeps a result until the pieces of its table were handed on; the mutex is held.
func (c *outCall) holdResult(a *arrival, answer *tool.Error) bool {
	if c.done || !c.tables.handing || answer != nil {
		return false
	}
	*c.result = a.result
	c.tables.answered = true
	c.tables.tell()
	return true
}

// handTable hands the pieces of a result's table to the caller, and then the result.
func (e *engine) handTable(c *outCall, t *outTables) {
	defer t.running.Done()
	tables := c.call.Tables
	var meter tool.TableMeter
	for {
		select {
		case <-t.arrived:
		case <-t.ctx.Done():
			return
		}
		pieces, answered := e.takePieces(c, t)
		for i := range pieces {
			err := meter.Pass(pieces[i].value.Bytes, e.limits.Load().MaxValueBytes)
			if err == nil {
				err = tables.Put(t.ctx, t.kind, pieces[i].value.Bytes)
			}
			if err != nil {
				if t.ctx.Err() == nil {
					e.giveUp(c, wire.Error(err))
				}
				return
			}
			freePiece(pieces[i].value.Bytes)
			e.grantPiece(c, t, pieces[i].credit, i == len(pieces)-1)
		}
		if answered {
			e.completeTable(c, t)
			return
		}
	}
}

// takePieces empties the inbox; nothing follows if the result has come.
func (e *engine) takePieces(c *outCall, t *outTables) ([]receivedChunk, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.ctx.Err() != nil || c.done {
		return nil, false
	}
	pieces := c.inbox.chunks
	c.inbox.chunks = nil
	return pieces, t.answered
}

// grantPiece grants the bytes of a piece anew, unless the call is over.
func (e *engine) grantPiece(c *outCall, t *outTables, bytes int64, last bool) {
	if t.ctx.Err() == nil {
		e.grant(c, bytes, last)
	}
}

// completeTable ends a call whose table was handed on.
func (e *engine) completeTable(c *outCall, t *outTables) {
	e.mu.Lock()
	over := c.tables != t || c.done || e.gone != nil
	if !over {
		c.done = true
		e.settle(c)
	}
	e.mu.Unlock()
	if !over {
		c.signal()
	}
}
