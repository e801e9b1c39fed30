package etcdstore

import (
	"log/slog"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// view is what a bridge holds in memory: every session with its tools, and the shared tools. Two sources feed it, the
// watch and the store's own writes, in any order: each part carries the revision at which it was written and is never
// replaced by an older one.
type view struct {
	keys       keys
	generation storecore.Generation
	logger     *slog.Logger
	// feed is told of every change while mu is held, so that it hears them in their order.
	feed *storecore.Feed

	mu       sync.RWMutex
	sessions map[tool.SessionKey]*entry
	owners   map[string]*listing
	shared   sharedEntry
	// removed are sessions that this store ended before the watch told it, with the revision of their end.
	removed map[tool.SessionKey]int64
	// watched is the revision up to which the watch has told everything.
	watched int64
	// last is the token that was made last.
	last struct {
		revision int64
		token    string
	}
	// steps is room for those of one revision.
	steps []step
	// moved is closed and replaced whenever something changed and somebody waits for it.
	moved chan struct{}
}

// entry is a living session. view.mu guards it.
type entry struct {
	record *broker.SessionRecord
	// created and changed are the revisions at which etcd's record was created and last written.
	created, changed int64
	// lastUsed is in nanoseconds since 1970.
	lastUsed int64
	// used is the revision at which lastUsed was written; 0 while that is the creation.
	used int64
	// touching says that a write of lastUsed is under way.
	touching bool
	// held are changes of tools in a batch that is not whole yet; nil while there is none.
	held *toolChanges
	// ended is closed when the session ends; nil until somebody asks.
	ended chan struct{}
}

// sharedEntry are the shared tools.
type sharedEntry struct {
	catalog *broker.Catalog
	changed int64
	held    *toolChanges
}

// toolChanges are tools that were put (a spec) or deleted (nil), by id.
type toolChanges struct{ specs map[string]*tool.Spec }

func newView(k keys, generation storecore.Generation, logger *slog.Logger, feed *storecore.Feed) *view {
	return &view{
		keys:       k,
		generation: generation,
		logger:     logger,
		feed:       feed,
		sessions:   make(map[tool.SessionKey]*entry),
		owners:     make(map[string]*listing),
		removed:    make(map[tool.SessionKey]int64),
	}
}

// session returns a copy of a living session's entry.
func (v *view) session(key tool.SessionKey) (entry, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if e := v.sessions[key]; e != nil {
		return *e, true
	}
	return entry{}, false
}

// record returns a living session's record, or nil.
func (v *view) record(key tool.SessionKey) *broker.SessionRecord {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if e := v.sessions[key]; e != nil {
		return e.record
	}
	return nil
}

// created returns the revision at which a session was created; 0 if it does not live.
func (v *view) created(key tool.SessionKey) int64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if e := v.sessions[key]; e != nil {
		return e.created
	}
	return 0
}

// create puts a session that this store created at a revision, and returns its record. The watch may have told of it before.
func (v *view) create(session tool.Session, revision int64) *broker.SessionRecord {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e := v.sessions[session.Key]; e != nil && e.changed == revision {
		return e.record
	}
	session.Revision = v.token(revision)
	record := &broker.SessionRecord{Session: session}
	v.put(&entry{record: record, created: revision, changed: revision, lastUsed: session.CreatedAt.UnixNano()})
	return record
}

// token returns the token of a revision. Those that are written together share one. The caller holds mu.
func (v *view) token(revision int64) string {
	if v.last.revision != revision || v.last.token == "" {
		v.last.revision, v.last.token = revision, v.generation.Token(revision)
	}
	return v.last.token
}

// put adds a session or replaces an older one. The caller holds mu.
func (v *view) put(e *entry) {
	key := e.record.Key
	old := v.sessions[key]
	if v.removed[key] >= e.changed || (old != nil && old.changed >= e.changed) {
		return
	}
	if old != nil && old.created != e.created {
		v.remove(key, e.created)
		old = nil
	}
	if old == nil {
		v.list(key)
	} else {
		e.ended = old.ended
	}
	v.sessions[key] = e
	v.tell(broker.Change{Session: key})
}

// publish puts the tools that this store wrote at a revision.
func (v *view) publish(key tool.SessionKey, record *broker.SessionRecord, revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e := v.sessions[key]; e != nil && e.changed < revision {
		e.record, e.changed = record, revision
		v.tell(broker.Change{Session: key})
	}
}

// publishShared puts the shared tools that this store wrote at a revision.
func (v *view) publishShared(catalog *broker.Catalog, revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shared.changed < revision {
		v.shared.catalog, v.shared.changed = catalog, revision
		v.tell(broker.Change{})
	}
}

// sharedTools returns the shared tools and the revision at which they were written.
func (v *view) sharedTools() (*broker.Catalog, int64) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.shared.catalog, v.shared.changed
}

// end removes a session that this store ended at a revision.
func (v *view) end(key tool.SessionKey, revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.watched < revision {
		v.removed[key] = revision
	}
	v.remove(key, revision)
}

// remove removes a session unless a later one lives. The caller holds mu.
func (v *view) remove(key tool.SessionKey, revision int64) {
	e := v.sessions[key]
	if e == nil || e.changed >= revision {
		return
	}
	delete(v.sessions, key)
	if e.ended != nil {
		close(e.ended)
	}
	v.tell(broker.Change{Session: key, Ended: true})
}

// claimTouch reports whether the caller is to write that a session was used now; then it must call touched.
func (v *view) claimTouch(key tool.SessionKey, now time.Time) (created int64, due, living bool) {
	v.mu.RLock()
	e := v.sessions[key]
	if e == nil {
		v.mu.RUnlock()
		return 0, false, false
	}
	due = !e.touching && storecore.NeedsTouch(time.Unix(0, e.lastUsed), now, e.record.TTL)
	v.mu.RUnlock()
	if !due {
		return 0, false, true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if e.touching {
		return 0, false, true
	}
	e.touching = true
	return e.created, true, true
}

// touched ends a claim; a revision of 0 says that nothing was written.
func (v *view) touched(key tool.SessionKey, created int64, at time.Time, revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.sessions[key]
	if e == nil || e.created != created {
		return
	}
	e.touching = false
	if revision > e.used {
		e.lastUsed, e.used = at.UnixNano(), revision
	}
}

// stale is a session that outlived its time.
type stale struct {
	key           tool.SessionKey
	epoch         uint64
	created, used int64
}

// expired returns the sessions that were not used for their time to live.
func (v *view) expired(now time.Time) []stale {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var found []stale
	for key, e := range v.sessions {
		if storecore.Expired(time.Unix(0, e.lastUsed), now, e.record.TTL) {
			found = append(found, stale{key, e.record.Epoch, e.created, e.used})
		}
	}
	return found
}

// whenEnded returns a channel that is closed when the session that was created at that revision ends.
func (v *view) whenEnded(key tool.SessionKey, created int64) <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.sessions[key]
	if e == nil || e.created != created {
		over := make(chan struct{})
		close(over)
		return over
	}
	if e.ended == nil {
		e.ended = make(chan struct{})
	}
	return e.ended
}

// tell publishes a change. The caller holds mu.
func (v *view) tell(change broker.Change) {
	v.feed.Publish(change)
	v.wake()
}

// wake wakes whoever waits for the view to move. The caller holds mu.
func (v *view) wake() {
	if v.moved != nil {
		close(v.moved)
		v.moved = nil
	}
}

// until returns nil once done holds, otherwise a channel that is closed when it is worth asking again. done is called
// with mu held.
func (v *view) until(done func() bool) <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if done() {
		return nil
	}
	if v.moved == nil {
		v.moved = make(chan struct{})
	}
	return v.moved
}
