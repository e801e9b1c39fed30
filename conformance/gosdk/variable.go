package gosdk

import (
	"context"
	"encoding/json"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type variableFields struct {
	Name       string
	Names      []string
	Value      json.RawMessage
	Values     map[string]json.RawMessage
	IfRevision string `json:"if_revision"`
	IfAbsent   bool   `json:"if_absent"`
	Count      int
}

func set(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	v, err := value.DecodeJSON(r.Value)
	if err != nil {
		return nil, err
	}
	var options []toolbridge.SetOption
	if r.IfRevision != "" {
		options = append(options, toolbridge.IfRevision(r.IfRevision))
	}
	if r.IfAbsent {
		options = append(options, toolbridge.IfAbsent())
	}
	if r.Metadata != nil {
		options = append(options, toolbridge.Metadata(r.Metadata))
	}
	revision, err := s.Set(ctx, r.Name, v, options...)
	if err != nil {
		return nil, err
	}
	return outcome{"revision": revision}, nil
}

func ofVariable(v toolbridge.Variable) outcome {
	return outcome{"name": v.Name, "value": encodedJSON(v.Encoded), "metadata": details(v.Metadata), "revision": v.Revision}
}

func get(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	v, err := s.Variable(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	return ofVariable(v), nil
}

func deleteVariable(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	if r.IfRevision != "" {
		return nil, s.Delete(ctx, r.Name, r.IfRevision)
	}
	return nil, s.Delete(ctx, r.Name)
}

func listVariables(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	all := []outcome{}
	for v, err := range s.Variables(ctx, r.Prefix) {
		if err != nil {
			return nil, err
		}
		all = append(all, outcome{"name": v.Name, "value": encodedJSON(v.Encoded)})
	}
	return outcome{"variables": all}, nil
}

func update(ctx context.Context, _ *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for name, text := range r.Values {
		if values[name], err = value.DecodeJSON(text); err != nil {
			return nil, err
		}
	}
	return nil, s.SetAll(ctx, values)
}

func watch(ctx context.Context, a *Adapter, c *client, r *request) (outcome, error) {
	s, err := c.session(r.Session)
	if err != nil {
		return nil, err
	}
	count := 0
	for change, err := range s.Watch(ctx, r.Names...) {
		if err != nil {
			return nil, err
		}
		switch {
		case change.Current:
			a.event(r, outcome{"current": true})
			continue
		case change.Deleted:
			a.event(r, outcome{"deleted": change.Variable.Name})
		default:
			a.event(r, outcome{"set": change.Variable.Name, "value": encodedJSON(change.Variable.Encoded)})
		}
		if count++; count == r.Count {
			break
		}
	}
	return nil, nil
}
