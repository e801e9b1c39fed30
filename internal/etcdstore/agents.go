package etcdstore

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// PutAgent stores an agent.
func (s *Store) PutAgent(ctx context.Context, key tool.SessionKey, agent tool.Agent) error {
	if err := s.entry(ctx); err != nil {
		return err
	}
	if agent.CreatedAt.IsZero() {
		agent.CreatedAt = time.Now().Round(0)
	}
	record, err := encode(agent, nil)
	if err != nil {
		return err
	}
	session, name := s.keys.session(key).record(), s.keys.agents(key)+agent.ID
	done, err := s.commitGrouped(ctx, &plain{
		when: []condition{exists(session), absent(name)},
		then: []put{{key: name, record: record}},
		look: []string{session, name},
	})
	if err != nil {
		return s.writeError(ctx, err)
	}
	if done.succeeded {
		return nil
	}
	if done.found[0] == nil {
		return storecore.SessionNotFound(key)
	}
	kv := done.found[1]
	var stored tool.Agent
	if _, err := decode(kv.Value, &stored); err != nil {
		return s.unreadable(kv, err)
	}
	return storecore.CheckAgent(stored, agent)
}

// Agents lists a session's agents in the order in which they were created.
func (s *Store) Agents(ctx context.Context, key tool.SessionKey) ([]tool.Agent, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	byCreation := clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend)
	resp, err := s.read(ctx,
		clientv3.OpGet(s.keys.session(key).record(), clientv3.WithCountOnly()),
		clientv3.OpGet(s.keys.agents(key), clientv3.WithPrefix(), byCreation),
	)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	if resp.Responses[0].GetResponseRange().Count == 0 {
		return nil, storecore.SessionNotFound(key)
	}
	kvs := resp.Responses[1].GetResponseRange().Kvs
	agents := make([]tool.Agent, len(kvs))
	for i, kv := range kvs {
		if _, err := decode(kv.Value, &agents[i]); err != nil {
			return nil, s.unreadable(kv, err)
		}
	}
	return agents, nil
}

// DeleteAgent deletes an agent.
func (s *Store) DeleteAgent(ctx context.Context, key tool.SessionKey, id string) error {
	if err := s.entry(ctx); err != nil {
		return err
	}
	session, name := s.keys.session(key).record(), s.keys.agents(key)+id
	done, err := s.commitGrouped(ctx, &plain{
		when: []condition{exists(session), exists(name)},
		then: []put{{key: name, gone: true}},
		look: []string{session},
	})
	if err != nil {
		return s.writeError(ctx, err)
	}
	if done.succeeded {
		return nil
	}
	if done.found[0] == nil {
		return storecore.SessionNotFound(key)
	}
	return storecore.AgentNotFound(key, id)
}
