package toolbridge

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// asking makes RPCs on sessions and variables over the client's link where that can be done at once: there they cost a third.
// All else goes as it would without. Options of a single RPC hold for the latter only; the SDK gives none.
type asking struct {
	grpc.ClientConnInterface
	client *Client
}

// Invoke makes an RPC.
func (a *asking) Invoke(ctx context.Context, method string, request, answer any, options ...grpc.CallOption) error {
	if name, asked := wire.AskedOverLinks(method); asked {
		if sent, err := a.ask(ctx, name, request, answer); sent {
			return err
		}
	}
	return a.ClientConnInterface.Invoke(ctx, method, request, answer, options...) //nolint:wrapcheck // it is gRPC's own
}

// ask reports whether the request was sent over the link; otherwise nothing was done.
func (a *asking) ask(ctx context.Context, name string, request, answer any) (sent bool, err error) {
	from, isRequest := request.(proto.Message)
	into, isAnswer := answer.(proto.Message)
	if !isRequest || !isAnswer || !a.client.link.usable.Load() {
		return false, nil
	}
	encoded, err := proto.Marshal(from)
	if err != nil {
		return false, nil //nolint:nilerr // the RPC says so
	}
	result, sent, err := a.client.link.process.Ask(ctx, &tool.Call{Asks: name, Tool: name, Args: []tool.Value{{Bytes: encoded}}})
	switch {
	case !sent || notTaken(err):
		return false, nil
	case err != nil:
		return true, a.client.located(err)
	}
	if err := proto.Unmarshal(result.Value.Bytes, into); err != nil {
		return true, tool.Errorf(tool.ProtocolError, "the answer of the bridge at %s to %s cannot be decoded: %w", a.client.address, name, err)
	}
	return true, nil
}

// notTaken reports whether the bridge, or the link on the way there, certainly did nothing for an ask.
func notTaken(err error) bool {
	switch tool.CodeOf(err) {
	case tool.WorkerUnavailable, tool.Overloaded, tool.Unimplemented:
		return true
	default:
		return false
	}
}

// located says in the error of a lost link where the bridge is, as for an RPC.
func (c *Client) located(err error) error {
	if tool.CodeOf(err) != tool.WorkerLost {
		return err
	}
	e := *wire.Error(err)
	e.Message = "the bridge at " + c.address + ": " + e.Message
	return e.With("address", c.address)
}
