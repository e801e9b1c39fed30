package broker

import (
	"context"
	"errors"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// callOnce runs a call with a request id unless that was done before: then it answers what that came to, or waits for
// it. What was run is recorded; what was refused before a host got it never is.
func (b *Broker) callOnce(ctx context.Context, call *tool.Call) (tool.Result, error) {
	began := time.Now()
	if err := b.admit(call); err != nil {
		return b.answered(ctx, call, tool.Result{}, began, err)
	}
	asked := request{
		key: tool.SessionKey{Owner: call.Principal.Name, ID: call.SessionID}, id: call.RequestID,
		payload: fingerprint(b.seed, call), linger: b.lingers(call),
	}
	asked.limit, _ = ctx.Deadline()
	r := &namedRun{run: run{call: call}}
	for {
		if ctx.Err() != nil {
			r := &run{runContext: runContext{from: ctx}, call: call, began: began}
			return b.answered(ctx, call, tool.Result{}, began, r.over(routing))
		}
		rec, first, again := b.ledger.enter(&asked, &r.flight, time.Now())
		if first {
			r.record, r.again = rec, again
			return b.fly(ctx, r)
		}
		if result, err, ok := b.meet(ctx, call, rec, asked.payload); ok {
			return b.answered(ctx, call, result, began, err)
		}
	}
}

// answered completes an answer that no host was asked for.
func (b *Broker) answered(ctx context.Context, call *tool.Call, result tool.Result, began time.Time, err error) (tool.Result, error) {
	r := &run{call: call}
	b.begin(ctx, r)
	if !call.Received.IsZero() {
		began = call.Received
	}
	took := max(time.Since(began), 1)
	waited := min(result.Metrics.Queue, took)
	result.Metrics = tool.Metrics{Duration: took, Queue: waited, Route: took - waited, Worker: result.Metrics.Worker}
	b.observe(r, result.Metrics, result.Value.Size(), err)
	return result, err
}

// fly runs the call of a record. It goes on when the caller leaves, as long as others wait for it or its grace lasts.
func (b *Broker) fly(ctx context.Context, r *namedRun) (result tool.Result, err error) {
	rec := r.record
	state := dropped
	defer func() { // a panic of a host in this process leaves no record either
		kept, why := result, err
		if state == concluded {
			kept, why = recorded(&r.run, result, err)
		}
		b.ledger.conclude(rec, state, r.epoch.Load(), kept, why, time.Now())
	}()
	r.held = held{ctx, b.ledger, rec}
	if p, ok := ctx.(watchable); ok && p.Watch(&r.held) {
		defer p.Unwatch(&r.held)
	} else if ctx.Done() != nil {
		defer context.AfterFunc(ctx, r.held.ContextEnded)()
	}
	result, err = b.call(&r.held, &r.run)
	result.Replayed = false // whatever the host says
	state = r.outcome(err)
	return result, err
}

func (b *Broker) lingers(call *tool.Call) time.Duration {
	if !call.Linger {
		return 0
	}
	return b.config.ReattachGrace
}

// outcome says what is to become of the record of a call that has ended.
func (r *run) outcome(err error) recordState {
	switch {
	case !r.started:
		return dropped
	case err == nil:
		return concluded
	}
	var e *tool.Error
	switch {
	case r.spec.Idempotent && (uncertain(err) || tool.CodeOf(err) == tool.WorkerLost):
		return dropped
	case errors.As(err, &e) && e.Retryable:
		return open
	default:
		return concluded
	}
}

// uncertain reports whether an error leaves open what a started call did.
func uncertain(err error) bool {
	code := tool.CodeOf(err)
	return code == tool.DeadlineExceeded || code == tool.Cancelled
}

// recorded returns an answer as it is kept; the ledger copies its texts and bytes.
func recorded(r *run, result tool.Result, err error) (tool.Result, error) {
	kept := tool.Result{Metrics: tool.Metrics{Worker: r.worker}, Replayed: true}
	if _, _, streamed := result.Value.Streamed(); streamed && err == nil {
		return kept, tool.Errorf(tool.OutcomeUnknown, "request %q has run tool %q, and its result, a table in pieces, is not recorded: make the call under another request id, if it may run again",
			r.call.RequestID, r.spec.ID).With("request_id", r.call.RequestID).With("tool", r.spec.ID).With("started", "true").With("completed", "true")
	}
	if err == nil {
		kept.Value = result.Value
		return kept, nil
	}
	var e *tool.Error
	switch {
	case uncertain(err):
		return kept, tool.Errorf(tool.OutcomeUnknown, "request %q has started tool %q and ended before its outcome was known (%s); it is not started again: find out what it did, or make it under another request id",
			r.call.RequestID, r.spec.ID, tool.CodeOf(err)).With("request_id", r.call.RequestID).With("tool", r.spec.ID).With("started", "true")
	case errors.As(err, &e):
		bare := *e
		bare.Cause = nil
		return kept, &bare
	default:
		return kept, err
	}
}

// meet answers a call from the record of an earlier one with its request id. It answers false when there is none any more.
func (b *Broker) meet(ctx context.Context, call *tool.Call, rec *record, payload uint64) (tool.Result, error, bool) { //nolint:revive // the error is a part of the answer
	session, err := b.live(ctx, tool.SessionKey{Owner: call.Principal.Name, ID: call.SessionID}, call.Epoch, call.MinRevision)
	if err != nil {
		return tool.Result{}, err, true
	}
	state, epoch := b.ledger.look(rec)
	switch {
	case state == dropped:
		return tool.Result{}, nil, false
	case epoch != 0 && epoch != session.Epoch:
		b.ledger.discard(rec)
		return tool.Result{}, nil, false
	case rec.payload != payload:
		return tool.Result{}, tool.Errorf(tool.RequestConflict, "request id %q was used before in session %q for another call: use a new one for each call", call.RequestID, call.SessionID).
			With("request_id", call.RequestID).With("session", call.SessionID), true
	}
	b.touch(ctx, session.Key)
	if state == underWay {
		return b.join(ctx, call, rec)
	}
	result, err := rec.answer(call)
	return result, err, true
}

// answer returns what a call that has ended came to, as another caller may see it.
func (rec *record) answer(call *tool.Call) (tool.Result, error) {
	result := tool.Result{
		Value:   tool.Value{TypeURL: rec.typeURL.Value(), Bytes: []byte(rec.body)},
		Metrics: tool.Metrics{Worker: rec.worker.Value()}, Replayed: rec.replayed,
	}
	var e *tool.Error
	if !call.WantStack && errors.As(rec.err, &e) && e.Stack != "" {
		bare := *e
		bare.Stack = ""
		return result, &bare
	}
	result.Replayed = true
	return result, rec.err
}

// join waits for a call that runs, and says in the result's metrics for how long. It answers false when that one is being cancelled, once it has ended.
func (b *Broker) join(ctx context.Context, call *tool.Call, rec *record) (tool.Result, error, bool) { //nolint:revive // the error is a part of the answer
	began := time.Now()
	end, joined := b.ledger.join(rec, b.lingers(call))
	defer b.yield(ctx, call)()
	select {
	case <-end:
	case <-ctx.Done():
		if joined {
			b.ledger.leave(ctx, rec, false)
		}
		r := &run{runContext: runContext{from: ctx}, call: call, began: began, spec: &tool.Spec{ID: call.Tool}}
		return tool.Result{Metrics: tool.Metrics{Queue: time.Since(began)}}, r.over(running), true
	}
	if !joined {
		return tool.Result{}, nil, false
	}
	result, err := rec.answer(call)
	result.Metrics.Queue = time.Since(began)
	return result, err, true
}

// yield gives back the place of the call during which this one waits for another, as for a nested one that runs.
func (b *Broker) yield(ctx context.Context, call *tool.Call) (end func()) {
	if call.Parent == 0 {
		return func() {}
	}
	r := &run{call: call, began: time.Now()}
	r.under(ctx)
	if b.scheduler.enter(r) != nil { // the bridge stops: what is waited for ends soon
		return r.release
	}
	return func() {
		b.scheduler.leave(r)
		r.release()
	}
}

// withoutRecord refuses to start a call again of which nobody knows what became of its earlier attempt.
func (b *Broker) withoutRecord(r *run, spec *tool.Spec) error {
	call := r.call
	if call.Attempt == 0 || r.again || spec.Idempotent {
		return nil
	}
	why := "its record is kept no longer"
	switch {
	case call.RequestID == "":
		why = "it has no request id"
	case call.BridgeRun != "" && call.BridgeRun != b.run:
		why = "the bridge was restarted since"
	}
	return tool.Errorf(tool.OutcomeUnknown, "attempt %d of a call of tool %q: what became of the earlier one is not known, %s, and the tool is not idempotent; it was not started again",
		call.Attempt, spec.ID, why).With("tool", spec.ID).With("request_id", call.RequestID)
}
