package broker

import (
	"context"
	"errors"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// flight is a call with a request id while it runs: who waits for it, and when it ends because nobody does. It is run by
// the goroutine of its first caller, also after that one has left. Guarded by ledger.mu.
type flight struct {
	callers int
	linger  time.Duration // how long it runs on without callers
	limit   time.Time     // the first caller's deadline; zero for none
	cause   error         // why it was cancelled
	timer   *time.Timer
	run     *run          // nil before it has begun
	done    chan struct{} // closed when it has ended; made by the first who waits for that
}

// namedRun is the run of a call with a request id, and what only such a one needs.
type namedRun struct {
	run
	held   held
	flight flight
}

// held is the context of a call that does not end when its caller leaves. It keeps the caller's deadline and values.
type held struct {
	context.Context //nolint:containedctx // the caller's

	ledger *ledger
	record *record
}

// ContextEnded says that the caller has left.
func (h *held) ContextEnded() { h.ledger.leave(h.Context, h.record, true) }

// Done says that it never ends by itself.
func (*held) Done() <-chan struct{} { return nil }

// Err says that it has not ended.
func (*held) Err() error { return nil }

// land ends it.
func (f *flight) land() {
	if f.timer != nil {
		f.timer.Stop()
	}
	if f.done != nil {
		close(f.done)
	}
	*f = flight{}
}

// overBy reports whether the call runs in an epoch of its session that is over.
func (f *flight) overBy(epoch uint64) bool {
	if f.run == nil {
		return false
	}
	at := f.run.epoch.Load()
	return at != 0 && at <= epoch
}

// stop cancels the call.
func (f *flight) stop(cause error) {
	if f.cause != nil {
		return
	}
	f.cause = cause
	if f.run != nil {
		f.run.cancel(cause)
	}
}

// launch says how the call of a record is cancelled.
func (l *ledger) launch(rec *record, r *run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rec.run = r
	if rec.cause != nil {
		r.cancel(rec.cause)
	}
}

// join counts one more caller in and returns what is closed when the call has ended. One that is being cancelled takes none:
// then it answers false, and the end of it is only waited for.
func (l *ledger) join(rec *record, linger time.Duration) (end <-chan struct{}, joined bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rec.flight == nil || rec.cause != nil {
		return l.end(rec), false
	}
	if rec.callers == 0 { // only its deadline ends it now
		l.arm(rec, rec.limit, context.DeadlineExceeded)
	}
	rec.callers++
	rec.linger = max(rec.linger, linger)
	return l.end(rec), true
}

// leave counts a caller out whose context is done. Only the first one's deadline is that of the call; it holds for the others too.
func (l *ledger) leave(ctx context.Context, rec *record, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rec.flight == nil {
		return
	}
	rec.callers--
	err, why := endOf(ctx)
	switch until := time.Now().Add(rec.linger); {
	case first && errors.Is(err, context.DeadlineExceeded):
		rec.stop(why)
	case rec.callers > 0:
		l.arm(rec, rec.limit, context.DeadlineExceeded)
	case rec.linger == 0 || decided(why):
		rec.stop(why)
	case !rec.limit.IsZero() && rec.limit.Before(until):
		l.arm(rec, rec.limit, context.DeadlineExceeded)
	default:
		l.arm(rec, until, tool.Errorf(tool.Cancelled, "the caller of request %q left and did not come back within %v", rec.id, rec.linger))
	}
}

// decided reports whether a context ended because somebody said why, as a batch does that fails fast, and not because its
// caller was lost, who may come back.
func decided(why error) bool {
	var known *tool.Error
	return errors.As(why, &known)
}

// arm sets when a call ends by itself, in place of what was set before; never at the zero time.
func (l *ledger) arm(rec *record, at time.Time, cause error) {
	if rec.timer != nil {
		rec.timer.Stop()
		rec.timer = nil
	}
	if at.IsZero() {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(at), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if rec.flight != nil && rec.timer == timer {
			rec.stop(cause)
		}
	})
	rec.timer = timer
}
