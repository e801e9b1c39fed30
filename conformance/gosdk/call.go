package gosdk

import (
	"context"
	"encoding/json"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type callFields struct {
	Tool           string
	Args           []json.RawMessage
	Kwargs         map[string]json.RawMessage
	Timeout        float64
	RequestID      string `json:"request_id"`
	WantStack      bool   `json:"want_stack"`
	StopAfter      int    `json:"stop_after"`
	Items          []item
	FailFast       bool   `json:"fail_fast"`
	MaxConcurrency int    `json:"max_concurrency"`
	BatchID        string `json:"batch_id"`
}

type item struct {
	Tool   string
	Args   []json.RawMessage
	Kwargs map[string]json.RawMessage
}

// encodedJSON is the JSON form of an encoded value.
func encodedJSON(v tool.Value) any {
	text, err := value.ToJSON(v)
	if err != nil {
		return "no JSON form: " + err.Error()
	}
	return json.RawMessage(text)
}

// inJSON is the JSON form of a Go value.
func inJSON(v any) (json.RawMessage, error) {
	text, err := value.EncodeJSON(v)
	return text, err
}

// arguments are those of a request as Go values.
func arguments(args []json.RawMessage, kwargs map[string]json.RawMessage) ([]any, error) {
	out := make([]any, 0, len(args)+1)
	for _, text := range args {
		v, err := value.DecodeJSON(text)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(kwargs) == 0 {
		return out, nil
	}
	keywords := toolbridge.Kw{}
	for name, text := range kwargs {
		v, err := value.DecodeJSON(text)
		if err != nil {
			return nil, err
		}
		keywords[name] = v
	}
	return append(out, keywords), nil
}

// caller is the session with the options of a request.
func caller(c *client, r *request) (*toolbridge.Session, []any, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, nil, err
	}
	var options []toolbridge.CallOption
	if r.Timeout != 0 {
		options = append(options, toolbridge.Timeout(time.Duration(r.Timeout*float64(time.Second))))
	}
	if r.RequestID != "" {
		options = append(options, toolbridge.RequestID(r.RequestID))
	}
	if r.WantStack {
		options = append(options, toolbridge.WantStack())
	}
	args, err := arguments(r.Args, r.Kwargs)
	return s.With(options...), args, err
}

func call(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, args, err := caller(c, r)
	if err != nil {
		return nil, err
	}
	result, err := s.Call(ctx, r.Tool, args...)
	if err != nil {
		return nil, err
	}
	text, err := inJSON(result)
	return outcome{"value": text}, err
}

func stream(ctx context.Context, a *Adapter, c *client, r *request) (outcome, error) {
	s, args, err := caller(c, r)
	if err != nil {
		return nil, err
	}
	values := []json.RawMessage{}
	for chunk, err := range s.Stream(ctx, r.Tool, args...) {
		if err != nil {
			return outcome{"values": values}, err
		}
		text, err := inJSON(chunk)
		if err != nil {
			return outcome{"values": values}, err
		}
		values = append(values, text)
		a.event(r, outcome{"value": text})
		if len(values) == r.StopAfter {
			break
		}
	}
	return outcome{"values": values}, nil
}

// batchOf is a batch as the SDK takes it.
func batchOf(c *client, r *request) (*toolbridge.Session, []toolbridge.Item, []toolbridge.BatchOption, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, nil, nil, err
	}
	items := make([]toolbridge.Item, len(r.Items))
	for i, of := range r.Items {
		args, err := arguments(of.Args, of.Kwargs)
		if err != nil {
			return nil, nil, nil, err
		}
		items[i] = toolbridge.ItemOf(of.Tool, args...)
	}
	var options []toolbridge.BatchOption
	if r.FailFast {
		options = append(options, toolbridge.FailFast())
	}
	if r.MaxConcurrency != 0 {
		options = append(options, toolbridge.BatchConcurrency(r.MaxConcurrency))
	}
	if r.BatchID != "" {
		options = append(options, toolbridge.BatchID(r.BatchID))
	}
	return s, items, options, nil
}

func ofItem(result toolbridge.ItemResult) outcome {
	if result.Err != nil {
		return outcome{"index": result.Index, "error": failure(result.Err)}
	}
	return outcome{"index": result.Index, "value": encodedJSON(result.Encoded)}
}

func batch(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, items, options, err := batchOf(c, r)
	if err != nil {
		return nil, err
	}
	answers, err := s.Batch(ctx, items, options...)
	if err != nil {
		return nil, err
	}
	results := make([]outcome, len(answers))
	for i, answer := range answers {
		results[i] = ofItem(answer)
	}
	return outcome{"results": results}, nil
}

func batchStream(ctx context.Context, a *Adapter, c *client, r *request) (outcome, error) {
	s, items, options, err := batchOf(c, r)
	if err != nil {
		return nil, err
	}
	finished := []outcome{}
	for answer, err := range s.BatchStream(ctx, items, options...) {
		if err != nil {
			return outcome{"finished": finished}, err
		}
		one := ofItem(answer)
		finished = append(finished, one)
		a.event(r, one)
	}
	return outcome{"finished": finished}, nil
}
