package link

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/numbered"
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
	peerTables  bool   // it is a process that takes tables in pieces
	limits      atomic.Pointer[wire.Limits]
	asks        atomic.Bool // process: the bridge can be asked itself
	batches     atomic.Bool // process: the bridge takes batches
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
	theirs       issued // call ids of the other side
	out          numbered.Table[outCall]
	outAlone     int // how many of the newest calls had no other beside them when they began
	inAlone      int // of the other side's
	outRunning   int // those that count against peerCalls: without those that wait for a nested call
	in           numbered.Table[inCall]
	inWaiting    int // of in: those that wait for a nested call
	serving      int // handlers that have not returned, of cancelled calls too
	controlBytes int // of registrations that wait for their turn
	replies      map[uint64]*reply
	nextReply    uint64
	draining     bool // the other side takes no new calls
	leaving      bool // this side says goodbye
	missed       int  // pings sent since the last sign of life
	late         uint64
	slotWaiters  waiters       // for a place at the other side
	roomWaiters  waiters       // for room for a whole frame, or for a call's or all calls' end
	cutWaiters   waiters       // for room for a frame that leaves in pieces
	blockedSince time.Duration // the window has been closed while frames wait; 0: it is not

	audience *audience       // that calls join whose context has its Done channel; nil for none
	lastDone <-chan struct{} // of the last call that joined none
	inRow    int             // how many calls had it

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

// stateLocked is the state; the mutex is held.
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
		Running: e.serving, Waiting: e.out.Len(), LateFrames: e.late,
		MessagesSent: e.window.sent, MessagesRead: e.window.read, Queued: e.queue.bytes + e.queue.cut,
		CreditWaits: e.queue.creditWaits,
	}
}

// send queues a frame that needs no room, such as one of the link itself; the mutex is held.
func (e *engine) send(id uint64, kind protowire.Number, body []byte) {
	if e.gone != nil {
		return
	}
	e.put(id, kind, content{written: body, size: len(body)})
}

// put queues a frame and wakes the writer; see enqueue.
func (e *engine) put(id uint64, kind protowire.Number, body content) (packNumber uint64, cut *bulk) {
	packNumber, cut = e.enqueue(id, kind, body)
	e.wake()
	return packNumber, cut
}

// enqueue queues a frame, cut if it is too long; the mutex is held. What was written of the body is copied, except that of a cut frame;
// what it shares is not.
func (e *engine) enqueue(id uint64, kind protowire.Number, body content) (packNumber uint64, cut *bulk) {
	if frameSize(id, kind, body.size) > maxWhole {
		return 0, e.queue.addBulk(id, kind, body, nil)
	}
	return e.queue.add(id, kind, body).number, nil
}

// wake lets the writer look for work; the mutex is held.
func (e *engine) wake() {
	if c := e.conn; c != nil && c.idle {
		c.idle = false
		c.work <- struct{}{}
	}
}

func (e *engine) wasServed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.served
}
