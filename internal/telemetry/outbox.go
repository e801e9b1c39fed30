package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// batchSpans is how many spans are sent at once, sendEvery how long they wait for others.
	batchSpans = 512
	sendEvery  = 5 * time.Second
	// sendWithin is how long sending may take, with all that is tried again.
	sendWithin = 30 * time.Second
	// waitingBatches is how many may wait, besides the one that is being filled. Further spans are lost.
	waitingBatches = 3
	// scopeSpans is the field of OTLP's ScopeSpans that has spans.
	scopeSpans = 2
)

// uploader sends spans: the client of OTLP's exporter, which knows what the environment says of headers, certificates and the like.
type uploader interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error
}

// outbox sends spans in the background, many at once. It wakes for a full batch, and now and then for what there is.
type outbox struct {
	client uploader
	about  *resourcepb.Resource
	log    logged

	sending context.Context //nolint:containedctx // ends with the outbox
	abandon context.CancelFunc
	full    chan struct{} // a batch waits
	stop    chan struct{}
	ended   chan struct{}
	once    sync.Once

	mu      sync.Mutex
	open    batch
	waiting []batch // oldest first
	spare   [][]byte
}

// batch are spans, each as a field of OTLP's ScopeSpans.
type batch struct {
	bytes []byte
	spans int
}

// newOutbox begins to send. shutdown ends it.
func newOutbox(ctx context.Context, client uploader, about *resource.Resource, logger *slog.Logger) (*outbox, error) {
	if err := client.Start(ctx); err != nil {
		return nil, err
	}
	o := &outbox{
		client: client, about: resourceOf(about), log: logged{logger: logger, what: "traces"},
		full: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	o.sending, o.abandon = context.WithCancel(context.WithoutCancel(ctx))
	go o.run()
	return o, nil
}

// resourceOf writes what spans are of.
func resourceOf(about *resource.Resource) *resourcepb.Resource {
	out := &resourcepb.Resource{}
	for _, a := range about.Attributes() {
		text := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: a.Value.String()}}
		out.Attributes = append(out.Attributes, &commonpb.KeyValue{Key: string(a.Key), Value: text})
	}
	return out
}

// put takes a span, which is copied.
func (o *outbox) put(span []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open.spans == batchSpans {
		return // lost: as many as may wait do
	}
	b := protowire.AppendTag(o.open.bytes, scopeSpans, protowire.BytesType)
	o.open.bytes = protowire.AppendBytes(b, span)
	if o.open.spans++; o.open.spans == batchSpans {
		o.turn()
	}
}

// turn lets the open batch wait, if there is a place for it.
func (o *outbox) turn() {
	if len(o.waiting) == waitingBatches {
		return
	}
	o.waiting = append(o.waiting, o.open)
	o.open = batch{}
	if n := len(o.spare); n > 0 {
		o.open.bytes, o.spare = o.spare[n-1], o.spare[:n-1]
	}
	select {
	case o.full <- struct{}{}:
	default: // it is awake
	}
}

// run sends until it is to stop, and then what is left.
func (o *outbox) run() {
	defer close(o.ended)
	now := time.NewTicker(sendEvery)
	defer now.Stop()
	for {
		select {
		case <-o.full:
			o.send(batchSpans)
		case <-now.C:
			o.send(1)
		case <-o.stop:
			o.send(1)
			return
		}
	}
}

// send sends batch after batch that has so many spans at least.
func (o *outbox) send(least int) {
	for {
		one, found := o.take(least)
		if !found {
			return
		}
		o.log.warn(o.sending, o.upload(one))
		o.mu.Lock()
		if len(o.spare) < waitingBatches {
			o.spare = append(o.spare, one.bytes[:0])
		}
		o.mu.Unlock()
	}
}

// take takes the oldest batch, if it has so many spans at least.
func (o *outbox) take(least int) (oldest batch, found bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 && o.open.spans >= least {
		o.turn()
	}
	if len(o.waiting) == 0 {
		return batch{}, false
	}
	oldest = o.waiting[0]
	o.waiting = append(o.waiting[:0], o.waiting[1:]...)
	if o.open.spans == batchSpans { // it had no place
		o.turn()
	}
	return oldest, true
}

// upload sends a batch. Its spans are written as they are: fields that a message does not know follow those that it knows.
func (o *outbox) upload(one batch) error {
	ctx, cancel := context.WithTimeoutCause(o.sending, sendWithin, errors.New("sending spans took longer than "+sendWithin.String()))
	defer cancel()
	scope := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: Scope}}
	scope.ProtoReflect().SetUnknown(one.bytes)
	return o.client.UploadTraces(ctx, []*tracepb.ResourceSpans{{Resource: o.about, ScopeSpans: []*tracepb.ScopeSpans{scope}}})
}

// shutdown sends what is left, for as long as ctx allows, and ends. Later spans are lost.
func (o *outbox) shutdown(ctx context.Context) (err error) {
	o.once.Do(func() {
		close(o.stop)
		select {
		case <-o.ended:
		case <-ctx.Done():
			err = fmt.Errorf("otlp: traces were not all sent: %w", context.Cause(ctx))
			o.abandon()
			<-o.ended
		}
		o.abandon()
		err = errors.Join(err, o.client.Stop(ctx))
	})
	return err
}
