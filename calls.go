package toolbridge

import (
	"context"
	"iter"
	"strings"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The states of calls in CallInfo and CallFilter.
const (
	// CallQueued calls are looked up or wait for a worker.
	CallQueued = "queued"
	// CallRunning calls were given to a worker.
	CallRunning = "running"
	// CallDone calls have ended, and what became of them is known.
	CallDone = "done"
	// CallOutcomeUnknown calls have ended after they were given to a worker, and what became of them is not known.
	CallOutcomeUnknown = "outcome_unknown"
)

// CallInfo is a call as operators see it: none of its values.
type CallInfo struct {
	// ID is the bridge's own name of the call.
	ID string
	// RequestID is its request id or stream id, as its caller gave it; may be empty.
	RequestID string
	// Session in which it is made.
	Session string
	// Tool is the tool's id, or what its caller asked for where there is none.
	Tool string
	// State is one of the states above. There may be others.
	State string
	// Phase is how far it is, or was when it ended: "routing", "queued", "running" or "streaming". There may be others.
	Phase string
	// StartedAt is when it arrived.
	StartedAt time.Time
	// Metrics of a call that has not ended are Duration, Worker and Attempts so far.
	Metrics tool.Metrics
	// Depth is how many calls it is nested in.
	Depth int
	// Parent is the ID of the call during which it was made; empty for none.
	Parent string
	// Stream says that its caller wants chunks.
	Stream bool
	// Error is the code of why it failed; empty where it did not.
	Error tool.Code
}

// CallFilter says which calls are wanted. A zero field stands for all.
type CallFilter struct {
	// Session in which they are made.
	Session string
	// Tool is the tool's id.
	Tool string
	// RequestID is their request id or stream id.
	RequestID string
	// State that they have; one of the states above.
	State string
}

// Calls lists the calls that are under way or ended lately, those that arrived last first. An error ends the listing.
func (c *Client) Calls(ctx context.Context, filter CallFilter) iter.Seq2[CallInfo, error] {
	state, known := bridgepb.CallState_value["CALL_"+strings.ToUpper(filter.State)]
	if filter.State != "" && (!known || state == 0) {
		return func(yield func(CallInfo, error) bool) {
			yield(CallInfo{}, tool.Errorf(tool.ValidationError, "calls have no state %.80q: want queued, running, done or outcome_unknown", filter.State).With("field", "state"))
		}
	}
	return pages(func(token string) ([]*bridgepb.CallStatus, string, error) {
		answer, err := ask(ctx, c, c.stub.ListCalls, &bridgepb.ListCallsRequest{
			SessionId: filter.Session, ToolId: filter.Tool, RequestId: filter.RequestID, State: bridgepb.CallState(state), PageToken: token,
		})
		return answer.GetCalls(), answer.GetNextPageToken(), err
	}, callInfo)
}

// CallInfo tells what a call does, or what became of it. One that is not known, or no longer, is CallNotFound.
func (c *Client) CallInfo(ctx context.Context, id string) (CallInfo, error) {
	answer, err := ask(ctx, c, c.stub.GetCall, &bridgepb.GetCallRequest{CallId: id})
	if err != nil {
		return CallInfo{}, err
	}
	return callInfo(answer.GetCall()), nil
}

// CancelCall cancels a call of anybody: its caller hears Cancelled, which says that an operator did it. One that does not run is
// CallNotFound. A caller cancels its own calls by their contexts.
func (c *Client) CancelCall(ctx context.Context, id string) error {
	_, err := ask(ctx, c, c.stub.CancelCall, &bridgepb.CancelCallRequest{CallId: id})
	return err
}

func callInfo(s *bridgepb.CallStatus) CallInfo {
	return CallInfo{
		ID: s.GetCallId(), RequestID: s.GetRequestId(), Session: s.GetSessionId(), Tool: s.GetToolId(), Phase: s.GetPhase(),
		State:     strings.ToLower(strings.TrimPrefix(s.GetState().String(), "CALL_")),
		StartedAt: wire.TimeFromProto(s.GetStartedAt()), Metrics: wire.MetricsFromProto(s.GetMetrics()), Depth: int(s.GetCallDepth()),
		Parent: s.GetParentCallId(), Stream: s.GetStream(), Error: tool.Code(s.GetError().GetType()),
	}
}
