package broker

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Host runs calls: a worker at the other end of a link, Go functions of this process, and later another bridge.
//
// Both methods block until the call has ended and may be called by any number of goroutines. They end soon after
// ctx does, with DeadlineExceeded or Cancelled, and then tell whoever runs the call. Errors are *tool.Error; WorkerUnavailable
// means that the call was certainly not started, so that the broker may give it to another host; WorkerLost that
// it was, and that its outcome is not known.
type Host interface {
	// Identity names the host among all that ever attach; it stays the same over a lost connection.
	Identity() string
	// Call runs a call that wants one result.
	Call(ctx context.Context, call *tool.Call) (tool.Result, error)
	// Stream runs a call that wants chunks. It calls send for each, one at a time and in order, and waits for it:
	// that is the back-pressure. An error of send ends the call and is returned. The metrics hold Execute.
	Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)
}

// Starter is a Host that need not be waited for.
type Starter interface {
	Host
	// Start runs a call as Call does, and gives the result to then, once, from a goroutine that must not be blocked. It reports false, and
	// has done nothing, where only Call can run it now.
	Start(ctx context.Context, call *tool.Call, then tool.Answerer) bool
}

// HostState says whether a host gets calls.
type HostState uint8

// The states of a host.
const (
	// Ready hosts get calls.
	Ready HostState = iota
	// Unresponsive hosts missed their pings: no new calls, running ones go on.
	Unresponsive
	// Draining hosts leave: no new calls, running ones go on.
	Draining
	// Detached hosts lost their connection and are awaited within the grace: no new calls, running ones wait.
	Detached
)
