package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SetVariables writes variables of a session, all or none.
func (s *Store) SetVariables(_ context.Context, key tool.SessionKey, writes []broker.VariableWrite) ([]tool.Variable, error) {
	if err := storecore.CheckNames(writes); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return nil, err
	}
	pending, err := found.pending(writes)
	if err != nil {
		return nil, err
	}
	if len(pending) > 0 {
		found.write(pending, s.next(), time.Now())
	}
	written := make([]tool.Variable, len(writes))
	for i := range writes {
		written[i] = storecore.WithoutValue(found.variables[writes[i].Name].Variable)
	}
	return written, nil
}

// pending returns the writes that were not done before, if the conditions of all of them hold.
func (f *session) pending(writes []broker.VariableWrite) ([]*broker.VariableWrite, error) {
	var pending []*broker.VariableWrite
	for i := range writes {
		w := &writes[i]
		current, request := f.current(w.Name)
		repeated, err := storecore.Repeated(w, current, request)
		if err != nil {
			return nil, err
		}
		if repeated {
			continue
		}
		if err := storecore.Check(w.Name, w.If, current); err != nil {
			return nil, err
		}
		pending = append(pending, w)
	}
	return pending, nil
}

func (f *session) current(name string) (current *tool.Variable, request string) {
	v := f.variables[name]
	if v == nil {
		return nil, ""
	}
	return &v.Variable, v.request
}

func (f *session) write(pending []*broker.VariableWrite, revision string, now time.Time) {
	for _, w := range pending {
		v := &variable{Variable: w.Variable, request: w.RequestID}
		v.Metadata = maps.Clone(w.Metadata)
		v.Revision, v.UpdatedAt = revision, now
		f.variables[w.Name] = v
		f.changed(w.Name, revision)
	}
}

// Variable reads a variable.
func (s *Store) Variable(_ context.Context, key tool.SessionKey, name string) (tool.Variable, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.living(key)
	if err != nil {
		return tool.Variable{}, err
	}
	current, _ := found.current(name)
	if current == nil {
		return tool.Variable{}, storecore.VariableNotFound(key, name)
	}
	return *current, nil
}

// DeleteVariable deletes a variable.
func (s *Store) DeleteVariable(_ context.Context, key tool.SessionKey, name string, cond broker.Condition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return err
	}
	current, _ := found.current(name)
	if current == nil {
		return storecore.VariableNotFound(key, name)
	}
	if err := storecore.Check(name, cond, current); err != nil {
		return err
	}
	delete(found.variables, name)
	found.changed(name, s.next())
	return nil
}

// Variables lists variables in the order of their names.
func (s *Store) Variables(_ context.Context, key tool.SessionKey, prefix, after string, limit int, values bool) ([]tool.Variable, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.living(key)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range found.variables {
		if strings.HasPrefix(name, prefix) && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = names[:min(max(limit, 0), len(names))]
	listed := make([]tool.Variable, len(names))
	for i, name := range names {
		listed[i] = found.variables[name].Variable
		if !values {
			listed[i] = storecore.WithoutValue(listed[i])
		}
	}
	return listed, nil
}
