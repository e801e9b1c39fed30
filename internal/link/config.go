package link

import (
	"context"
	"log/slog"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Handler runs the calls that the other side makes, each on a goroutine of its own. Its methods are those of the
// broker's Host.
//
// The context ends when the caller cancels, when the deadline passes, or when the link is gone for good; a handler
// should then return soon. A call that is made with it on the same end is nested: it travels with the call id of its
// parent, one level deeper. The call's OnProgress is set: what it is told travels to the caller.
type Handler interface {
	// Call runs a call that wants one result.
	Call(ctx context.Context, call *tool.Call) (tool.Result, error)
	// Stream runs a call that wants chunks and hands each to send, which blocks while the caller is slow. An error
	// of send means that the call is over.
	Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)
}

// Starter is a Handler that need not wait for results.
type Starter interface {
	Handler
	// Start runs a call that wants one result, and gives the result to answer, once, sooner or later. The context ends then.
	Start(ctx context.Context, call *tool.Call, answer tool.Answerer)
}

// Batcher is a bridge's Handler that also runs batches. Links announce it with the capability "batches".
type Batcher interface {
	Handler
	// Batch runs the calls of a batch and returns an answer to each, in their order. An error refuses the batch as such. The context is that
	// of a call, with the batch's own time limit.
	Batch(ctx context.Context, batch *Batch) ([]Answer, error)
}

// Batch is many calls that the other side makes at once. It is its reader's to change.
type Batch struct {
	// ID names the batch; may be empty.
	ID string
	// SessionID is the session of every call that names none.
	SessionID string
	// Calls are the items in their order, with Timeout and Received set. Where there are more than the limit says, it is empty.
	Calls []*tool.Call
	// Items is how many there are.
	Items int
	// MaxConcurrency is how many run at once; 0 for as many as the bridge likes.
	MaxConcurrency int
	// FailFast lets the first failure cancel what has not ended.
	FailFast bool
	// Tell is how a handler answers each item as it ends, once, where the caller takes answers in parts: their values together may then be
	// larger than a message. It may block. The handler returns no answers then. Nil where one message answers all.
	Tell func(i int, a *Answer)
}

// Answer is what one call of a batch came to.
type Answer struct {
	// RequestID is what the caller named the call.
	RequestID string
	// Result holds the value, if Err is nil, and in any case the metrics.
	Result tool.Result
	// Err says why there is no value.
	Err error
}

// State says how an end of a link is.
type State uint8

// The states.
const (
	// Detached ends have no connection and wait for one.
	Detached State = iota
	// Ready ends are connected.
	Ready
	// Unresponsive ends missed three pings; calls under way go on.
	Unresponsive
	// Draining ends are connected to a side that takes no new calls.
	Draining
	// Gone ends are closed for good; for a Process: its incarnation is over, and the next Welcome brings another.
	Gone
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Detached:
		return "detached"
	case Ready:
		return "ready"
	case Unresponsive:
		return "unresponsive"
	case Draining:
		return "draining"
	default:
		return "gone"
	}
}

// StateChange tells of a new state.
type StateChange struct {
	// State that the end is in now.
	State State
	// Incarnation that it belongs to.
	Incarnation string
	// Resumed says, when State is Ready after Detached, that the incarnation goes on. If it does not, a process
	// registers its tools again.
	Resumed bool
	// Err says why, when State is Detached or Gone.
	Err error
}

// LogRecord is a log record that travels over a link.
type LogRecord struct {
	// Time of the record.
	Time time.Time
	// Level as in log/slog.
	Level slog.Level
	// Message says what happened.
	Message string
	// Fields of the record.
	Fields map[string]string
}

// ProcessConfig configures a Process.
type ProcessConfig struct {
	// Identity names the process for its life. Required.
	Identity string
	// Labels describe it, such as "name", "sdk", "version", "language", "pid". Defaults to none.
	Labels map[string]string
	// Capabilities are the optional parts of the protocol that it understands. Defaults to none.
	Capabilities []string
	// Token is asked for a credential at each connection, where the transport carries none. Defaults to none.
	Token func() string
	// MaxCalls is how many calls the bridge may have under way here at once. Defaults to 4,096.
	MaxCalls int
	// Handler runs the bridge's calls. Defaults to one that answers WorkerUnavailable.
	Handler Handler
	// OnState is told of every change of state, one at a time and in order. It must not block. Defaults to nothing.
	OnState func(StateChange)
	// OnToolsChanged is told that the tools that a session sees have changed (every session if sessionID is empty).
	// It must not block. Defaults to nothing.
	OnToolsChanged func(sessionID, revision string)
	// OnLog is told of log records of the bridge; key is 0. It must not block. Defaults to nothing.
	OnLog func(key uint64, record LogRecord)
}

// BridgeConfig configures a Bridge.
type BridgeConfig struct {
	// Incarnation names this incarnation of the process. Required.
	Incarnation string
	// BridgeRun is the bridge's own run. Required.
	BridgeRun string
	// Capabilities are the optional parts of the protocol that the bridge understands, besides "batches", which it does if Handler is a
	// Batcher. Defaults to none.
	Capabilities []string
	// Limits are announced to the process. Defaults to wire.DefaultLimits.
	Limits wire.Limits
	// MaxCalls is how many calls the process may have under way here at once. Defaults to 4,096.
	MaxCalls int
	// ReattachGrace is how long calls are kept after a lost connection. Defaults to 5 s.
	ReattachGrace time.Duration
	// PingInterval is how often the process is pinged. Defaults to 15 s.
	PingInterval time.Duration
	// Handler runs the process's calls. Parent of a nested call is the Key of the call that is its parent. Required.
	Handler Handler
	// Register records the tools that the process offers, all or none, and returns their ids. Registrations
	// and withdrawals run one at a time, in order, on a goroutine of their own. Defaults to refusing.
	Register func(ctx context.Context, specs []*tool.Spec) ([]string, error)
	// Unregister withdraws tools of a session, or shared ones. Defaults to refusing.
	Unregister func(ctx context.Context, sessionID string, ids []string) error
	// Authenticate takes a renewed credential, in turn with registrations. An error closes the link. Defaults to
	// ignoring it.
	Authenticate func(ctx context.Context, token string) error
	// OnState is told of every change of state, one at a time and in order. It must not block. Defaults to nothing.
	OnState func(StateChange)
	// OnLog is told of log records of the process; key is the Key of the call that logs, or 0. It must not block.
	// Defaults to nothing.
	OnLog func(key uint64, record LogRecord)
}

// Stats count what happened on an end.
type Stats struct {
	// Running is how many calls of the other side run here.
	Running int
	// Waiting is how many calls of this side are under way at the other.
	Waiting int
	// LateFrames is how many frames came for calls that had ended.
	LateFrames uint64
	// MessagesSent counts messages with frames.
	MessagesSent uint64
	// MessagesRead counts messages with frames.
	MessagesRead uint64
	// Queued is how many bytes of frames wait to be sent.
	Queued int
	// CreditWaits is how often a chunk had to wait because its reader had granted no more credit.
	CreditWaits uint64
}
