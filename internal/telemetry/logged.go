package telemetry

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// quiet is how long an exporter that fails again and again says nothing more.
const quiet = time.Minute

// logged says that exports fail, in the bridge's own log: the SDK would tell a handler that is global to the program. Only
// one goroutine exports at a time.
type logged struct {
	logger *slog.Logger
	what   string
	last   time.Time
}

// warn takes the error of an export.
func (l *logged) warn(ctx context.Context, err error) {
	if err == nil || time.Since(l.last) < quiet {
		return
	}
	l.last = time.Now()
	l.logger.WarnContext(ctx, "otlp: the collector did not take it, and what it did not take is lost", slog.String("what", l.what), slog.Any("error", err))
}

// loggedMetrics exports metrics.
type loggedMetrics struct {
	metric.Exporter
	logged
}

// Export implements metric.Exporter.
func (l *loggedMetrics) Export(ctx context.Context, metrics *metricdata.ResourceMetrics) error {
	l.warn(ctx, l.Exporter.Export(ctx, metrics))
	return nil
}
