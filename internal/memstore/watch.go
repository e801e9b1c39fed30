package memstore

import (
	"context"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// watcher is one watch of variables. Store.mu guards its fields.
type watcher struct {
	// names that it wants; none means all.
	names map[string]bool
	// changed are the variables that changed since the watcher last looked, in order, with their revisions.
	changed []tool.Variable
	ready   chan struct{}
}

// changed tells every watcher of a variable. The caller holds mu.
func (f *session) changed(name, revision string) {
	for w := range f.watchers {
		if len(w.names) > 0 && !w.names[name] {
			continue
		}
		w.changed = slices.DeleteFunc(w.changed, func(v tool.Variable) bool { return v.Name == name })
		w.changed = append(w.changed, tool.Variable{Name: name, Revision: revision})
		select {
		case w.ready <- struct{}{}:
		default:
		}
	}
}

// WatchVariables calls each with what is present, then with Current, then with each change.
func (s *Store) WatchVariables(ctx context.Context, key tool.SessionKey, names []string, each func(broker.VariableChange) error) error {
	w := &watcher{names: make(map[string]bool, len(names)), ready: make(chan struct{}, 1)}
	for _, name := range names {
		w.names[name] = true
	}
	found, present, err := s.attach(key, w)
	if err != nil {
		return err
	}
	defer s.detach(found, w)
	if err := call(each, append(present, broker.VariableChange{Current: true})); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return tool.Errorf(tool.StoreUnavailable, "the store was closed: watch again")
		case <-found.ended:
			return storecore.SessionEnded(key)
		case <-w.ready:
		}
		if err := call(each, s.take(found, w)); err != nil {
			return err
		}
	}
}

func call(each func(broker.VariableChange) error, changes []broker.VariableChange) error {
	for _, c := range changes {
		if err := each(c); err != nil {
			return err
		}
	}
	return nil
}

// attach starts a watch and returns the variables that are present at this moment.
func (s *Store) attach(key tool.SessionKey, w *watcher) (*session, []broker.VariableChange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.living(key)
	if err != nil {
		return nil, nil, err
	}
	found.watchers[w] = struct{}{}
	var names []string
	for name := range found.variables {
		if len(w.names) == 0 || w.names[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	present := make([]broker.VariableChange, len(names))
	for i, name := range names {
		present[i].Variable = found.variables[name].Variable
	}
	return found, present, nil
}

func (s *Store) detach(found *session, w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(found.watchers, w)
}

// take returns what changed since it was last called, each variable as it is now.
func (s *Store) take(found *session, w *watcher) []broker.VariableChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := make([]broker.VariableChange, len(w.changed))
	for i, v := range w.changed {
		current, _ := found.current(v.Name)
		if current == nil {
			changes[i] = broker.VariableChange{Variable: v, Deleted: true}
			continue
		}
		changes[i].Variable = *current
	}
	w.changed = nil
	return changes
}
