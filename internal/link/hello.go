package link

import (
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
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

// Revision is the revision of the protocol that this package speaks, and the oldest one as well.
const Revision = 1

func (h *Hello) proto() *bridgepb.Hello {
	return &bridgepb.Hello{
		Revision: uint32(h.Revision), MinRevision: uint32(h.MinRevision), Identity: h.Identity, Incarnation: h.Incarnation,
		Received: h.Received, MaxCalls: uint32(h.MaxCalls), Capabilities: h.Capabilities, Labels: h.Labels,
		StillRunning: uint32(h.StillRunning), Token: h.Token,
	}
}

func helloFromProto(h *bridgepb.Hello) Hello {
	return Hello{
		Revision: int(h.GetRevision()), MinRevision: int(h.GetMinRevision()), Identity: h.GetIdentity(), Incarnation: h.GetIncarnation(),
		Received: h.GetReceived(), MaxCalls: callsOr(h.GetMaxCalls()), Capabilities: h.GetCapabilities(), Labels: h.GetLabels(),
		StillRunning: int(h.GetStillRunning()), Token: h.GetToken(),
	}
}

// callsOr returns a number of calls, or the default where none is said.
func callsOr(n uint32) int {
	if n == 0 {
		return defaultMaxCalls
	}
	return int(n)
}

func (w *Welcome) proto() *bridgepb.Welcome {
	return &bridgepb.Welcome{
		Revision: uint32(w.Revision), Incarnation: w.Incarnation, Resumed: w.Resumed, Received: w.Received,
		MaxCalls: uint32(w.MaxCalls), BridgeRun: w.BridgeRun, Capabilities: w.Capabilities, Limits: wire.LimitsProto(w.Limits),
		ReattachGraceUs: wire.Micros(w.ReattachGrace), PingIntervalUs: wire.Micros(w.PingInterval),
		InitialCredit: uint64(w.InitialCredit),
	}
}

func welcomeFromProto(w *bridgepb.Welcome) Welcome {
	out := Welcome{
		Revision: int(w.GetRevision()), Incarnation: w.GetIncarnation(), Resumed: w.GetResumed(), Received: w.GetReceived(),
		MaxCalls: callsOr(w.GetMaxCalls()), BridgeRun: w.GetBridgeRun(), Capabilities: w.GetCapabilities(),
		Limits: wire.LimitsFromProto(w.GetLimits()), ReattachGrace: wire.Duration(w.GetReattachGraceUs()),
		PingInterval: wire.Duration(w.GetPingIntervalUs()), InitialCredit: int(min(w.GetInitialCredit(), maxCredit)),
	}
	if out.ReattachGrace == 0 {
		out.ReattachGrace = defaultGrace
	}
	if out.InitialCredit == 0 {
		out.InitialCredit = defaultCredit
	}
	return out
}
