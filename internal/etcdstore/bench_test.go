package etcdstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/etcdstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// writers is how many goroutines write at once; GOMAXPROCS goroutines run for each unit of parallelism.
const writers = 64

func parallel(b *testing.B, work func(n int64) error) {
	b.Helper()
	var last atomic.Int64
	b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := work(last.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkBareEtcd is what the others are measured against: one put in an embedded etcd.
func BenchmarkBareEtcd(b *testing.B) {
	cfg := embed.NewConfig()
	cfg.Dir = b.TempDir()
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.ListenPeerUrls, cfg.ListenClientUrls = []url.URL{}, []url.URL{}
	etcd, err := embed.StartEtcd(cfg)
	require.NoError(b, err)
	b.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()
	client := v3client.New(etcd.Server)
	value := string(make([]byte, 100))
	parallel(b, func(n int64) error {
		_, err := client.Put(context.Background(), fmt.Sprint("key", n%1000), value, clientv3.WithLease(0))
		return err
	})
}

func BenchmarkCreateSession(b *testing.B) {
	store := open(b, etcdstore.Config{Dir: b.TempDir()})
	parallel(b, func(n int64) error {
		_, err := store.CreateSession(context.Background(), tool.Session{Key: key(fmt.Sprint("s", n)), TTL: time.Hour})
		return err
	})
}

func BenchmarkSetVariable(b *testing.B) {
	store := open(b, etcdstore.Config{Dir: b.TempDir()})
	for n := range 64 {
		_, err := store.CreateSession(b.Context(), tool.Session{Key: key(fmt.Sprint("s", n)), TTL: time.Hour})
		require.NoError(b, err)
	}
	value := tool.Value{TypeURL: "u", Bytes: make([]byte, 100)}
	parallel(b, func(n int64) error {
		_, err := store.SetVariables(context.Background(), key(fmt.Sprint("s", n%64)), []broker.VariableWrite{{Variable: tool.Variable{Name: fmt.Sprint("v", n%1000), Value: value}}})
		return err
	})
}

func BenchmarkVariable(b *testing.B) {
	store := open(b, etcdstore.Config{Dir: b.TempDir()})
	_, err := store.CreateSession(b.Context(), tool.Session{Key: key("s"), TTL: time.Hour})
	require.NoError(b, err)
	_, err = store.SetVariables(b.Context(), key("s"), []broker.VariableWrite{{Variable: tool.Variable{Name: "v", Value: tool.Value{Bytes: make([]byte, 100)}}}})
	require.NoError(b, err)
	for b.Loop() {
		if _, err := store.Variable(b.Context(), key("s"), "v"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	store := open(b, etcdstore.Config{Dir: b.TempDir()})
	_, err := store.CreateSession(b.Context(), tool.Session{Key: key("s"), TTL: time.Hour})
	require.NoError(b, err)
	for b.Loop() {
		if _, err := store.Session(b.Context(), key("s")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart measures from nothing to ready on a fresh folder.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		store, err := etcdstore.Open(b.Context(), etcdstore.Config{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, store.Close())
		b.StartTimer()
	}
}

// BenchmarkHundredThousandSessions reports the memory of an idle session and the time to start with 100,000 of them. It
// takes half a minute, so it asks for TOOLBRIDGE_TEST_FULL.
func BenchmarkHundredThousandSessions(b *testing.B) {
	if os.Getenv("TOOLBRIDGE_TEST_FULL") == "" {
		b.Skip("set TOOLBRIDGE_TEST_FULL=1")
	}
	const sessions = 100_000
	dir := b.TempDir()
	store := open(b, etcdstore.Config{Dir: dir})
	before := memory()
	fill(b, store, sessions)
	perSession := float64(memory()-before) / sessions
	require.NoError(b, store.Close())
	for b.Loop() {
		b.ReportMetric(perSession, "B/session")
		store, err := etcdstore.Open(b.Context(), etcdstore.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(b, err)
		b.StopTimer()
		page, err := store.Sessions(b.Context(), "alice", "", "", sessions+1)
		require.NoError(b, err)
		require.Len(b, page, sessions)
		b.ReportMetric(float64(memory()-before)/sessions, "B/session-restarted")
		require.NoError(b, store.Close())
		b.StartTimer()
	}
}

func fill(b *testing.B, store *etcdstore.Store, sessions int64) {
	b.Helper()
	var next atomic.Int64
	over := make(chan error, writers)
	for range writers {
		go func() {
			for n := next.Add(1); n <= sessions; n = next.Add(1) {
				if _, err := store.CreateSession(context.Background(), tool.Session{Key: key(fmt.Sprintf("session-%026d", n)), TTL: time.Hour}); err != nil {
					over <- err
					return
				}
			}
			over <- nil
		}()
	}
	for range writers {
		require.NoError(b, <-over)
	}
}

// memory is what the heap holds after a collection.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}
