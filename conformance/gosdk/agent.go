package gosdk

import (
	"context"
	"encoding/json"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type agentFields struct {
	AgentID      string `json:"agent_id"`
	Signature    string
	ToolNames    []string `json:"tool_names"`
	MaxIters     int      `json:"max_iters"`
	Instructions string
	Input        map[string]json.RawMessage
}

func createAgent(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	id, err := s.CreateReActAgent(ctx, tool.Agent{
		ID: r.AgentID, Signature: r.Signature, Tools: r.ToolNames, MaxIters: r.MaxIters, Instructions: r.Instructions, Metadata: r.Metadata,
	})
	if err != nil {
		return nil, err
	}
	return outcome{"agent_id": id}, nil
}

func listAgents(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	agents, err := s.Agents(ctx)
	if err != nil {
		return nil, err
	}
	all := []outcome{}
	for _, agent := range agents {
		all = append(all, outcome{"agent_id": agent.ID, "signature": agent.Signature, "tool_names": names(agent.Tools), "max_iters": agent.MaxIters, "instructions": agent.Instructions, "metadata": details(agent.Metadata)})
	}
	return outcome{"agents": all}, nil
}

func names(of []string) []string {
	if of == nil {
		return []string{}
	}
	return of
}

func deleteAgent(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	return nil, s.DeleteAgent(ctx, r.AgentID)
}

func runAgent(ctx context.Context, a *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	input := map[string]any{}
	for name, text := range r.Input {
		if input[name], err = value.DecodeJSON(text); err != nil {
			return nil, err
		}
	}
	kinds := []string{}
	var answer json.RawMessage
	for event, err := range s.RunAgent(ctx, r.AgentID, input) {
		if err != nil {
			return outcome{"events": kinds}, err
		}
		kinds = append(kinds, string(event.Type))
		a.event(r, outcome{"type": event.Type, "tool": event.Tool})
		if event.Type == toolbridge.AgentResult {
			if answer, err = inJSON(event.Answer); err != nil {
				return nil, err
			}
		}
	}
	return outcome{"events": kinds, "value": answer}, nil
}
