package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// maxBatchSpans bounds OTEL_BSP_MAX_EXPORT_BATCH_SIZE: what collectors take is 4 MiB, and a span whose names and trace state are as
// long as they may be has less than 3 KiB. The SDK's own default is 512.
const maxBatchSpans = 1024

// batcher lets the SDK send spans in batches, and says how many were lost because too many waited. The SDK drops these without a
// word, so batcher gives it no more than it has room for. Any number of goroutines may use it.
type batcher struct {
	sdktrace.SpanProcessor
	room    int64 // how many may wait
	waiting atomic.Int64
	lost    atomic.Int64 // since the log was told
}

func newBatcher(exporter sdktrace.SpanExporter, logger *slog.Logger) sdktrace.SpanProcessor {
	b := &batcher{}
	told := &toldSpans{SpanExporter: exporter, logged: logged{logger: logger, what: "traces"}, of: b}
	b.SpanProcessor = sdktrace.NewBatchSpanProcessor(told, func(o *sdktrace.BatchSpanProcessorOptions) { // which the environment has set
		o.MaxExportBatchSize = min(o.MaxExportBatchSize, maxBatchSpans)
		b.room = int64(o.MaxQueueSize)
	})
	return b
}

// OnEnd implements sdktrace.SpanProcessor.
func (b *batcher) OnEnd(span sdktrace.ReadOnlySpan) {
	if b.waiting.Add(1) > b.room {
		b.waiting.Add(-1)
		b.lost.Add(1)
		return
	}
	b.SpanProcessor.OnEnd(span)
}

// toldSpans exports spans, and tells the log of what was lost. One goroutine at a time uses it.
type toldSpans struct {
	sdktrace.SpanExporter
	logged
	of       *batcher
	lastLost time.Time
}

// ExportSpans implements sdktrace.SpanExporter.
func (s *toldSpans) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	s.of.waiting.Add(-int64(len(spans)))
	s.warn(ctx, err)
	if time.Since(s.lastLost) >= quiet {
		s.tellLost(ctx)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (s *toldSpans) Shutdown(ctx context.Context) error {
	s.tellLost(ctx)
	return s.SpanExporter.Shutdown(ctx)
}

// tellLost tells the log of what was lost since the last time.
func (s *toldSpans) tellLost(ctx context.Context) {
	n := s.of.lost.Swap(0)
	if n == 0 {
		return
	}
	s.lastLost = time.Now()
	s.logger.WarnContext(ctx, "otlp: more spans than the collector took in time, and these are lost: record fewer (trace_ratio), or let more wait (OTEL_BSP_MAX_QUEUE_SIZE)",
		slog.String("what", s.what), slog.Int64("spans", n), slog.Int64("waiting", s.of.room))
}
