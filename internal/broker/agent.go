package broker

import (
	"context"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// defaultMaxIters is an agent's largest number of steps where it does not say.
const defaultMaxIters = 10

// CreateAgent stores the description of an agent, durably, and returns it as stored. An empty ID is minted. The same again
// is no error, another one under the same id is ValidationError. Other errors: MessageTooLarge, SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) CreateAgent(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, agent tool.Agent) (tool.Agent, error) {
	if agent.ID == "" {
		agent.ID = mintID()
	}
	if agent.MaxIters == 0 {
		agent.MaxIters = defaultMaxIters
	}
	if agent.CreatedAt.IsZero() {
		agent.CreatedAt = time.Now()
	}
	if err := b.checkAgent(agent); err != nil {
		return tool.Agent{}, err
	}
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return tool.Agent{}, err
	}
	err = b.write("put_agent", func() error { return b.store.PutAgent(ctx, key, agent) })
	if err != nil {
		return tool.Agent{}, b.explain(ctx, key, err)
	}
	return b.Agent(ctx, p, sessionID, epoch, agent.ID)
}

func (b *Broker) checkAgent(a tool.Agent) error {
	if err := tool.CheckName("agent id", a.ID); err != nil {
		return err
	}
	if a.Signature == "" {
		return tool.Errorf(tool.ValidationError, `agent %q has no signature: give one such as "question -> answer"`, a.ID).With("field", "signature")
	}
	if a.MaxIters < 0 {
		return tool.Errorf(tool.ValidationError, "agent %q has max_iters %d: want at least 1, or 0 for %d", a.ID, a.MaxIters, defaultMaxIters).With("field", "max_iters")
	}
	size := len(a.Signature) + len(a.Instructions) + len(a.Model)
	for _, name := range a.Tools {
		if err := tool.CheckName("tool name of agent "+strconv.Quote(a.ID), name); err != nil {
			return err
		}
		size += len(name)
	}
	if size > b.limits.VariableBytes {
		return tooLarge("the descriptions of agent "+strconv.Quote(a.ID), size, b.limits.VariableBytes)
	}
	return b.checkMetadata("the metadata of agent "+strconv.Quote(a.ID), a.Metadata)
}

// Agent returns one agent of a session. Errors: AgentNotFound, SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) Agent(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, id string) (tool.Agent, error) {
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return tool.Agent{}, err
	}
	agents, err := b.agents(ctx, key)
	if err != nil {
		return tool.Agent{}, err
	}
	for _, a := range agents {
		if a.ID == id {
			return a, nil
		}
	}
	return tool.Agent{}, tool.Errorf(tool.AgentNotFound, "session %q has no agent %q: create it first, or list the agents there are", sessionID, id).
		With("agent", id).With("session", sessionID)
}

// Agents lists a session's agents in the order in which they were created.
func (b *Broker) Agents(ctx context.Context, p tool.Principal, sessionID string, epoch uint64) ([]tool.Agent, error) {
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return nil, err
	}
	return b.agents(ctx, key)
}

func (b *Broker) agents(ctx context.Context, key tool.SessionKey) (agents []tool.Agent, err error) {
	err = b.read("list_agents", func() (err error) {
		agents, err = b.store.Agents(ctx, key)
		return err
	})
	return agents, b.explain(ctx, key, err)
}

// DeleteAgent deletes an agent, durably; runs under way go on. Errors: AgentNotFound, SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) DeleteAgent(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, id string) error {
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return err
	}
	err = b.write("delete_agent", func() error { return b.store.DeleteAgent(ctx, key, id) })
	return b.explain(ctx, key, err)
}
