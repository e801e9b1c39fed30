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
	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/value"
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

// BenchmarkPathChunks reads streams of 64 KiB chunks of a tool of the bridge and of a worker: a time is that of one chunk.
func BenchmarkPathChunks(b *testing.B) {
	session := path(b)
	for _, from := range []string{"bridge", "worker"} {
		b.Run(from, func(b *testing.B) {
			b.SetBytes(chunkBytes)
			b.ReportAllocs()
			used, received := processorTime(b), 0
			b.ResetTimer()
			for chunk, err := range toolbridge.Stream[[]byte](context.Background(), session, from+"_chunks", b.N) {
				if err != nil {
					b.Fatal(err)
				}
				received += len(chunk)
			}
			b.StopTimer()
			require.Equal(b, b.N*chunkBytes, received)
			b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(b.N)/1000, "cpu-us/chunk")
		})
	}
}

const chunkBytes = 64 << 10

func yieldChunks(_ context.Context, in struct{ N int }, yield func([]byte) error) error {
	chunk := make([]byte, chunkBytes)
	for range in.N {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

// path starts a bridge with a tool of its own, a worker that echoes and yields, and a caller's session.
func path(b *testing.B) *toolbridge.Session {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	streaming, err := typed.NewStreaming("bridge_chunks", yieldChunks, typed.Options{Codec: value.New()})
	require.NoError(b, err)
	tools, err := local.New("local", streaming)
	require.NoError(b, err)
	server, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true, Hosts: []bridge.Host{tools}})
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
	toolbridge.AddStreamingTool(worker, "worker_chunks", yieldChunks)
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
