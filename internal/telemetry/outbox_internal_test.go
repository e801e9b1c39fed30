package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/resource"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// held takes spans when it is let, and counts them as a collector reads them.
type held struct {
	let     chan struct{}
	mu      sync.Mutex
	counts  []int
	stopped bool
}

func (*held) Start(context.Context) error { return nil }

func (h *held) Stop(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	return nil
}

func (h *held) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	select {
	case <-h.let:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	sent, err := proto.Marshal(spans[0])
	if err != nil {
		return err
	}
	var read tracepb.ResourceSpans
	if err := proto.Unmarshal(sent, &read); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts = append(h.counts, len(read.GetScopeSpans()[0].GetSpans()))
	return nil
}

func (h *held) sent() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]int(nil), h.counts...)
}

func begun(t testing.TB, client uploader, log *slog.Logger) *outbox {
	t.Helper()
	o, err := newOutbox(context.Background(), client, resource.Empty(), log)
	require.NoError(t, err)
	return o
}

// put records so many calls.
func put(o *outbox, n int) {
	tracer := &Tracer{recorder: sent{o}, ratio: 1}
	for range n {
		_, end := tracer.Begin(context.Background(), &tool.Call{})
		end(tool.Metrics{}, nil)
	}
}

func TestAFullBatchIsSentAtOnceAndTheRestAtTheEnd(t *testing.T) {
	t.Parallel()
	client := &held{let: make(chan struct{})}
	close(client.let)
	o := begun(t, client, slog.New(slog.DiscardHandler))
	put(o, batchSpans+7)
	require.Eventually(t, func() bool { return len(client.sent()) == 1 }, time.Minute, time.Millisecond)
	require.Equal(t, []int{batchSpans}, client.sent())
	require.NoError(t, o.shutdown(t.Context()))
	require.NoError(t, o.shutdown(t.Context()), "once is enough")
	require.Equal(t, []int{batchSpans, 7}, client.sent())
	require.True(t, client.stopped)
}

func TestACollectorThatIsSlowCostsSpansAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	client := &held{let: make(chan struct{})}
	o := begun(t, client, slog.New(slog.DiscardHandler))
	put(o, batchSpans)
	require.Eventually(t, func() bool { return o.idle() }, time.Minute, time.Millisecond, "the first is under way")
	put(o, 10*batchSpans)
	close(client.let)
	require.Eventually(t, func() bool { return len(client.sent()) == 1+waitingBatches+1 }, time.Minute, time.Millisecond)
	put(o, 3)
	require.NoError(t, o.shutdown(t.Context()))
	require.Equal(t, []int{batchSpans, batchSpans, batchSpans, batchSpans, batchSpans, 3}, client.sent(), "what waited, and what came when there was room again")
}

// idle reports whether nothing waits.
func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting) == 0 && o.open.spans == 0
}

func TestAnEndThatMayNotWaitBreaksOffWhatIsBeingSent(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := begun(t, &held{}, slog.New(slog.NewTextHandler(&log, nil)))
	put(o, 1)
	cause := errors.New("no time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	require.ErrorIs(t, o.shutdown(ctx), cause)
	require.Contains(t, log.String(), "what=traces")
	put(o, 10*batchSpans) // nobody takes them any more
	require.Equal(t, batchSpans, o.open.spans)
	require.LessOrEqual(t, len(o.waiting), waitingBatches)
}

func TestAnOutboxWhoseClientDoesNotStartIsNone(t *testing.T) {
	t.Parallel()
	_, err := newOutbox(t.Context(), broken{}, resource.Empty(), slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

type broken struct{ *held }

func (broken) Start(context.Context) error { return errBroken }

// discarded marshals spans and throws them away.
type discarded struct{ held }

func (*discarded) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	_, err := proto.Marshal(spans[0])
	return err
}

// BenchmarkSpan is a recorded call with its sending, but for the transport.
func BenchmarkSpan(b *testing.B) {
	o := begun(b, &discarded{}, slog.New(slog.DiscardHandler))
	tracer := &Tracer{recorder: sent{o}, ratio: 1}
	spec, metrics := &tool.Spec{ID: "echo"}, tool.Metrics{Duration: time.Millisecond, Worker: "worker-1", Attempts: 1}
	b.ReportAllocs()
	for b.Loop() {
		call := tool.Call{Spec: spec}
		_, end := tracer.Begin(context.Background(), &call)
		end(metrics, nil)
	}
	b.StopTimer()
	require.NoError(b, o.shutdown(context.Background()))
}
