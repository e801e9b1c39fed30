package broker

import (
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// refresh brings the pools of one scope in line with its catalog: who waits for a tool that is gone or has a new
// schema is routed again, and offers of tools that are gone end.
func (s *scheduler) refresh(key tool.SessionKey, catalog *Catalog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pools := s.shared
	var st *sessionState
	if key != (tool.SessionKey{}) {
		if st = s.sessions[key]; st == nil {
			return
		}
		pools = st.pools
	}
	for id, p := range pools {
		if spec := catalog.byIdentity(id); spec != nil {
			p.heed(s, spec.Hash)
			s.feedPool(p)
			continue
		}
		p.retire(everyEpoch)
		s.reroute(p)
		p.stopWatch()
		delete(pools, id)
	}
	if st != nil {
		s.drop(st)
	}
}

// feedPool gives free places to who waits for one tool.
func (s *scheduler) feedPool(p *pool) {
	for _, o := range p.offers {
		if p.queue.count == 0 {
			return
		}
		s.feed(o.host)
	}
}

// news returns those specs of a group that the store must hear of: all but those that the host already offers at the
// same schema while the store has another one, which is newer.
func (s *scheduler) news(h *host, g *group, catalog *Catalog) []*tool.Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.sessions[g.key]
	if st == nil {
		st = &sessionState{key: g.key}
	}
	news := make([]*tool.Spec, 0, len(g.specs))
	for _, spec := range g.specs {
		p := s.poolOf(st, spec.ID, g.shared())
		advertised := catalog.byIdentity(spec.ID)
		if p != nil && advertised != nil && advertised.Hash != spec.Hash {
			if o := h.offers[p]; o != nil && o.spec.Hash == spec.Hash {
				continue
			}
		}
		news = append(news, spec)
	}
	return news
}

// stale returns the ids of shared tools that nobody offers and that were last seen too long ago, and copies of those
// that are offered and whose LastSeen is to be renewed.
func (s *scheduler) stale(shared *Catalog, now time.Time, after time.Duration) (ids []string, seen []*tool.Spec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, spec := range shared.All() {
		p := s.shared[spec.ID]
		offered := p != nil && len(p.offers) > 0
		age := now.Sub(spec.LastSeen)
		switch {
		case offered && age > seenEvery:
			renewed := *spec
			renewed.LastSeen = now
			seen = append(seen, &renewed)
		case !offered && age > after:
			ids = append(ids, spec.ID)
		}
	}
	return ids, seen
}

// known returns the sessions that have calls under way or tools offered here.
func (s *scheduler) known() []tool.SessionKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]tool.SessionKey, 0, len(s.sessions))
	for key := range s.sessions {
		keys = append(keys, key)
	}
	return keys
}
