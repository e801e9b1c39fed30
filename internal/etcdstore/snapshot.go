package etcdstore

import (
	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// snapshot is everything under view as it was at one revision.
type snapshot struct {
	view     *view
	revision int64
	sessions []*entry
	shared   sharedEntry
	// unfinished are scopes with a change in several steps that nobody may be finishing.
	unfinished []scope
	// alone says that no other bridge can be at work, so that every batch is unfinished.
	alone bool

	at            scope
	record, alive *mvccpb.KeyValue
	tools         *toolChanges
}

func newSnapshot(v *view, alone bool) *snapshot { return &snapshot{view: v, alone: alone} }

// add takes the next key. The keys of one scope come one after the other.
func (s *snapshot) add(kv *mvccpb.KeyValue) {
	at, leaf, ok := s.view.keys.parse(string(kv.Key))
	if !ok {
		return
	}
	if at != s.at {
		s.flush()
		s.at = at
	}
	switch leaf {
	case leafRecord:
		s.record = kv
	case leafAlive:
		s.alive = kv
	case leafBatch:
		s.addBatch(kv)
	default:
		st := &step{tools: s.tools}
		s.view.collectTool(st, leaf, kv, false)
		s.tools = st.tools
	}
}

func (s *snapshot) addBatch(kv *mvccpb.KeyValue) {
	var header batchHeader
	if _, err := decode(kv.Value, &header); err != nil {
		s.view.unreadable(string(kv.Key), err)
		return
	}
	if header.Committed || s.alone {
		s.unfinished = append(s.unfinished, s.at)
	}
}

// flush takes over the scope whose keys were added last.
func (s *snapshot) flush() {
	switch {
	case s.record == nil:
	case s.at.shared:
		s.shared = sharedEntry{catalog: s.view.changedTools(nil, s.tools), changed: s.record.ModRevision}
	default:
		if e := s.view.entryOf(s.at, s.record, s.alive, s.view.generation.Token(s.record.ModRevision)); e != nil {
			e.record.Tools = s.view.changedTools(nil, s.tools)
			s.sessions = append(s.sessions, e)
		}
	}
	s.record, s.alive, s.tools = nil, nil, nil
}

// replace makes the view as the snapshot is, except for what was written since.
func (v *view) replace(s *snapshot) {
	v.mu.Lock()
	present := make(map[tool.SessionKey]bool)
	first := len(v.sessions) == 0
	if first {
		v.sessions = make(map[tool.SessionKey]*entry, len(s.sessions))
	}
	for _, e := range s.sessions {
		key := e.record.Key
		if !first {
			present[key] = true
		}
		if old := v.sessions[key]; old != nil && old.used < e.used && old.created == e.created {
			old.lastUsed, old.used = e.lastUsed, e.used
		}
		v.put(e)
	}
	for key := range v.sessions {
		if !first && !present[key] {
			v.remove(key, s.revision)
		}
	}
	v.mu.Unlock()
	v.publishShared(s.shared.catalog, max(s.shared.changed, v.vanished(s)))
	v.reached(s.revision)
}

// vanished is the revision at which the shared tools are known to be gone, if the snapshot has none.
func (v *view) vanished(s *snapshot) int64 {
	if s.shared.changed == 0 && s.revision > 0 {
		if _, changed := v.sharedTools(); changed > 0 {
			return s.revision
		}
	}
	return 0
}
