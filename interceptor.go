package toolbridge

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallFunc makes or answers a call that wants one result.
type CallFunc func(ctx context.Context, call *tool.Call) (tool.Result, error)

// StreamFunc makes or answers a call that wants chunks. It calls send for each, one at a time, and waits for it; an
// error of send ends the call and is returned.
type StreamFunc func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)

// Interceptor wraps calls, at the client that makes them (WithInterceptors) or at the worker that answers them
// (WithWorkerInterceptors): to log, count, trace, authorize or change them. Each function is called once, when the
// client or worker is made, and either may be nil. Arguments and results are encoded. Each attempt of a retried call passes
// through.
type Interceptor struct {
	// Call wraps calls that want one result.
	Call func(next CallFunc) CallFunc
	// Stream wraps calls that want chunks.
	Stream func(next StreamFunc) StreamFunc
}

// keepable lets whoever wraps a stream keep its chunks: their memory is not used again.
func keepable(next StreamFunc) StreamFunc {
	return func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		return next(ctx, call, func(c tool.Chunk) error { return send(tool.Chunk{Value: c.Value}) })
	}
}

// caller is what interceptors wrap: the way to a bridge, or a tool.
type caller struct {
	call   CallFunc
	stream StreamFunc
}

// wrap puts interceptors around c, the first one outermost.
func (c caller) wrap(interceptors []Interceptor) caller {
	for i := len(interceptors) - 1; i >= 0; i-- {
		if w := interceptors[i].Call; w != nil {
			c.call = w(c.call)
		}
		if w := interceptors[i].Stream; w != nil {
			c.stream = w(c.stream)
		}
	}
	return c
}
