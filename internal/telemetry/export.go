package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	prometheusbridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// ExportConfig says where metrics and traces go.
type ExportConfig struct {
	// Endpoint of the collector, for OTLP over gRPC: http://host:4317, or https:// with TLS. Required. The environment's
	// OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE and the like hold as well.
	Endpoint string
	// Version of the bridge.
	Version string
	// Instance names this run of the bridge.
	Instance string
	// Interval is the time between two exports of metrics. Defaults to 60 s.
	Interval time.Duration
	// Logger is told, once a minute at most, that the collector cannot be reached. Defaults to slog.Default().
	Logger *slog.Logger
}

// Export sends metrics and traces to a collector, in the background: a collector that is slow or away costs spans, never
// calls. The log tells how many.
type Export struct {
	traces  *sdktrace.TracerProvider
	spans   sdktrace.SpanExporter
	metrics *metric.MeterProvider
}

// NewExport begins to export. Shutdown ends it.
func NewExport(ctx context.Context, cfg ExportConfig, metrics *Metrics) (*Export, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Interval == 0 {
		cfg.Interval = time.Minute
	}
	spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("otlp: traces to %s: %w", cfg.Endpoint, err)
	}
	numbers, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpointURL(cfg.Endpoint))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("otlp: metrics to %s: %w", cfg.Endpoint, err), spans.Shutdown(ctx))
	}
	about := resource.NewSchemaless(
		attribute.String("service.name", namespace), attribute.String("service.version", cfg.Version), attribute.String("service.instance.id", cfg.Instance),
	)
	reader := metric.NewPeriodicReader(&loggedMetrics{Exporter: numbers, logged: logged{logger: cfg.Logger, what: "metrics"}},
		metric.WithInterval(cfg.Interval), metric.WithProducer(prometheusbridge.NewMetricProducer(prometheusbridge.WithGatherer(metrics.registry))))
	return &Export{
		spans: spans,
		traces: sdktrace.NewTracerProvider(
			sdktrace.WithResource(about), sdktrace.WithSampler(sdktrace.AlwaysSample()), // Tracer has chosen
			sdktrace.WithSpanProcessor(newBatcher(spans, cfg.Logger)),
		),
		metrics: metric.NewMeterProvider(metric.WithResource(about), metric.WithReader(reader)),
	}, nil
}

// TracerProvider makes tracers whose spans are exported.
func (e *Export) TracerProvider() trace.TracerProvider { return e.traces }

// Shutdown exports what is left, for as long as ctx allows, and ends.
func (e *Export) Shutdown(ctx context.Context) error {
	err := errors.Join(e.traces.Shutdown(ctx), e.metrics.Shutdown(ctx))
	if ctx.Err() != nil { // the provider does not break an export off that is under way, the exporter does
		_ = e.spans.Shutdown(ctx) // err says the same
	}
	return err
}
