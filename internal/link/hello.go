package link

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
)

// Hello is how a process introduces itself.
type Hello struct {
	// Revision of the protocol that it speaks.
	Revision int
	// MinRevision is the oldest that it also speaks.
	MinRevision int
	// Identity names the process.
	Identity string
	// Incarnation that it wants to go on with; empty for a new one.
	Incarnation string
	// Received is how many counted messages it has read on that incarnation.
	Received uint64
	// MaxCalls is how many calls it takes at once.
	MaxCalls int
	// Capabilities are the optional parts of the protocol that it understands.
	Capabilities []string
	// Labels describe it.
	Labels map[string]string
	// StillRunning is how many calls of an earlier incarnation still take places there.
	StillRunning int
	// Token is a credential, if the transport carries none.
	Token string
}

// Welcome is the bridge's answer.
type Welcome struct {
	// Revision to be spoken.
	Revision int
	// Incarnation of the process.
	Incarnation string
	// Resumed says that the incarnation of Hello goes on.
	Resumed bool
	// Received is how many counted messages the bridge has read on it.
	Received uint64
	// MaxCalls is how many calls the bridge takes from the process at once.
	MaxCalls int
	// BridgeRun is the bridge's own run.
	BridgeRun string
	// Capabilities are the optional parts of the protocol that the bridge understands.
	Capabilities []string
	// Limits are what the bridge accepts.
	Limits wire.Limits
	// ReattachGrace is how long both sides keep calls after a lost connection.
	ReattachGrace time.Duration
	// PingInterval is how often the bridge pings.
	PingInterval time.Duration
	// InitialCredit is how many chunk bytes may be sent for a call before the first credit.
	InitialCredit int
}

// Handshake is a connection whose Hello was read and that waits for an answer: Bridge.Serve or Refuse.
type Handshake struct {
	// Hello is what the process said.
	Hello Hello

	stream Stream
}

// Accept reads the Hello of a new connection, for at most 5 s. An error is a violation of the protocol, which the other
// side was told, or the stream's; a gRPC handler returns wire.Status of it.
func Accept(ctx context.Context, s Stream) (*Handshake, error) { panic("not yet") }

// Refuse tells the process why it cannot be served and returns that error.
func (h *Handshake) Refuse(reason error) error { panic("not yet") }
