package etcdstore

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// askAgain is how often a view that waits for a revision asks etcd how far the watch is.
const askAgain = 20 * time.Millisecond

// WaitRevision returns when everything up to the revision is visible here. An embedded store has nobody beside it, and
// it puts its own writes into the view before it answers: there is nothing to wait for.
func (s *Store) WaitRevision(ctx context.Context, revision string) error {
	wanted, same, err := s.generation.Parse(revision)
	if err != nil || !same || s.embedded != nil {
		return err
	}
	if s.view.until(func() bool { return s.view.watched >= wanted }) == nil {
		return nil
	}
	if err := s.entry(ctx); err != nil {
		return err
	}
	resp, err := s.read(ctx, clientv3.OpGet(s.keys.store(), clientv3.WithCountOnly()))
	if err != nil {
		return s.readError(ctx, err)
	}
	if resp.Header.Revision < wanted {
		return nil // of a future that a restored backup took back
	}
	return s.catchUp(ctx, wanted, func() bool { return false })
}

// catchUp returns when the view has reached a revision, or sooner when it holds what is wanted. done is called with
// the view's mu held.
func (s *Store) catchUp(ctx context.Context, revision int64, done func() bool) error {
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	limited, cancel := s.bound(ctx)
	defer cancel()
	for {
		moved := s.view.until(func() bool { return s.view.watched >= revision || done() })
		if moved == nil {
			return nil
		}
		select {
		case <-moved:
		case <-limited.Done():
			return s.readError(ctx, limited.Err())
		case <-ticker.C:
			// Only an answer moves the view, so one that fails is asked again at the next tick.
			_ = s.client.RequestProgress(limited)
		}
	}
}
