package telemetry_test

import (
	"context"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// sample is a call as the broker ends it.
func sample(id string) (*tool.Call, tool.Metrics) {
	call := &tool.Call{
		Tool: id, Spec: &tool.Spec{ID: id, Name: id},
		Args: []tool.Value{{TypeURL: "type.googleapis.com/google.protobuf.StringValue", Bytes: make([]byte, 100)}},
	}
	return call, tool.Metrics{
		Duration: 200 * time.Microsecond, Route: 2 * time.Microsecond, Execute: 20 * time.Microsecond, Transport: 100 * time.Microsecond, Attempts: 1,
	}
}

// BenchmarkObserver is what metrics add to one call.
func BenchmarkObserver(b *testing.B) {
	m := telemetry.NewMetrics("bench")
	call, metrics := sample("echo")
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.CallEnded(call, metrics, 100, nil)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				m.CallEnded(call, metrics, 100, nil)
			}
		})
	})
	b.Run("failed", func(b *testing.B) {
		b.ReportAllocs()
		err := tool.Errorf(tool.Overloaded, "no")
		for b.Loop() {
			m.CallEnded(call, metrics, 0, err)
		}
	})
}

// BenchmarkTracer is what traces add to one call: without a trace and not chosen, in a trace that is not sampled, and recorded.
func BenchmarkTracer(b *testing.B) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()))
	for name, c := range map[string]struct {
		parent string
		ratio  float64
	}{
		"none": {"", 0.01}, "unsampled": {unsampled, 0.01}, "recorded": {sampled, 0.01},
	} {
		b.Run(name, func(b *testing.B) {
			tracer := telemetry.NewTracer(provider, c.ratio)
			call, metrics := sample("echo")
			b.ReportAllocs()
			for b.Loop() {
				call.TraceParent = c.parent
				if _, end := tracer.Begin(context.Background(), call); end != nil {
					end(metrics, nil)
				}
			}
		})
	}
}

const (
	sampled   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)
