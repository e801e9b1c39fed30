package toolbridge_test

import (
	"context"
	"testing"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
)

// BenchmarkCall calls a tool of a worker, everything in this process over connections in memory; for figures between
// processes see test/bench.
func BenchmarkCall(b *testing.B) {
	for name, way := range map[string][]toolbridge.DialOption{"link": nil, "plain RPC": {toolbridge.WithoutLink()}} {
		bridge := bridgetest.New(b)
		bridge.Worker(func(w *toolbridge.Worker) {
			toolbridge.AddTool(w, "add", func(_ context.Context, in struct{ A, B int }) (int, error) { return in.A + in.B, nil })
		})
		session := bridge.Session(way...)
		call := func(b *testing.B) {
			b.Helper()
			if _, err := toolbridge.Call[int](context.Background(), session, "add", 1, 2); err != nil {
				b.Error(err)
			}
		}
		b.Run(name+"/one at a time", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(b)
			}
		})
		b.Run(name+"/64 at a time", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call(b)
				}
			})
		})
	}
}
