package main

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

type callsVerb struct {
	List   callsList   `cmd:"" default:"withargs" help:"List running and recently ended calls, those that arrived last first."`
	Show   callsShow   `cmd:"" help:"Show a call."`
	Cancel callsCancel `cmd:"" help:"Cancel a running call: its caller hears that an operator did it."`
}

type callsList struct {
	Tool    string `placeholder:"ID" help:"Only of this tool."`
	State   string `enum:"queued,running,done,outcome_unknown,any" default:"any" placeholder:"STATE" help:"Only in this state: queued, running, done or outcome_unknown."`
	Request string `placeholder:"ID" help:"Only with this request id or stream id."`
	Limit   int    `default:"100" placeholder:"N" help:"At most so many; 0 for all. Defaults to 100."`
}

// Run lists calls. The session filters where it is named.
func (v *callsList) Run(ctx context.Context, s *shell, common *common) error {
	if v.Limit < 0 {
		return usage("--limit is %d: want 0 or more", v.Limit)
	}
	filter := toolbridge.CallFilter{Session: common.Session, Tool: v.Tool, RequestID: v.Request}
	if v.State != "any" {
		filter.State = v.State
	}
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		documents := []any{}
		t := table{heading: []string{"CALL", "STATE", "PHASE", "SESSION", "TOOL", "WORKER", "STARTED", "DURATION", "DEPTH", "ERROR", "REQUEST"}, right: map[int]bool{7: true, 8: true}}
		for c, err := range client.Calls(ctx, filter) {
			if err != nil {
				return err
			}
			documents = append(documents, callDocument(&c))
			t.add(c.ID, c.State, c.Phase, c.Session, shortened(c.Tool, maxCell), orDash(c.Metrics.Worker), moment(c.StartedAt), roughly(c.Metrics.Duration),
				number(c.Depth), orDash(string(c.Error)), shortened(orDash(c.RequestID), maxCell))
			if len(documents) == v.Limit {
				break
			}
		}
		if s.json {
			return s.document(documents)
		}
		return t.print(s.stdout)
	})
}

type callsShow struct {
	ID string `arg:"" help:"Call to show, as calls list names it."`
}

// Run shows a call.
func (v *callsShow) Run(ctx context.Context, s *shell, common *common) error {
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		c, err := client.CallInfo(ctx, v.ID)
		if err != nil {
			return err
		}
		if s.json {
			return s.document(callDocument(&c))
		}
		m := c.Metrics
		return s.fields(
			"call", c.ID, "state", c.State, "phase", c.Phase, "error", orDash(string(c.Error)), "session", c.Session, "tool", c.Tool,
			"request", orDash(c.RequestID), "worker", orDash(m.Worker), "started", moment(c.StartedAt), "duration", roughly(m.Duration),
			"queued", roughly(m.Queue), "routed", roughly(m.Route), "executed", roughly(m.Execute), "under way", roughly(m.Transport), "attempts", number(m.Attempts), "depth", number(c.Depth), "made during", orDash(c.Parent),
		)
	})
}

type callsCancel struct {
	IDs []string `arg:"" name:"id" help:"Calls to cancel, as calls list names them."`
}

// Run cancels calls, up to the first that does not run.
func (v *callsCancel) Run(ctx context.Context, s *shell, common *common) error {
	return common.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		for _, id := range v.IDs {
			if err := client.CancelCall(ctx, id); err != nil {
				return err
			}
			if !s.json {
				if err := s.line("cancelled %s", printable(id)); err != nil {
					return err
				}
			}
		}
		if s.json {
			return s.document(map[string]any{"cancelled": v.IDs})
		}
		return nil
	})
}

// roughly is a duration for people.
func roughly(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Microsecond).String()
	}
}

func callDocument(c *toolbridge.CallInfo) map[string]any {
	m := c.Metrics
	return map[string]any{
		"call_id": c.ID, "request_id": c.RequestID, "session_id": c.Session, "tool_id": c.Tool, "worker": m.Worker, "state": c.State, "phase": c.Phase,
		"started_at": timestamp(c.StartedAt), "duration_ms": milliseconds(m.Duration), "queue_ms": milliseconds(m.Queue),
		"route_ms": milliseconds(m.Route), "execute_ms": milliseconds(m.Execute), "transport_ms": milliseconds(m.Transport),
		"attempts": m.Attempts, "depth": c.Depth, "parent_call_id": c.Parent, "stream": c.Stream, "error": string(c.Error),
	}
}

// callCandidates asks the bridge for the calls that run, if it is there.
func callCandidates(ctx context.Context, s *shell, common *common, states ...string) []string {
	patient := *common
	patient.Timeout = candidatePatience
	var ids []string
	err := patient.withClient(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
		for _, state := range states {
			for c, err := range client.Calls(ctx, toolbridge.CallFilter{State: state}) {
				if err != nil {
					return err
				}
				if ids = append(ids, c.ID); len(ids) == maxCandidates {
					return nil
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil // whoever waits at a prompt must not read an error
	}
	return ids
}

// maxCandidates bounds what a shell is offered.
const maxCandidates = 100
