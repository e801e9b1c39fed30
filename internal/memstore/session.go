package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CreateSession creates a session, in a new epoch if one of this key has ended.
func (s *Store) CreateSession(_ context.Context, wanted tool.Session) (*broker.SessionRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := wanted.Key
	if s.sessions[key] != nil {
		return nil, storecore.SessionAlreadyExists(key)
	}
	now := time.Now()
	record := &broker.SessionRecord{Session: tool.Session{
		Key:       key,
		Epoch:     s.ended(key, now) + 1,
		Metadata:  maps.Clone(wanted.Metadata),
		CreatedAt: now,
		TTL:       wanted.TTL,
		Revision:  s.next(),
	}}
	if record.TTL <= 0 {
		record.TTL = storecore.DefaultTTL
	}
	s.sessions[key] = &session{
		record:    record,
		lastUsed:  now,
		variables: make(map[string]*variable),
		watchers:  make(map[*watcher]struct{}),
		ended:     make(chan struct{}),
	}
	s.feed.Publish(broker.Change{Session: key})
	return record, nil
}

// Session returns a living session.
func (s *Store) Session(_ context.Context, key tool.SessionKey) (*broker.SessionRecord, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.living(key)
	if err != nil {
		return nil, err
	}
	return found.record, nil
}

// Tombstone returns the last epoch of an ended session, or 0.
func (s *Store) Tombstone(_ context.Context, key tool.SessionKey) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ended(key, time.Now()), nil
}

// SessionCount implements broker.SessionCounter.
func (s *Store) SessionCount() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.sessions)
}

// Sessions lists living sessions of an owner in the order of their ids.
func (s *Store) Sessions(_ context.Context, owner, prefix, after string, limit int) ([]*broker.SessionRecord, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*broker.SessionRecord
	for key, one := range s.sessions {
		if key.Owner == owner && strings.HasPrefix(key.ID, prefix) && key.ID > after {
			found = append(found, one.record)
		}
	}
	slices.SortFunc(found, func(a, b *broker.SessionRecord) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	return found[:min(max(limit, 0), len(found))], nil
}

// LastUsed returns when the session was last touched.
func (s *Store) LastUsed(_ context.Context, key tool.SessionKey) (time.Time, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.living(key)
	if err != nil {
		return time.Time{}, err
	}
	return found.lastUsed, nil
}

// Touch marks a session as used.
func (s *Store) Touch(_ context.Context, key tool.SessionKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return err
	}
	if now := time.Now(); storecore.NeedsTouch(found.lastUsed, now, found.record.TTL) {
		found.lastUsed = now
	}
	return nil
}

// EndSession ends the session at that epoch, or at whichever when it is 0.
func (s *Store) EndSession(_ context.Context, key tool.SessionKey, epoch uint64) (broker.Removed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return broker.Removed{}, err
	}
	if epoch != 0 && epoch != found.record.Epoch {
		return broker.Removed{}, storecore.SessionNotFound(key)
	}
	removed := broker.Removed{Tools: found.record.Tools.Len(), Variables: len(found.variables), Agents: len(found.agents)}
	s.end(found)
	return removed, nil
}

// Sweep ends every session that was not used for its time to live, and touches those that are busy.
func (s *Store) Sweep(_ context.Context, busy func(tool.SessionKey) bool) ([]tool.SessionKey, error) {
	var ended []tool.SessionKey
	for _, key := range s.expired() {
		if busy(key) {
			// Another sweep may have ended it meanwhile, which is no error of this one.
			_ = s.Touch(context.Background(), key)
			continue
		}
		if s.endExpired(key) {
			ended = append(ended, key)
		}
	}
	return ended, nil
}

func (s *Store) expired() []tool.SessionKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := time.Now()
	var keys []tool.SessionKey
	for key, one := range s.sessions {
		if storecore.Expired(one.lastUsed, now, one.record.TTL) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *Store) endExpired(key tool.SessionKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.sessions[key]
	if found == nil || !storecore.Expired(found.lastUsed, time.Now(), found.record.TTL) {
		return false
	}
	s.end(found)
	return true
}

// end removes a session and leaves its tombstone. The caller holds mu.
func (s *Store) end(found *session) {
	key, now := found.record.Key, time.Now()
	for old, t := range s.tombstones {
		if !now.Before(t.until) {
			delete(s.tombstones, old)
		}
	}
	delete(s.sessions, key)
	s.revision++
	s.tombstones[key] = tombstone{epoch: found.record.Epoch, until: now.Add(storecore.TombstoneTTL)}
	close(found.ended)
	s.feed.Publish(broker.Change{Session: key, Ended: true})
}

// ended returns the epoch that the tombstone of key remembers, or 0. The caller holds mu.
func (s *Store) ended(key tool.SessionKey, now time.Time) uint64 {
	if t, found := s.tombstones[key]; found && now.Before(t.until) {
		return t.epoch
	}
	return 0
}
