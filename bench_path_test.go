package toolbridge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// BenchmarkPath calls a tool of a worker through a bridge, each with a connection of its own over loopback and all of them
// in this process, so that one profile shows the whole path of a call.
func BenchmarkPath(b *testing.B) {
	session := path(b)
	text := strings.Repeat("x", 100)
	for _, width := range []int{1, 64, 256, 1024} {
		b.Run(fmt.Sprint(width), func(b *testing.B) {
			side := sideBySide{b: b, width: width}
			side.run(func() error {
				_, err := toolbridge.Call[string](context.Background(), session, "echo", text)
				return err
			})
		})
	}
}

// path starts a bridge, a worker that echoes and a caller's session.
func path(b *testing.B) *toolbridge.Session {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	server, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true})
	require.NoError(b, err)
	require.NoError(b, server.Start(ctx))
	dial := func() *toolbridge.Client {
		client, err := toolbridge.Dial(ctx, server.Addr())
		require.NoError(b, err)
		return client
	}
	hosting, calling := dial(), dial()
	worker := toolbridge.NewWorker(hosting)
	toolbridge.AddTool(worker, "echo", func(_ context.Context, in struct{ Text string }) (string, error) { return in.Text, nil })
	var ran sync.WaitGroup
	ran.Go(func() { _ = worker.Run(ctx) })
	session, err := calling.Session(ctx, "bench")
	require.NoError(b, err)
	b.Cleanup(func() {
		cancel()
		ran.Wait()
		_, _ = calling.Close(), hosting.Close()
		require.NoError(b, server.Stop(context.Background()))
	})
	<-worker.Ready()
	return session
}

// sideBySide makes calls, so many at a time.
type sideBySide struct {
	b     *testing.B
	width int
}

func (s sideBySide) run(call func() error) {
	b := s.b
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	used := processorTime(b)
	b.ResetTimer()
	for range s.width {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(b.N)/1000, "cpu-us/call")
}

// processorTime is what this process has used so far; unlike time it hardly depends on what else runs.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
