package broker_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// noop answers at once.
func noop(context.Context, *tool.Call) (tool.Result, error) {
	return tool.Result{Value: number(3)}, nil
}

// BenchmarkCall is the uncontended path: one registry lookup, a free host that does nothing.
func BenchmarkCall(b *testing.B) {
	bundle := setup(b)
	bundle.host(&fakeHost{call: noop}, adder())
	args := []tool.Value{number(1), number(2)}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := bundle.Call(bundle.ctx, &tool.Call{SessionID: "s", Tool: "add_numbers", Args: args}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkCallNamed is the same with a request id of its own for each call.
func BenchmarkCallNamed(b *testing.B) {
	bundle := setup(b)
	bundle.host(&fakeHost{call: noop}, adder())
	args := []tool.Value{number(1), number(2)}
	ctx, cancel := context.WithCancel(bundle.ctx)
	defer cancel()
	names := make([]string, b.N)
	for i := range names {
		names[i] = "request/" + strconv.Itoa(i)
	}
	var made atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			call := &tool.Call{SessionID: "s", Tool: "add_numbers", Args: args, RequestID: names[made.Add(1)-1]}
			if _, err := bundle.Call(ctx, call); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkCallQueued has more callers than the host has places.
func BenchmarkCallQueued(b *testing.B) {
	bundle := setup(b)
	bundle.hostWith(&fakeHost{call: noop}, broker.AttachOptions{MaxCalls: 1}, adder())
	args := []tool.Value{number(1), number(2)}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := bundle.Call(bundle.ctx, &tool.Call{SessionID: "s", Tool: "add_numbers", Args: args}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLookup finds one among 10,000 tools by its name.
func BenchmarkLookup(b *testing.B) {
	specs := make([]*tool.Spec, 10_000)
	for i := range specs {
		specs[i] = &tool.Spec{ID: "id-" + strconv.Itoa(i), Name: "tool-" + strconv.Itoa(i)}
	}
	c, err := broker.NewCatalog(specs)
	require.NoError(b, err)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if c.Lookup(specs[i%len(specs)].Name) == nil {
			b.Fatal("not found")
		}
	}
}
