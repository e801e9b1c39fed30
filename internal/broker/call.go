package broker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Bounds on dispatching one call again.
const (
	maxAttempts = 4
	maxReroutes = 100
	firstPause  = 10 * time.Millisecond
)

// Call runs a call that wants one result and waits for it. Metrics are set also where the call failed. It sets Spec and Key of call.
//
// The time limit is ctx's deadline, else the tool's Timeout, else Limits.CallTimeout; for a nested call also what is left to its
// parent. A call is dispatched at most once, unless its host did not start it, or the tool is idempotent and its host was lost.
//
// A call with a RequestID is run once, however often it is made: later ones join it or are answered from its record. Tables that
// travel in pieces are not recorded.
func (b *Broker) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	if call.RequestID != "" && (call.Tables == nil || call.Tables.Count() == 0) {
		return b.callOnce(ctx, call)
	}
	return b.call(ctx, &run{call: call})
}

func (b *Broker) call(ctx context.Context, r *run) (tool.Result, error) {
	_, err := b.perform(b.begin(ctx, r), r)
	return b.complete(r, err)
}

// complete makes the answer of a call that has ended.
func (b *Broker) complete(r *run, err error) (tool.Result, error) {
	r.result.Metrics = r.metrics()
	if err != nil {
		r.result.Value = tool.Value{}
	}
	b.observe(r, r.result.Metrics, r.result.Value.Size(), err)
	return r.result, err
}

// Stream runs a call that wants chunks. It calls send for each, one at a time and in order, and waits for it: that is
// the back-pressure. An error of send ends the call and is returned. A stream ends when it made no progress for
// Limits.StreamIdle, not counting the time in send; a total time limit it has only where ctx has a deadline.
func (b *Broker) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	own := *call
	own.Stream = true
	r := &run{call: &own, send: send, idle: b.limits.StreamIdle, maxChunk: b.limits.ValueBytes}
	own.OnProgress = r.watched(call.OnProgress)
	_, err := b.perform(b.begin(ctx, r), r)
	metrics := r.metrics()
	call.Number = own.Number
	b.observe(r, metrics, r.streamed, err)
	return metrics, err
}

// perform takes a call all its way, or, where it is not waited for, so far that its host answers later.
func (b *Broker) perform(ctx context.Context, r *run) (later bool, err error) {
	r.began = time.Now()
	if err := b.admit(r.call); err != nil {
		return false, err
	}
	r.under(ctx)
	if r.record != nil {
		b.ledger.launch(r.record, r)
	}
	if err := b.scheduler.enter(r); err != nil {
		r.release()
		return false, err
	}
	if r.call.Timeout > 0 && r.record == nil && r.idle == 0 {
		b.setOwnLimit(r)
	}
	return b.goOn(r)
}

// goOn attempts a call until it has ended, or its host answers later: then the run is not this goroutine's any more.
func (b *Broker) goOn(r *run) (later bool, err error) {
	panics := true
	defer func() {
		if later {
			return
		}
		if !panics {
			r.conclude(err)
		}
		b.leave(r)
	}()
	later, err = b.attempt(r)
	panics = false
	return later, err
}

// leave lets go of what a call holds.
func (b *Broker) leave(r *run) {
	r.left = true
	if r.timed {
		b.deadlines.remove(r)
	}
	b.scheduler.leave(r)
	r.release()
}

// admit refuses what needs no look at the session.
func (b *Broker) admit(call *tool.Call) error {
	if len(call.Tool) > tool.MaxNameBytes { // errors repeat the name
		return tool.CheckName("tool id", call.Tool)
	}
	if err := call.CheckBounds(); err != nil {
		return err
	}
	if call.Depth > b.limits.CallDepth {
		return tool.Errorf(tool.CallDepthExceeded, "the call of tool %q is nested in %d others, the limit is %d: do tools call each other in a circle?", call.Tool, call.Depth, b.limits.CallDepth).
			With("limit", strconv.Itoa(b.limits.CallDepth)).With("tool", call.Tool)
	}
	if n := call.ArgumentBytes(); n > b.limits.ValueBytes {
		return tooLarge("the arguments of tool "+strconv.Quote(call.Tool), n, b.limits.ValueBytes)
	}
	return nil
}

func tooLarge(what string, size, limit int) *tool.Error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: %s: %d bytes, the limit is %d; send less at once", what, size, limit).
		With("limit", strconv.Itoa(limit)).With("size", strconv.Itoa(size))
}

// attempt looks a call up, finds a place for it and dispatches it, again where that is allowed.
func (b *Broker) attempt(r *run) (later bool, err error) {
	for {
		placed, err := b.bring(r, r.avoid)
		if err != nil {
			if r.lost != nil && tool.CodeOf(err) == tool.WorkerUnavailable {
				return false, r.lost
			}
			return false, err
		}
		if !placed {
			if r.reroutes++; r.reroutes > maxReroutes {
				return false, tool.Errorf(tool.WorkerUnavailable, "tool %q changed %d times while the call was routed: try again", r.call.Tool, r.reroutes).WithRetryAfter(time.Second)
			}
			continue
		}
		later, err := b.dispatch(r)
		if later {
			return true, nil
		}
		if !r.mayGoAgain(err) {
			return false, err
		}
		if err := b.retreat(r, err); err != nil {
			return false, err
		}
	}
}

// retreat gives back the place of a call that goes again, and waits where it must. It fails if the call ends meanwhile.
func (b *Broker) retreat(r *run, err error) error {
	at := r.offer.host
	b.scheduler.release(r)
	r.avoid = at
	if tool.CodeOf(err) == tool.WorkerLost { // of an idempotent tool
		r.lost = err
		return nil
	}
	r.avoid, err = r.pause(at)
	return err
}

// bring looks a call up and waits for a place. It answers false if the call must be looked up again.
func (b *Broker) bring(r *run, avoid *host) (placed bool, err error) {
	r.mark = 0
	err = b.lookUp(r)
	if err != nil && r.Err() != nil {
		err = r.over(routing)
	}
	var w *waiter
	var rerouted bool
	if err == nil {
		w, rerouted, err = b.scheduler.acquire(r, r.spec, avoid)
	}
	r.mark = time.Since(r.began)
	switch {
	case err != nil || rerouted:
		return false, err
	case w == nil:
		return true, nil
	default:
		return b.await(r, w)
	}
}

// await waits for a place in the queue of the tool.
func (b *Broker) await(r *run, w *waiter) (placed bool, err error) {
	given := w.wait(r, b.scheduler)
	start := r.mark
	r.mark = time.Since(r.began)
	r.queue += r.mark - start
	if !given {
		return false, r.over(queued)
	}
	if w.verdict != nil {
		return false, w.verdict
	}
	if at, limited := r.Deadline(); limited && !r.began.Add(r.mark).Before(at) {
		r.cancel(overtime(r)) // whose timer is late
	}
	if r.Err() != nil {
		return false, r.over(queued)
	}
	return r.offer != nil, nil
}

// wait waits for a place or a verdict. It reports false when the call ended before.
func (w *waiter) wait(r *run, s *scheduler) bool {
	select {
	case <-w.ready:
	case <-r.Done():
		if s.abandon(w) {
			return false
		}
		<-w.ready
	}
	return true
}

// lookUp finds a call's session and tool and checks its arguments.
func (b *Broker) lookUp(r *run) error {
	if r.Err() != nil {
		return r.over(routing)
	}
	call := r.call
	key := tool.SessionKey{Owner: call.Principal.Name, ID: call.SessionID}
	rec, idle, err := b.unused(r, key, call.Epoch, call.MinRevision)
	if err != nil {
		return err
	}
	r.epoch.Store(rec.Epoch)
	r.ending.session = rec
	spec := rec.Tools.Lookup(call.Tool)
	if spec == nil {
		shared, err := b.store.SharedTools(r)
		if err != nil {
			return err
		}
		if spec = shared.Lookup(call.Tool); spec == nil {
			return unknownTool(call.Tool, rec, shared)
		}
	}
	advertised := spec
	spec = b.scheduler.instead(key, spec)
	r.older = spec != advertised
	if call.Spec == nil { // the observer wants it also of a call that is refused
		call.Spec = spec
	}
	if err := validate(spec, call); err != nil {
		return err
	}
	if err := b.withoutRecord(r, spec); err != nil {
		return err
	}
	first := r.spec == nil
	r.spec = spec
	if first {
		if idle >= rec.TTL/untouched {
			b.touch(r, key)
		}
		b.setLimit(r)
		return b.rates.take(rec.Key, rec.Epoch, spec)
	}
	return nil
}

// setOwnLimit begins to watch the time limit that an item of a batch has besides its context.
func (b *Broker) setOwnLimit(r *run) {
	limit := r.began.Add(r.call.Timeout)
	if at, given := r.from.Deadline(); given && !limit.Before(at) {
		return // setLimit looks at the rest
	}
	if !r.inherited.IsZero() && r.inherited.Before(limit) {
		limit = r.inherited
	}
	b.watch(r, limit)
}

// setLimit begins to watch the time limit that the broker itself gives a call.
func (b *Broker) setLimit(r *run) {
	if r.timed {
		return
	}
	if r.idle > 0 {
		b.watch(r, r.began.Add(r.idle))
		return
	}
	at, given := r.from.Deadline()
	limit := r.inherited
	if !given {
		own := r.began.Add(b.limits.CallTimeout)
		if r.spec.Timeout > 0 {
			own = r.began.Add(r.spec.Timeout)
		}
		if limit.IsZero() || own.Before(limit) {
			limit = own
		}
	}
	if limit.IsZero() || given && !limit.Before(at) {
		return
	}
	b.watch(r, limit)
}

func (b *Broker) watch(r *run, limit time.Time) {
	r.limit, r.timed = limit, true
	b.deadlines.add(r)
}

// dispatch gives a call to the host where it has a place, and checks the answer, unless that comes later.
func (b *Broker) dispatch(r *run) (later bool, err error) {
	h := r.offer.host
	if r.attempts > 0 { // the host of the first attempt may still look at its Call
		again := *r.call
		r.call = &again
	}
	r.call.Spec, r.call.Key = r.spec, r.key
	r.attempts++
	r.worker = h.name()
	r.sent = r.mark
	if r.then != nil {
		if s, ok := h.runner.(Starter); ok && s.Start(r, r.call, r) {
			return true, nil
		}
	}
	if h.options.Local && r.then == nil {
		return false, b.returned(r, r.apart(h.runner))
	}
	return false, b.returned(r, r.execute(h.runner))
}

// returned checks and completes what came back from a host.
func (b *Broker) returned(r *run, err error) error {
	r.mark = time.Since(r.began)
	took := r.mark - r.sent
	r.hosted += took
	r.executed += r.within(took, err)
	err = b.judge(r, err)
	r.started = r.started || tool.CodeOf(err) != tool.WorkerUnavailable
	return err
}

// within says how much of an attempt's time was the tool's. Where its host told nothing, because it was lost, or because the call ended
// before it answered, all of it: the call was there, as far as anybody knows.
func (r *run) within(took time.Duration, err error) time.Duration {
	told := r.result.Metrics.Execute
	if told <= 0 && err != nil && (r.sendErr != nil || r.Err() != nil || tool.CodeOf(err) == tool.WorkerLost) {
		return took
	}
	return min(max(told, 0), took)
}

// execute runs a call at its host.
func (r *run) execute(h Host) (err error) {
	if r.send == nil {
		r.result, err = h.Call(r, r.call)
		return err
	}
	r.activity.Store(int64(time.Since(r.began)))
	r.result.Metrics, err = h.Stream(r, r.call, r.pass)
	return err
}

// apart runs a call at a host of the bridge's own process on a goroutine of its own, and waits for it: a function that ends its
// goroutine must not end the one that answers the caller. A link sees to that itself.
func (r *run) apart(h Host) (err error) {
	var panicked any
	ended, returned := make(chan struct{}), false
	go func() {
		defer close(ended)
		defer func() {
			if !returned {
				panicked = recover()
			}
		}()
		err = r.execute(h)
		returned = true
	}()
	<-ended
	switch {
	case returned:
		return err
	case panicked != nil:
		panic(panicked)
	default:
		return tool.Errorf(tool.Internal, "tool %q ended its goroutine by runtime.Goexit: let it return an error", r.call.Tool)
	}
}

// judge checks and completes what a host answered.
func (b *Broker) judge(r *run, err error) error {
	if err == nil {
		if n := r.result.Value.Size(); n > b.limits.ValueBytes {
			return tooLarge("the result of tool "+strconv.Quote(r.call.Tool), n, b.limits.ValueBytes).With("started", "true")
		}
		return nil
	}
	if r.sendErr != nil {
		return r.sendErr
	}
	if r.Err() != nil {
		return r.over(r.where())
	}
	var e *tool.Error
	if !errors.As(err, &e) {
		return tool.Errorf(tool.Internal, "the host of tool %q failed: %w", r.call.Tool, err)
	}
	return b.explained(r, e)
}

// explained adds to a host's error what only the broker knows.
func (b *Broker) explained(r *run, e *tool.Error) *tool.Error {
	e = e.Bounded(b.limits.ValueBytes)
	if e.Stack != "" && !r.call.WantStack { // whatever the host sent: it tells of paths
		bare := *e
		bare.Stack = ""
		e = &bare
	}
	switch e.Code {
	case tool.WorkerUnavailable:
		return e.With("started", "false").With("tool", r.spec.ID)
	case tool.WorkerLost, tool.DeadlineExceeded:
		e = e.With("started", "true").With("tool", r.spec.ID)
		e.Retryable = r.spec.Idempotent
		return e
	case tool.Cancelled:
		return e.With("started", "true")
	default:
		return e
	}
}

// errorSize is what an error weighs.
func errorSize(e *tool.Error) int {
	n := len(e.Message) + len(e.Stack) + len(e.Class) + e.Exception.Size()
	for k, v := range e.Details {
		n += len(k) + len(v)
	}
	return n
}

// where says how far a dispatched call is.
func (r *run) where() string {
	if r.chunks > 0 {
		return streaming
	}
	return running
}

// mayGoAgain reports whether a call that a host failed may be dispatched again: it was certainly not started, or its
// tool is idempotent, its host was lost and the caller has seen nothing of it.
func (r *run) mayGoAgain(err error) bool {
	if err == nil || r.Err() != nil || r.sendErr != nil || r.attempts >= maxAttempts || r.chunks > 0 {
		return false
	}
	if r.call.Tables != nil && r.call.Tables.Moved() {
		return false
	}
	switch tool.CodeOf(err) {
	case tool.WorkerUnavailable:
		return true
	case tool.WorkerLost:
		return r.spec.Idempotent
	default:
		return false
	}
}

// pause waits before a call is given again to hosts of which one did not take it, longer each time. It returns the
// host to avoid: none once all were tried.
func (r *run) pause(refused *host) (avoid *host, err error) {
	began := r.mark
	r.mark = 0
	defer func() { r.queue += time.Since(r.began) - began }()
	timer := time.NewTimer(firstPause << r.attempts)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil, nil
	case <-r.Done():
		return refused, r.over(queued)
	}
}

// metrics says where the time went: all of it, so that the parts add up.
func (r *run) metrics() tool.Metrics {
	m := tool.Metrics{
		Queue: r.queue, Execute: r.executed, Transport: r.hosted - r.executed,
		Worker: r.worker, Attempts: r.attempts,
	}
	before := time.Duration(0) // until the broker took it
	if !r.call.Received.IsZero() {
		before = max(0, r.began.Sub(r.call.Received))
	}
	if r.call.Batched {
		m.Queue += before
	}
	over := r.ending.took
	if over == 0 {
		over = time.Since(r.began)
	}
	m.Duration = max(before+over, 1)
	m.Route = max(0, m.Duration-m.Queue-m.Execute-m.Transport)
	return m
}
