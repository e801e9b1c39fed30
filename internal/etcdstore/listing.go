package etcdstore

import (
	"slices"
	"sort"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// listing keeps the ids of an owner's sessions in order. Ids of sessions that have ended stay until it is compacted.
// view.mu guards it.
type listing struct {
	sorted []string
	// fresh were added since sorted was made, in any order.
	fresh []string
}

// compactAbove is the number of ids at which a listing is first compacted.
const compactAbove = 1024

// list adds an id to its owner's listing. The caller holds mu.
func (v *view) list(key tool.SessionKey) {
	l := v.owners[key.Owner]
	if l == nil {
		l = &listing{}
		v.owners[key.Owner] = l
	}
	l.fresh = append(l.fresh, key.ID)
	if len(l.sorted)+len(l.fresh) > compactAbove+2*len(v.sessions) {
		v.compact(key.Owner, l)
	}
}

// page returns an owner's sessions in the order of their ids.
func (v *view) page(owner, prefix, after string, limit int) []*broker.SessionRecord {
	v.order(owner)
	v.mu.RLock()
	defer v.mu.RUnlock()
	l := v.owners[owner]
	if l == nil {
		return nil
	}
	var found []*broker.SessionRecord
	for _, id := range l.sorted[l.start(prefix, after):] {
		if len(found) >= limit || !strings.HasPrefix(id, prefix) {
			break
		}
		if e := v.sessions[tool.SessionKey{Owner: owner, ID: id}]; e != nil {
			found = append(found, e.record)
		}
	}
	return found
}

// start returns the place of the first id that is not below prefix and comes after the given one.
func (l *listing) start(prefix, after string) int {
	return sort.Search(len(l.sorted), func(i int) bool { return l.sorted[i] >= prefix && l.sorted[i] > after })
}

// order brings an owner's listing up to date.
func (v *view) order(owner string) {
	v.mu.RLock()
	l := v.owners[owner]
	ready := l == nil || len(l.fresh) == 0
	v.mu.RUnlock()
	if ready {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.compact(owner, l)
}

// compact sorts in what is fresh and drops sessions that have ended. The caller holds mu.
func (v *view) compact(owner string, l *listing) {
	slices.Sort(l.fresh)
	merged := make([]string, 0, len(l.sorted)+len(l.fresh))
	keep := func(id string) {
		again := len(merged) > 0 && merged[len(merged)-1] == id
		if !again && v.sessions[tool.SessionKey{Owner: owner, ID: id}] != nil {
			merged = append(merged, id)
		}
	}
	sorted := l.sorted
	for _, id := range l.fresh {
		for len(sorted) > 0 && sorted[0] <= id {
			keep(sorted[0])
			sorted = sorted[1:]
		}
		keep(id)
	}
	for _, id := range sorted {
		keep(id)
	}
	l.sorted, l.fresh = merged, nil
}
