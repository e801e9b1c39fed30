package etcdstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// leaseSpan is for how long tombstones share one lease.
	leaseSpan = time.Hour
	// sweepers is how many sessions a sweep ends at once.
	sweepers = 16
)

// graveyard is the lease of the tombstones that are put now.
type graveyard struct {
	mu    sync.Mutex
	lease clientv3.LeaseID
	until time.Time
}

// grave returns a lease under which a tombstone lives for at least its time.
func (s *Store) grave(ctx context.Context) (clientv3.LeaseID, error) {
	s.graves.mu.Lock()
	defer s.graves.mu.Unlock()
	now := time.Now()
	if s.graves.lease != clientv3.NoLease && now.Before(s.graves.until) {
		return s.graves.lease, nil
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	resp, err := s.client.Grant(ctx, int64((storecore.TombstoneTTL+leaseSpan)/time.Second))
	if err != nil {
		return clientv3.NoLease, err
	}
	s.graves.lease, s.graves.until = resp.ID, now.Add(leaseSpan)
	return resp.ID, nil
}

// forgetGrave makes the next tombstone get a new lease.
func (s *Store) forgetGrave(lease clientv3.LeaseID) {
	s.graves.mu.Lock()
	defer s.graves.mu.Unlock()
	if s.graves.lease == lease {
		s.graves.lease = clientv3.NoLease
	}
}

// EndSession ends the session at that epoch, or at whichever when it is 0.
func (s *Store) EndSession(ctx context.Context, key tool.SessionKey, epoch uint64) (broker.Removed, error) {
	e, err := s.living(ctx, key)
	if err != nil {
		return broker.Removed{}, err
	}
	if epoch != 0 && epoch != e.record.Epoch {
		return broker.Removed{}, storecore.SessionNotFound(key)
	}
	at := s.keys.session(key)
	removed, ended, err := s.end(ctx, key, e.record.Epoch, []condition{createdAt(at.record(), e.created)})
	if err == nil && !ended {
		return broker.Removed{}, storecore.SessionNotFound(key)
	}
	return removed, err
}

// end deletes everything of a session and puts its tombstone, in one transaction, if the conditions hold.
func (s *Store) end(ctx context.Context, key tool.SessionKey, epoch uint64, when []condition) (broker.Removed, bool, error) {
	tombstone, err := encode(tombstoneHeader{Epoch: epoch}, nil)
	if err != nil {
		return broker.Removed{}, false, err
	}
	resp, err := s.bury(ctx, key, string(tombstone), when)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		resp, err = s.bury(ctx, key, string(tombstone), when)
	}
	if err != nil {
		return broker.Removed{}, false, s.writeError(ctx, err)
	}
	if !resp.Succeeded {
		return broker.Removed{}, false, nil
	}
	s.view.end(key, resp.Header.Revision)
	return broker.Removed{
		Tools:     int(resp.Responses[0].GetResponseRange().Count),
		Variables: int(resp.Responses[1].GetResponseDeleteRange().Deleted),
		Agents:    int(resp.Responses[2].GetResponseDeleteRange().Deleted),
	}, true, nil
}

func (s *Store) bury(ctx context.Context, key tool.SessionKey, tombstone string, when []condition) (*clientv3.TxnResponse, error) {
	lease, err := s.grave(ctx)
	if err != nil {
		return nil, err
	}
	at := s.keys.session(key)
	resp, err := s.commit(ctx, when, []clientv3.Op{
		countPrefix(at.tools()),
		deletePrefix(s.keys.variables(key)),
		deletePrefix(s.keys.agents(key)),
		deletePrefix(at.prefix()),
		deletePrefix(at.stage()),
		clientv3.OpPut(s.keys.tombstone(key), tombstone, clientv3.WithLease(lease)),
	})
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		s.forgetGrave(lease)
	}
	return resp, err
}

// Sweep ends every session that was not used for its time to live, and touches those that are busy.
func (s *Store) Sweep(ctx context.Context, busy func(tool.SessionKey) bool) ([]tool.SessionKey, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	found := s.view.expired(time.Now())
	sweep := sweep{store: s, next: make(chan stale)}
	var workers sync.WaitGroup
	for range min(sweepers, len(found)) {
		workers.Go(func() { sweep.work(ctx) })
	}
	for _, one := range found {
		if busy(one.key) {
			sweep.failed(s.Touch(ctx, one.key))
			continue
		}
		sweep.next <- one
	}
	close(sweep.next)
	workers.Wait()
	return sweep.ended, sweep.err
}

// sweep is one sweep under way.
type sweep struct {
	store *Store
	next  chan stale

	mu    sync.Mutex
	ended []tool.SessionKey
	err   error
}

func (w *sweep) work(ctx context.Context) {
	for one := range w.next {
		ended, err := w.store.endStale(ctx, one)
		if err != nil {
			w.failed(err)
			continue
		}
		if ended {
			w.mu.Lock()
			w.ended = append(w.ended, one.key)
			w.mu.Unlock()
		}
	}
}

// failed keeps the first error. A session that ended meanwhile is none.
func (w *sweep) failed(err error) {
	if err == nil || tool.CodeOf(err) == tool.SessionNotFound {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// endStale ends a session unless somebody used it since it was seen.
func (s *Store) endStale(ctx context.Context, one stale) (bool, error) {
	at := s.keys.session(one.key)
	when := []condition{createdAt(at.record(), one.created), modifiedAt(at.alive(), one.used)}
	_, ended, err := s.end(ctx, one.key, one.epoch, when)
	return ended, err
}
