package gosdk

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type sessionFields struct {
	CreateOnly bool    `json:"create_only"`
	TTL        float64 `json:"ttl"`
	Metadata   map[string]string
	Force      bool
	Prefix     string
}

func initialize(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	var options []toolbridge.SessionOption
	if r.CreateOnly {
		options = append(options, toolbridge.CreateOnly())
	}
	if r.TTL != 0 {
		options = append(options, toolbridge.TTL(time.Duration(r.TTL*float64(time.Second))))
	}
	if r.Metadata != nil {
		options = append(options, toolbridge.SessionMetadata(r.Metadata))
	}
	s, err := c.sdk.Session(ctx, r.Session, options...)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.sessions[s.ID()] = s
	c.mu.Unlock()
	return outcome{"session": s.ID(), "epoch": s.Epoch(), "created": s.Created()}, nil
}

func cleanup(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	var options []toolbridge.EndOption
	if r.Force {
		options = append(options, toolbridge.Force())
	}
	end := func(options ...toolbridge.EndOption) (toolbridge.Ended, error) {
		return c.sdk.EndSession(ctx, r.Session, options...)
	}
	if s, err := c.session(r.Session); err == nil {
		end = func(options ...toolbridge.EndOption) (toolbridge.Ended, error) { return s.End(ctx, options...) }
	}
	ended, err := end(options...)
	if err != nil {
		return nil, err
	}
	return outcome{"tools_removed": ended.Tools, "variables_removed": ended.Variables, "agents_removed": ended.Agents}, nil
}

func getSession(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	info, err := c.sdk.SessionInfo(ctx, r.Session)
	if s, known := c.session(r.Session); known == nil {
		info, err = s.Info(ctx)
	}
	if err != nil {
		return nil, err
	}
	return outcome{
		"session": info.Key.ID, "epoch": info.Epoch, "metadata": details(info.Metadata), "ttl": info.TTL.Seconds(), "tool_count": info.ToolCount,
	}, nil
}

func listSessions(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	ids := []string{}
	for info, err := range c.sdk.Sessions(ctx, r.Prefix) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, info.Key.ID)
	}
	return outcome{"sessions": ids}, nil
}

type toolFields struct {
	Specs []toolSpec
	IDs   []string
	Tools []stageTool
}

// toolSpec is a tool as scenarios say it.
type toolSpec struct {
	ToolID      string            `json:"tool_id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Type        string            `json:"type"`
	Arguments   []argumentSpec    `json:"arguments"`
	ReturnType  string            `json:"return_type"`
	Idempotent  bool              `json:"idempotent"`
	Available   bool              `json:"available"`
	Own         bool              `json:"own"`
	Metadata    map[string]string `json:"metadata"`
}

type argumentSpec struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Nullable bool   `json:"nullable"`
}

func (s toolSpec) spec() *tool.Spec {
	out := &tool.Spec{ID: s.ToolID, Name: s.Name, Description: s.Description, ReturnType: s.ReturnType, Idempotent: s.Idempotent, Metadata: s.Metadata}
	for _, a := range s.Arguments {
		out.Arguments = append(out.Arguments, tool.Argument{Name: a.Name, Type: a.Type, Required: a.Required, Nullable: a.Nullable})
	}
	return out
}

func said(s *tool.Spec) toolSpec {
	out := toolSpec{
		ToolID: s.ID, Name: s.Name, Description: s.Description, Type: typeName(s.Type), ReturnType: s.ReturnType, Idempotent: s.Idempotent,
		Available: s.Available, Own: s.SessionID != "", Metadata: details(s.Metadata), Arguments: []argumentSpec{},
	}
	for _, a := range s.Arguments {
		out.Arguments = append(out.Arguments, argumentSpec{a.Name, a.Type, a.Required, a.Nullable})
	}
	return out
}

func typeName(t tool.Type) string {
	switch t {
	case tool.Streaming:
		return "streaming"
	case tool.External:
		return "external"
	default:
		return "standard"
	}
}

func listTools(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	tools, err := s.Tools(ctx)
	if err != nil {
		return nil, err
	}
	all := []toolSpec{}
	for _, t := range tools {
		all = append(all, said(t.Spec()))
	}
	return outcome{"tools": all}, nil
}

func registerTools(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	var specs []*tool.Spec
	for _, spec := range r.Specs {
		specs = append(specs, spec.spec())
	}
	ids, err := s.RegisterTools(ctx, specs...)
	return outcome{"tool_ids": ids}, err
}

func unregisterTools(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	return nil, s.UnregisterTools(ctx, r.IDs...)
}
