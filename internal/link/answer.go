package link

import (
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// host finds the call of this side that a frame of its host belongs to; nil if it has ended.
func (e *engine) host(a *arrival) (*outCall, *tool.Error) {
	if !e.mine(a.callID) || a.callID == 0 {
		return nil, wrongSide(a)
	}
	c := e.out.Get(a.callID)
	if c == nil {
		if a.callID >= e.nextID {
			return nil, neverIssued(a)
		}
		e.late++
	}
	return c, nil
}

// takeResult ends a call.
func (d *delivery) takeResult(e *engine, a *arrival) *tool.Error {
	c, err := e.host(a)
	if c == nil {
		return err
	}
	if c.batch != nil {
		return notBatch(a)
	}
	if c.tables != nil && c.holdResult(a, e.said(a.answer)) {
		return nil
	}
	if !c.done {
		*c.result, c.err = a.result, e.said(a.answer)
		if c.call.Stream && a.answer == nil {
			c.inbox.chunks = append(c.inbox.chunks, receivedChunk{value: a.result.Value})
		}
	}
	d.done(e, c)
	return nil
}

// said returns the error that the other side answered with. A process cannot say of a call that it runs that it was not
// started or was lost: only the bridge knows, and starts such a call again. Nor can it say that the caller's credential was
// not taken or does not suffice: that was judged before. So from a process these codes, as those of a call nested in it, are
// an error that its tool raised.
func (e *engine) said(answer *tool.Error) *tool.Error {
	if answer == nil || e.process {
		return answer
	}
	switch answer.Code {
	case tool.WorkerUnavailable, tool.WorkerLost, tool.OutcomeUnknown, tool.Overloaded, tool.StoreUnavailable,
		tool.Unauthenticated, tool.PermissionDenied:
		raised := *answer
		raised.Code, raised.Class = tool.ExecutionError, string(answer.Code)
		raised.Retryable, raised.RetryAfter = false, 0
		raised.Message = answer.Error()
		return &raised
	default:
		return answer
	}
}

func (d *delivery) done(e *engine, c *outCall) {
	c.done = true
	e.settle(c)
	d.ready = append(d.ready, c)
}

// takeChunk puts a chunk into its call's inbox, or ends the call. The bytes of one that came in pieces have been counted.
func (d *delivery) takeChunk(e *engine, a *arrival, assembled bool) *tool.Error {
	if a.callID != 0 && !e.mine(a.callID) {
		return d.takeTablePiece(e, a, assembled)
	}
	c, err := e.host(a)
	if c == nil {
		return err
	}
	if c.batch != nil {
		return notBatch(a)
	}
	credit := int64(a.size)
	if assembled {
		credit = 0
	} else if err := c.receive(a.size); err != nil {
		return err
	}
	switch {
	case a.chunk.end.Last:
		c.result.Metrics, c.err = a.chunk.end.Metrics, e.said(wire.Error(a.chunk.end.Err))
		d.done(e, c)
	case a.chunk.data && c.call.Stream:
		c.inbox.chunks = append(c.inbox.chunks, receivedChunk{value: a.chunk.value, release: a.chunk.release, credit: credit})
		if !c.inbox.signalled {
			c.inbox.signalled = true
			d.ready = append(d.ready, c)
		}
	case a.chunk.data:
		return d.takeResultPiece(e, c, a, assembled)
	}
	return nil
}

// takeAside takes progress and log records.
func (d *delivery) takeAside(e *engine, a *arrival) *tool.Error {
	if a.callID == 0 && a.kind == frameProgress {
		return wrongSide(a)
	}
	var c *outCall
	if a.callID != 0 {
		var err *tool.Error
		if c, err = e.host(a); c == nil {
			return err
		}
	}
	switch m := a.cold.(type) {
	case *bridgepb.Progress:
		if report := c.call.OnProgress; report != nil {
			d.later = append(d.later, func() { report(wire.ProgressFromProto(m)) })
		}
	case *bridgepb.LogRecord:
		if e.onLog == nil {
			return nil
		}
		var key uint64
		if c != nil {
			key = c.call.Key
		}
		d.later = append(d.later, func() { e.onLog(key, logFromProto(m)) })
	}
	return nil
}
