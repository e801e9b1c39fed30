package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// A start waits for one to five ticks until this etcd has elected itself; shorter ones cost an idle bridge more.
	tickMs     = 50
	electionMs = 250
	// snapshotCount and catchUpEntries bound the entries of the raft log that are replayed at a start and kept in memory:
	// each is a group of up to 64 writes and may be over 1 MiB, and there is no follower that would want them.
	snapshotCount  = 500
	catchUpEntries = 100
	// history is for how long watches find old revisions.
	history = "5m"
	// startTimeout bounds the start, replaying a long log included.
	startTimeout = 2 * time.Minute
	stopTimeout  = 20 * time.Second
)

// embedded is an etcd in this process that listens nowhere.
type embedded struct {
	folder *folder
	etcd   *embed.Etcd
	client *clientv3.Client
	// kv is what the client asks.
	kv   pb.KVServer
	died *fault

	// open is held while somebody reads, so that the data are not closed meanwhile.
	open   sync.RWMutex
	closed bool
}

func startEmbedded(ctx context.Context, dir string, quota int64, logger *slog.Logger) (*embedded, error) {
	folder, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	if err := checkWhole(filepath.Join(dir, etcdFolder, "member", "snap", "db")); err != nil {
		folder.close()
		return nil, err
	}
	e := &embedded{folder: folder, died: newFault()}
	if err := e.start(ctx, embedConfig(filepath.Join(dir, etcdFolder), quota), logger); err != nil {
		e.close()
		var known *tool.Error
		if errors.As(err, &known) {
			return nil, err
		}
		return nil, folderError("the store in data folder %s does not start: %w", dir, err)
	}
	e.client = v3client.New(e.etcd.Server)
	e.kv = v3rpc.NewQuotaKVServer(e.etcd.Server)
	return e, nil
}

func embedConfig(dir string, quota int64) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.Name = "toolbridge"
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	// Another cluster id for each folder, so that revision tokens of one mean nothing to another.
	cfg.InitialClusterToken = strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // unique, not secret
	cfg.ListenPeerUrls = []url.URL{}
	cfg.ListenClientUrls = []url.URL{}
	cfg.TickMs = tickMs
	cfg.ElectionMs = electionMs
	cfg.SnapshotCount = snapshotCount
	cfg.SnapshotCatchUpEntries = catchUpEntries
	cfg.QuotaBackendBytes = quota
	cfg.AutoCompactionMode = embed.CompactorModePeriodic
	cfg.AutoCompactionRetention = history
	return cfg
}

// start runs etcd's own start in a goroutine, because etcd ends the one in which it finds damaged data, or never
// returns from it.
func (e *embedded) start(ctx context.Context, cfg *embed.Config, logger *slog.Logger) error {
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(newZap(logger, e.died))
	type outcome struct {
		etcd *embed.Etcd
		err  error
	}
	returned := make(chan outcome, 1)
	go func() {
		etcd, err := embed.StartEtcd(cfg)
		returned <- outcome{etcd, err}
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case started := <-returned:
		if started.err != nil {
			return started.err
		}
		e.etcd = started.etcd
	case <-e.died.happened:
		return e.died.get()
	}
	select {
	case <-e.etcd.Server.ReadyNotify():
		return nil
	case <-e.died.happened:
		return e.died.get()
	case <-ctx.Done():
		return fmt.Errorf("etcd is not ready: %w", ctx.Err())
	}
}

// close stops etcd and gives the folder free. One that gave up may not stop: then the lock is kept until the process
// ends, because the folder may still be written to.
func (e *embedded) close() {
	e.open.Lock()
	e.closed = true
	e.open.Unlock()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if e.client != nil {
			_ = e.client.Close() // its context is cancelled, which is all that it reports
		}
		if e.etcd != nil {
			e.etcd.Close()
		}
	}()
	limit := time.NewTimer(stopTimeout)
	defer limit.Stop()
	if e.died.get() != nil {
		limit.Reset(time.Second)
	}
	select {
	case <-stopped:
		e.folder.close()
	case <-limit.C:
	}
}
