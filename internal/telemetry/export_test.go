package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// collector takes what is exported to it, over a real socket.
type collector struct {
	collectortrace.UnimplementedTraceServiceServer

	mu      sync.Mutex
	spans   []string
	metrics map[string]bool
	about   map[string]string
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
	*collector
}

func (c *collector) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		for _, a := range of.GetResource().GetAttributes() {
			c.about[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, span.GetName())
			}
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

func (s metricsService) Export(_ context.Context, r *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range r.GetResourceMetrics() {
		for _, scope := range of.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				s.metrics[m.GetName()] = true
			}
		}
	}
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

func collect(t *testing.T) (*collector, string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &collector{metrics: map[string]bool{}, about: map[string]string{}}
	server := grpc.NewServer()
	collectortrace.RegisterTraceServiceServer(server, c)
	collectormetrics.RegisterMetricsServiceServer(server, metricsService{collector: c})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return c, "http://" + listener.Addr().String()
}

func TestMetricsAndTracesReachACollector(t *testing.T) {
	t.Parallel()
	c, endpoint := collect(t)
	m := telemetry.NewMetrics("v1")
	use(m)
	e, err := telemetry.NewExport(t.Context(), telemetry.ExportConfig{Endpoint: endpoint, Version: "v1", Instance: "run-1"}, m)
	require.NoError(t, err)
	tracer := telemetry.NewTracer(e.TracerProvider(), 1)
	call, metrics := sample("search")
	_, end := tracer.Begin(t.Context(), call)
	end(metrics, nil)

	require.NoError(t, e.Shutdown(t.Context()))

	c.mu.Lock()
	defer c.mu.Unlock()
	require.Equal(t, []string{"bridge search"}, c.spans)
	require.True(t, c.metrics["toolbridge_calls_total"], c.metrics)
	require.True(t, c.metrics["toolbridge_call_duration_seconds"], c.metrics)
	require.Equal(t, map[string]string{"service.name": "toolbridge", "service.version": "v1", "service.instance.id": "run-1"}, c.about)
}

// shared is a log that is written and read at once.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestACollectorThatRefusesIsToldOfInTheLogOnceAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer() // it knows neither service
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	log := &shared{}
	e, err := telemetry.NewExport(t.Context(), telemetry.ExportConfig{
		Endpoint: "http://" + listener.Addr().String(), Interval: 5 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}, telemetry.NewMetrics("v1"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return bytes.Contains([]byte(log.String()), []byte("what=metrics")) }, 10*time.Second, time.Millisecond)
	tracer := telemetry.NewTracer(e.TracerProvider(), 1)
	for range 10 {
		call, metrics := sample("x")
		_, end := tracer.Begin(t.Context(), call)
		end(metrics, nil)
	}

	require.NoError(t, e.Shutdown(t.Context()))

	require.Equal(t, 1, bytes.Count([]byte(log.String()), []byte("what=metrics")), log.String())
	require.Equal(t, 1, bytes.Count([]byte(log.String()), []byte("what=traces")), log.String())
}

// Not in parallel: it sets the environment.
func TestACollectorTakesEveryBatchHoweverLongTheSpansAre(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8192")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8192")
	c, endpoint := collect(t) // which takes 4 MiB at once, gRPC's default
	log := &shared{}
	e, err := telemetry.NewExport(t.Context(), telemetry.ExportConfig{Endpoint: endpoint, Logger: slog.New(slog.NewTextHandler(log, nil))}, telemetry.NewMetrics("v1"))
	require.NoError(t, err)
	tracer := telemetry.NewTracer(e.TracerProvider(), 0)
	const many = 2500
	for i := range many {
		call, metrics := sample(strings.Repeat("t", tool.MaxNameBytes))
		call.TraceParent, call.TraceState = sampled, stateOf([]int{512, tool.MaxTraceStateBytes}[i%2])
		metrics.Worker = strings.Repeat("w", tool.MaxNameBytes)
		_, end := tracer.Begin(t.Context(), call)
		end(metrics, tool.Errorf(tool.OutcomeUnknown, "no"))
	}

	require.NoError(t, e.Shutdown(t.Context()))

	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(t, log.String())
	require.Len(t, c.spans, many)
}
