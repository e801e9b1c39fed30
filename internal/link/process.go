package link

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Process is a process's end of its link. It outlives connections and incarnations. All methods may be called by any
// number of goroutines.
type Process struct{}

// NewProcess returns a process's end without a connection. Calls made before the first one wait for it.
func NewProcess(cfg ProcessConfig) *Process { panic("not yet") }

// Run serves one connection until it ends, and returns why: a *tool.Error (ProtocolError, Unauthenticated …) if a side
// refused the other for good, the stream's error otherwise. Then the process opens another stream and runs it; calls
// under way go on if the bridge still knows the incarnation. A second Run ends the first.
func (p *Process) Run(ctx context.Context, s Stream) error { panic("not yet") }

// Call makes a call at the bridge and waits for its result. Errors are *tool.Error. WorkerUnavailable: it was
// certainly not sent; WorkerLost: it was, and what became of it is not known.
func (p *Process) Call(ctx context.Context, call *tool.Call) (tool.Result, error) { panic("not yet") }

// Stream makes a call at the bridge and hands each chunk to send, one at a time; while send runs, the host's chunks
// wait. An error of send ends the call and is returned.
func (p *Process) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	panic("not yet")
}

// Register offers tools, all or none, and returns their ids.
func (p *Process) Register(ctx context.Context, specs []*tool.Spec) ([]string, error) { panic("not yet") }

// Unregister withdraws tools of a session, or shared ones if sessionID is empty.
func (p *Process) Unregister(ctx context.Context, sessionID string, ids []string) error { panic("not yet") }

// Authenticate sends a renewed credential.
func (p *Process) Authenticate(ctx context.Context, token string) error { panic("not yet") }

// Drain tells the bridge to send no new calls and waits until those that run here have ended and their results were
// read by the bridge, or until ctx ends.
func (p *Process) Drain(ctx context.Context, reason string) error { panic("not yet") }

// Ping asks the bridge for a sign of life and returns how long it took.
func (p *Process) Ping(ctx context.Context) (time.Duration, error) { panic("not yet") }

// Log sends a log record. With the context of a call that runs here it belongs to that call. It is dropped when the send
// queue is full.
func (p *Process) Log(ctx context.Context, record LogRecord) { panic("not yet") }

// Welcome returns what the bridge said last, and whether it has said anything.
func (p *Process) Welcome() (Welcome, bool) { panic("not yet") }

// State returns the state.
func (p *Process) State() State { panic("not yet") }

// Stats returns counts of the current incarnation.
func (p *Process) Stats() Stats { panic("not yet") }

// Close ends the process's end for good: calls under way end, those that run here are cancelled, Run returns. It waits
// until their handlers have returned, or until ctx ends.
func (p *Process) Close(ctx context.Context) error { panic("not yet") }
