package link

import (
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// takeCall starts a call.
func (d *delivery) takeCall(e *engine, a *arrival) *tool.Error {
	c := a.call
	if c.id == 0 || e.mine(c.id) {
		return wrongSide(a)
	}
	if !a.claimed && !e.theirs.use(c.id) {
		return usedTwice(c.id)
	}
	c.arrived(d.now(), a.head.timeout)
	if e.in.Len()-e.inWaiting >= e.maxCalls && a.head.parent == 0 || e.serving >= withNested(e.maxCalls) {
		e.refuse(c, tool.Errorf(tool.Overloaded, "%d calls run already on this link; the limit is %d", e.serving, e.maxCalls))
		return nil
	}
	if err := e.checkSize("arguments", &c.call, c.call.ArgumentBytes()); err != nil {
		e.refuse(c, wire.Error(err))
		return nil
	}
	if n := len(c.call.Args) + len(c.call.Kwargs); uint64(a.head.tables) > uint64(n) {
		e.refuse(c, tool.Errorf(tool.ValidationError, "a call with %d arguments announces %d tables in pieces", n, a.head.tables))
		return nil
	}
	if err := e.nest(c, a.head.parent); err != nil {
		return err
	}
	c.credit.left = e.credit
	e.in.Put(c.id, c)
	e.inAlone = row(e.inAlone, e.in.Len())
	e.serving++
	e.handlers.Add(1)
	if !c.at.IsZero() {
		e.schedule(&c.deadline, c.at.Sub(e.started), c)
	}
	d.calls = append(d.calls, c)
	return nil
}

// refuse answers a call that is not run; the mutex is held.
func (e *engine) refuse(c *inCall, why *tool.Error) {
	var enc encoder
	if c.call.Stream {
		enc.lastChunk(echoed(c.call.StreamID), 0, &tool.Metrics{}, why)
		e.send(c.id, frameChunk, enc.buf)
		return
	}
	if c.batch != nil {
		enc.batchRefusal(why)
		e.send(c.id, frameBatchResult, enc.buf)
		return
	}
	enc.response(c.call.RequestID, &tool.Result{}, why)
	e.send(c.id, frameResult, enc.buf)
}

// takeForHost takes a credit or a cancel of a call that runs here.
func (d *delivery) takeForHost(e *engine, a *arrival) *tool.Error {
	if a.callID == 0 {
		return wrongSide(a)
	}
	if e.mine(a.callID) {
		if a.kind == frameCredit {
			return e.creditTables(a)
		}
		return wrongSide(a)
	}
	c := e.in.Get(a.callID)
	if c == nil {
		if a.kind == frameCancel {
			e.parts.forget(a.callID) // it overtook pieces of the call
		}
		return e.notForHost(a)
	}
	if a.kind == frameCancel {
		said, _ := a.cold.(*bridgepb.Cancel)
		d.later = append(d.later, e.cancel(c, tool.Code(said.GetError().GetType()), d.now()))
		return nil
	}
	if a.number > maxCredit || c.credit.left+int64(a.number) > maxCredit {
		return tool.Errorf(tool.ProtocolError, "call %d was granted more than %d bytes of credit", c.id, int64(maxCredit))
	}
	c.credit.left += int64(a.number)
	c.creditNow()
	e.queue.unpark(&c.credit)
	return nil
}

// maxCredit bounds what a reader may grant, so that sums do not overflow.
const maxCredit = 1 << 40

// notForHost judges a frame of the caller of a call that runs here or ran here.
func (e *engine) notForHost(a *arrival) *tool.Error {
	if a.callID > e.theirs.newest {
		return neverIssued(a)
	}
	e.late++
	return nil
}
