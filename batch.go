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
	// Metrics say how long the item took.
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
// with it come the results that had arrived before, and it stands in those that had not.
func (s *Session) Batch(ctx context.Context, items []Item, options ...BatchOption) ([]ItemResult, error) {
	results := make([]ItemResult, len(items))
	arrived := make([]bool, len(items))
	var failed error
	for result, err := range s.BatchStream(ctx, items, options...) {
		if err != nil {
			failed = err
			break
		}
		results[result.Index], arrived[result.Index] = result, true
	}
	for i := range results {
		if !arrived[i] {
			results[i] = ItemResult{Index: i, Err: failed, client: s.client}
		}
	}
	return results, failed
}

// BatchStream makes many calls with one request and yields each result as its item ends. Leaving the loop cancels the
// rest. An error is the batch's own and ends it.
func (s *Session) BatchStream(ctx context.Context, items []Item, options ...BatchOption) iter.Seq2[ItemResult, error] {
	return func(yield func(ItemResult, error) bool) {
		err := s.batch(ctx, items, options, func(r ItemResult) error {
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

func (s *Session) batch(ctx context.Context, items []Item, options []BatchOption, take func(ItemResult) error) error {
	if len(items) == 0 {
		return nil
	}
	parent, state := s.options.traceParent, s.options.traceState
	ctx, end := s.client.tracing.begin(ctx, trace.SpanKindClient, batchOf(len(items)), wire.TraceContext{Parent: &parent, State: &state})
	err := s.runBatch(ctx, items, options, take)
	end(err)
	return err
}

func (s *Session) runBatch(ctx context.Context, items []Item, given []BatchOption, take func(ItemResult) error) error {
	if most := s.client.limits().MaxBatchItems; most > 0 && len(items) > most {
		return tool.Errorf(tool.BatchTooLarge, "the batch has %d items, the bridge takes %d: send several", len(items), most).
			With("limit", strconv.Itoa(most))
	}
	var options bridgepb.BatchExecuteToolsRequest
	for _, option := range given {
		option(&options)
	}
	request, places, refused, err := s.batchRequest(ctx, items, &options)
	if err != nil {
		return err
	}
	for _, r := range refused {
		if err := take(r); err != nil {
			return err
		}
	}
	if len(places) == 0 {
		return nil
	}
	began := time.Now()
	ctx, cancel := s.limitOf(ctx, batchOf(len(items)))
	defer cancel()
	request.TimeoutUs = wire.TimeLeft(ctx)
	if err := s.client.ready(ctx); err != nil {
		return s.client.asError(ctx, err, batchOf(len(items)), began)
	}
	answers, err := s.client.stub.StreamBatchExecuteTools(ctx, request)
	if err != nil {
		return s.client.asError(ctx, err, batchOf(len(items)), began)
	}
	return s.readBatch(ctx, answers, places, began, take)
}

func batchOf(items int) string { return "the batch of " + strconv.Itoa(items) + " calls" }

func (s *Session) readBatch(ctx context.Context, answers bridgepb.SnakepitBridge_StreamBatchExecuteToolsClient, places []int, began time.Time, take func(ItemResult) error) error {
	items := len(places)
	seen := make([]bool, items)
	for n := range items {
		answer, err := answers.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return tool.Errorf(tool.ProtocolError, "the bridge answered only %d of %d items of a batch", n, items)
		case err != nil:
			return s.client.asError(ctx, err, batchOf(items), began)
		case answer.GetRefused() != nil:
			return wire.ErrorFromProto(answer.GetRefused())
		}
		index := int(answer.GetIndex())
		if index >= items || seen[index] {
			return tool.Errorf(tool.ProtocolError, "the bridge answered item %d of a batch of %d, which does not exist or was answered before", index, items)
		}
		seen[index] = true
		if err := take(s.itemResult(places[index], answer.GetResponse())); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) itemResult(index int, answer *bridgepb.ToolCallResponse) ItemResult {
	result, err := wire.ResultFromProto(answer)
	out := ItemResult{Index: index, Encoded: result.Value, Err: err, Metrics: result.Metrics, client: s.client}
	if err == nil {
		out.Value, out.Err = s.client.codec.Decode(result.Value)
	}
	return out
}

// batchRequest encodes the items and checks what can be checked before they are sent. Places says which item each of its
// calls is; refused are the items that cannot be sent, and where the batch is to fail fast then all.
func (s *Session) batchRequest(ctx context.Context, items []Item, options *bridgepb.BatchExecuteToolsRequest) (request *bridgepb.BatchExecuteToolsRequest, places []int, refused []ItemResult, err error) {
	limits := s.client.limits()
	options.SessionId = s.id
	size := 0
	for i, item := range items {
		call, err := s.itemCall(ctx, item)
		if err != nil {
			refused = append(refused, ItemResult{Index: i, Err: err, client: s.client})
			continue
		}
		if call.RequestID == "" && options.GetBatchId() != "" { // its place in the request may be another
			call.RequestID = options.GetBatchId() + "/" + strconv.Itoa(i)
		}
		size += call.ArgumentBytes()
		out := wire.CallProto(call)
		out.TimeoutUs = wire.Micros(item.Timeout)
		options.Requests, places = append(options.Requests, out), append(places, i)
	}
	if len(refused) > 0 && options.GetFailFast() {
		for _, i := range places {
			why := tool.Errorf(tool.Cancelled, "item %d of the batch failed, which cancelled the others", refused[0].Index).With("started", "false")
			refused = append(refused, ItemResult{Index: i, Err: why, client: s.client})
		}
		return options, nil, refused, nil
	}
	return options, places, refused, checkSize("the batch", size, limits.MaxValueBytes)
}

// itemCall encodes one item.
func (s *Session) itemCall(ctx context.Context, item Item) (*tool.Call, error) {
	x, err := s.prepare(ctx, item.Tool, item.Args)
	if err != nil {
		return nil, err
	}
	call := &x.call
	if err := notInBatch(call, s.client.limits().MaxValueBytes); err != nil {
		closeTables(call)
		return nil, err
	}
	call.RequestID = item.RequestID
	s.client.tracing.pass(ctx, call)
	return call, nil
}
