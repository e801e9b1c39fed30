// Package memstore is a broker.Store in memory, for tests and for bridges whose state may be lost. It starts no
// goroutines and takes the time from time.Now, so it works inside a synctest bubble.
package memstore

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Store keeps everything in maps under one mutex. Any number of goroutines may use it.
type Store struct {
	generation storecore.Generation
	feed       storecore.Feed
	closed     chan struct{}

	mu         sync.RWMutex
	revision   int64
	sessions   map[tool.SessionKey]*session
	tombstones map[tool.SessionKey]tombstone
	shared     *broker.Catalog
}

// session is a living session; Store.mu guards it.
type session struct {
	record    *broker.SessionRecord
	lastUsed  time.Time
	variables map[string]*variable
	agents    []tool.Agent
	watchers  map[*watcher]struct{}
	// ended is closed when the session ends.
	ended chan struct{}
}

// variable is a variable with the request that wrote it last.
type variable struct {
	tool.Variable
	request string
}

// tombstone remembers an ended session.
type tombstone struct {
	epoch uint64
	until time.Time
}

var _ broker.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{
		generation: storecore.NewGeneration(rand.Uint64()), //nolint:gosec // unique, not secret
		closed:     make(chan struct{}),
		sessions:   make(map[tool.SessionKey]*session),
		tombstones: make(map[tool.SessionKey]tombstone),
	}
}

// Watch calls each for every change of a session's record or of the shared tools, until ctx ends.
func (s *Store) Watch(ctx context.Context, each func(broker.Change)) error {
	s.feed.Watch(ctx, s.closed, each)
	return nil
}

// WaitRevision returns at once: whatever was answered is visible.
func (s *Store) WaitRevision(_ context.Context, revision string) error {
	_, _, err := s.generation.Parse(revision)
	return err
}

// Healthy returns nil.
func (s *Store) Healthy(context.Context) error { return nil }

// Close ends every watch.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

// next returns the token of a new revision. The caller holds mu.
func (s *Store) next() string {
	s.revision++
	return s.generation.Token(s.revision)
}

// living returns a session that lives. The caller holds mu.
func (s *Store) living(key tool.SessionKey) (*session, error) {
	if found := s.sessions[key]; found != nil {
		return found, nil
	}
	return nil, storecore.SessionNotFound(key)
}
