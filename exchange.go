package toolbridge

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// exchange is a call of a client with its tables and its result, in one piece of memory.
type exchange struct {
	call   tool.Call
	result tool.Result
	few    [2]tool.Value // room for the first arguments
	// shortTaken says that short is.
	shortTaken bool
	tables     carried
	short      [384]byte // room for the first argument that is a short text
}

// free keeps the memory of a call that has gone well for the next one, if nobody else can have seen it.
func (c *Client) free(x *exchange) {
	if c.intercepted || c.link == nil || c.link.plain.Load() { // an interceptor, also one of gRPC's, may have kept it
		return
	}
	if x.tables.travelled() {
		return
	}
	x.call, x.result, x.few, x.shortTaken = tool.Call{}, tool.Result{}, [2]tool.Value{}, false
	c.exchanges.Put(x)
}

// prepare encodes a call and puts into it what the session and the context know.
func (s *Session) prepare(ctx context.Context, name string, args []any) (*exchange, error) {
	if err := tool.CheckName("tool", name); err != nil {
		return nil, err
	}
	x, ok := s.client.exchanges.Get().(*exchange)
	if !ok {
		x = new(exchange)
	}
	if err := s.fill(ctx, x, name, args); err != nil {
		x.tables.closeOpen()
		return nil, err
	}
	return x, nil
}

// fill makes a call of its arguments and what the session and the context know.
func (s *Session) fill(ctx context.Context, x *exchange, name string, args []any) error {
	positional, keywords, err := s.client.encodeArguments(name, args, x)
	if err != nil {
		return err
	}
	o := &s.options
	call := &x.call
	call.SessionID, call.Tool, call.Args, call.Kwargs = s.id, name, positional, keywords
	call.Epoch, call.MinRevision = s.state.seen()
	call.RequestID, call.StreamID, call.WantStack = o.requestID, o.streamID, o.wantStack
	call.TraceParent, call.TraceState = o.traceParent, o.traceState
	if err := call.CheckBounds(); err != nil {
		return err
	}
	if o.retry != nil {
		call.BridgeRun = s.client.bridgeRun()
		if call.RequestID == "" {
			call.RequestID = uuid.Must(uuid.NewV7()).String()
		}
	}
	if err := s.client.carry(x); err != nil {
		return err
	}
	return nest(ctx, call, s.client.limits())
}

// nest says of a call that is made inside a tool during which call it is made.
func nest(ctx context.Context, call *tool.Call, limits *wire.Limits) error {
	outer := FromContext(ctx)
	if outer == nil {
		return nil
	}
	call.Depth = outer.call.Depth + 1
	call.Parent = outer.call.Key
	if call.TraceParent == "" {
		call.TraceParent, call.TraceState = outer.call.TraceParent, outer.call.TraceState
	}
	if most := limits.MaxCallDepth; most > 0 && call.Depth > most {
		return tool.Errorf(tool.CallDepthExceeded, "the call of tool %q would be nested %d calls deep, the limit is %d", call.Tool, call.Depth, most).
			With("limit", strconv.Itoa(most))
	}
	return nil
}
