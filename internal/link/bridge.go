package link

import (
	"context"
	"slices"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Bridge is the bridge's end of one incarnation of a process. Its methods are those of the broker's Host. All may be
// called by any number of goroutines.
type Bridge struct {
	hello   Hello
	welcome Welcome
	engine  *engine
}

// NewBridge returns the bridge's end of a new incarnation of the process that said hello. It is Detached until Serve,
// and Gone when it has been Detached for ReattachGrace.
func NewBridge(cfg BridgeConfig, hello Hello) *Bridge {
	if cfg.Incarnation == "" || cfg.Handler == nil {
		panic("link: BridgeConfig needs Incarnation and Handler")
	}
	if cfg.MaxCalls <= 0 {
		cfg.MaxCalls = defaultMaxCalls
	}
	if cfg.ReattachGrace <= 0 {
		cfg.ReattachGrace = defaultGrace
	}
	if cfg.PingInterval <= 0 {
		cfg.PingInterval = defaultPing
	}
	if cfg.Limits == (wire.Limits{}) {
		cfg.Limits = wire.DefaultLimits()
	}
	if _, is := cfg.Handler.(Batcher); is {
		cfg.Capabilities = append(slices.Clone(cfg.Capabilities), batchesCapability)
	}
	w := Welcome{
		Revision: Revision, Incarnation: cfg.Incarnation, MaxCalls: cfg.MaxCalls, BridgeRun: cfg.BridgeRun,
		Capabilities: cfg.Capabilities, Limits: cfg.Limits, ReattachGrace: cfg.ReattachGrace, PingInterval: cfg.PingInterval,
		InitialCredit: defaultCredit,
	}
	e := newEngine(settings{
		handler: cfg.Handler, maxCalls: cfg.MaxCalls, ping: cfg.PingInterval,
		register: cfg.Register, unregister: cfg.Unregister, authenticate: cfg.Authenticate,
		onState: cfg.OnState, onLog: cfg.OnLog, notices: new(serial),
	})
	e.learn(w)
	e.peer, e.peerCalls = "process "+hello.Identity, max(hello.MaxCalls-hello.StillRunning, 1)
	e.peerTables = slices.Contains(hello.Capabilities, tablesCapability)
	e.mu.Lock()
	e.schedule(&e.lostAlarm.deadline, e.now()+e.grace, &e.lostAlarm)
	e.mu.Unlock()
	return &Bridge{hello: hello, welcome: w, engine: e}
}

// Serve answers a handshake with Welcome and serves its connection until it ends. The first one begins the
// incarnation, the following ones (whose Hello names it) resume it; a connection that is still open is ended. It
// returns why the connection ended: nil when the process closed it, a *tool.Error that the process was told, or the
// stream's error; a gRPC handler returns wire.Status of it. A Bridge that cannot resume, because it is Gone or because the process
// counts differently, refuses with ok = false before it has answered: then the handshake is still open, and a new Bridge may serve it.
func (b *Bridge) Serve(ctx context.Context, h *Handshake) (ok bool, err error) {
	if known := h.Hello.Incarnation; known != b.welcome.Incarnation && b.engine.wasServed() {
		return false, tool.Errorf(tool.ProtocolError, "hello of incarnation %q cannot go on with incarnation %q", known, b.welcome.Incarnation)
	}
	err = b.engine.serve(ctx, h.stream, h.Hello.Received, func() Message {
		ok = true
		w := b.welcome
		w.Resumed = h.Hello.Incarnation == w.Incarnation
		w.Received = b.engine.window.read
		return singleMessage(0, frameWelcome, w.proto())
	})
	return ok, err
}

// Identity returns the process's identity.
func (b *Bridge) Identity() string { return b.hello.Identity }

// Incarnation returns the incarnation's name.
func (b *Bridge) Incarnation() string { return b.welcome.Incarnation }

// Hello returns what the process said first.
func (b *Bridge) Hello() Hello { return b.hello }

// Call runs a call at the process and waits for its result. Errors are *tool.Error. WorkerUnavailable: it was
// certainly not sent; WorkerLost: it was, and what became of it is not known.
func (b *Bridge) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	return b.engine.Call(ctx, call)
}

// Start runs a call at the process, as Call does, and gives the result to then, once, from a goroutine that must not be blocked. It reports
// false, and has done nothing, where the call cannot be sent at once, or the end of ctx could not be noticed: use Call.
func (b *Bridge) Start(ctx context.Context, call *tool.Call, then tool.Answerer) bool {
	return b.engine.Start(ctx, call, then)
}

// Stream runs a call at the process and hands each chunk to send, one at a time; while send runs, the process's chunks
// wait. An error of send ends the call and is returned.
func (b *Bridge) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return b.engine.Stream(ctx, call, send)
}

// ToolsChanged tells the process that the tools that a session sees have changed; every session if sessionID is empty.
func (b *Bridge) ToolsChanged(sessionID, revision string) {
	// An error says that the link is gone, and with it whoever wants to know.
	_ = b.engine.note(frameToolsChanged, &bridgepb.ToolsChanged{SessionId: sessionID, Revision: revision})
}

// Drain tells the process to send no new calls and waits until its calls that run here have ended and their results
// were read by it, or until ctx ends.
func (b *Bridge) Drain(ctx context.Context, reason string) error { return b.engine.Drain(ctx, reason) }

// Ping asks the process for a sign of life and returns how long it took.
func (b *Bridge) Ping(ctx context.Context) (time.Duration, error) { return b.engine.Ping(ctx) }

// State returns the state.
func (b *Bridge) State() State { return b.engine.State() }

// Stats returns counts of the incarnation.
func (b *Bridge) Stats() Stats { return b.engine.Stats() }

// Close ends the incarnation for good. The process is told reason, if there is one; calls under way end, those that
// run here are cancelled. It waits until their handlers have returned, or until ctx ends.
func (b *Bridge) Close(ctx context.Context, reason error) error {
	if reason != nil {
		b.engine.violate(wire.Error(reason))
	} else {
		b.engine.end(tool.Errorf(tool.WorkerLost, "the bridge has ended the link"))
	}
	return b.engine.wait(ctx)
}
