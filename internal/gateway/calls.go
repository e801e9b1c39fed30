package gateway

import (
	"context"
	"net/http"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallStatus is a call as operators see it: none of its values.
type CallStatus struct {
	CallID       string    `json:"call_id" doc:"The bridge's own name of the call."`
	RequestID    string    `json:"request_id" doc:"Its request id or stream id, as its caller gave it; may be empty."`
	SessionID    string    `json:"session_id"`
	ToolID       string    `json:"tool_id" doc:"What its caller asked for where there is no such tool."`
	State        string    `json:"state" enum:"queued,running,done,outcome_unknown" doc:"Done calls have succeeded unless there is an error."`
	Phase        string    `json:"phase" doc:"How far it is, or was when it ended: routing, queued, running or streaming."`
	StartedAt    string    `json:"started_at" format:"date-time"`
	Metrics      *Metrics  `json:"metrics" doc:"Of a call that has not ended: duration_ms, worker and attempts so far."`
	Depth        int       `json:"depth" doc:"How many calls it is nested in."`
	ParentCallID string    `json:"parent_call_id,omitempty" doc:"The call during which it was made."`
	Stream       bool      `json:"stream" doc:"Its caller wants chunks."`
	Error        tool.Code `json:"error,omitempty" doc:"The code of why it failed."`
}

func callStatusOf(c *broker.CallInfo) CallStatus {
	return CallStatus{
		CallID: c.ID, RequestID: wire.Text(c.RequestID), SessionID: c.Session, ToolID: wire.Text(c.Tool), State: c.State.String(), Phase: c.Phase,
		StartedAt: moment(c.StartedAt), Metrics: metricsOf(c.Metrics), Depth: c.Depth, ParentCallID: c.Parent, Stream: c.Stream, Error: c.Error,
	}
}

type listCallsInput struct {
	SessionID string `query:"session_id" maxLength:"256" doc:"Only of this session."`
	ToolID    string `query:"tool_id" maxLength:"256" doc:"Only of this tool, by its id."`
	RequestID string `query:"request_id" maxLength:"272" doc:"Only those with this request id or stream id."`
	State     string `query:"state" enum:"queued,running,done,outcome_unknown" doc:"Only in this state."`
	PageSize  int    `query:"page_size" minimum:"1" maximum:"1000" default:"100" doc:"At most so many."`
	PageToken string `query:"page_token" maxLength:"256" doc:"next_page_token of the page before."`
}

type callsOutput struct{ Body CallList }

// CallList is a page of calls.
type CallList struct {
	Calls         []CallStatus `json:"calls" nullable:"false" doc:"Those that arrived last come first."`
	NextPageToken string       `json:"next_page_token,omitempty" doc:"Missing on the last page."`
}

func (g *Gateway) listCalls(ctx context.Context, in *listCallsInput) (*callsOutput, error) {
	filter := broker.CallFilter{Session: in.SessionID, Tool: in.ToolID, RequestID: in.RequestID, State: stateOf(in.State)}
	page, err := g.broker.Calls(principal(ctx), filter, in.PageToken, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := CallList{Calls: make([]CallStatus, len(page.Calls)), NextPageToken: page.Next}
	for i := range page.Calls {
		out.Calls[i] = callStatusOf(&page.Calls[i])
	}
	return &callsOutput{out}, nil
}

// stateOf reads a state; any where none is named.
func stateOf(name string) broker.CallState {
	for s := broker.CallQueued; s <= broker.CallOutcomeUnknown; s++ {
		if s.String() == name {
			return s
		}
	}
	return 0
}

// CallPath names a call in the path of a request.
type CallPath struct {
	CallID string `path:"call_id" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The call." example:"0f3a9b21-17"`
}

type callOutput struct{ Body CallStatus }

func (g *Gateway) getCall(ctx context.Context, in *CallPath) (*callOutput, error) {
	info, err := g.broker.FindCall(principal(ctx), broker.CallName{ID: in.CallID})
	if err != nil {
		return nil, err
	}
	return &callOutput{callStatusOf(&info)}, nil
}

type cancelledOutput struct{ Body CancelledCall }

// CancelledCall says which call was told to stop.
type CancelledCall struct {
	CallID string `json:"call_id"`
}

func (g *Gateway) cancelCall(ctx context.Context, in *CallPath) (*cancelledOutput, error) {
	if err := g.broker.CancelCall(principal(ctx), broker.CallName{ID: in.CallID}); err != nil {
		return nil, err
	}
	return &cancelledOutput{CancelledCall(*in)}, nil
}

func (g *Gateway) routeOperations() {
	register(g, operation(http.MethodGet, "/api/calls", "list-calls", "Calls", "List running and recently ended calls"), g.listCalls)
	register(g, operation(http.MethodGet, "/api/calls/{call_id}", "get-call", "Calls", "Tell what a call does, or what became of it"), g.getCall)
	register(g, operation(http.MethodDelete, "/api/calls/{call_id}", "cancel-call", "Calls", "Cancel a running call: its caller hears Cancelled"), g.cancelCall)
}
