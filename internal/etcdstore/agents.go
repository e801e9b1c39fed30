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
	resp, err := s.commitGrouped(ctx,
		[]clientv3.Cmp{exists(session), absent(name)},
		[]clientv3.Op{clientv3.OpPut(name, string(record))},
		[]clientv3.Op{clientv3.OpGet(session, clientv3.WithCountOnly()), clientv3.OpGet(name)},
	)
	if err != nil {
		return s.writeError(ctx, err)
	}
	if resp.Succeeded {
		return nil
	}
	if resp.Responses[0].GetResponseRange().Count == 0 {
		return storecore.SessionNotFound(key)
	}
	kv := only(resp.Responses[1].GetResponseRange().Kvs)
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
	resp, err := s.commitGrouped(ctx,
		[]clientv3.Cmp{exists(session), exists(name)},
		[]clientv3.Op{clientv3.OpDelete(name)},
		[]clientv3.Op{clientv3.OpGet(session, clientv3.WithCountOnly())},
	)
	if err != nil {
		return s.writeError(ctx, err)
	}
	if resp.Succeeded {
		return nil
	}
	if resp.Responses[0].GetResponseRange().Count == 0 {
		return storecore.SessionNotFound(key)
	}
	return storecore.AgentNotFound(key, id)
}
