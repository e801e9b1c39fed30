package link

import (
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// assembly puts frames together that arrive in pieces. It is part of engine and guarded by its mutex.
type assembly struct {
	parts map[uint64]*part
	// bytes are those that unfinished frames have so far and cost, chunks for calls of this side aside: those are limited by
	// credit.
	bytes int
}

// partCost is what an unfinished frame costs besides its data.
const partCost = 256

type part struct {
	callID uint64
	total  int
	data   gathered
	// chunk says that it is a chunk of a call of this side.
	chunk bool
	// claimed says that its call id, one of the other side's, was new.
	claimed bool
}

// begin starts a frame.
func (a *assembly) begin(callID uint64, p piece) (*part, *tool.Error) {
	if p.total == 0 || p.total > maxFrame {
		return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d: its frame has %d bytes; a frame that is cut has 1 to %d", p.id, callID, p.total, maxFrame)
	}
	if _, twice := a.parts[p.id]; twice {
		return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d begins twice", p.id, callID)
	}
	if a.parts == nil {
		a.parts = make(map[uint64]*part)
	}
	made := &part{callID: callID, total: int(p.total)}
	a.parts[p.id] = made
	a.bytes += partCost
	return made, nil
}

// isChunk reports whether a frame, or the first piece of one, is that of a chunk.
func isChunk(piece Message) bool {
	c := readMessage(piece)
	var head [3 * maxVarint]byte
	data := head[:c.peek(head[:])]
	for len(data) > 0 {
		f, rest, err := nextHeader(data)
		if err != nil {
			return false
		}
		if f.num != frameCallID {
			return f.num == frameChunk
		}
		data = rest
	}
	return false
}

// add appends a piece and returns the whole frame if it is the last one.
func (a *assembly) add(id uint64, pt *part, p piece) ([]byte, *tool.Error) {
	n := p.data.size()
	if n == 0 || n > maxPiece || pt.data.Len()+n > pt.total {
		return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d: a piece of %d bytes after %d of %d; a piece has 1 to %d",
			id, pt.callID, n, pt.data.Len(), pt.total, maxPiece)
	}
	a.grow(pt, n)
	if a.bytes > maxAssembling {
		return nil, tool.Errorf(tool.ProtocolError, "frames in pieces have %d bytes although none is whole; the limit is %d", a.bytes, maxAssembling)
	}
	pt.data.add(p.data)
	if pt.data.Len() < pt.total {
		return nil, nil
	}
	a.remove(id, pt)
	return pt.data.bytes(), nil
}

// grow makes room for n more bytes of a frame: for not much more than what has come is worth.
func (a *assembly) grow(pt *part, n int) {
	had := pt.data.Cap()
	if have := pt.data.Len() + n; have > had {
		pt.data.grow(min(pt.total, ahead*have))
	}
	if !pt.chunk {
		a.bytes += pt.data.Cap() - had
	}
}

// ahead is for how many times the bytes that have come room is made, so that a value of 1 MiB is not moved.
const ahead = 17

func (a *assembly) remove(id uint64, pt *part) {
	if !pt.chunk {
		a.bytes -= pt.data.Cap()
	}
	a.bytes -= partCost
	delete(a.parts, id)
}

// forget drops what has arrived for a call that has ended.
func (a *assembly) forget(callID uint64) {
	for id, pt := range a.parts {
		if pt.callID == callID {
			a.remove(id, pt)
		}
	}
}

// takePiece takes a piece of a frame, and the frame once it is whole.
func (d *delivery) takePiece(e *engine, a *arrival) *tool.Error {
	if err := e.known(a); err != nil {
		return err
	}
	var err *tool.Error
	pt := e.parts.parts[a.piece.id]
	switch {
	case pt != nil && (pt.callID != a.callID || a.piece.total != 0):
		return tool.Errorf(tool.ProtocolError, "fragment %d belongs to call %d, not to call %d, and has begun", a.piece.id, pt.callID, a.callID)
	case pt == nil && e.ended(a):
		e.late++
		return nil
	case pt == nil && a.piece.total == 0:
		return tool.Errorf(tool.ProtocolError, "fragment %d of call %d has no beginning", a.piece.id, a.callID)
	case pt == nil:
		if pt, err = e.beginPart(a); err != nil {
			return err
		}
	}
	if pt.chunk {
		if err := d.receivePiece(e, a); err != nil {
			return err
		}
	}
	whole, err := e.parts.add(a.piece.id, pt, a.piece)
	if whole == nil {
		return err
	}
	return d.takeWhole(e, pt, whole)
}

// beginPart starts a frame with its first piece.
func (e *engine) beginPart(a *arrival) (*part, *tool.Error) {
	pt, err := e.parts.begin(a.callID, a.piece)
	if err != nil {
		return nil, err
	}
	if c := e.out.Get(a.callID); c != nil && isChunk(a.piece.data) {
		if c.inbox.assembling {
			return nil, tool.Errorf(tool.ProtocolError, "fragment %d of call %d begins a chunk before the last one is whole", a.piece.id, a.callID)
		}
		pt.chunk, c.inbox.assembling = true, true
	}
	pt.claimed = a.callID != 0 && !e.mine(a.callID) && e.theirs.use(a.callID)
	return pt, nil
}

// known judges the call id of a piece.
func (e *engine) known(a *arrival) *tool.Error {
	if a.callID != 0 && e.mine(a.callID) && a.callID >= e.nextID {
		return neverIssued(a)
	}
	return nil
}

// ended reports whether a piece is late: of an answer to a call that has ended, or the rest of a call that was cancelled
// before it was whole.
func (e *engine) ended(a *arrival) bool {
	switch {
	case a.callID == 0:
		return false
	case e.mine(a.callID):
		return e.out.Get(a.callID) == nil
	default:
		return a.piece.total == 0 && e.in.Get(a.callID) == nil && e.theirs.used(a.callID)
	}
}

// receivePiece counts a piece of a chunk against the credit of its call and grants it anew at once, unless whole chunks wait
// for the user: so a chunk may be larger than the credit, but only one at a time is.
func (d *delivery) receivePiece(e *engine, a *arrival) *tool.Error {
	c := e.out.Get(a.callID)
	if c == nil {
		return nil
	}
	n := a.piece.data.size()
	if err := c.receive(n); err != nil {
		return err
	}
	c.inbox.owed += int64(n)
	if len(c.inbox.chunks) == 0 && (c.inbox.owed >= grantAt || c.inbox.granted < grantAt) {
		e.grantOwed(c)
	}
	return nil
}

// takeWhole takes a frame that was put together.
func (d *delivery) takeWhole(e *engine, pt *part, b []byte) *tool.Error {
	a := arrival{claimed: pt.claimed}
	callID := pt.callID
	if err := a.decode(e, b, nil); err != nil {
		return undecodable(err)
	}
	if c := e.out.Get(callID); c != nil && pt.chunk {
		c.inbox.assembling = false
	}
	switch {
	case a.callID != callID:
		return tool.Errorf(tool.ProtocolError, "pieces of call %d make a frame of call %d", callID, a.callID)
	case a.kind == frameFragment:
		return tool.Errorf(tool.ProtocolError, "pieces of call %d make a fragment", callID)
	case a.kind == frameChunk:
		return d.takeChunk(e, &a, true)
	default:
		return d.take(e, &a)
	}
}
