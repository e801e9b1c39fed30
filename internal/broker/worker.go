package broker

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// WorkerInfo is a worker as operators see it.
type WorkerInfo struct {
	// Identity names the worker.
	Identity string
	// Incarnation as it attached.
	Incarnation string
	// Address as it attached.
	Address string
	// Labels as it attached.
	Labels map[string]string
	// State now.
	State HostState
	// Tools that it offers, by session and name. Shared: not to be changed.
	Tools []*tool.Spec
	// Running is how many calls it runs now, without those that wait for nested ones.
	Running int
	// MaxCalls is how many it may run at once.
	MaxCalls int
	// AttachedAt says since when.
	AttachedAt time.Time
	// CallsTotal is how many calls it was given.
	CallsTotal uint64
}

// Workers lists the workers, oldest first, without hosts of the bridge's own process.
func (b *Broker) Workers() []WorkerInfo {
	workers := b.scheduler.workers()
	for i := range workers {
		slices.SortFunc(workers[i].Tools, func(x, y *tool.Spec) int {
			return cmp.Or(cmp.Compare(x.SessionID, y.SessionID), cmp.Compare(x.Name, y.Name))
		})
	}
	return workers
}

func (s *scheduler) workers() []WorkerInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	workers := make([]WorkerInfo, 0, len(s.hosts))
	for _, h := range s.hosts {
		if h.options.Local {
			continue
		}
		w := WorkerInfo{
			Identity: h.runner.Identity(), Incarnation: h.options.Incarnation, Address: h.options.Address,
			Labels: maps.Clone(h.options.Labels), State: h.state, Running: h.running, MaxCalls: h.options.MaxCalls,
			AttachedAt: h.attachedAt, CallsTotal: h.total, Tools: make([]*tool.Spec, 0, len(h.offers)),
		}
		for _, o := range h.offers {
			w.Tools = append(w.Tools, o.spec)
		}
		workers = append(workers, w)
	}
	return workers
}
