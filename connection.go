package toolbridge

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// connected reports whether a request would be sent at once.
func connected(conn *grpc.ClientConn) bool { return conn.GetState() == connectivity.Ready }

// awaitConnection connects and reports whether that succeeded before ctx ended. Attempts that fail are made again.
func awaitConnection(ctx context.Context, conn *grpc.ClientConn) bool {
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return true
		case connectivity.Shutdown:
			return false
		case connectivity.Idle:
			conn.Connect()
		case connectivity.Connecting, connectivity.TransientFailure:
		}
		if !conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

// target is what a link's own connection is made to. It is nil where only gRPC knows the way: an address with a scheme, a proxy, or options
// that the SDK does not know.
func (o *dialOptions) target(address string) *direct.Target {
	t := direct.Target{Address: address, Path: bridgepb.SnakepitBridge_Link_FullMethodName, Credentials: o.credentials}
	if len(o.grpcOptions) > 0 || !t.Possible() {
		return nil
	}
	return &t
}

// openLink opens a link's stream: on a connection of its own, or among the RPCs on gRPC's.
func (k *linkKeeper) openLink(ctx context.Context) (stream link.Stream, own bool, err error) {
	if k.target != nil && !k.ownFailed {
		stream, err := direct.Dial(ctx, *k.target)
		if err == nil {
			return stream, true, nil
		}
		k.note(tool.Errorf(tool.WorkerUnavailable, "%w", err))
		if !awaitConnection(ctx, k.client.conn) { // gRPC knows how to wait for who does not answer
			return nil, false, tool.Errorf(tool.WorkerUnavailable, "the client was closed")
		}
		if stream, err := direct.Dial(ctx, *k.target); err == nil {
			return stream, true, nil
		}
	}
	stream, err = link.Open(ctx, k.client.conn, grpc.WaitForReady(true))
	return stream, false, err
}
