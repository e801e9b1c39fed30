package broker

import (
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Observer is told what happens. Its methods are called on the path of a call: they must return at once and must
// not call back into the broker. A nil Observer costs nothing.
type Observer interface {
	// CallEnded is told of each call that ended: its spec (nil if none was found), what it cost, and its error.
	CallEnded(call *tool.Call, metrics tool.Metrics, err error)
	// HostChanged is told of a host that attached, changed its state, or left (gone).
	HostChanged(identity string, state HostState, gone bool)
	// SessionChanged is told of sessions created (+1) and ended (-1).
	SessionChanged(key tool.SessionKey, delta int)
	// StoreAnswered is told how long a write of the store took.
	StoreAnswered(verb string, took time.Duration, err error)
}
