package link

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// inCall is a call of the other side that runs here, and the context it runs under.
type inCall struct {
	callContext
	engine *engine
	id     uint64
	parent uint64 // bridge: the call of this side during which it is made; 0 for none
	call   tool.Call
	batch  *Batch      // instead of the call, if it is one
	parts  *batchParts // that it is answered in; nil where one frame answers all

	// Guarded by the engine's mutex.
	deadline  deadline
	nested    int // process: calls that it waits for
	credit    credit
	cancelled bool // nobody wants an answer
	late      bool // that is because its time is over
	answered  bool
	takes     bool      // the caller takes tables in pieces
	tables    *inTables // of the arguments; nil where none come in pieces

	chunks uint64 // that were sent; touched by the handler's goroutine alone

	few [2]tool.Value // room for the first arguments
}

// Value finds the call itself.
func (c *inCall) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return nil
}

// newCall makes the call of a frame whose body is b, which nobody else changes.
func (e *engine) newCall(id uint64, b []byte, head *callHead) (*inCall, error) {
	c := &inCall{engine: e, id: id}
	c.call.Args = c.few[:0]
	if err := decodeCall(b, &c.call, head); err != nil {
		return nil, fmt.Errorf("call %d: %w", id, err)
	}
	if len(c.call.Args) == 0 {
		c.call.Args = nil
	}
	c.call.OnProgress = c.progress
	if head.tables > 0 || head.takes {
		c.announceTables(head)
	}
	if e.process {
		c.call.Principal.Name = head.principal
	}
	return c, nil
}

// arrived says when a call came, from which on its time runs.
func (c *inCall) arrived(at time.Time, timeout uint64) {
	c.call.Received = at
	if timeout != 0 {
		c.at = at.Add(min(wire.Duration(timeout), maxTimeout))
	}
}

// maxTimeout keeps deadlines within what times can hold.
const maxTimeout = 100 * 365 * 24 * time.Hour

// serve runs a call on the goroutine of a worker. A handler that ends its goroutine, as a test's FailNow does, is answered for.
func (c *inCall) serve() {
	returned := false
	defer func() {
		if !returned {
			c.exited()
		}
	}()
	if c.batch != nil {
		answers, err := c.runBatch()
		returned = true
		c.finishBatch(answers, err)
		return
	}
	if c.call.Stream {
		metrics, err := c.runStream()
		returned = true
		c.finishStream(metrics, err)
		c.over()
		return
	}
	if s, ok := c.engine.handler.(Starter); ok {
		err := c.start(s)
		returned = true
		if err != nil {
			c.Answer(tool.Result{}, err)
		}
		return
	}
	result, err := c.run()
	returned = true
	c.finish(result, err, true)
}

// exited answers a call whose handler did not return.
func (c *inCall) exited() {
	err := tool.Errorf(tool.Internal, "tool %q ended its goroutine by runtime.Goexit: let it return an error", c.call.Tool)
	if c.batch != nil {
		c.finishBatch(nil, err)
		return
	}
	if c.call.Stream {
		c.finishStream(tool.Metrics{}, err)
		c.over()
		return
	}
	c.Answer(tool.Result{}, err)
}

// over ends what is left of a call.
func (c *inCall) over() {
	c.end(context.Canceled)
	c.engine.handlers.Done()
}

// start lets a handler begin that answers later. An error is that of a panic.
func (c *inCall) start(s Starter) (err error) {
	defer c.recover(&err)
	s.Start(c, &c.call, c)
	return nil
}

// Answer ends a call. It does not block.
func (c *inCall) Answer(r tool.Result, err error) { c.finish(r, err, false) }

func (c *inCall) run() (r tool.Result, err error) {
	defer c.recover(&err)
	return c.engine.handler.Call(c, &c.call)
}

func (c *inCall) runStream() (m tool.Metrics, err error) {
	defer c.recover(&err)
	return c.engine.handler.Stream(c, &c.call, c.sendChunk)
}

// recover makes a handler's panic the call's error, so that it ends neither the link nor the process.
func (c *inCall) recover(err *error) {
	if p := recover(); p != nil {
		e := tool.Errorf(tool.Internal, "tool %q panicked: %v", c.call.Tool, p)
		e.Stack = string(debug.Stack())
		*err = e
	}
}

// finish answers a call, once; see answer.
func (c *inCall) finish(r tool.Result, err error, mayWait bool) {
	e := c.engine
	if err == nil && c.call.Asks == "" {
		err = e.checkSize("results", &c.call, r.Value.Size())
	}
	enc := newSharer()
	enc.response(c.call.RequestID, &r, c.shown(err))
	if enc.invalid {
		enc.reset()
		enc.response("", &tool.Result{}, c.shown(errNotText(c.call.Tool)))
	}
	if size := enc.size(); size > maxBody {
		enc.reset()
		enc.response(c.call.RequestID, &tool.Result{}, errAnswerTooLong(&c.call, size))
	}
	c.answer(enc, frameResult, mayWait)
}

// answer sends the answer, once; of kind 0 is that which was sent before. It waits for room if it may, and else leaves that to another goroutine.
func (c *inCall) answer(enc *encoder, kind protowire.Number, mayWait bool) {
	e := c.engine
	e.mu.Lock()
	if c.answered {
		e.mu.Unlock()
		return
	}
	c.answered = true
	if !mayWait && !c.cancelled && e.gone == nil && !e.hasRoom(enc.size()) {
		e.mu.Unlock()
		go func() {
			e.mu.Lock()
			c.leave(enc, kind)
		}()
		return
	}
	c.leave(enc, kind)
}

// leave sends the answer as soon as there is room for it; the mutex is held, and let go.
func (c *inCall) leave(enc *encoder, kind protowire.Number) {
	e := c.engine
	if size := enc.size(); !e.hasRoom(size) {
		e.await(e.waitersFor(size), nil, func() bool { return c.cancelled || e.hasRoom(size) })
	}
	var own errand
	if e.release(c) && kind != 0 {
		if _, cut := e.enqueue(c.id, kind, enc.content()); cut != nil {
			enc.buf = nil
		}
		own = e.hurry(e.inAlone)
	}
	e.mu.Unlock()
	own.run(e)
	enc.free()
	c.over()
}

func errNotText(name string) *tool.Error {
	return tool.Errorf(tool.SerializationError, "tool %q returned text that is not UTF-8 where the protocol has text", name)
}

// shown hides the stack from callers that did not ask for it.
func (c *inCall) shown(err error) error { return shown(err, &c.call) }

func shown(err error, call *tool.Call) error {
	if err == nil {
		return nil
	}
	if e := wire.Error(err); e.Stack != "" && !call.WantStack {
		hidden := *e
		hidden.Stack = ""
		return &hidden
	}
	return err
}

// release takes a call off the tables and reports whether anybody wants its answer; the mutex is held.
func (e *engine) release(c *inCall) bool {
	e.serving--
	if e.gone != nil {
		return false
	}
	e.deadlines.remove(&c.deadline)
	e.unnest(c)
	if c.cancelled {
		return false
	}
	e.in.Delete(c.id)
	if e.in.Len() == 0 {
		e.wakeRoom() // somebody may drain
	}
	return true
}

// unnest lets the parent of a call count again; the mutex is held.
func (e *engine) unnest(c *inCall) {
	parent := e.out.Get(c.parent)
	c.parent = 0
	if parent == nil {
		return
	}
	parent.nested--
	if parent.nested == 0 {
		e.outRunning++
	}
}

// nest takes a call for nested in one of this side's; the mutex is held.
func (e *engine) nest(c *inCall, id uint64) *tool.Error {
	if id == 0 || e.process {
		return nil
	}
	if !e.mine(id) || id >= e.nextID {
		return tool.Errorf(tool.ProtocolError, "call %d names call %d as its parent, which was never made", c.id, id)
	}
	parent := e.out.Get(id)
	if parent == nil {
		return nil // it has ended meanwhile
	}
	c.parent, c.call.Parent = id, parent.call.Key
	parent.nested++
	if parent.nested == 1 {
		e.outRunning--
		e.slotWaiters.wakeFirst()
	}
	return nil
}

// expired ends the context of a call whose time is over. Its handler answers.
func (c *inCall) expired() func() {
	return func() { c.end(context.DeadlineExceeded) }
}

// cancel stops a call that nobody wants an answer from, for the reason that its caller gives; the mutex is held.
func (e *engine) cancel(c *inCall, reason tool.Code, now time.Time) func() {
	c.cancelled, c.late = true, c.ranOut(reason, now)
	e.in.Delete(c.id)
	e.deadlines.remove(&c.deadline)
	e.unnest(c)
	if b := c.credit.parked; b != nil {
		e.queue.drop(b)
	}
	for b := range e.queue.cuts() {
		if b.credit == &c.credit {
			e.queue.drop(b)
			break
		}
	}
	c.creditNow()
	e.wakeRoom()
	if c.late {
		return c.expired()
	}
	return func() { c.end(context.Canceled) }
}

// ranOut reports whether a call that is cancelled ends because its time is over: its caller says so, whose clock began before the one
// here, or it is over here as well.
func (c *inCall) ranOut(reason tool.Code, now time.Time) bool {
	return reason == tool.DeadlineExceeded || !c.at.IsZero() && !now.Before(c.at)
}

// ended is the error of sending for a call that nobody waits for; the mutex is held.
func (c *inCall) ended() error {
	if c.engine.gone != nil {
		return c.engine.gone
	}
	if c.late {
		return errTimeout(&c.call)
	}
	return tool.Errorf(tool.Cancelled, "the call of tool %q was cancelled by its caller", c.call.Tool)
}
