package rpc

import (
	"context"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
)

// admin serves the operators. What it does not serve yet answers UNIMPLEMENTED by itself.
type admin struct {
	bridgepb.UnimplementedAdminServer
	broker *broker.Broker
}

// ListWorkers lists the workers, oldest first.
func (a *admin) ListWorkers(context.Context, *bridgepb.ListWorkersRequest) (*bridgepb.ListWorkersResponse, error) {
	out := &bridgepb.ListWorkersResponse{Success: true, BridgeRun: a.broker.Run()}
	for _, w := range a.broker.Workers() {
		out.Workers = append(out.Workers, workerProto(&w))
	}
	return out, nil
}

func workerProto(w *broker.WorkerInfo) *bridgepb.Worker {
	return &bridgepb.Worker{
		Identity:    w.Identity,
		Incarnation: w.Incarnation,
		State:       workerState(w.State),
		Labels:      w.Labels,
		Tools:       wire.SpecsProto(w.Tools),
		Running:     uint32(w.Running),
		MaxCalls:    uint32(w.MaxCalls),
		AttachedAt:  wire.TimeProto(w.AttachedAt),
		Address:     w.Address,
		CallsTotal:  w.CallsTotal,
	}
}

func workerState(s broker.HostState) bridgepb.WorkerState {
	switch s {
	case broker.Ready:
		return bridgepb.WorkerState_WORKER_READY
	case broker.Unresponsive:
		return bridgepb.WorkerState_WORKER_UNRESPONSIVE
	case broker.Draining:
		return bridgepb.WorkerState_WORKER_DRAINING
	case broker.Detached:
		return bridgepb.WorkerState_WORKER_DETACHED
	default:
		return bridgepb.WorkerState_WORKER_STATE_UNSPECIFIED
	}
}
