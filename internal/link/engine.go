package link

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// settings are what an engine is made with. They do not change.
type settings struct {
	// process says which end it is. A process's end nests calls and has odd call ids.
	process  bool
	handler  Handler
	maxCalls int
	// ping is how often the other side is pinged; 0 for never.
	ping           time.Duration
	register       func(context.Context, []*tool.Spec) ([]string, error)
	unregister     func(context.Context, string, []string) error
	authenticate   func(context.Context, string) error
	onState        func(StateChange)
	onToolsChanged func(sessionID, revision string)
	onLog          func(key uint64, record LogRecord)
	// notices runs onState in order, for all incarnations of a process.
	notices *serial
}

// engine is the state of one incarnation at one end: everything that outlives a connection.
type engine struct {
	settings
	started time.Time
	// ctx ends with the engine; registrations run under it.
	ctx      context.Context //nolint:containedctx // it is the engine's life, not a call's
	stop     context.CancelFunc
	handlers sync.WaitGroup
	workers  workers
	calls    sync.Pool // of *outCall; each engine has its own because they have channels, which tests in bubbles must not share
	controls serial    // registrations, withdrawals, credentials

	mu sync.Mutex
	// What the other side has said. Set before the first connection is served.
	incarnation string
	peer        string // what the other side is called in errors
	peerCalls   int    // it takes so many calls at once
	limits      atomic.Pointer[wire.Limits]
	grace       time.Duration
	credit      int64 // of a new stream, in both directions

	conn   *conn
	served bool // it has had a connection
	gone   *tool.Error
	last   State // that onState was told

	queue  queue
	window window
	parts  assembly

	nextID       uint64 // of this side's next call
	seen         uint64 // the newest call of the other side
	out          map[uint64]*outCall
	outRunning   int // those that count against peerCalls: without those that wait for a nested call
	in           map[uint64]*inCall
	inWaiting    int // of in: those that wait for a nested call
	serving      int // handlers that have not returned, of cancelled calls too
	replies      map[uint64]*reply
	nextReply    uint64
	draining     bool // the other side takes no new calls
	missed       int  // pings sent since the last sign of life
	late         uint64
	slotWaiters  []chan struct{}
	roomWaiters  []chan struct{}
	blockedSince time.Duration // the window has been closed while frames wait; 0: it is not

	deadlines deadlines
	timer     *time.Timer
	alarmAt   time.Duration // when timer fires; 0: it is not set
	pingAlarm alarm
	lostAlarm alarm // the grace is over
	slowAlarm alarm // looks after a reader that makes no progress
	trimAlarm alarm // lets idle workers go
}

// newEngine returns an engine without a connection.
func newEngine(s settings) *engine {
	ctx, stop := context.WithCancel(context.Background())
	e := &engine{
		settings: s, started: time.Now(), ctx: ctx, stop: stop,
		peer: "the process", peerCalls: defaultMaxCalls,
		grace: defaultGrace, credit: defaultCredit, nextID: 2,
		out: make(map[uint64]*outCall), in: make(map[uint64]*inCall),
	}
	if s.process {
		e.nextID, e.peer = 1, "the bridge"
	}
	limits := wire.DefaultLimits()
	e.limits.Store(&limits)
	e.pingAlarm.fire = e.pingDue
	e.lostAlarm.fire = e.graceOver
	e.slowAlarm.fire = e.checkProgress
	e.trimAlarm.fire = e.trimWorkers
	return e
}

// The times of the protocol.
const (
	defaultGrace = 5 * time.Second
	defaultPing  = 15 * time.Second
	// helloTimeout is how long either side waits for the first message.
	helloTimeout = 5 * time.Second
	// stallTimeout is how long a reader may make no progress while there is something to read.
	stallTimeout = 10 * time.Second
	// missedPings make an end unresponsive.
	missedPings = 3
)

func (e *engine) now() time.Duration { return time.Since(e.started) }

// mine reports whether a call id is one of this side's.
func (e *engine) mine(id uint64) bool { return (id&1 == 1) == e.process }

// State is what onState is told; the mutex is held.
func (e *engine) stateLocked() State {
	switch {
	case e.gone != nil:
		return Gone
	case e.conn == nil:
		return Detached
	case e.draining:
		return Draining
	case e.missed > missedPings:
		return Unresponsive
	default:
		return Ready
	}
}

// State returns the state.
func (e *engine) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stateLocked()
}

// tell tells onState of a change; the mutex is held.
func (e *engine) tell(resumed bool, why error) {
	state := e.stateLocked()
	if state == e.last && !resumed {
		return
	}
	e.last = state
	if e.onState == nil {
		return
	}
	change := StateChange{State: state, Incarnation: e.incarnation, Resumed: resumed, Err: why}
	e.notices.run(func() { e.onState(change) })
}

// Stats returns counts.
func (e *engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{
		Running: e.serving, Waiting: len(e.out), LateFrames: e.late,
		MessagesSent: e.window.sent, MessagesRead: e.window.read, Queued: e.queue.bytes,
	}
}

// send queues a frame that needs no room, such as one of the link itself; the mutex is held.
func (e *engine) send(id uint64, kind protowire.Number, body []byte) {
	if e.gone != nil {
		return
	}
	e.put(id, kind, body)
}

// put queues a frame, cut if it is too long, and wakes the writer; the mutex is held. The body is copied, except that of a cut frame.
func (e *engine) put(id uint64, kind protowire.Number, body []byte) (packNumber uint64, cut *bulk) {
	if frameSize(id, kind, len(body)) > maxPiece {
		cut = e.queue.addBulk(id, kind, nil, body, nil)
	} else {
		packNumber = e.queue.add(id, kind, body)
	}
	e.wake()
	return packNumber, cut
}

// wake lets the writer look for work; the mutex is held.
func (e *engine) wake() {
	if c := e.conn; c != nil && c.idle {
		c.idle = false
		c.work <- struct{}{}
	}
}

// end ends the engine for good. Calls under way end with an error that says whether they were sent.
func (e *engine) end(why *tool.Error) {
	e.mu.Lock()
	finish := e.endLocked(why)
	e.mu.Unlock()
	finish()
}

// endLocked does what needs the mutex and returns the rest.
func (e *engine) endLocked(why *tool.Error) func() {
	if e.gone != nil {
		return func() {}
	}
	e.gone = why
	c := e.conn
	if c != nil {
		c.end(why)
	}
	for _, call := range e.out {
		call.fail(e.lost(call))
	}
	for _, r := range e.replies {
		r.err = why
	}
	for _, b := range e.queue.bulks {
		e.queue.finish(b)
	}
	for _, call := range e.in {
		if b := call.credit.parked; b != nil {
			e.queue.finish(b)
		}
		call.creditNow()
	}
	out, in, replies := e.out, e.in, e.replies
	e.out, e.in, e.replies = nil, nil, nil
	e.queue, e.parts, e.window.unacked = queue{}, assembly{}, nil
	e.wakeAll()
	for len(e.deadlines) > 0 {
		e.deadlines.remove(e.deadlines[0])
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	e.tell(false, why)
	return func() {
		e.stop()
		e.workers.close()
		for _, call := range out {
			call.signal()
		}
		for _, call := range in {
			call.end(context.Canceled)
		}
		for _, r := range replies {
			close(r.ready)
		}
	}
}

// lost says how a call ends whose link is gone.
func (e *engine) lost(call *outCall) *tool.Error {
	name := call.call.Tool
	if e.wasSent(call) {
		err := tool.Errorf(tool.WorkerLost, "the link to %s was lost while it ran tool %q; what the tool did is not known: %s", e.peer, name, e.gone.Message)
		err.Cause = e.gone
		return err
	}
	return e.unavailable(name)
}

// unavailable is the error of a call that was not sent; the mutex is held.
func (e *engine) unavailable(name string) *tool.Error {
	why := "it drains and takes no new calls"
	if e.gone != nil {
		why = e.gone.Message
	}
	err := tool.Errorf(tool.WorkerUnavailable, "tool %q was not called: the link to %s cannot be used: %s", name, e.peer, why)
	if e.gone != nil {
		err.Cause = e.gone
	}
	return err
}

// wasSent reports whether a part of the call may have reached the other side; the mutex is held.
func (e *engine) wasSent(call *outCall) bool {
	if call.cut != nil {
		return call.cut.taken > 0
	}
	return call.pack <= e.queue.left
}

func (e *engine) wasServed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.served
}

// wait waits for all handlers and callbacks, or until ctx ends.
func (e *engine) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		e.handlers.Wait()
		e.controls.done.Wait()
		e.notices.done.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return wire.ContextError(ctx)
	}
}
