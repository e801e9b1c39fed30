package etcdstore_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storetest"
	"github.com/grpc-tool-bridge/toolbridge/internal/etcdstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) {
	if runAsChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, cfg etcdstore.Config) *etcdstore.Store {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.RequestTimeout == 0 {
		cfg.RequestTimeout = time.Minute // of a disk that everything else writes to as well
	}
	store, err := etcdstore.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func data(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data")
}

func key(id string) tool.SessionKey { return tool.SessionKey{Owner: "alice", ID: id} }

func TestConformanceEmbedded(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, opts storetest.Options) broker.Store {
		t.Helper()
		if opts.Beside != nil {
			return nil
		}
		return open(t, etcdstore.Config{Dir: data(t)})
	})
}

// prefixes are those of stores on the cluster that tests share.
type prefixes struct{ last atomic.Int64 }

func (p *prefixes) next() string { return fmt.Sprintf("bridge-%d/", p.last.Add(1)) }

func TestConformanceExternal(t *testing.T) { //nolint:tparallel // its subtests end before the cluster is looked at
	t.Parallel()
	cluster := startCluster(t, security{})
	var fresh prefixes
	used := make(chan map[broker.Store]string, 1)
	used <- map[broker.Store]string{}
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB, opts storetest.Options) broker.Store {
			t.Helper()
			known := <-used
			prefix, found := known[opts.Beside]
			if !found {
				prefix = fresh.next()
			}
			used <- known
			store := open(t, etcdstore.Config{Endpoints: cluster.endpoints, Prefix: strings.TrimSuffix(prefix, "/")})
			known = <-used
			known[store] = prefix
			used <- known
			return store
		})
	})
}
