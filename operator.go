package toolbridge

import (
	"context"
	"strings"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// WorkerInfo describes a process that is attached to the bridge.
type WorkerInfo struct {
	// Identity names the process.
	Identity string
	// Incarnation names this attachment.
	Incarnation string
	// State is "ready", "unresponsive", "draining" or "detached". There may be others.
	State string
	// Labels as the process gave them.
	Labels map[string]string
	// Tools that it offers.
	Tools []*tool.Spec
	// Running is how many calls it runs now.
	Running int
	// MaxCalls is how many it may run at once; 0 for no limit.
	MaxCalls int
	// CallsTotal is how many it has run.
	CallsTotal uint64
	// AttachedAt is since when.
	AttachedAt time.Time
	// Address is from where, for people; empty for the bridge's own process.
	Address string
}

// Workers lists the processes that are attached to the bridge, and those that it awaits within their grace, oldest first.
func (c *Client) Workers(ctx context.Context) ([]WorkerInfo, error) {
	answer, err := ask(ctx, c, bridgepb.NewAdminClient(c.conn).ListWorkers, &bridgepb.ListWorkersRequest{})
	if err != nil {
		return nil, err
	}
	workers := make([]WorkerInfo, len(answer.GetWorkers()))
	for i, w := range answer.GetWorkers() {
		workers[i] = WorkerInfo{
			Identity: w.GetIdentity(), Incarnation: w.GetIncarnation(), Labels: w.GetLabels(), Address: w.GetAddress(),
			State: strings.ToLower(strings.TrimPrefix(w.GetState().String(), "WORKER_")),
			Tools: wire.SpecsFromProto(w.GetTools()), Running: int(w.GetRunning()), MaxCalls: int(w.GetMaxCalls()),
			CallsTotal: w.GetCallsTotal(), AttachedAt: wire.TimeFromProto(w.GetAttachedAt()),
		}
	}
	return workers, nil
}

// SessionInfo reads a session without attaching to it, so that none is created. It does not count as use.
func (c *Client) SessionInfo(ctx context.Context, id string) (SessionInfo, error) {
	return (&Session{client: c, id: id, state: &sessionState{}}).Info(ctx)
}
