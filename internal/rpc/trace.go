package rpc

import (
	"context"

	"google.golang.org/grpc/metadata"
)

// traced returns the trace context that a request is part of: its own, else what the client's gRPC library put into the
// headers of the RPC.
func traced(ctx context.Context, parent, state string) (traceParent, traceState string) {
	if parent != "" {
		return parent, state
	}
	return header(ctx, "traceparent"), header(ctx, "tracestate")
}

// header is a header that is there once, else "".
func header(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) == 1 {
		return values[0]
	}
	return ""
}
