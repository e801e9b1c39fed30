package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// BatchRequest asks for many calls at once.
type BatchRequest struct {
	Requests       []BatchItem `json:"requests" nullable:"false" minItems:"1" maxItems:"10000"`
	MaxConcurrency int         `json:"max_concurrency,omitempty" minimum:"0" maximum:"1000000" doc:"How many run at once. Defaults to 64."`
	FailFast       bool        `json:"fail_fast,omitempty" doc:"The first failure cancels what has not ended."`
}

// BatchItem is one call of a batch.
type BatchItem struct {
	ToolID string `json:"tool_id" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$"`
	CallRequest
	Timeout float64 `json:"timeout,omitempty" exclusiveMinimum:"0" maximum:"86400" doc:"Seconds that this item may take."`
}

// BatchResults are the answers to a batch.
type BatchResults struct {
	Results []BatchResult `json:"results" nullable:"false" doc:"One an item, in the same order."`
}

// BatchResult is the answer to an item of a batch.
type BatchResult struct {
	Index   int             `json:"index" doc:"The item's place in the batch."`
	Success bool            `json:"success"`
	Result  json.RawMessage `json:"result,omitempty" doc:"What the tool returned, as a value."`
	Error   *Problem        `json:"error,omitempty"`
	Metrics *Metrics        `json:"metrics"`

	Replayed bool `json:"replayed,omitempty" doc:"It is the answer of an earlier request with the same Idempotency-Key."`
}

func (g *Gateway) routeBatches(mux *http.ServeMux) {
	g.serve(mux, operation(http.MethodPost, inSession+"/tools/batch", "execute-batch", "Tools", "Make many calls and get one answer for each"), g.batch,
		ofCall, takes(g.schema(BatchRequest{})), answers(http.StatusOK, jsonType, g.schema(BatchResults{})), g.streams(BatchResult{}))
}

// batch makes many calls and answers them in order, or each as it ends where the client accepts a stream.
func (g *Gateway) batch(w http.ResponseWriter, r *http.Request) {
	kind, err := negotiate(r, jsonType, ndjsonType, eventsType)
	if err != nil {
		g.fail(w, err)
		return
	}
	q, err := g.newRequest(r)
	if err != nil {
		g.fail(w, err)
		return
	}
	data, done, err := q.read(g, w, r)
	if err != nil {
		g.fail(w, err)
		return
	}
	defer done()
	batch, err := g.readBatch(r, q, data)
	if err != nil {
		g.fail(w, err)
		return
	}
	ctx, cancel := q.context(r.Context())
	defer cancel()
	if kind == jsonType {
		g.gatherBatch(ctx, w, q, batch)
		return
	}
	g.streamBatch(ctx, w, q, batch, kind, cancel)
}

// gatherBatch answers in one document. Results beyond the limit of value bytes are left out of it.
func (g *Gateway) gatherBatch(ctx context.Context, w http.ResponseWriter, q *request, batch broker.Batch) {
	results := make([]BatchResult, len(batch.Calls))
	left := g.broker.Limits().ValueBytes
	err := g.broker.Batch(ctx, batch, func(i int, result tool.Result, err error) {
		if err == nil {
			if left -= result.Value.Size(); left < 0 {
				err = tool.Errorf(tool.MessageTooLarge, "message too large: the results of the batch have more than %d bytes together: ask for it as a stream (Accept: %s)",
					g.broker.Limits().ValueBytes, ndjsonType).With("limit", strconv.Itoa(g.broker.Limits().ValueBytes)).With("started", "true")
			}
		}
		results[i] = g.batchResult(q, i, result, err)
	})
	if err != nil {
		g.fail(w, err)
		return
	}
	writeDocument(w, jsonType, http.StatusOK, BatchResults{results})
}

// streamBatch answers each item as it ends.
func (g *Gateway) streamBatch(ctx context.Context, w http.ResponseWriter, q *request, batch broker.Batch, kind string, cancel context.CancelFunc) {
	f, stop := g.newFeed(w, kind, cancel)
	defer stop()
	var sent uint64
	err := g.broker.Batch(ctx, batch, func(i int, result tool.Result, err error) {
		_ = f.send("result", sent, g.batchResult(q, i, result, err)) // a client that is gone cancels the batch
		sent++
	})
	stop()
	if err != nil {
		g.fail(w, err) // a batch is refused before its first item
	}
}

func (g *Gateway) batchResult(q *request, i int, result tool.Result, err error) BatchResult {
	out := BatchResult{Index: i, Metrics: metricsOf(result.Metrics), Replayed: result.Replayed}
	if err == nil {
		out.Result, err = toJSON(q.codec, result.Value)
	}
	if err != nil {
		out.Result, out.Error = nil, g.newProblem(err)
		return out
	}
	out.Success = true
	return out
}

func (g *Gateway) readBatch(r *http.Request, q *request, data []byte) (broker.Batch, error) {
	var out broker.Batch
	err := body(data).members(func(m member) (err error) {
		switch m.name {
		case "requests":
			out.Calls, err = g.readItems(r, q, m.text)
		case "max_concurrency":
			out.MaxConcurrency, err = m.whole(maxWhole)
		case "fail_fast":
			err = m.decode(&out.FailFast, "true or false")
		default:
			err = unknownMember(m)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	if len(out.Calls) == 0 {
		return out, tool.Errorf(tool.ValidationError, "the batch has no items: $.requests lists at least one call").With("path", "$.requests").With("field", "requests")
	}
	return out, nil
}

func (g *Gateway) readItems(r *http.Request, q *request, t text) ([]*tool.Call, error) {
	most, left := g.broker.Limits().BatchItems, g.newRoom()
	var calls []*tool.Call
	err := t.items(func(i int, item text) error {
		if i == most {
			return tool.Errorf(tool.BatchTooLarge, "the batch has more than %d items: send it in parts", most).
				With("path", t.path).With("limit", strconv.Itoa(most))
		}
		call, err := g.readItem(r, q, item, left)
		if err != nil {
			return err
		}
		if q.requestID != "" {
			call.RequestID = q.requestID + "/" + strconv.Itoa(i)
		}
		calls = append(calls, call)
		return nil
	})
	return calls, err
}

func (g *Gateway) readItem(r *http.Request, q *request, t text, left *room) (*tool.Call, error) {
	call := q.call(r, "")
	err := g.readCall(r.Context(), t, call, left, func(m member) (known bool, err error) {
		switch m.name {
		case "tool_id":
			return true, m.decode(&call.Tool, "a text")
		case "timeout":
			call.Timeout, err = m.timeout()
			return true, err
		default:
			return false, nil
		}
	})
	if err == nil && call.Tool == "" {
		return nil, tool.Errorf(tool.ValidationError, "%s names no tool: give it a tool_id", t.path).With("path", t.path).With("field", "tool_id")
	}
	if err != nil {
		return nil, err
	}
	if bad := tool.CheckName(t.path+".tool_id", call.Tool); bad != nil {
		return nil, bad.With("path", t.path+".tool_id")
	}
	return call, nil
}
