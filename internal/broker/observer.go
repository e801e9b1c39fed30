package broker

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Observer is told what happens. Its methods are called on the path of a call: they must return at once and must
// not call back into the broker. A nil Observer costs nothing.
type Observer interface {
	// CallEnded is told of each call that ended: its spec (nil if none was found), what it cost, how many value bytes its
	// result or its chunks had, and its error.
	CallEnded(call *tool.Call, metrics tool.Metrics, resultBytes int, err error)
	// HostChanged is told of a host that attached, changed its state, or left (gone).
	HostChanged(identity string, state HostState, gone bool)
	// SessionChanged is told of sessions created (+1) and ended (-1).
	SessionChanged(key tool.SessionKey, delta int)
	// StoreAnswered is told how long a write of the store took.
	StoreAnswered(verb string, took time.Duration, err error)
	// StoreRead is told how long a read took; that of a watch until it has told what is present. What is served from memory on the
	// way of a call is not told.
	StoreRead(verb string, took time.Duration, err error)
}

// Tracer records calls as parts of traces. It is called on the path of a call, as an Observer is. A nil Tracer costs nothing.
type Tracer interface {
	// Begin begins the record of a call, whose TraceParent and TraceState say what it is a part of. It sets them to what
	// nested calls are a part of, and returns the context of the call, which is ctx with values of the tracer's, and what ends the
	// record; nil if the call is not recorded.
	Begin(ctx context.Context, call *tool.Call) (context.Context, func(metrics tool.Metrics, err error))
}

// begin lets the tracer begin the record of a call. Its context tells of its end as that of any call does, so that one that is
// passed on takes no goroutine either. A trace context that is none is dropped.
func (b *Broker) begin(ctx context.Context, r *run) context.Context {
	if c := r.call; c != nil && (c.TraceParent != "" || c.TraceState != "") {
		c.TraceParent, c.TraceState = tool.TraceContext(c.TraceParent, c.TraceState)
	}
	if b.tracer == nil {
		return ctx
	}
	within, end := b.tracer.Begin(ctx, r.call)
	r.recorded = end
	if w, ok := ctx.(watchable); ok && end != nil {
		return recordedContext{within, w}
	}
	return within
}

// recordedContext is the context of a call that is recorded.
type recordedContext struct {
	context.Context //nolint:containedctx // it is a context
	watchable
}

// observe tells of a call that ended.
func (b *Broker) observe(r *run, metrics tool.Metrics, resultBytes int, err error) {
	if r.call.Spec == nil && (b.observer != nil || r.recorded != nil) {
		r.call.Spec = b.offered(r.call)
	}
	if b.observer != nil {
		b.observer.CallEnded(r.call, metrics, resultBytes, err)
	}
	if r.recorded != nil {
		r.recorded(metrics, err)
	}
}

// offered finds the tool of a call that ended before it was looked up, in what is known without asking anybody; nil where there is none.
func (b *Broker) offered(call *tool.Call) *tool.Spec {
	rec, err := b.store.Session(past{}, tool.SessionKey{Owner: call.Principal.Name, ID: call.SessionID})
	if err != nil {
		return nil
	}
	if spec := rec.Tools.Lookup(call.Tool); spec != nil {
		return spec
	}
	shared, err := b.store.SharedTools(context.Background())
	if err != nil {
		return nil
	}
	return shared.Lookup(call.Tool)
}
