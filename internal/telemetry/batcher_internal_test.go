package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// held takes spans only once it is let.
type held struct {
	let chan struct{}

	mu    sync.Mutex
	taken int
}

func (h *held) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	<-h.let
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken += len(spans)
	return nil
}

func (*held) Shutdown(context.Context) error { return nil }

// record makes so many spans.
func record(tracer *Tracer, n int) {
	for range n {
		call := &tool.Call{}
		_, end := tracer.Begin(context.Background(), call)
		end(tool.Metrics{}, nil)
	}
}

func TestSpansThatNobodyHasRoomForAreCountedInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer // written by the goroutine that exports, read once it has ended
	exporter := &held{let: make(chan struct{})}
	processor := newBatcher(exporter, slog.New(slog.NewTextHandler(&log, nil)))
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	tracer := NewTracer(provider, 1)
	const room, tooMany = sdktrace.DefaultMaxQueueSize, 777

	record(tracer, room+tooMany) // while none is taken
	close(exporter.let)
	require.NoError(t, provider.Shutdown(t.Context()))

	require.Equal(t, room, exporter.taken)
	require.Equal(t, tooMany, lostIn(t, log.String()), log.String())
	require.Contains(t, log.String(), "trace_ratio")
}

// lostIn adds up how many spans the log says were lost.
func lostIn(t *testing.T, log string) (all int) {
	t.Helper()
	for line := range strings.Lines(log) {
		_, after, found := strings.Cut(line, " spans=")
		require.True(t, found, line)
		var n int
		_, err := fmt.Sscan(after, &n)
		require.NoError(t, err)
		all += n
	}
	return all
}

func TestWhereThereIsRoomAgainSpansAreTakenAgainAndNothingIsSaid(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	exporter := &held{let: make(chan struct{})}
	close(exporter.let)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(newBatcher(exporter, slog.New(slog.NewTextHandler(&log, nil)))))
	tracer := NewTracer(provider, 1)
	for range 4 { // together more than there is room for
		record(tracer, sdktrace.DefaultMaxQueueSize/2)
		require.NoError(t, provider.ForceFlush(t.Context()))
	}
	require.NoError(t, provider.Shutdown(t.Context()))
	require.Equal(t, 2*sdktrace.DefaultMaxQueueSize, exporter.taken)
	require.Empty(t, log.String())
}

func TestTheLogIsToldOfLostSpansOnceAMinuteAndOfTheRestAtTheEnd(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := &batcher{room: 2048}
	exporter := &held{let: make(chan struct{})}
	close(exporter.let)
	told := &toldSpans{SpanExporter: exporter, logged: logged{logger: slog.New(slog.NewTextHandler(&log, nil)), what: "traces"}, of: b}
	for range 5 {
		b.lost.Add(10)
		require.NoError(t, told.ExportSpans(t.Context(), nil))
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.NoError(t, told.Shutdown(t.Context()))
	require.Equal(t, 2, strings.Count(log.String(), "\n"), log.String())
	require.Equal(t, 50, lostIn(t, log.String()))
}
