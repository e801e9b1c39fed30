package broker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// run is one call on its way through the broker, and the context that its host gets: done when the caller's
// context is, when its time is over, when its session ends, or when the broker stops.
type run struct {
	runContext
	call  *tool.Call
	began time.Time
	// mark is when, since began, the last step of its way ended, so that the clock is read once between two; 0 where it is to be
	// read anew.
	mark time.Duration
	// epoch of the session as last looked up; 0 before.
	epoch atomic.Uint64

	// Owned by the goroutine of the call. The first two are also read by the broker's other goroutines while the call waits
	// or runs, and do not change then.
	spec     *tool.Spec
	limit    time.Time // the broker's own time limit, see deadlines; zero for none
	attempts int
	record   *record       // of its request id; nil where it has none
	queue    time.Duration // spent in queues, and in pauses before another attempt
	hosted   time.Duration // spent at hosts and on the way to them and back
	executed time.Duration // of that, in the tool, as far as is known, see returned
	worker   string
	send     func(tool.Chunk) error // streams only
	maxChunk int                    // bytes
	chunks   int
	streamed int // value bytes of them
	sendErr  error
	result   tool.Result
	sent     time.Duration // when the host got it, since began
	lost     error         // its host was lost; the tool is idempotent
	avoid    *host         // for the next attempt
	reroutes int
	then     tool.Answerer             // takes the result, where nobody waits for it; nil for none
	broker   *Broker                   // set where then is
	recorded func(tool.Metrics, error) // ends the tracer's record; nil for none
	ending   ending                    // what operators are told of it when it has ended
	timed    bool                      // deadlines watches it
	started  bool                      // a host may have begun it
	again    bool                      // its earlier attempt is known to have left nothing behind
	left     bool                      // it holds nothing any more

	// Guarded by deadlines.mu, which also renews the limit of streams.
	at      *bucket
	dueNext *run
	duePrev *run

	idle     time.Duration // streams: how long it may make no progress; 0 for other calls
	activity atomic.Int64  // streams: when it last made progress, in nanoseconds since began; sending while the reader is waited for

	flowing atomic.Bool // streams: the caller has its first chunk

	// Guarded by scheduler.mu.
	given        int32 // how often it was given to a host
	waiting      bool  // in the queue of a tool
	holding      bool  // it takes a place at its host
	recheck      bool  // its session may have ended since it was looked up
	older        bool  // spec is an older one than the catalog has, because nobody offers that one here any more
	number       uint64
	parentNumber uint64
	asked        *tool.Call // call as it came; not changed after enter
	found        *tool.Spec // spec, once a place is looked for
	session      *sessionState
	prev, next   *run // of the session
	parent       *run
	inherited    time.Time // the parent's deadline; not changed after enter
	nested       int       // calls that it waits for
	offer        *offer    // who runs it; nil before and after
	key          uint64
}

// sending in run.activity says that the reader of a stream is being waited for, during which the idle clock stands.
const sending = -1

// waiter is a run's place in the queue of a tool. Guarded by scheduler.mu, except that the run's goroutine waits on ready.
type waiter struct {
	run        *run
	pool       *pool
	bytes      int
	line       *line
	prev, next *waiter
	ready      chan struct{} // closed when verdict and run.offer are final
	verdict    error         // why it was turned away; nil with run.offer set, or to route again
}

// stall is the cause of a stream's end that made no progress.
type stall struct{}

func (stall) Error() string { return "no progress" }

// Deadline is the earlier of the caller's and the broker's own.
func (r *run) Deadline() (time.Time, bool) {
	at, ok := r.from.Deadline()
	if r.idle == 0 && !r.limit.IsZero() && (!ok || r.limit.Before(at)) {
		return r.limit, true
	}
	return at, ok
}

// progress says that a stream is alive.
func (r *run) progress() {
	if r.activity.Load() != sending {
		r.activity.Store(int64(time.Since(r.began)))
	}
}

// Whereabouts of a call when its time ends.
const (
	routing   = "was being routed"
	queued    = "was queued"
	running   = "was running"
	streaming = "was streaming"
)

// over is the error of a run whose context is done.
func (r *run) over(where string) *tool.Error {
	err := r.cause(where).With("phase", phase(where))
	if where == routing || where == queued {
		return err.With("started", "false")
	}
	err = err.With("started", "true")
	if err.Code == tool.DeadlineExceeded {
		err.Retryable = r.spec.Idempotent
	}
	return err
}

// cause says why the context is done: what whoever cancelled it said, or that time is over, or that the caller left.
func (r *run) cause(where string) *tool.Error {
	end, cause := r.ended()
	after := time.Since(r.began).Round(time.Millisecond)
	var given *tool.Error
	switch {
	case errors.As(cause, &given):
		return given
	case errors.Is(cause, stall{}):
		return tool.Errorf(tool.DeadlineExceeded, "tool %q made no progress for %v while the call %s: send chunks or progress more often, or raise the limit", r.call.Tool, r.idle, where)
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(end, context.DeadlineExceeded):
		return tool.Errorf(tool.DeadlineExceeded, "the deadline passed after %v while the call of tool %q %s", after, r.call.Tool, where)
	default:
		return tool.Errorf(tool.Cancelled, "the caller cancelled the call of tool %q after %v while it %s", r.call.Tool, after, where)
	}
}

// phase is the word for programs.
func phase(where string) string { return where[len("was "):] }
