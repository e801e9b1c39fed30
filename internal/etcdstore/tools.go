package etcdstore

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// RegisterTools adds tools to a session or replaces them, all or none.
func (s *Store) RegisterTools(ctx context.Context, key tool.SessionKey, specs []*tool.Spec) (*broker.SessionRecord, error) {
	return s.changeTools(ctx, key, func(current *broker.Catalog) (*broker.Catalog, []put, error) {
		next, changed, err := storecore.SessionTools(current, key.ID, specs)
		if err != nil {
			return nil, nil, err
		}
		puts, err := toolPuts(s.keys.session(key), changed)
		return next, puts, err
	})
}

// UnregisterTools removes tools of a session, all or none.
func (s *Store) UnregisterTools(ctx context.Context, key tool.SessionKey, ids []string) (*broker.SessionRecord, error) {
	return s.changeTools(ctx, key, func(current *broker.Catalog) (*broker.Catalog, []put, error) {
		next, err := current.Without(ids)
		return next, toolDeletions(s.keys.session(key), storecore.KnownTools(current, ids)), err
	})
}

// change computes the next catalog of a scope and what to put for it; nothing to put means no change.
type change func(current *broker.Catalog) (next *broker.Catalog, puts []put, err error)

// changeTools changes the tools of a session. The session's record is put along: its revision guards against
// other bridges that change the tools at the same time, and is the revision of the session.
func (s *Store) changeTools(ctx context.Context, key tool.SessionKey, compute change) (*broker.SessionRecord, error) {
	at := s.keys.session(key)
	lock := s.lock(at)
	lock.Lock()
	defer lock.Unlock()
	for range maxAttempts {
		e, err := s.living(ctx, key)
		if err != nil {
			return nil, err
		}
		next, puts, err := compute(e.record.Tools)
		if err != nil {
			return nil, err
		}
		if len(puts) == 0 {
			return e.record, nil
		}
		header, err := encode(headerOf(&e.record.Session, 0), nil)
		if err != nil {
			return nil, err
		}
		puts = append(puts, put{key: at.record(), record: header})
		revision, err := s.putTools(ctx, at, e.changed, puts)
		if err != nil {
			return nil, err
		}
		if revision > 0 {
			record := *e.record
			record.Tools, record.Revision = next, s.generation.Token(revision)
			s.view.publish(key, &record, revision)
			return &record, nil
		}
		if err := s.overtaken(ctx, at, func() bool { now := s.view.sessions[key]; return now == nil || now.changed > e.changed }); err != nil {
			return nil, err
		}
	}
	return nil, s.contended(at)
}

// SharedTools returns the tools offered to every session, from memory.
func (s *Store) SharedTools(ctx context.Context) (*broker.Catalog, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	catalog, _ := s.view.sharedTools()
	return catalog, nil
}

// RegisterShared adds shared tools or replaces them, all or none.
func (s *Store) RegisterShared(ctx context.Context, specs []*tool.Spec) (*broker.Catalog, error) {
	now := time.Now().Round(0)
	return s.changeShared(ctx, func(current *broker.Catalog) (*broker.Catalog, []put, error) {
		next, changed, err := storecore.SharedTools(current, specs, now)
		if err != nil {
			return nil, nil, err
		}
		puts, err := toolPuts(s.keys.shared(), changed)
		return next, puts, err
	})
}

// UnregisterShared forgets shared tools.
func (s *Store) UnregisterShared(ctx context.Context, ids []string) error {
	_, err := s.changeShared(ctx, func(current *broker.Catalog) (*broker.Catalog, []put, error) {
		known := storecore.KnownTools(current, ids)
		next, err := current.Without(known)
		return next, toolDeletions(s.keys.shared(), known), err
	})
	return err
}

func (s *Store) changeShared(ctx context.Context, compute change) (*broker.Catalog, error) {
	at := s.keys.shared()
	lock := s.lock(at)
	lock.Lock()
	defer lock.Unlock()
	record, err := encode(struct{}{}, nil)
	if err != nil {
		return nil, err
	}
	for range maxAttempts {
		if err := s.entry(ctx); err != nil {
			return nil, err
		}
		current, changed := s.view.sharedTools()
		next, puts, err := compute(current)
		if err != nil || len(puts) == 0 {
			return current, err
		}
		revision, err := s.putTools(ctx, at, changed, append(puts, put{key: at.record(), record: record}))
		if err != nil {
			return nil, err
		}
		if revision > 0 {
			s.view.publishShared(next, revision)
			return next, nil
		}
		if err := s.overtaken(ctx, at, func() bool { return s.view.shared.changed > changed }); err != nil {
			return nil, err
		}
	}
	return nil, s.contended(at)
}

// putTools puts tools and, last, the record of their scope, if that still is at a revision. It returns the record's new
// revision, or 0 if it was not.
func (s *Store) putTools(ctx context.Context, at scope, changed int64, puts []put) (int64, error) {
	unchanged := modifiedAt(at.record(), changed)
	if !fits(puts) {
		return s.putManyTools(ctx, at, unchanged, puts)
	}
	resp, err := s.commit(ctx, []condition{unchanged, absent(at.batch())}, ops(puts))
	switch {
	case err != nil:
		return 0, s.writeError(ctx, err)
	case !resp.Succeeded:
		return 0, nil
	default:
		return resp.Header.Revision, nil
	}
}

// putManyTools does the same in steps.
func (s *Store) putManyTools(ctx context.Context, at scope, unchanged condition, puts []put) (int64, error) {
	committed, err := s.inSteps(ctx, at, s.livingScope(at), func(ctx context.Context) ([]put, error) {
		resp, err := s.read(ctx, clientv3.OpTxn(cmps([]condition{unchanged}), nil, nil))
		if err != nil {
			return nil, s.readError(ctx, err)
		}
		if !resp.Responses[0].GetResponseTxn().Succeeded {
			return nil, nil
		}
		return puts, nil
	})
	if committed == 0 || err != nil {
		return 0, err
	}
	resp, err := s.read(ctx, clientv3.OpGet(at.record()))
	if err != nil {
		return 0, s.readError(ctx, err)
	}
	if kv := only(resp.Responses[0].GetResponseRange().Kvs); kv != nil {
		return kv.ModRevision, nil
	}
	return 0, storecore.SessionNotFound(at.key)
}

// livingScope is the condition that a scope lives: what is shared always does.
func (s *Store) livingScope(at scope) []condition {
	if at.shared {
		return nil
	}
	return []condition{exists(at.record())}
}

// overtaken waits until a change that came first is in the view, and finishes a batch that stands in the way.
func (s *Store) overtaken(ctx context.Context, at scope, seen func() bool) error {
	if err := s.settle(ctx, at); err != nil {
		return err
	}
	resp, err := s.read(ctx, clientv3.OpGet(at.record(), clientv3.WithCountOnly()))
	if err != nil {
		return s.readError(ctx, err)
	}
	return s.catchUp(ctx, resp.Header.Revision, seen)
}

// lock returns the mutex for this process's changes of a scope's tools.
func (s *Store) lock(at scope) *sync.Mutex {
	return &s.locks[maphash.String(s.seed, at.path)%uint64(len(s.locks))]
}

func toolPuts(at scope, specs []*tool.Spec) ([]put, error) {
	puts := make([]put, 0, len(specs)+1)
	for _, spec := range specs {
		record, err := encode(spec, nil)
		if err != nil {
			return nil, err
		}
		puts = append(puts, put{key: at.tool(spec.ID), record: record})
	}
	return puts, nil
}

func toolDeletions(at scope, ids []string) []put {
	puts := make([]put, 0, len(ids)+1)
	for _, id := range slices.Sorted(slices.Values(ids)) {
		puts = append(puts, put{key: at.tool(id), gone: true})
	}
	return puts
}
