package toolbridge

import (
	"context"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// offers are the tools of a client's workers: it hands each call that comes over the link to the worker that offers its tool.
// Any goroutine may use it.
type offers struct {
	mu      sync.RWMutex
	byTool  map[offerKey]*offer
	workers map[*Worker]struct{}
}

// offerKey names a tool in its scope.
type offerKey struct{ session, id string }

// offer is a tool and who runs it.
type offer struct {
	worker *Worker
	caller
}

// Call runs a call that wants one result. It implements link.Handler.
func (o *offers) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	offer, err := o.find(call)
	if err != nil {
		return tool.Result{}, err
	}
	defer offer.worker.calls.end()
	result, err := offer.call(offer.worker.contextFor(ctx, call), call)
	offer.worker.log(ctx, call, err)
	return result, err
}

// Stream runs a call that wants chunks. It implements link.Handler.
func (o *offers) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	offer, err := o.find(call)
	if err != nil {
		return tool.Metrics{}, err
	}
	defer offer.worker.calls.end()
	metrics, err := offer.stream(offer.worker.contextFor(ctx, call), call, send)
	offer.worker.log(ctx, call, err)
	return metrics, err
}

// find returns the tool of a call, that of the session before the shared one, and counts the call as running.
func (o *offers) find(call *tool.Call) (*offer, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	found := o.byTool[offerKey{call.SessionID, call.Tool}]
	if found == nil {
		found = o.byTool[offerKey{"", call.Tool}]
	}
	if found == nil || !found.worker.calls.begin() {
		return nil, tool.Errorf(tool.ToolNotFound, "this worker does not offer the tool %q, or no longer", call.Tool)
	}
	return found, nil
}

// add offers the tools of a worker; a tool that another worker of this client offers already is ToolConflict.
func (o *offers) add(w *Worker, tools map[offerKey]caller) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key := range tools {
		if other := o.byTool[key]; other != nil && other.worker != w {
			return tool.Errorf(tool.ToolConflict, "another worker of this client offers the tool %q", key.id)
		}
	}
	if o.byTool == nil {
		o.byTool, o.workers = map[offerKey]*offer{}, map[*Worker]struct{}{}
	}
	for key, c := range tools {
		o.byTool[key] = &offer{worker: w, caller: c}
	}
	o.workers[w] = struct{}{}
	return nil
}

// remove ends the offers of a worker and reports whether others remain.
func (o *offers) remove(w *Worker) (others bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, offer := range o.byTool {
		if offer.worker == w {
			delete(o.byTool, key)
		}
	}
	delete(o.workers, w)
	return len(o.workers) > 0
}

// alone reports whether w is the only worker.
func (o *offers) alone(w *Worker) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, there := o.workers[w]
	return there && len(o.workers) == 1
}

// renew tells every worker that the bridge has forgotten what was registered.
func (o *offers) renew() {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for w := range o.workers {
		w.wake()
	}
}
