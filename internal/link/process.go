package link

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Process is a process's end of its link. It outlives connections and incarnations. All methods may be called by any
// number of goroutines.
type Process struct {
	cfg     ProcessConfig
	notices serial
	// running is held by Run.
	running sync.Mutex

	mu      sync.Mutex
	engine  *engine // of the current incarnation, or of the next one
	older   []*engine
	welcome Welcome
	greeted bool
	ends    context.CancelFunc // ends the running Run; nil if none runs
	closed  *tool.Error
}

// NewProcess returns a process's end without a connection. Calls made before the first one wait for it.
func NewProcess(cfg ProcessConfig) *Process {
	if cfg.Identity == "" {
		panic("link: ProcessConfig.Identity is empty")
	}
	if cfg.MaxCalls <= 0 {
		cfg.MaxCalls = defaultMaxCalls
	}
	if cfg.Handler == nil {
		cfg.Handler = noTools{}
	}
	p := &Process{cfg: cfg}
	p.engine = p.newEngine()
	return p
}

func (p *Process) newEngine() *engine {
	return newEngine(settings{
		process: true, handler: p.cfg.Handler, maxCalls: p.cfg.MaxCalls,
		onState: p.cfg.OnState, onToolsChanged: p.cfg.OnToolsChanged, onLog: p.cfg.OnLog, notices: &p.notices,
	})
}

// Run serves one connection until it ends, and returns why: a *tool.Error (ProtocolError, Unauthenticated …) if a side
// refused the other for good, the stream's error otherwise. Then the process opens another stream and runs it; calls
// under way go on if the bridge still knows the incarnation. A second Run ends the first.
func (p *Process) Run(ctx context.Context, s Stream) error {
	defer s.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.takeOver(cancel); err != nil {
		return err
	}
	p.running.Lock()
	defer p.running.Unlock()

	e := p.open()
	if err := s.Send(singleMessage(0, frameHello, p.hello(e).proto()), nil); err != nil {
		return err
	}
	w, err := p.awaitWelcome(ctx, s)
	if err != nil {
		return err
	}
	if e, err = p.greet(e, w); err != nil {
		_ = s.Send(protocolErrorMessage(0, wire.Error(err)), nil) // the error itself is returned
		return err
	}
	if err := e.serve(ctx, s, w.Received, func() Message { return nil }); err != nil {
		return err
	}
	return errEnded
}

var errEnded = errors.New("the bridge ended the link's stream")

// takeOver ends the Run that runs.
func (p *Process) takeOver(cancel context.CancelFunc) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return p.closed
	}
	if p.ends != nil {
		p.ends()
	}
	p.ends = cancel
	return nil
}

// open returns the engine to be attached: a new one if the last is gone.
func (p *Process) open() *engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engine.State() == Gone {
		p.replace()
	}
	return p.engine
}

// replace begins the next incarnation; the mutex is held.
func (p *Process) replace() {
	p.older = append(p.stillServing(), p.engine)
	p.engine = p.newEngine()
}

// stillServing returns the older engines with handlers that run; the mutex is held.
func (p *Process) stillServing() []*engine {
	var serving []*engine
	for _, e := range p.older {
		if e.Stats().Running > 0 {
			serving = append(serving, e)
		}
	}
	return serving
}

func (p *Process) hello(e *engine) *Hello {
	h := &Hello{
		Revision: Revision, MinRevision: Revision, Identity: p.cfg.Identity, MaxCalls: p.cfg.MaxCalls,
		Capabilities: p.cfg.Capabilities, Labels: p.cfg.Labels,
	}
	if p.cfg.Token != nil {
		h.Token = p.cfg.Token()
	}
	h.Incarnation, h.Received = e.resumable()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, older := range p.older {
		h.StillRunning += older.Stats().Running
	}
	return h
}

// resumable returns the incarnation that can be resumed, and how many of its messages were read. No connection is
// open, so nothing is read meanwhile.
func (e *engine) resumable() (string, uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.incarnation, e.window.read
}

func (p *Process) awaitWelcome(ctx context.Context, s Stream) (Welcome, error) {
	m, err := readOpening(ctx, s)
	if err != nil {
		return Welcome{}, err
	}
	switch m := m.(type) {
	case *bridgepb.Welcome:
		return welcomeFromProto(m), nil
	case *bridgepb.ProtocolError:
		return Welcome{}, theirs(m)
	default:
		return Welcome{}, tool.Errorf(tool.ProtocolError, "the bridge's first message on a link is a welcome")
	}
}

// greet takes what the bridge has said and returns the engine that is to be served: a new one if the incarnation of e does
// not go on.
func (p *Process) greet(e *engine, w Welcome) (*engine, error) {
	known, _ := e.resumable()
	if w.Revision != Revision || w.Incarnation == "" || w.Resumed && w.Incarnation != known {
		return nil, tool.Errorf(tool.ProtocolError, "welcome of incarnation %q, revision %d, resumed %t, after a hello of incarnation %q, revision %d",
			w.Incarnation, w.Revision, w.Resumed, known, Revision)
	}
	if known != "" && !w.Resumed {
		e.end(tool.Errorf(tool.WorkerLost, "the bridge does not know incarnation %q any more: it was restarted, or the grace is over", known))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return nil, p.closed
	}
	if p.engine.State() == Gone {
		if w.Resumed {
			return nil, tool.Errorf(tool.WorkerLost, "incarnation %q ended here while the bridge resumed it", known)
		}
		p.replace()
	}
	p.welcome, p.greeted = w, true
	p.engine.learn(w)
	return p.engine, nil
}

// learn takes what a welcome says.
func (e *engine) learn(w Welcome) {
	e.limits.Store(&w.Limits)
	e.asks.Store(slices.Contains(w.Capabilities, AsksCapability))
	e.batches.Store(slices.Contains(w.Capabilities, batchesCapability))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.incarnation, e.peerCalls, e.grace, e.credit = w.Incarnation, w.MaxCalls, w.ReattachGrace, int64(w.InitialCredit)
}

// current returns the engine that takes calls. One that is gone is kept until the next connection: its calls fail and say why.
func (p *Process) current() *engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine
}

// Call makes a call at the bridge and waits for its result. Errors are *tool.Error. WorkerUnavailable: it was
// certainly not sent; WorkerLost: it was, and what became of it is not known.
func (p *Process) Call(ctx context.Context, call *tool.Call) (result tool.Result, err error) {
	err = p.CallInto(ctx, call, &result)
	return result, err
}

// CallInto is Call, and the result is written to its place.
func (p *Process) CallInto(ctx context.Context, call *tool.Call, result *tool.Result) error {
	return p.current().call(ctx, call, result)
}

// Stream makes a call at the bridge and hands each chunk to send, one at a time; while send runs, the host's chunks
// wait. An error of send ends the call and is returned.
func (p *Process) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return p.current().Stream(ctx, call, send)
}

// Register offers tools, all or none, and returns their ids.
func (p *Process) Register(ctx context.Context, specs []*tool.Spec) ([]string, error) {
	return p.current().Register(ctx, specs)
}

// Unregister withdraws tools of a session, or shared ones if sessionID is empty.
func (p *Process) Unregister(ctx context.Context, sessionID string, ids []string) error {
	return p.current().Unregister(ctx, sessionID, ids)
}

// Authenticate sends a renewed credential.
func (p *Process) Authenticate(token string) error {
	return p.current().note(frameAuthenticate, &bridgepb.Authenticate{Token: token})
}

// Drain tells the bridge to send no new calls and waits until those that run here have ended and their results were
// read by the bridge, or until ctx ends.
func (p *Process) Drain(ctx context.Context, reason string) error {
	return p.current().Drain(ctx, reason)
}

// Ping asks the bridge for a sign of life and returns how long it took.
func (p *Process) Ping(ctx context.Context) (time.Duration, error) { return p.current().Ping(ctx) }

// Log sends a log record. With the context of a call that runs here it belongs to that call. It is dropped when the send
// queue is full.
func (p *Process) Log(ctx context.Context, record LogRecord) {
	if c, ok := ctx.Value(callKey{}).(*inCall); ok {
		c.engine.Log(ctx, record)
		return
	}
	p.current().Log(ctx, record)
}

// Welcome returns what the bridge said last, and whether it has said anything.
func (p *Process) Welcome() (Welcome, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.welcome, p.greeted
}

// State returns the state.
func (p *Process) State() State { return p.current().State() }

// Stats returns counts of the current incarnation.
func (p *Process) Stats() Stats { return p.current().Stats() }

// Close ends the process's end for good. What waits is sent, for a second at most, and the bridge is told that the process
// does not come back. Then calls under way end, those that run here are cancelled, and Run returns. Close waits until
// their handlers have returned, or until ctx ends.
func (p *Process) Close(ctx context.Context) error {
	why := errClosed()
	p.mu.Lock()
	p.closed = why
	engines := append(slices.Clone(p.older), p.engine)
	p.mu.Unlock()
	p.current().sayGoodbye(ctx)
	p.endRun()
	for _, e := range engines {
		e.end(why)
	}
	for _, e := range engines {
		if err := e.wait(ctx); err != nil {
			return err
		}
	}
	p.running.Lock() // Run has returned
	defer p.running.Unlock()
	return nil
}

// endRun ends the Run that runs.
func (p *Process) endRun() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ends != nil {
		p.ends()
	}
}

// noTools is the handler of a process that offers none.
type noTools struct{}

func (noTools) Call(_ context.Context, call *tool.Call) (tool.Result, error) {
	return tool.Result{}, tool.Errorf(tool.WorkerUnavailable, "tool %q was called at a process that offers no tools", call.Tool)
}

func (n noTools) Stream(ctx context.Context, call *tool.Call, _ func(tool.Chunk) error) (tool.Metrics, error) {
	_, err := n.Call(ctx, call)
	return tool.Metrics{}, err
}
