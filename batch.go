package toolbridge

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Item is one call of a batch.
type Item struct {
	// Tool is the id or name of the tool.
	Tool string
	// Args are its arguments, as in Session.Call.
	Args []any
	// Timeout limits how long the item may take once it is its turn. Defaults to the tool's own, or the bridge's.
	Timeout time.Duration
	// RequestID names the call. Defaults to "<batch id>/<index>" if the batch has an id.
	RequestID string
}

// ItemOf is an Item from its parts.
func ItemOf(name string, args ...any) Item { return Item{Tool: name, Args: args} }

// ItemResult is the answer to one item of a batch.
type ItemResult struct {
	// Index is the item's place in the batch.
	Index int
	// Value is the result, as package value decodes it.
	Value any
	// Encoded is the result as it came.
	Encoded tool.Value
	// Err is why there is no result.
	Err error
	// Metrics say how long the item took; as WithMetrics does where no answer of it came.
	Metrics tool.Metrics

	client *Client
}

// Into decodes the result into what target points to, or returns the item's error.
func (r ItemResult) Into(target any) error {
	if r.Err != nil {
		return r.Err
	}
	return r.client.codec.DecodeInto(r.Encoded, target)
}

// BatchOption configures a batch.
type BatchOption func(*bridgepb.BatchExecuteToolsRequest)

// BatchConcurrency is how many items run at once; without it 64.
func BatchConcurrency(n int) BatchOption {
	return func(r *bridgepb.BatchExecuteToolsRequest) { r.MaxConcurrency = uint32(max(n, 0)) }
}

// FailFast cancels what has not ended when the first item fails; those items fail with Cancelled.
func FailFast() BatchOption {
	return func(r *bridgepb.BatchExecuteToolsRequest) { r.FailFast = true }
}

// BatchID names the batch.
func BatchID(id string) BatchOption {
	return func(r *bridgepb.BatchExecuteToolsRequest) { r.BatchId = id }
}

// Batch makes many calls with one request and returns their results in the order of the items. An item that fails
// harms no other: its error stands in its result. The error that Batch returns is the batch's own, such as BatchTooLarge;
// with it come the results that had arrived before, and it stands in those that had not. Results arrive a few milliseconds after
// their items end, or together where all end sooner.
func (s *Session) Batch(ctx context.Context, items []Item, options ...BatchOption) ([]ItemResult, error) {
	results := make([]ItemResult, len(items))
	arrived, began := make([]bool, len(items)), time.Now()
	failed := s.batch(ctx, items, options, s.sendWhole, func(r ItemResult) error {
		results[r.Index], arrived[r.Index] = r, true
		return nil
	})
	for i := range results {
		if !arrived[i] {
			results[i] = ItemResult{Index: i, Err: failed, Metrics: sinceCalled(tool.Metrics{}, began), client: s.client}
		}
	}
	return results, failed
}

// BatchStream makes many calls with one request and yields each result as its item ends. Leaving the loop cancels the
// rest. An error is the batch's own and ends it.
func (s *Session) BatchStream(ctx context.Context, items []Item, options ...BatchOption) iter.Seq2[ItemResult, error] {
	return func(yield func(ItemResult, error) bool) {
		err := s.batch(ctx, items, options, s.sendStreaming, func(r ItemResult) error {
			if !yield(r, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(ItemResult{}, err)
		}
	}
}

// sendBatch sends a batch and has each result taken.
type sendBatch func(ctx context.Context, b *batchCalls, take func(ItemResult) error) error

func (s *Session) batch(ctx context.Context, items []Item, options []BatchOption, send sendBatch, take func(ItemResult) error) error {
	if len(items) == 0 {
		return nil
	}
	parent, state := s.options.traceParent, s.options.traceState
	ctx, end := s.client.tracing.begin(ctx, trace.SpanKindClient, batchOf(len(items)), wire.TraceContext{Parent: &parent, State: &state})
	err := s.runBatch(ctx, items, options, send, take)
	end(err)
	return err
}

func (s *Session) runBatch(ctx context.Context, items []Item, given []BatchOption, send sendBatch, take func(ItemResult) error) error {
	if most := s.client.limits().MaxBatchItems; most > 0 && len(items) > most {
		return tool.Errorf(tool.BatchTooLarge, "the batch has %d items, the bridge takes %d: send several", len(items), most).
			With("limit", strconv.Itoa(most))
	}
	var b batchCalls
	for _, option := range given {
		option(&b.options)
	}
	if err := s.encodeBatch(ctx, &b, items); err != nil {
		return err
	}
	for _, r := range b.refused {
		if err := take(r); err != nil {
			return err
		}
	}
	if len(b.calls) == 0 {
		return nil
	}
	b.what, b.began = batchOf(len(items)), time.Now()
	ctx, cancel := s.limitOf(ctx, b.what)
	defer cancel()
	if err := s.client.ready(ctx); err != nil {
		return s.client.asError(ctx, err, b.what, b.began)
	}
	return send(ctx, &b, take)
}

// sendWhole sends a batch whose results are wanted all at once: as one frame of the link where that can be done now.
func (s *Session) sendWhole(ctx context.Context, b *batchCalls, take func(ItemResult) error) error {
	if sent, err := s.sendFrame(ctx, b, take); sent {
		return err
	}
	return s.sendStreaming(ctx, b, take)
}

// sendFrame reports whether the batch was sent over the link; otherwise nothing was done.
func (s *Session) sendFrame(ctx context.Context, b *batchCalls, take func(ItemResult) error) (sent bool, err error) {
	c := s.client
	if c.link == nil || !c.link.usable.Load() {
		return false, nil
	}
	request := link.Batch{
		ID: b.options.GetBatchId(), SessionID: s.id, Calls: make([]*tool.Call, len(b.calls)),
		MaxConcurrency: int(b.options.GetMaxConcurrency()), FailFast: b.options.GetFailFast(),
	}
	for i, x := range b.calls {
		request.Calls[i] = &x.call
	}
	var left error
	sent, err = c.link.process.Batch(ctx, &request, func(i int, a *link.Answer) {
		if left == nil {
			left = take(s.itemResult(b.places[i], a.Result, a.Err))
		}
	})
	switch {
	case !sent || notTaken(err):
		return false, nil
	case err != nil:
		return true, c.asError(ctx, c.located(err), b.what, b.began)
	}
	for _, x := range b.calls { // what was sent of them was copied
		c.free(x)
	}
	return true, left
}

// sendStreaming sends a batch as a request of its own, whose results come as the items end.
func (s *Session) sendStreaming(ctx context.Context, b *batchCalls, take func(ItemResult) error) error {
	request := &b.options
	request.SessionId = s.id
	for _, x := range b.calls {
		out := wire.CallProto(&x.call)
		out.TimeoutUs = wire.Micros(x.call.Timeout)
		request.Requests = append(request.Requests, out)
	}
	request.TimeoutUs = wire.TimeLeft(ctx)
	answers, err := s.client.stub.StreamBatchExecuteTools(ctx, request)
	if err != nil {
		return s.client.asError(ctx, err, b.what, b.began)
	}
	return s.readBatch(ctx, answers, b, take)
}

func batchOf(items int) string { return "the batch of " + strconv.Itoa(items) + " calls" }

func (s *Session) readBatch(ctx context.Context, answers bridgepb.SnakepitBridge_StreamBatchExecuteToolsClient, b *batchCalls, take func(ItemResult) error) error {
	items := len(b.places)
	seen := make([]bool, items)
	for n := range items {
		answer, err := answers.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return tool.Errorf(tool.ProtocolError, "the bridge answered only %d of %d items of a batch", n, items)
		case err != nil:
			return s.client.asError(ctx, err, b.what, b.began)
		case answer.GetRefused() != nil:
			return wire.ErrorFromProto(answer.GetRefused())
		}
		index := int(answer.GetIndex())
		if index >= items || seen[index] {
			return tool.Errorf(tool.ProtocolError, "the bridge answered item %d of a batch of %d, which does not exist or was answered before", index, items)
		}
		seen[index] = true
		result, err := wire.ResultFromProto(answer.GetResponse())
		if err := take(s.itemResult(b.places[index], result, err)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) itemResult(index int, result tool.Result, err error) ItemResult {
	out := ItemResult{Index: index, Encoded: result.Value, Err: err, Metrics: result.Metrics, client: s.client}
	if err == nil {
		out.Value, out.Err = s.client.codec.Decode(result.Value)
	}
	return out
}

// batchCalls are the calls of a batch.
type batchCalls struct {
	options bridgepb.BatchExecuteToolsRequest // without the calls until they are sent by it
	calls   []*exchange
	places  []int        // which item each of the calls is
	refused []ItemResult // the items that cannot be sent, and where the batch is to fail fast then all

	what  string
	began time.Time
}

// encodeBatch encodes the items and checks what can be checked before they are sent.
func (s *Session) encodeBatch(ctx context.Context, b *batchCalls, items []Item) error {
	b.calls, b.places = make([]*exchange, 0, len(items)), make([]int, 0, len(items))
	size := 0
	for i := range items {
		x, err := s.itemCall(ctx, &items[i])
		if err != nil {
			b.refused = append(b.refused, ItemResult{Index: i, Err: err, client: s.client})
			continue
		}
		if id := b.options.GetBatchId(); x.call.RequestID == "" && id != "" { // its place in the request may be another
			x.call.RequestID = id + "/" + strconv.Itoa(i)
		}
		size += x.call.ArgumentBytes()
		b.calls, b.places = append(b.calls, x), append(b.places, i)
	}
	if len(b.refused) > 0 && b.options.GetFailFast() {
		for _, i := range b.places {
			why := tool.Errorf(tool.Cancelled, "item %d of the batch failed, which cancelled the others", b.refused[0].Index).With("started", "false")
			b.refused = append(b.refused, ItemResult{Index: i, Err: why, client: s.client})
		}
		b.calls, b.places = nil, nil
		return nil
	}
	return checkSize("the batch", size, s.client.limits().MaxValueBytes)
}

// itemCall encodes one item. Its session is the batch's.
func (s *Session) itemCall(ctx context.Context, item *Item) (*exchange, error) {
	x, err := s.prepare(ctx, item.Tool, item.Args)
	if err != nil {
		return nil, err
	}
	call := &x.call
	if err := notInBatch(call, s.client.limits().MaxValueBytes); err != nil {
		closeTables(call)
		return nil, err
	}
	call.SessionID, call.RequestID, call.Timeout = "", item.RequestID, item.Timeout
	if err := call.CheckBounds(); err != nil {
		return nil, err
	}
	s.client.tracing.pass(ctx, call)
	return x, nil
}
