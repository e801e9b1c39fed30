package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// PutAgent stores an agent.
func (s *Store) PutAgent(_ context.Context, key tool.SessionKey, agent tool.Agent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return err
	}
	if at := found.agent(agent.ID); at >= 0 {
		return storecore.CheckAgent(found.agents[at], agent)
	}
	if agent.CreatedAt.IsZero() {
		agent.CreatedAt = time.Now()
	}
	found.agents = append(found.agents, agent)
	return nil
}

// Agents lists a session's agents in the order in which they were created.
func (s *Store) Agents(_ context.Context, key tool.SessionKey) ([]tool.Agent, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.living(key)
	if err != nil {
		return nil, err
	}
	return slices.Clone(found.agents), nil
}

// DeleteAgent deletes an agent.
func (s *Store) DeleteAgent(_ context.Context, key tool.SessionKey, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return err
	}
	at := found.agent(id)
	if at < 0 {
		return storecore.AgentNotFound(key, id)
	}
	found.agents = slices.Delete(found.agents, at, at+1)
	return nil
}

// agent returns the place of an agent, or -1. The caller holds Store.mu.
func (f *session) agent(id string) int {
	return slices.IndexFunc(f.agents, func(a tool.Agent) bool { return a.ID == id })
}
