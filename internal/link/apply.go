package link

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// arrival is a frame that was read, decoded as far as it can be without the engine's state.
type arrival struct {
	frame
	size   int // of the serialized frame
	call   *inCall
	head   callHead
	result tool.Result
	answer *tool.Error
	chunk  chunkFrame
	number uint64
	piece  piece
	cold   proto.Message
}

// delivery is what one message brings. Its reader keeps it for the next message. What is to be done without the engine's
// mutex is collected and done in the end.
type delivery struct {
	ack      uint64
	size     int
	arrivals []arrival

	calls []*inCall
	ready []*outCall
	later []func()
}

func (d *delivery) reset() {
	clear(d.arrivals)
	clear(d.calls)
	clear(d.ready)
	clear(d.later)
	d.arrivals, d.calls, d.ready, d.later = d.arrivals[:0], d.calls[:0], d.ready[:0], d.later[:0]
}

// decode reads a message. The bytes may be changed afterwards.
func (d *delivery) decode(e *engine, message []byte) error {
	d.reset()
	d.size = len(message)
	if d.size > maxMessage {
		return tool.Errorf(tool.ProtocolError, "message has %d bytes; the limit is %d", d.size, maxMessage)
	}
	ack, err := decodeMessage(message, func(b []byte) error {
		if len(d.arrivals) == maxFrames {
			return tool.Errorf(tool.ProtocolError, "message has more than %d frames", maxFrames)
		}
		d.arrivals = append(d.arrivals, arrival{})
		return d.arrivals[len(d.arrivals)-1].decode(e, b, false)
	})
	d.ack = ack
	if err != nil {
		return undecodable(err)
	}
	return nil
}

func undecodable(err error) *tool.Error {
	if known := wire.Error(err); known.Code == tool.ProtocolError {
		return known
	}
	return tool.Errorf(tool.ProtocolError, "frame cannot be decoded: %w", err)
}

// decode reads a Frame. Unless the bytes are owned, what is kept of them is copied.
func (a *arrival) decode(e *engine, b []byte, owned bool) (err error) {
	a.size = len(b)
	if a.frame, err = decodeFrame(b); err != nil {
		return err
	}
	body := a.body
	switch a.kind {
	case frameCall, frameResult, frameChunk:
		if !owned {
			body = append(make([]byte, 0, len(body)), body...)
		}
	default: // what is kept is copied as it is decoded
	}
	a.body = nil
	switch a.kind {
	case frameCall:
		a.call, a.head, err = e.newCall(a.callID, body)
	case frameResult:
		a.result, a.answer, err = decodeResponse(body)
	case frameChunk:
		a.chunk, err = decodeChunk(body)
	case frameCredit, framePing, framePong:
		a.number, err = decodeNumber(body)
	case frameFragment:
		a.piece, err = decodeFragment(body)
	default:
		if a.cold = coldMessage(a.kind); a.cold != nil {
			err = proto.Unmarshal(body, a.cold)
		}
	}
	return err
}

// coldMessage returns an empty message for the body of a frame that is not hot; nil for an unknown one.
func coldMessage(kind protowire.Number) proto.Message {
	switch kind {
	case frameCancel:
		return &bridgepb.Cancel{}
	case frameProgress:
		return &bridgepb.Progress{}
	case frameLog:
		return &bridgepb.LogRecord{}
	case frameRegister:
		return &bridgepb.Register{}
	case frameRegistered:
		return &bridgepb.Registered{}
	case frameUnregister:
		return &bridgepb.Unregister{}
	case frameToolsChanged:
		return &bridgepb.ToolsChanged{}
	case frameHello:
		return &bridgepb.Hello{}
	case frameWelcome:
		return &bridgepb.Welcome{}
	case frameDrain:
		return &bridgepb.Drain{}
	case frameAuthenticate:
		return &bridgepb.Authenticate{}
	case frameProtocolError:
		return &bridgepb.ProtocolError{}
	default:
		return nil
	}
}

// apply takes what a message brings into the state, all of it at once. An error is a violation.
func (d *delivery) apply(e *engine) *tool.Error {
	for i := range d.arrivals {
		if m, ok := d.arrivals[i].cold.(*bridgepb.ProtocolError); ok {
			return theirs(m) // the last message, which the window does not bind
		}
	}
	progress, err := e.window.heard(d.ack)
	if err != nil {
		return err
	}
	if progress {
		e.blockedSince = 0
	}
	e.heardFrom()
	if len(d.arrivals) > 0 {
		if err := e.window.count(d.size); err != nil {
			return err
		}
	}
	for i := range d.arrivals {
		if err := d.take(e, &d.arrivals[i]); err != nil {
			return err
		}
		if e.gone != nil {
			break
		}
	}
	if e.queue.bytes > maxBacklog {
		return tool.Errorf(tool.ProtocolError, "%d bytes of answers wait because they are not read; the limit is %d", e.queue.bytes, maxBacklog)
	}
	if !e.queue.empty() || e.window.owesAck() {
		e.wake()
	}
	return nil
}

// take takes one frame into the state.
func (d *delivery) take(e *engine, a *arrival) *tool.Error {
	switch a.kind {
	case frameCall:
		return d.takeCall(e, a)
	case frameResult:
		return d.takeResult(e, a)
	case frameChunk:
		return d.takeChunk(e, a, false)
	case frameCredit, frameCancel:
		return d.takeForHost(e, a)
	case frameFragment:
		return d.takePiece(e, a)
	case frameProgress, frameLog:
		return d.takeAside(e, a)
	case framePing:
		e.send(0, framePong, appendNumber(nil, a.number))
	case framePong:
		d.takeReply(e, a.number, nil, nil)
	default:
		return d.takeLink(e, a)
	}
	return nil
}

// wrongSide is the violation of a frame whose call id has the parity of the wrong side.
func wrongSide(a *arrival) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "frame of kind %d has call id %d, which is one of the other side's calls", a.kind, a.callID)
}

func neverIssued(a *arrival) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "frame of kind %d has call id %d, which was never issued", a.kind, a.callID)
}

// takeCall starts a call.
func (d *delivery) takeCall(e *engine, a *arrival) *tool.Error {
	c := a.call
	if c.id == 0 || e.mine(c.id) {
		return wrongSide(a)
	}
	if e.in[c.id] != nil {
		return tool.Errorf(tool.ProtocolError, "call id %d is used twice", c.id)
	}
	e.seen = max(e.seen, c.id)
	if len(e.in)-e.inWaiting >= e.maxCalls && a.head.parent == 0 || e.serving >= withNested(e.maxCalls) {
		e.refuse(c, tool.Errorf(tool.Overloaded, "%d calls run already on this link; the limit is %d", e.serving, e.maxCalls))
		return nil
	}
	if err := e.checkSize("arguments", &c.call, c.call.ArgumentBytes()); err != nil {
		e.refuse(c, wire.Error(err))
		return nil
	}
	if err := e.nest(c, a.head.parent); err != nil {
		return err
	}
	c.credit.left = e.credit
	e.in[c.id] = c
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
		enc.lastChunk(c.call.StreamID, 0, &tool.Metrics{}, why)
		e.send(c.id, frameChunk, enc.buf)
		return
	}
	enc.response(c.call.RequestID, &tool.Result{}, why)
	e.send(c.id, frameResult, enc.buf)
}

// host finds the call of this side that a frame of its host belongs to; nil if it has ended.
func (e *engine) host(a *arrival) (*outCall, *tool.Error) {
	if !e.mine(a.callID) || a.callID == 0 {
		return nil, wrongSide(a)
	}
	c := e.out[a.callID]
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
	if !c.done {
		c.result, c.err = a.result, e.said(a.answer)
		if c.call.Stream && a.answer == nil {
			c.inbox.chunks = append(c.inbox.chunks, receivedChunk{value: a.result.Value})
		}
	}
	d.done(e, c)
	return nil
}

// said returns the error that the other side answered with. A process cannot say of a call that it runs that it was not
// started or was lost: only the bridge knows, and starts such a call again. So from a process these codes, as those of a
// call nested in it, are an error that its tool raised.
func (e *engine) said(answer *tool.Error) *tool.Error {
	if answer == nil || e.process {
		return answer
	}
	switch answer.Code {
	case tool.WorkerUnavailable, tool.WorkerLost, tool.OutcomeUnknown, tool.Overloaded, tool.StoreUnavailable:
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
		return e.notForHost(a) // a streamed argument, which nobody declares yet
	}
	c, err := e.host(a)
	if c == nil {
		return err
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
		c.inbox.chunks = append(c.inbox.chunks, receivedChunk{value: a.chunk.value, credit: credit})
		if !c.inbox.signalled {
			c.inbox.signalled = true
			d.ready = append(d.ready, c)
		}
	}
	return nil
}

// notForHost judges a frame of the caller of a call that runs here or ran here.
func (e *engine) notForHost(a *arrival) *tool.Error {
	if a.callID > e.seen {
		return neverIssued(a)
	}
	e.late++
	return nil
}

// takeForHost takes a credit or a cancel of a call that runs here.
func (d *delivery) takeForHost(e *engine, a *arrival) *tool.Error {
	if a.callID == 0 {
		return wrongSide(a)
	}
	if e.mine(a.callID) {
		if a.kind == frameCredit { // for a streamed argument, which nobody sends yet
			_, err := e.host(a)
			return err
		}
		return wrongSide(a)
	}
	c := e.in[a.callID]
	if c == nil {
		e.parts.forget(a.callID)
		return e.notForHost(a)
	}
	if a.kind == frameCancel {
		d.later = append(d.later, e.cancel(c))
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
	case pt == nil && e.ended(a.callID):
		e.late++
		return nil
	case pt == nil && a.piece.total == 0:
		return tool.Errorf(tool.ProtocolError, "fragment %d of call %d has no beginning", a.piece.id, a.callID)
	case pt == nil:
		if pt, err = e.parts.begin(a.callID, a.piece); err != nil {
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
	return d.takeWhole(e, a.callID, whole)
}

// known judges the call id of a piece.
func (e *engine) known(a *arrival) *tool.Error {
	switch {
	case a.callID == 0:
	case e.mine(a.callID):
		if a.callID >= e.nextID {
			return neverIssued(a)
		}
	default:
		e.seen = max(e.seen, a.callID) // the first piece of a call is where its id is first seen
	}
	return nil
}

// ended reports whether pieces for that call are late.
func (e *engine) ended(callID uint64) bool {
	return callID != 0 && e.mine(callID) && e.out[callID] == nil
}

// receivePiece counts a piece of a chunk against the credit of its call and grants it anew at once, unless whole chunks wait
// for the user: so a chunk may be larger than the credit, but only one at a time is.
func (d *delivery) receivePiece(e *engine, a *arrival) *tool.Error {
	c := e.out[a.callID]
	if c == nil {
		return nil
	}
	n := len(a.piece.data)
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
func (d *delivery) takeWhole(e *engine, callID uint64, b []byte) *tool.Error {
	var a arrival
	if err := a.decode(e, b, true); err != nil {
		return undecodable(err)
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

func (d *delivery) takeReply(e *engine, id uint64, ids []string, err *tool.Error) {
	r := e.replies[id]
	if r == nil {
		return
	}
	delete(e.replies, id)
	r.ids, r.err = ids, err
	close(r.ready)
}

// takeLink takes a frame of the link itself.
func (d *delivery) takeLink(e *engine, a *arrival) *tool.Error {
	switch m := a.cold.(type) {
	case *bridgepb.Drain:
		e.draining = true
		e.tell(false, nil)
		e.wakeAll()
	case *bridgepb.ProtocolError: // from pieces
		return theirs(m)
	case *bridgepb.Hello, *bridgepb.Welcome:
		return tool.Errorf(tool.ProtocolError, "a link is opened once a connection, by its first messages")
	case *bridgepb.Registered:
		var err *tool.Error
		if m.GetError() != nil {
			err = wire.ErrorFromProto(m.GetError())
		}
		d.takeReply(e, m.GetId(), m.GetToolIds(), err)
	case *bridgepb.ToolsChanged:
		if e.onToolsChanged != nil {
			d.later = append(d.later, func() { e.onToolsChanged(m.GetSessionId(), m.GetRevision()) })
		}
	case *bridgepb.Register, *bridgepb.Unregister, *bridgepb.Authenticate:
		if !e.process {
			return e.control(m)
		}
		return tool.Errorf(tool.ProtocolError, "only a process sends frames of kind %d", a.kind)
	}
	return nil
}

// otherSideError marks a ProtocolError that the other side sent: it is not sent back.
type otherSideError struct{}

func (otherSideError) Error() string { return "the other side closed the link" }

func theirs(m *bridgepb.ProtocolError) *tool.Error {
	why := wire.ErrorFromProto(m.GetError())
	why.Cause = otherSideError{}
	return why
}

// control runs a registration, a withdrawal or a new credential in its turn; the mutex is held.
func (e *engine) control(m proto.Message) *tool.Error {
	if e.controls.run(func() { e.runControl(m) }) > maxControls {
		return tool.Errorf(tool.ProtocolError, "more than %d registrations wait to be answered", maxControls)
	}
	return nil
}

const maxControls = 1024

func (e *engine) runControl(m proto.Message) {
	var answer *bridgepb.Registered
	switch m := m.(type) {
	case *bridgepb.Register:
		ids, err := e.runRegister(e.ctx, wire.OffersFromProto(m.GetTools()))
		answer = &bridgepb.Registered{Id: m.GetId(), ToolIds: ids, Error: wire.ErrorProto(err)}
	case *bridgepb.Unregister:
		err := e.runUnregister(e.ctx, m.GetSessionId(), m.GetToolIds())
		answer = &bridgepb.Registered{Id: m.GetId(), ToolIds: m.GetToolIds(), Error: wire.ErrorProto(err)}
	case *bridgepb.Authenticate:
		if e.authenticate == nil {
			return
		}
		if err := e.authenticate(e.ctx, m.GetToken()); err != nil {
			e.violate(wire.Error(err))
		}
		return
	}
	_ = e.note(frameRegistered, answer) // an error says that nobody waits for it
}

func (e *engine) runRegister(ctx context.Context, specs []*tool.Spec) ([]string, error) {
	if e.register == nil {
		return nil, tool.Errorf(tool.Unimplemented, "this link takes no tools")
	}
	return e.register(ctx, specs)
}

func (e *engine) runUnregister(ctx context.Context, sessionID string, ids []string) error {
	if e.unregister == nil {
		return tool.Errorf(tool.Unimplemented, "this link takes no tools")
	}
	return e.unregister(ctx, sessionID, ids)
}

// finish does what was collected, without the mutex.
func (d *delivery) finish(e *engine) {
	if len(d.calls) > 0 {
		e.workers.run(d.calls)
	}
	for _, f := range d.later {
		f() // before the callers wake: progress is heard before the result that came with it
	}
	for _, c := range d.ready {
		c.signal()
	}
}
