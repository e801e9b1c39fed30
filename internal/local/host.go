// Package local hosts Go functions in the bridge's own process.
package local

import (
	"context"
	"fmt"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Host runs calls of Go functions of this process, each on the goroutine of whoever makes it. It never changes and
// may be used by any number of goroutines. A function that does not heed its context delays the end of its call.
//
// It implements broker.Host.
type Host struct {
	identity string
	tools    map[key]*typed.Tool
	specs    []*tool.Spec
}

// key names a tool in its scope.
type key struct{ session, id string }

// New makes a host of tools. Two tools with one id in one scope are an error.
func New(identity string, tools ...*typed.Tool) (*Host, error) {
	h := &Host{identity: identity, tools: make(map[key]*typed.Tool, len(tools))}
	for _, t := range tools {
		spec := t.Spec()
		k := key{spec.SessionID, spec.ID}
		if h.tools[k] != nil {
			return nil, fmt.Errorf("two tools have the id %q", spec.ID)
		}
		h.tools[k] = t
		h.specs = append(h.specs, spec)
	}
	return h, nil
}

// Identity names the host.
func (h *Host) Identity() string { return h.identity }

// Specs lists what the host offers, in the order in which it was given. They must not be changed.
func (h *Host) Specs() []*tool.Spec { return h.specs }

// Call runs a call that wants one result. A tool that streams answers with the list of its chunks.
func (h *Host) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	t, err := h.find(ctx, call)
	if err != nil {
		return tool.Result{}, err
	}
	return t.Call(ctx, call)
}

// Stream runs a call that wants chunks. A tool that does not stream sends its result as the only one.
func (h *Host) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	t, err := h.find(ctx, call)
	if err != nil {
		return tool.Metrics{}, err
	}
	return t.Stream(ctx, call, send)
}

// find returns the function of a call that may still start.
func (h *Host) find(ctx context.Context, call *tool.Call) (*typed.Tool, error) {
	k := key{id: call.Tool}
	if call.Spec != nil {
		k = key{call.Spec.SessionID, call.Spec.ID}
	}
	t := h.tools[k]
	if t == nil {
		return nil, tool.Errorf(tool.WorkerUnavailable, "host %q does not offer the tool %q", h.identity, k.id)
	}
	return t, typed.ContextError(ctx, k.id)
}
