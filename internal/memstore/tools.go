package memstore

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// RegisterTools adds tools to a session or replaces them, all or none.
func (s *Store) RegisterTools(_ context.Context, key tool.SessionKey, specs []*tool.Spec) (*broker.SessionRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return nil, err
	}
	catalog, changed, err := storecore.SessionTools(found.record.Tools, key.ID, specs)
	if err != nil {
		return nil, err
	}
	if len(changed) == 0 {
		return found.record, nil
	}
	return s.publishTools(found, catalog), nil
}

// UnregisterTools removes tools of a session, all or none.
func (s *Store) UnregisterTools(_ context.Context, key tool.SessionKey, ids []string) (*broker.SessionRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return nil, err
	}
	catalog, err := found.record.Tools.Without(ids)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return found.record, nil
	}
	return s.publishTools(found, catalog), nil
}

// publishTools replaces the record by one with that catalog. The caller holds mu.
func (s *Store) publishTools(found *session, catalog *broker.Catalog) *broker.SessionRecord {
	record := *found.record
	record.Tools = catalog
	record.Revision = s.next()
	found.record = &record
	s.feed.Publish(broker.Change{Session: record.Key})
	return found.record
}

// SharedTools returns the tools offered to every session.
func (s *Store) SharedTools(context.Context) (*broker.Catalog, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.shared, nil
}

// RegisterShared adds shared tools or replaces them, all or none.
func (s *Store) RegisterShared(_ context.Context, specs []*tool.Spec) (*broker.Catalog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	catalog, changed, err := storecore.SharedTools(s.shared, specs, time.Now())
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		s.publishShared(catalog)
	}
	return s.shared, nil
}

// UnregisterShared forgets shared tools.
func (s *Store) UnregisterShared(_ context.Context, ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := storecore.KnownTools(s.shared, ids)
	if len(known) == 0 {
		return nil
	}
	catalog, err := s.shared.Without(known)
	if err != nil {
		return err
	}
	s.publishShared(catalog)
	return nil
}

// publishShared replaces the shared tools. The caller holds mu.
func (s *Store) publishShared(catalog *broker.Catalog) {
	s.revision++
	s.shared = catalog
	s.feed.Publish(broker.Change{})
}
