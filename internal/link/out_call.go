package link

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// outCall is a call of this side that runs at the other. Guarded by the engine's mutex until ready was signalled.
type outCall struct {
	engine *engine
	id     uint64
	call   *tool.Call
	batch  *outBatch       // its answers, if it is one
	ctx    context.Context //nolint:containedctx // whose end it is told of, see wait
	parent *inCall         // process: the call during which it is made
	pack   uint64          // that it left in
	cut    *bulk           // instead, if it was cut
	nested int             // bridge: calls that it waits for

	deadline deadline
	ready    chan struct{} // one signal: done, or something in the inbox
	then     tool.Answerer // is told instead when it is done; nil where somebody waits on ready
	done     bool
	result   *tool.Result // own, or where the caller wants it
	err      *tool.Error
	own      tool.Result

	inbox  inbox
	tables *outTables // that travel in pieces; nil until one does

	among    *audience // sees the end of ctx while it waits; nil where it does that itself
	attended bool      // it was among an audience; the caller's goroutine alone touches it
}

// newOutCall returns a call that was kept, with its channel, or a new one.
func (e *engine) newOutCall() *outCall {
	c, ok := e.calls.Get().(*outCall)
	if !ok {
		c = &outCall{engine: e, ready: make(chan struct{}, 1)}
	}
	c.result = &c.own
	return c
}

// free keeps a call for the next one. It is done, and its signal was taken.
func (c *outCall) free() {
	e := c.engine
	*c = outCall{engine: e, ready: c.ready}
	e.calls.Put(c)
}

// begin sends a call. The caller waits on ready, or, where it says where the result is to be written, calls wait, which waits for
// nothing else.
func (e *engine) begin(ctx context.Context, call *tool.Call, into *tool.Result) (*outCall, error) {
	head, parent, err := e.headOf(ctx, call)
	if err != nil {
		return nil, err
	}
	enc := newSharer()
	defer enc.free()
	enc.call(call, head)
	if enc.invalid {
		return nil, tool.Errorf(tool.ValidationError, "call of tool %q holds text that is not UTF-8", call.Tool)
	}
	if err := enc.checkCall(call); err != nil {
		return nil, err
	}
	c := e.newOutCall()
	c.call, c.parent, c.ctx = call, parent, ctx
	var done <-chan struct{}
	if into != nil {
		c.result = into
		if _, watched := ctx.(watchable); !watched {
			done = ctx.Done()
		}
	}

	own, err := e.admitted(c, enc, head, done)
	if err != nil {
		return nil, err
	}
	own.run(e)
	return c, nil
}

// admitted waits until a call may be sent, and queues it.
func (e *engine) admitted(c *outCall, enc *encoder, head callHead, done <-chan struct{}) (errand, error) {
	ctx, call, parent := c.ctx, c.call, c.parent
	e.mu.Lock()
	defer e.mu.Unlock()
	if size, nested := enc.size(), parent != nil; !e.hasRoom(size) || !e.hasSlot(nested) {
		if !e.admit(ctx.Done(), size, nested) {
			return errand{}, wire.ContextError(ctx)
		}
		enc.reset() // time has passed
		head.timeout = wire.TimeLeft(ctx)
		enc.call(call, head)
	}
	if e.gone != nil || e.leaving || e.draining && parent == nil {
		return errand{}, e.unavailable(call.Tool)
	}
	if done != nil {
		e.join(c, done)
	}
	e.issue(c, enc)
	if call.Tables != nil && call.Tables.Count() > 0 {
		e.sendTables(c)
	}
	if t, ok := ctx.(*timeoutContext); ok {
		e.schedule(&c.deadline, t.at.Sub(e.started), c)
	}
	return e.hurry(e.outAlone), nil
}

// headOf checks a call and says what travels with it.
func (e *engine) headOf(ctx context.Context, call *tool.Call) (callHead, *inCall, error) {
	head := callHead{depth: call.Depth, timeout: wire.TimeLeft(ctx)}
	var parent *inCall
	if e.process {
		if parent, _ = ctx.Value(callKey{}).(*inCall); parent != nil && parent.engine == e {
			head.parent = parent.id
			head.depth = max(head.depth, parent.call.Depth+1)
		} else {
			parent = nil
		}
	} else {
		head.principal = call.Principal.Name
	}
	if ctx.Err() != nil {
		return head, nil, wire.ContextError(ctx)
	}
	if limit := e.limits.Load().MaxCallDepth; limit > 0 && head.depth > limit && call.Asks == "" {
		return head, nil, tool.Errorf(tool.CallDepthExceeded, "call of tool %q is nested %d deep; the limit is %d", call.Tool, head.depth, limit)
	}
	if n := len(call.Args) + 2*len(call.Kwargs); n > wire.MaxParts {
		return head, nil, tool.Errorf(tool.MessageTooLarge, "message too large: tool %q is called with %d arguments, of which keywords count twice; the limit is %d", call.Tool, n, wire.MaxParts)
	}
	if call.Tables != nil && call.Tables.Count() > 0 && !e.takesTables() {
		return head, nil, e.tablesRefused(call)
	}
	return head, parent, e.checkSize("arguments", call, call.ArgumentBytes())
}

// checkSize refuses what the other side would refuse.
func (e *engine) checkSize(what string, call *tool.Call, size int) error {
	limit := e.limits.Load().MaxValueBytes
	if limit <= 0 || limit > maxFrame-maxPiece {
		limit = maxFrame - maxPiece
	}
	if size > limit {
		return tooLarge("the "+what+" of tool "+call.Tool, size, limit)
	}
	return nil
}

func tooLarge(what string, size, limit int) *tool.Error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: %s have %d value bytes, the limit is %d", what, size, limit)
}

// issue gives a call its id and queues it; the mutex is held.
func (e *engine) issue(c *outCall, enc *encoder) {
	c.id = e.nextID
	e.nextID += 2
	c.inbox.granted = e.credit
	e.out.Put(c.id, c)
	e.outRunning++
	e.outAlone = row(e.outAlone, e.out.Len())
	if c.parent != nil {
		c.parent.nested++
		if c.parent.nested == 1 {
			e.inWaiting++
		}
	}
	kind := frameCall
	if c.batch != nil {
		kind = frameBatch
	}
	c.pack, c.cut = e.enqueue(c.id, kind, enc.content())
	if c.cut != nil {
		enc.buf = nil // it is the cut frame's now
	}
}

// settle takes a call off the tables; the mutex is held.
func (e *engine) settle(c *outCall) {
	e.out.Delete(c.id)
	c.depart()
	e.deadlines.remove(&c.deadline)
	e.parts.forget(c.id)
	if c.nested == 0 {
		e.outRunning--
	}
	if c.parent != nil {
		c.parent.nested--
		if c.parent.nested == 0 {
			e.inWaiting--
		}
	}
	e.slotWaiters.wakeFirst()
}

// fail ends a call; the mutex is held, and signal follows.
func (c *outCall) fail(err *tool.Error) {
	c.done, c.err = true, err
	c.engine.deadlines.remove(&c.deadline)
}

// signal wakes whoever waits for the call, without the mutex.
func (c *outCall) signal() {
	if c.then != nil {
		c.deliver()
		return
	}
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// deliver gives the result of a call that is done to who takes it.
func (c *outCall) deliver() {
	w, _ := c.ctx.(watchable)
	alone := w.Unwatch(c)
	then, tables := c.then, c.tables
	result, err := c.answer()
	if tables != nil { // whose goroutine this may be
		go func() {
			tables.end()
			then.Answer(result, err)
		}()
		return
	}
	if alone {
		c.free()
	}
	then.Answer(result, err)
}

// expired ends a call whose time is over.
func (c *outCall) expired() func() {
	e := c.engine
	if c.done {
		return nil
	}
	e.abandon(c, errTimeout(c.call))
	return c.signal
}

func errTimeout(call *tool.Call) *tool.Error {
	return tool.Errorf(tool.DeadlineExceeded, "the time that was given for the call of tool %q has passed", call.Tool)
}

// abandon ends a call that has no answer yet and tells the other side; the mutex is held.
func (e *engine) abandon(c *outCall, why *tool.Error) {
	e.settle(c)
	c.fail(why)
	if c.cut != nil && c.cut.taken < c.cut.size() {
		if c.cut.taken == 0 {
			e.queue.drop(c.cut)
			e.wakeForRoom()
			return
		}
		c.cut.cancelled = why // behind its last piece: what was begun is brought to its end
		return
	}
	e.queue.addCancel(c.id, why)
	e.wake()
}

// giveUp ends a call whose caller no longer waits, unless its answer has come meanwhile.
func (e *engine) giveUp(c *outCall, why *tool.Error) {
	e.mu.Lock()
	over := !c.done && e.gone == nil
	switch {
	case over && c.id == 0: // Start is about to send it
		c.fail(why)
		over = false
	case over:
		e.abandon(c, why)
	}
	e.mu.Unlock()
	if over {
		c.signal()
	}
}

// Start makes a call whose result is given to then, once. It reports false where the call could not be sent at once: then nothing was
// done, and Call waits or says why.
func (e *engine) Start(ctx context.Context, call *tool.Call, then tool.Answerer) bool {
	w, ok := ctx.(watchable)
	if !ok || call.Stream || call.Tables != nil && call.Tables.Count() > 0 {
		return false
	}
	head, parent, err := e.headOf(ctx, call)
	if err != nil {
		return false
	}
	enc := newSharer()
	defer enc.free()
	enc.call(call, head)
	if enc.invalid || enc.size() > maxBody { // Call says why
		return false
	}
	c := e.newOutCall()
	c.call, c.parent, c.ctx, c.then = call, parent, ctx, then
	if !w.Watch(c) {
		c.free()
		return false
	}
	if e.issueNow(c, enc) {
		return true
	}
	if w.Unwatch(c) {
		c.free()
	}
	return false
}

// issueNow sends a call if nothing is in its way. From then on it is its Answerer's.
func (e *engine) issueNow(c *outCall, enc *encoder) bool {
	e.mu.Lock()
	if c.done || e.gone != nil || e.leaving || e.draining || !e.hasRoom(enc.size()) || !e.hasSlot(c.parent != nil) {
		e.mu.Unlock()
		return false
	}
	e.issue(c, enc)
	own := e.hurry(e.outAlone)
	e.mu.Unlock()
	own.run(e)
	return true
}

// Call makes a call and waits for its result.
func (e *engine) Call(ctx context.Context, call *tool.Call) (result tool.Result, err error) {
	err = e.call(ctx, call, &result)
	return result, err
}

// call is Call, and the result is written to its place as it comes.
func (e *engine) call(ctx context.Context, call *tool.Call, into *tool.Result) error {
	if call.Stream {
		call = unstreamed(call)
	}
	*into = tool.Result{}
	c, err := e.begin(ctx, call, into)
	if err != nil {
		return err
	}
	free := c.wait(ctx)
	if c.tables != nil {
		c.tables.end()
	}
	failed := c.err
	if free {
		c.free()
	}
	if failed != nil { // no nil of that type
		return failed
	}
	return nil
}

func unstreamed(call *tool.Call) *tool.Call {
	plain := *call
	plain.Stream = false
	return &plain
}

// wait waits until a call is done, which it soon is when its context ends. It reports whether nobody else holds the call now.
func (c *outCall) wait(ctx context.Context) (alone bool) {
	if c.attended {
		<-c.ready
		return true
	}
	c.ctx = ctx
	if w, ok := ctx.(watchable); ok && w.Watch(c) {
		<-c.ready
		return w.Unwatch(c)
	}
	done := ctx.Done()
	if done == nil {
		<-c.ready
		return true
	}
	select {
	case <-c.ready:
	case <-done:
		c.ContextEnded()
		<-c.ready // it is done now, however that came
	}
	return true
}

// ContextEnded gives up a call whose context has ended.
func (c *outCall) ContextEnded() { c.engine.giveUp(c, wire.ContextError(c.ctx)) }

// answer returns what a call that is done has come to. A call that has just been given up is done as well.
func (c *outCall) answer() (tool.Result, error) {
	if c.err != nil {
		return *c.result, c.err
	}
	return *c.result, nil
}

// Stream makes a call and hands its chunks to send.
func (e *engine) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	if !call.Stream {
		streaming := *call
		streaming.Stream = true
		call = &streaming
	}
	c, err := e.begin(ctx, call, nil)
	if err != nil {
		return tool.Metrics{}, err
	}
	defer c.endTables()
	for {
		select {
		case <-c.ready:
		case <-ctx.Done():
			e.giveUp(c, wire.ContextError(ctx))
			return c.metrics()
		}
		chunks, done := e.takeChunks(c)
		for i := range chunks {
			if ctx.Err() != nil {
				break
			}
			if err := send(tool.Chunk{Value: chunks[i].value, Release: chunks[i].release}); err != nil {
				e.giveUp(c, tool.Errorf(tool.Cancelled, "the caller takes no further chunks of tool %q: %w", call.Tool, err))
				return tool.Metrics{}, err
			}
			e.grant(c, chunks[i].credit, i == len(chunks)-1)
		}
		if done {
			return c.metrics()
		}
	}
}

func (c *outCall) metrics() (tool.Metrics, error) {
	r, err := c.answer()
	return r.Metrics, err
}
