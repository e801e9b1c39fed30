package wire

import (
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallFromProto returns the call that a request asks for. The time limit (Duration of TimeoutUs) belongs into the
// call's context; Principal, Received and Parent are the edge's to set.
func CallFromProto(r *bridgepb.ToolCallRequest) *tool.Call {
	return &tool.Call{
		SessionID:   r.GetSessionId(),
		Epoch:       r.GetEpoch(),
		MinRevision: r.GetMinRevision(),
		Tool:        r.GetToolId(),
		Args:        argsFromProto(r.GetArgs()),
		Kwargs:      kwargsFromProto(r.GetKwargs()),
		Stream:      r.GetStream(),
		StreamID:    r.GetStreamId(),
		RequestID:   r.GetRequestId(),
		Depth:       clampInt(uint64(r.GetCallDepth())),
		Attempt:     clampInt(uint64(r.GetAttempt())),
		BridgeRun:   r.GetBridgeRun(),
		TraceParent: r.GetTraceparent(),
		TraceState:  r.GetTracestate(),
		PlainValues: r.GetPlainValues(),
		WantStack:   r.GetWantStack(),
	}
}

// CallProto returns the request that asks for a call. The time limit is the caller's to set (TimeLeft of its context).
// Principal is left out: a request never says who makes it.
func CallProto(c *tool.Call) *bridgepb.ToolCallRequest {
	return &bridgepb.ToolCallRequest{
		SessionId:   c.SessionID,
		ToolId:      c.Tool,
		Args:        argsProto(c.Args),
		Kwargs:      kwargsProto(c.Kwargs),
		RequestId:   c.RequestID,
		CallDepth:   clampUint32(c.Depth),
		Stream:      c.Stream,
		Epoch:       c.Epoch,
		Traceparent: c.TraceParent,
		MinRevision: c.MinRevision,
		StreamId:    c.StreamID,
		Tracestate:  c.TraceState,
		PlainValues: c.PlainValues,
		Attempt:     clampUint32(c.Attempt),
		BridgeRun:   c.BridgeRun,
		WantStack:   c.WantStack,
	}
}

// StreamCallFromProto returns the streaming call that a request asks for; see CallFromProto.
func StreamCallFromProto(r *bridgepb.ToolStreamRequest) *tool.Call {
	return &tool.Call{
		SessionID:   r.GetSessionId(),
		Epoch:       r.GetEpoch(),
		MinRevision: r.GetMinRevision(),
		Tool:        r.GetToolId(),
		Args:        argsFromProto(r.GetArgs()),
		Kwargs:      kwargsFromProto(r.GetKwargs()),
		Stream:      true,
		StreamID:    r.GetStreamId(),
		Depth:       clampInt(uint64(r.GetCallDepth())),
		TraceParent: r.GetTraceparent(),
		TraceState:  r.GetTracestate(),
		PlainValues: r.GetPlainValues(),
		WantStack:   r.GetWantStack(),
	}
}

// StreamCallProto returns the request that asks for a streaming call; see CallProto.
func StreamCallProto(c *tool.Call) *bridgepb.ToolStreamRequest {
	return &bridgepb.ToolStreamRequest{
		SessionId:   c.SessionID,
		ToolId:      c.Tool,
		Args:        argsProto(c.Args),
		Kwargs:      kwargsProto(c.Kwargs),
		StreamId:    c.StreamID,
		CallDepth:   clampUint32(c.Depth),
		Epoch:       c.Epoch,
		Traceparent: c.TraceParent,
		MinRevision: c.MinRevision,
		Tracestate:  c.TraceState,
		PlainValues: c.PlainValues,
		WantStack:   c.WantStack,
	}
}
