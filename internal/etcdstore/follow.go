package etcdstore

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// loadPage is how many keys are read at once when the view is loaded from a cluster, and loadPageEmbedded from an etcd in
	// this process, which copies nothing. etcd walks all keys that are left for each page, so pages are large.
	loadPage         = 10_000
	loadPageEmbedded = 100_000
	// retryWatch is how long a watch that broke waits before it begins anew.
	retryWatch = 100 * time.Millisecond
)

// follow keeps the view up to date from after a revision until life ends.
func (s *Store) follow(life context.Context, revision int64) {
	for life.Err() == nil {
		last, err := s.watchView(life, revision)
		revision = max(revision, last)
		if life.Err() != nil {
			return
		}
		if errors.Is(err, rpctypes.ErrCompacted) {
			if listed, err := s.reload(life, false); err == nil {
				revision = listed
				continue
			}
		}
		pause(life, retryWatch)
	}
}

// watchView applies what the watch tells until it breaks, and returns the last revision that it told.
func (s *Store) watchView(life context.Context, revision int64) (int64, error) {
	ctx, cancel := context.WithCancel(life)
	defer cancel()
	for resp := range s.client.Watch(ctx, s.keys.view(), clientv3.WithPrefix(), clientv3.WithRev(revision+1)) {
		if err := resp.Err(); err != nil {
			return revision, err
		}
		s.view.apply(resp.Events)
		if len(resp.Events) > 0 {
			revision = max(revision, resp.Events[len(resp.Events)-1].Kv.ModRevision)
		}
		if resp.IsProgressNotify() {
			revision = max(revision, resp.Header.Revision)
		}
		s.view.reached(revision)
	}
	return revision, nil
}

// reload reads everything under view at one revision and compares the view with it. Changes in several steps that
// were committed and not finished, because a bridge was killed, are finished first.
//
// At the first time an embedded store is alone, so that open ones are nobody's either.
func (s *Store) reload(ctx context.Context, first bool) (int64, error) {
	patience := giveUp
	if first {
		patience = 0
	}
	for range maxAttempts {
		snapshot, err := s.list(ctx, first && s.embedded != nil)
		if err != nil {
			return 0, err
		}
		if len(snapshot.unfinished) == 0 {
			s.view.replace(snapshot)
			return snapshot.revision, nil
		}
		for _, at := range snapshot.unfinished {
			if err := s.settleWithin(ctx, at, patience); err != nil {
				return 0, err
			}
		}
	}
	return 0, s.unavailable(errors.New("changes in several steps keep coming while the sessions are read"))
}

// list reads everything under view at one revision.
func (s *Store) list(ctx context.Context, alone bool) (*snapshot, error) {
	from, end := s.keys.view(), clientv3.GetPrefixRangeEnd(s.keys.view())
	found := newSnapshot(s.view, alone)
	for {
		resp, err := s.rangeAt(ctx, from, end, found.revision)
		if err != nil {
			return nil, err
		}
		if found.revision == 0 {
			found.revision = resp.Header.Revision
		}
		for _, kv := range resp.Kvs {
			found.add(kv)
		}
		if !resp.More {
			found.flush()
			return found, nil
		}
		from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
	}
}

func (s *Store) rangeAt(ctx context.Context, from, end string, revision int64) (*clientv3.GetResponse, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	limit := int64(loadPage)
	if s.embedded != nil {
		limit = loadPageEmbedded
	}
	resp, err := s.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(limit), clientv3.WithRev(revision))
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	return resp, nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
