package link

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Bridge is the bridge's end of one incarnation of a process. Its methods are those of the broker's Host. All may be
// called by any number of goroutines.
type Bridge struct{}

// NewBridge returns the bridge's end of a new incarnation of the process that said hello. It is Detached until Serve,
// and Gone when it has been Detached for ReattachGrace.
func NewBridge(cfg BridgeConfig, hello Hello) *Bridge { panic("not yet") }

// Serve answers a handshake with Welcome and serves its connection until it ends. The first one begins the
// incarnation, the following ones (whose Hello names it) resume it; a connection that is still open is ended. It
// returns why the connection ended: nil when the process closed it, a *tool.Error that the process was told, or the
// stream's error; a gRPC handler returns wire.Status of it. A Bridge that is Gone refuses with ok = false before it
// has answered: then the handshake is still open, and a new Bridge may serve it.
func (b *Bridge) Serve(ctx context.Context, h *Handshake) (ok bool, err error) { panic("not yet") }

// Identity returns the process's identity.
func (b *Bridge) Identity() string { panic("not yet") }

// Incarnation returns the incarnation's name.
func (b *Bridge) Incarnation() string { panic("not yet") }

// Hello returns what the process said first.
func (b *Bridge) Hello() Hello { panic("not yet") }

// Call runs a call at the process and waits for its result. Errors are *tool.Error. WorkerUnavailable: it was
// certainly not sent; WorkerLost: it was, and what became of it is not known.
func (b *Bridge) Call(ctx context.Context, call *tool.Call) (tool.Result, error) { panic("not yet") }

// Stream runs a call at the process and hands each chunk to send, one at a time; while send runs, the process's chunks
// wait. An error of send ends the call and is returned.
func (b *Bridge) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	panic("not yet")
}

// ToolsChanged tells the process that the tools that a session sees have changed; every session if sessionID is empty.
func (b *Bridge) ToolsChanged(sessionID, revision string) { panic("not yet") }

// Drain tells the process to send no new calls and waits until its calls that run here have ended and their results
// were read by it, or until ctx ends.
func (b *Bridge) Drain(ctx context.Context, reason string) error { panic("not yet") }

// Ping asks the process for a sign of life and returns how long it took.
func (b *Bridge) Ping(ctx context.Context) (time.Duration, error) { panic("not yet") }

// State returns the state.
func (b *Bridge) State() State { panic("not yet") }

// Stats returns counts of the incarnation.
func (b *Bridge) Stats() Stats { panic("not yet") }

// Close ends the incarnation for good. The process is told reason, if there is one; calls under way end, those that
// run here are cancelled. It waits until their handlers have returned, or until ctx ends.
func (b *Bridge) Close(ctx context.Context, reason error) error { panic("not yet") }
