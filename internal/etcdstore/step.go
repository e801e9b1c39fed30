package etcdstore

import (
	"strings"
	"unique"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// apply takes over events in their order; those of one revision belong together and never come apart.
func (v *view) apply(events []*clientv3.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(events) > 0 {
		n, revision := 1, events[0].Kv.ModRevision
		for n < len(events) && events[n].Kv.ModRevision == revision {
			n++
		}
		v.applyRevision(events[:n], revision)
		events = events[n:]
	}
}

// reached says that the watch has told everything up to a revision.
func (v *view) reached(revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if revision <= v.watched {
		return
	}
	v.watched = revision
	for key, at := range v.removed {
		if at <= revision {
			delete(v.removed, key)
		}
	}
	v.wake()
}

// step is what one revision changed in one scope.
type step struct {
	at            scope
	record, alive *mvccpb.KeyValue
	ended         bool
	tools         *toolChanges
	batchBegan    bool
	batchEnded    bool
}

func (v *view) applyRevision(events []*clientv3.Event, revision int64) {
	steps := v.steps[:0]
	for _, event := range events {
		at, leaf, ok := v.keys.parse(string(event.Kv.Key))
		if !ok {
			continue
		}
		if n := len(steps); n == 0 || steps[n-1].at.path != at.path {
			steps = append(steps, step{at: at})
		}
		v.collect(&steps[len(steps)-1], leaf, event)
	}
	v.steps = steps[:0]
	merged := merged(steps)
	for i := range merged {
		if one := &merged[i]; one.at.shared {
			v.applyShared(one, revision)
		} else {
			v.applySession(one, revision)
		}
	}
	clear(steps)
}

// merged joins steps of one scope that did not stand side by side.
func merged(steps []step) []step {
	if len(steps) < 2 {
		return steps
	}
	byPath := make(map[string]int, len(steps))
	kept := steps[:0]
	for _, one := range steps {
		if first, again := byPath[one.at.path]; again {
			kept[first].join(&one)
			continue
		}
		byPath[one.at.path] = len(kept)
		kept = append(kept, one)
	}
	return kept
}

func (st *step) join(other *step) {
	if other.record != nil {
		st.record = other.record
	}
	if other.alive != nil {
		st.alive = other.alive
	}
	st.ended = st.ended || other.ended
	st.batchBegan = st.batchBegan || other.batchBegan
	st.batchEnded = st.batchEnded || other.batchEnded
	st.tools = st.tools.with(other.tools)
}

func (v *view) collect(st *step, leaf string, event *clientv3.Event) {
	deleted := event.Type == clientv3.EventTypeDelete
	switch leaf {
	case leafRecord:
		if st.ended = deleted; !deleted {
			st.record = event.Kv
		}
	case leafAlive:
		if !deleted {
			st.alive = event.Kv
		}
	case leafBatch:
		st.batchBegan, st.batchEnded = !deleted, deleted
	default:
		v.collectTool(st, leaf, event.Kv, deleted)
	}
}

// collectTool notes a tool that was put or deleted.
func (v *view) collectTool(st *step, leaf string, kv *mvccpb.KeyValue, deleted bool) {
	id, ok := toolID(leaf)
	if !ok {
		return
	}
	var spec *tool.Spec
	if !deleted {
		spec = new(tool.Spec)
		if _, err := decode(kv.Value, spec); err != nil {
			v.unreadable(string(kv.Key), err)
			return
		}
		spec.ID = id
	}
	st.tools = st.tools.with(&toolChanges{specs: map[string]*tool.Spec{id: spec}})
}

// applySession takes over what one revision changed in a session. The caller holds mu.
func (v *view) applySession(st *step, revision int64) {
	key := st.at.key
	if st.ended && st.record == nil {
		v.remove(key, revision)
		return
	}
	e := v.sessions[key]
	if e == nil || (st.record != nil && e.created != st.record.CreateRevision) {
		v.applyCreated(st)
		return
	}
	if st.alive != nil {
		v.applyAlive(e, st.alive)
	}
	changes, due := hold(&e.held, st)
	if st.record == nil || !due || revision <= e.changed {
		return
	}
	record := *e.record
	record.Tools = v.changedTools(record.Tools, changes)
	record.Revision = v.generation.Token(revision)
	e.record, e.changed = &record, revision
	v.tell(broker.Change{Session: key})
}

// applyCreated puts a session that began. The caller holds mu.
func (v *view) applyCreated(st *step) {
	if st.record == nil {
		return
	}
	if e := v.entryOf(st.at, st.record, st.alive, v.token(st.record.ModRevision)); e != nil {
		e.record.Tools = v.changedTools(nil, st.tools)
		v.put(e)
	}
}

// applyShared takes over what one revision changed in the shared tools. The caller holds mu.
func (v *view) applyShared(st *step, revision int64) {
	changes, due := hold(&v.shared.held, st)
	if st.record == nil || !due || revision <= v.shared.changed {
		return
	}
	v.shared.catalog, v.shared.changed = v.changedTools(v.shared.catalog, changes), revision
	v.tell(broker.Change{})
}

func (v *view) applyAlive(e *entry, kv *mvccpb.KeyValue) {
	at, err := decodeAlive(kv.Value)
	if err != nil {
		v.unreadable(string(kv.Key), err)
		return
	}
	if kv.ModRevision > e.used {
		e.lastUsed, e.used = at.UnixNano(), kv.ModRevision
	}
}

// hold keeps the changes of a batch back until it is whole, and returns all of them when they are due.
func hold(held **toolChanges, st *step) (changes *toolChanges, due bool) {
	if st.batchBegan && *held == nil {
		*held = &toolChanges{}
	}
	if *held == nil {
		return st.tools, true
	}
	*held = (*held).with(st.tools)
	if !st.batchEnded {
		return nil, false
	}
	changes, *held = *held, nil
	return changes, true
}

// with returns the changes of both, the later ones winning.
func (c *toolChanges) with(later *toolChanges) *toolChanges {
	if later == nil {
		return c
	}
	if c == nil || c.specs == nil {
		return later
	}
	for id, spec := range later.specs {
		c.specs[id] = spec
	}
	return c
}

// changedTools returns a catalog with changes that another bridge, or a batch, has made to it.
func (v *view) changedTools(current *broker.Catalog, changes *toolChanges) *broker.Catalog {
	if changes == nil || len(changes.specs) == 0 {
		return current
	}
	specs := make([]*tool.Spec, 0, current.Len()+len(changes.specs))
	for _, spec := range current.All() {
		if _, replaced := changes.specs[spec.ID]; !replaced {
			specs = append(specs, spec)
		}
	}
	for _, spec := range changes.specs {
		if spec != nil {
			specs = append(specs, spec)
		}
	}
	catalog, err := broker.NewCatalog(specs)
	if err != nil {
		v.logger.Error("tools in the store contradict each other: the older ones stay", "error", err)
		return current
	}
	return catalog
}

// entryOf makes the entry of a session's keys, without its tools; nil if they cannot be read.
func (v *view) entryOf(at scope, record, alive *mvccpb.KeyValue, revision string) *entry {
	var header sessionHeader
	if _, err := decode(record.Value, &header); err != nil {
		v.unreadable(string(record.Key), err)
		return nil
	}
	// The names of a scope are parts of etcd's key, which would be kept with them.
	key := tool.SessionKey{Owner: unique.Make(at.key.Owner).Value(), ID: strings.Clone(at.key.ID)}
	e := &entry{
		record:   &broker.SessionRecord{Session: header.session(key, revision)},
		created:  record.CreateRevision,
		changed:  record.ModRevision,
		lastUsed: header.Created,
	}
	if alive != nil {
		v.applyAlive(e, alive)
	}
	return e
}

func (v *view) unreadable(key string, err error) {
	v.logger.Error("a record in the store cannot be read and is passed over", "key", key, "error", err)
}
