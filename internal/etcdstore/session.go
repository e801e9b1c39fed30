package etcdstore

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CreateSession creates a session, in a new epoch if one of this key has ended.
func (s *Store) CreateSession(ctx context.Context, wanted tool.Session) (*broker.SessionRecord, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	session := tool.Session{
		Key:       wanted.Key,
		Epoch:     1,
		Metadata:  maps.Clone(wanted.Metadata),
		CreatedAt: time.Now().Round(0),
		TTL:       wanted.TTL,
	}
	if session.TTL <= 0 {
		session.TTL = storecore.DefaultTTL
	}
	notEnded := absent(s.keys.tombstone(session.Key))
	for range maxAttempts {
		record, tombstone, err := s.create(ctx, session, notEnded)
		if record != nil || err != nil {
			return record, err
		}
		if tombstone == nil {
			notEnded = absent(s.keys.tombstone(session.Key))
			continue
		}
		epoch, err := s.epochOf(tombstone)
		if err != nil {
			return nil, err
		}
		session.Epoch, notEnded = epoch+1, modifiedAt(string(tombstone.Key), tombstone.ModRevision)
	}
	return nil, s.contended(s.keys.session(session.Key))
}

// create puts a session if it is absent and its tombstone is as expected. Without an error it returns the session, or
// the tombstone that there is.
func (s *Store) create(ctx context.Context, session tool.Session, notEnded condition) (*broker.SessionRecord, *mvccpb.KeyValue, error) {
	at := s.keys.session(session.Key)
	write := rand.Uint64() //nolint:gosec // unique, not secret
	header, err := encodeSession(headerOf(&session, write))
	if err != nil {
		return nil, nil, err
	}
	record := at.record()
	done, err := s.commitGrouped(ctx, &plain{
		when: []condition{absent(record), notEnded},
		then: []put{{key: record, record: header}},
		look: []string{record, notEnded.key},
	})
	if err != nil {
		return s.createdAfterAll(ctx, session, write, s.writeError(ctx, err))
	}
	if done.succeeded {
		return s.created(session, done.revision), nil, nil
	}
	if done.found[0] != nil {
		return nil, nil, s.exists(ctx, session.Key, done.revision)
	}
	return nil, done.found[1], nil
}

// exists says that a session is there already. It may have been created a moment ago: whoever is told so finds it.
func (s *Store) exists(ctx context.Context, key tool.SessionKey, revision int64) error {
	if err := s.catchUp(ctx, revision, func() bool { return s.view.sessions[key] != nil }); err != nil {
		return err
	}
	return storecore.SessionAlreadyExists(key)
}

// created puts a session that was created at a revision into the view, unless the watch was faster.
func (s *Store) created(session tool.Session, revision int64) *broker.SessionRecord {
	return s.view.create(session, revision)
}

// createdAfterAll looks whether a creation with an unknown outcome took place.
func (s *Store) createdAfterAll(ctx context.Context, session tool.Session, write uint64, failed error) (*broker.SessionRecord, *mvccpb.KeyValue, error) {
	if !unsure(failed) {
		return nil, nil, failed
	}
	resp, err := s.readAgreed(context.WithoutCancel(ctx), clientv3.OpGet(s.keys.session(session.Key).record()))
	if err != nil {
		return nil, nil, failed
	}
	var header sessionHeader
	kv := only(resp.Responses[0].GetResponseRange().Kvs)
	if kv == nil || kv.Version != 1 {
		return nil, nil, failed
	}
	if _, err := decode(kv.Value, &header); err != nil || header.Write != write {
		return nil, nil, failed
	}
	return s.created(session, kv.ModRevision), nil, nil
}

// only returns the first of what a read of one key found, or nil.
func only(kvs []*mvccpb.KeyValue) *mvccpb.KeyValue {
	if len(kvs) == 0 {
		return nil
	}
	return kvs[0]
}

// Session returns a living session, from memory. One that is not there may have been created by another bridge a moment
// ago, so a cluster is asked; nobody writes beside an embedded etcd, and it puts what it wrote into memory before it answers.
func (s *Store) Session(ctx context.Context, key tool.SessionKey) (*broker.SessionRecord, error) {
	if record := s.view.record(key); record != nil {
		return record, nil
	}
	e, err := s.living(ctx, key)
	if err != nil {
		return nil, err
	}
	return e.record, nil
}

// living returns a living session's entry, if need be after the view has caught up.
func (s *Store) living(ctx context.Context, key tool.SessionKey) (entry, error) {
	if err := s.entry(ctx); err != nil {
		return entry{}, err
	}
	if e, ok := s.view.session(key); ok {
		return e, nil
	}
	if s.embedded != nil {
		return entry{}, storecore.SessionNotFound(key)
	}
	resp, err := s.read(ctx, clientv3.OpGet(s.keys.session(key).record()))
	if err != nil {
		return entry{}, s.readError(ctx, err)
	}
	kv := only(resp.Responses[0].GetResponseRange().Kvs)
	if kv == nil {
		return entry{}, storecore.SessionNotFound(key)
	}
	if err := s.catchUp(ctx, resp.Header.Revision, func() bool { return s.view.sessions[key] != nil }); err != nil {
		return entry{}, err
	}
	if e, ok := s.view.session(key); ok {
		return e, nil
	}
	return entry{}, storecore.SessionNotFound(key)
}

// Tombstone returns the last epoch of an ended session, or 0.
func (s *Store) Tombstone(ctx context.Context, key tool.SessionKey) (uint64, error) {
	if err := s.entry(ctx); err != nil {
		return 0, err
	}
	resp, err := s.read(ctx, clientv3.OpGet(s.keys.tombstone(key)))
	if err != nil {
		return 0, s.readError(ctx, err)
	}
	kv := only(resp.Responses[0].GetResponseRange().Kvs)
	if kv == nil {
		return 0, nil
	}
	return s.epochOf(kv)
}

func (s *Store) epochOf(tombstone *mvccpb.KeyValue) (uint64, error) {
	var header tombstoneHeader
	if _, err := decode(tombstone.Value, &header); err != nil {
		return 0, s.unreadable(tombstone, err)
	}
	return header.Epoch, nil
}

// SessionCount implements broker.SessionCounter.
func (s *Store) SessionCount() int {
	s.view.mu.RLock()
	defer s.view.mu.RUnlock()
	return len(s.view.sessions)
}

// HasSession implements broker.SessionFinder. Nobody writes beside an embedded etcd.
func (s *Store) HasSession(key tool.SessionKey) bool {
	return s.embedded == nil || s.view.record(key) != nil
}

// Sessions lists living sessions of an owner in the order of their ids, from memory.
func (s *Store) Sessions(ctx context.Context, owner, prefix, after string, limit int) ([]*broker.SessionRecord, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	return s.view.page(owner, prefix, after, limit), nil
}

// LastUsed returns when the session was last touched.
func (s *Store) LastUsed(ctx context.Context, key tool.SessionKey) (time.Time, error) {
	e, err := s.living(ctx, key)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, e.lastUsed), nil
}

// Touch marks a session as used, and writes that at most once a quarter of its time to live.
func (s *Store) Touch(ctx context.Context, key tool.SessionKey) error {
	if _, err := s.living(ctx, key); err != nil {
		return err
	}
	now := time.Now().Round(0)
	created, due, living := s.view.claimTouch(key, now)
	if !living {
		return storecore.SessionNotFound(key)
	}
	if !due {
		return nil
	}
	at := s.keys.session(key)
	done, err := s.commitGrouped(ctx, &plain{
		when: []condition{createdAt(at.record(), created)},
		then: []put{{key: at.alive(), record: encodeAlive(now)}},
	})
	written := int64(0)
	if err == nil && done.succeeded {
		written = done.revision
	}
	s.view.touched(key, created, now, written)
	switch {
	case err != nil:
		return s.writeError(ctx, err)
	case !done.succeeded:
		return storecore.SessionNotFound(key)
	default:
		return nil
	}
}
