package etcdstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// WatchVariables calls each with what is present, then with Current, then with each change.
func (s *Store) WatchVariables(ctx context.Context, key tool.SessionKey, names []string, each func(broker.VariableChange) error) error {
	e, err := s.living(ctx, key)
	if err != nil {
		return err
	}
	w := &watch{
		store:  s,
		key:    key,
		prefix: s.keys.variables(key),
		ended:  s.view.whenEnded(key, e.created),
		queue:  make(changeQueue, 1),
		known:  make(map[string]int64),
	}
	if len(names) > 0 {
		w.names = make(map[string]bool, len(names))
		for _, name := range names {
			w.names[name] = true
		}
	}
	return w.run(ctx, each)
}

// watch is one watch of variables. The goroutine that runs it calls each; another one keeps reading etcd's watch and
// merges what waits, so that a slow reader costs at most one value a variable.
type watch struct {
	store  *Store
	key    tool.SessionKey
	prefix string
	names  map[string]bool // nil means all
	ended  <-chan struct{}
	queue  changeQueue
	// known are the revisions of the variables that were told of last; the reading goroutine owns it once it runs.
	known map[string]int64
}

// changes are variables that changed and that the reader was not told of yet, in order.
type changes struct {
	order  []string
	latest map[string]broker.VariableChange
	err    error
}

// changeQueue holds the changes that wait, if there are any: a buffered channel of one.
type changeQueue chan *changes

// add merges one more change into what waits.
func (q changeQueue) add(c broker.VariableChange) {
	q.update(func(waiting *changes) {
		name := c.Variable.Name
		if _, again := waiting.latest[name]; again {
			waiting.order = slices.DeleteFunc(waiting.order, func(other string) bool { return other == name })
		}
		waiting.order = append(waiting.order, name)
		waiting.latest[name] = c
	})
}

func (q changeQueue) fail(err error) { q.update(func(waiting *changes) { waiting.err = err }) }

func (q changeQueue) update(edit func(*changes)) {
	var waiting *changes
	select {
	case waiting = <-q:
	default:
		waiting = &changes{latest: make(map[string]broker.VariableChange)}
	}
	edit(waiting)
	q <- waiting
}

func (w *watch) run(ctx context.Context, each func(broker.VariableChange) error) error {
	present, revision, err := w.list(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	for _, v := range present {
		w.known[v.variable.Name] = v.revision
		if err := each(broker.VariableChange{Variable: v.variable}); err != nil {
			return err
		}
	}
	if err := each(broker.VariableChange{Current: true}); err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		w.follow(reading, revision)
	}()
	defer func() {
		stop()
		<-read
	}()
	return w.deliver(ctx, each)
}

// deliver calls each with what waits until there is a reason to end.
func (w *watch) deliver(ctx context.Context, each func(broker.VariableChange) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.ended:
			return storecore.SessionEnded(w.key)
		case <-w.store.closed:
			return tool.Errorf(tool.StoreUnavailable, "the store was closed: watch again")
		case waiting := <-w.queue:
			for _, name := range waiting.order {
				if err := each(waiting.latest[name]); err != nil {
					return err
				}
			}
			if waiting.err != nil {
				return waiting.err
			}
		}
	}
}

// list reads the variables that are wanted, and the revision at which they were so.
func (w *watch) list(ctx context.Context) (present []*stored, revision int64, err error) {
	from, end := w.prefix, clientv3.GetPrefixRangeEnd(w.prefix)
	for {
		resp, err := w.store.readVariables(ctx, w.key, clientv3.OpGet(from, clientv3.WithRange(end), clientv3.WithLimit(variablePage), clientv3.WithRev(revision)))
		if err != nil {
			return nil, 0, err
		}
		if revision == 0 {
			revision = resp.Header.Revision
		}
		found := resp.Responses[2].GetResponseRange()
		for _, kv := range found.Kvs {
			if name := strings.TrimPrefix(string(kv.Key), w.prefix); w.names != nil && !w.names[name] {
				continue
			}
			v, err := w.store.decodeVariable(w.prefix, kv)
			if err != nil {
				return nil, 0, err
			}
			present = append(present, v)
		}
		if !found.More {
			return present, revision, nil
		}
		from = string(found.Kvs[len(found.Kvs)-1].Key) + "\x00"
	}
}

// follow queues what changes after a revision until ctx ends. A watch that breaks begins anew; one whose revision was compacted
// away lists again and compares.
func (w *watch) follow(ctx context.Context, revision int64) {
	for ctx.Err() == nil {
		last, err := w.read(ctx, revision)
		revision = max(revision, last)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errSessionGone):
			return
		case errors.Is(err, rpctypes.ErrCompacted):
			listed, err := w.compare(ctx)
			if err != nil {
				w.queue.fail(err)
				return
			}
			revision = listed
		default:
			pause(ctx, retryWatch)
		}
	}
}

// errSessionGone says that variables vanish because their session ended.
var errSessionGone = errors.New("the session ended")

func (w *watch) read(ctx context.Context, revision int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for resp := range w.store.client.Watch(ctx, w.prefix, clientv3.WithPrefix(), clientv3.WithRev(revision+1)) {
		if err := resp.Err(); err != nil {
			return revision, err
		}
		for _, event := range resp.Events {
			if err := w.queueEvent(ctx, event); err != nil {
				return revision, err
			}
			revision = event.Kv.ModRevision
		}
	}
	return revision, nil
}

func (w *watch) queueEvent(ctx context.Context, event *clientv3.Event) error {
	name := strings.TrimPrefix(string(event.Kv.Key), w.prefix)
	if w.names != nil && !w.names[name] {
		return nil
	}
	if event.Type == clientv3.EventTypeDelete {
		// Every variable goes with its session: that is told by its end, not by deletions.
		if _, err := w.store.readVariables(ctx, w.key); tool.CodeOf(err) == tool.SessionNotFound {
			return errSessionGone
		}
		w.deleted(name, event.Kv.ModRevision)
		return nil
	}
	v, err := w.store.decodeVariable(w.prefix, event.Kv)
	if err != nil {
		return err
	}
	w.known[name] = v.revision
	w.queue.add(broker.VariableChange{Variable: v.variable})
	return nil
}

func (w *watch) deleted(name string, revision int64) {
	delete(w.known, name)
	w.queue.add(broker.VariableChange{Variable: tool.Variable{Name: name, Revision: w.store.generation.Token(revision)}, Deleted: true})
}

// compare lists again and queues what is different from what is known.
func (w *watch) compare(ctx context.Context) (revision int64, err error) {
	present, revision, err := w.list(ctx)
	if err != nil {
		return 0, err
	}
	gone := maps.Clone(w.known)
	for _, v := range present {
		delete(gone, v.variable.Name)
		if w.known[v.variable.Name] != v.revision {
			w.known[v.variable.Name] = v.revision
			w.queue.add(broker.VariableChange{Variable: v.variable})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		w.deleted(name, revision)
	}
	return revision, nil
}
