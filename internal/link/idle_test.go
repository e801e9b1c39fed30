package link_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

// BenchmarkIdleLink says what a link costs that was used once and then lies idle: both its ends, without the transport and
// with a connection of gRPC of its own.
func BenchmarkIdleLink(b *testing.B) {
	for name, connect := range map[string]func(*bundle){
		"pipe": func(two *bundle) { two.connect() },
		"grpc": func(two *bundle) { overTCP(b, two) },
	} {
		b.Run(name, func(b *testing.B) {
			const links = 50
			for b.Loop() {
				goroutines, heap, stacks := used()
				for i := range links {
					two := setup(b, link.ProcessConfig{Identity: fmt.Sprint(i)}, link.BridgeConfig{})
					connect(two)
					_, err := two.process.Call(context.Background(), call("echo", hundred))
					require.NoError(b, err)
				}
				moreGoroutines, moreHeap, moreStacks := used()
				b.ReportMetric(float64(moreGoroutines-goroutines)/links, "goroutines/link")
				b.ReportMetric(float64(moreHeap-heap)/links, "heap-B/link")
				b.ReportMetric(float64(moreStacks-stacks)/links, "stack-B/link")
			}
		})
	}
}

// used is how much is in use after a collection.
func used() (goroutines int, heap, stacks int64) {
	runtime.GC()
	runtime.GC() // what pools held is let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), int64(m.HeapAlloc), int64(m.StackInuse)
}
