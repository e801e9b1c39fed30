// Package etcdstore is the broker.Store that lasts: on an etcd inside the bridge's own process, which listens nowhere, or on a
// cluster that others run.
//
// Sessions and tools are served from memory (see view), which a watch keeps up to date and into which a store puts
// its own writes before it answers; variables and agents are read from etcd, linearizably. Every change is one transaction,
// or, where it is too large for one, several that one key makes visible (see batch).
package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Store is the state of a bridge in etcd. Any number of goroutines may use it, and any number of Stores the same
// cluster and prefix.
type Store struct {
	client     *clientv3.Client
	embedded   *embedded // nil for a cluster that others run
	place      string
	quota      int64
	keys       keys
	generation storecore.Generation
	logger     *slog.Logger
	view       *view
	feed       storecore.Feed
	graves     graveyard
	// failing says that the last write failed; Healthy then tries one.
	failing atomic.Bool
	// bound limits a request to etcd by the caller's context, the configured timeout and the life of the store.
	bound     func(context.Context) (context.Context, context.CancelFunc)
	committer committer
	last      *lastWrites
	// locks order this process's own changes of the tools of one scope, so that they do not race each other in etcd.
	locks [64]sync.Mutex
	seed  maphash.Seed

	closed     chan struct{}
	stop       context.CancelFunc
	background sync.WaitGroup
	closing    sync.Once
}

var _ broker.Store = (*Store)(nil)

// Open connects to the store, or starts it, and returns when every session is in memory.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{keys: keys{cfg.Prefix}, quota: cfg.QuotaBytes, logger: cfg.Logger, closed: make(chan struct{}), seed: maphash.MakeSeed(), last: newLastWrites()}
	if err := s.connect(ctx, &cfg); err != nil {
		return nil, err
	}
	s.committer.store = s
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.bound = func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithTimeout(ctx, cfg.RequestTimeout)
		unhook := context.AfterFunc(life, cancel)
		return ctx, func() { unhook(); cancel() }
	}
	s.watchFault(life)
	if err := s.load(ctx, life); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.embedded != nil {
		s.run(func() { s.maintain(life) })
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context, cfg *Config) (err error) {
	if cfg.Dir != "" {
		s.place = cfg.Dir
		s.embedded, err = startEmbedded(ctx, cfg.Dir, cfg.QuotaBytes, cfg.Logger)
		if err == nil {
			s.client = s.embedded.client
		}
		return err
	}
	s.place = strings.Join(cfg.Endpoints, ",")
	s.client, err = dial(ctx, cfg)
	return err
}

// dial connects to a cluster and waits for its first answer, so that a wrong address or password is an error now.
func dial(ctx context.Context, cfg *Config) (*clientv3.Client, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            cfg.Endpoints,
		TLS:                  cfg.TLS,
		Username:             cfg.Username,
		Password:             cfg.Password,
		DialTimeout:          cfg.DialTimeout,
		DialKeepAliveTime:    cfg.DialTimeout,
		DialKeepAliveTimeout: cfg.DialTimeout,
		Logger:               zap.NewNop(),
	})
	place := strings.Join(cfg.Endpoints, ",")
	if err != nil {
		return nil, tool.Errorf(tool.StoreUnavailable, "the etcd cluster at %s does not answer within %s: %w", place, cfg.DialTimeout, err)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	if _, err := client.Get(ctx, cfg.Prefix+"store"); err != nil {
		return nil, tool.Errorf(tool.StoreUnavailable, "the etcd cluster at %s does not answer within %s: %w", place, cfg.DialTimeout, errors.Join(err, client.Close()))
	}
	return client, nil
}

// load reads everything that is served from memory and starts to watch it.
func (s *Store) load(ctx, life context.Context) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	s.view = newView(s.keys, s.generation, s.logger, &s.feed)
	revision, err := s.reload(ctx, true)
	if err != nil {
		return err
	}
	s.run(func() { s.follow(life, revision) })
	return nil
}

// identify reads the generation of the data, or makes one where there is no data yet.
func (s *Store) identify(ctx context.Context) error {
	fresh, err := encode(storeHeader{Format: dataFormat, Generation: rand.Uint64()}, nil) //nolint:gosec // unique, not secret
	if err != nil {
		return fmt.Errorf("identify the store: %w", err)
	}
	key := s.keys.store()
	if _, err := s.commit(ctx, []condition{absent(key)}, []clientv3.Op{clientv3.OpPut(key, string(fresh))}); err != nil {
		return s.writeError(ctx, err)
	}
	resp, err := s.read(ctx, clientv3.OpGet(key))
	if err != nil {
		return s.readError(ctx, err)
	}
	kvs := resp.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return folderError("the store at %s lost its identity while it was opened: is somebody deleting the prefix %s?", s.place, s.keys.prefix)
	}
	var header storeHeader
	if _, err := decode(kvs[0].Value, &header); err != nil {
		return folderError("the store at %s cannot be read: %w", s.place, err)
	}
	if header.Format > dataFormat {
		return newerFormat("the store at "+s.place, header.Format)
	}
	// The cluster's id changes when a cluster is made from a backup, the record does not.
	s.generation = storecore.NewGeneration(header.Generation ^ resp.Header.ClusterId)
	return nil
}

// commit runs a transaction that writes.
func (s *Store) commit(ctx context.Context, when []condition, then []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	resp, err := s.client.Txn(ctx).If(cmps(when)...).Then(then...).Commit()
	if err == nil {
		s.succeeded()
	}
	return resp, err
}

// succeeded notes that a write was done.
func (s *Store) succeeded() {
	if s.failing.Load() {
		s.failing.Store(false)
	}
}

// read runs several reads at one revision, linearizably.
func (s *Store) read(ctx context.Context, gets ...clientv3.Op) (*clientv3.TxnResponse, error) {
	if s.embedded != nil {
		return s.embedded.read(ctx, gets)
	}
	return s.readAgreed(ctx, gets...)
}

// readAgreed is read after every write before it that etcd has begun to work on, whether it was answered or not.
func (s *Store) readAgreed(ctx context.Context, gets ...clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	return s.client.Txn(ctx).Then(gets...).Commit()
}

// run starts work in the background that Close waits for.
func (s *Store) run(work func()) {
	s.background.Go(work)
}

// fault is why an embedded etcd stopped working for good, or nil.
func (s *Store) fault() error {
	if s.embedded == nil {
		return nil
	}
	return s.embedded.died.get()
}

// watchFault ends every request under way when an embedded etcd stops working.
func (s *Store) watchFault(life context.Context) {
	if s.embedded == nil {
		return
	}
	s.run(func() {
		select {
		case <-life.Done():
		case <-s.embedded.died.happened:
			s.logger.Error("the store stopped working: free space or repair the disk, then restart the bridge", "place", s.place, "error", s.fault())
			s.stop()
		}
	})
}

// Close ends every watch, stops an embedded etcd and gives its folder free.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		s.committer.close()
		s.stop()
		s.background.Wait()
		if s.embedded != nil {
			s.embedded.close()
			return
		}
		err = s.client.Close()
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	})
	return err
}

// Watch calls each for every change of a session's record or of the shared tools, until ctx ends.
func (s *Store) Watch(ctx context.Context, each func(broker.Change)) error {
	s.feed.Watch(ctx, s.closed, each)
	return nil
}

// Healthy returns nil while the store reads and writes.
func (s *Store) Healthy(ctx context.Context) error {
	if err := s.entry(ctx); err != nil {
		return err
	}
	if _, err := s.readAgreed(ctx, clientv3.OpGet(s.keys.store(), clientv3.WithCountOnly())); err != nil {
		return s.readError(ctx, err)
	}
	if !s.failing.Load() {
		return nil
	}
	if _, err := s.commit(ctx, nil, []clientv3.Op{clientv3.OpPut(s.keys.probe(), "")}); err != nil {
		return s.unavailable(err)
	}
	return nil
}
