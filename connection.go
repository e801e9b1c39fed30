package toolbridge

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
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
