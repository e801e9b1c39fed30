package broker

import (
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// When the last offer of a tool's newest schema leaves while older ones are still offered here, the newest of these serve
// until the schema that left is offered again or another one is recorded.

// fallBack looks for an older schema after an offer of p left.
func (p *pool) fallBack(s *scheduler, left *offer) {
	if left.spec.Hash != p.hash || p.offered(p.hash) != nil {
		return
	}
	var next *offer
	for _, o := range p.offers {
		if next == nil || o.since > next.since {
			next = o
		}
	}
	switch {
	case next != nil:
		if p.lost == "" {
			p.lost = p.hash
		}
		s.fallen.Store(true)
		p.follow(s, next.spec.Hash)
	case p.lost != "":
		newest := p.lost
		p.lost = ""
		p.follow(s, newest)
	}
}

// offered returns an offer of a schema, or nil.
func (p *pool) offered(hash string) *offer {
	for _, o := range p.offers {
		if o.spec.Hash == hash {
			return o
		}
	}
	return nil
}

// current returns the schema that serves where a catalog has the given one.
func (p *pool) current(advertised string) string {
	if p.lost == "" || advertised != p.lost || p.offered(advertised) != nil || p.offered(p.hash) == nil {
		return advertised
	}
	return p.hash
}

// heed follows what the catalog has now.
func (p *pool) heed(s *scheduler, advertised string) {
	hash := p.current(advertised)
	if hash == advertised {
		p.lost = ""
	}
	p.follow(s, hash)
}

// instead returns the spec that serves in place of a catalog's: that one, or a copy of an older one at its place.
func (p *pool) instead(advertised *tool.Spec) *tool.Spec {
	hash := p.current(advertised.Hash)
	if hash == advertised.Hash {
		return advertised
	}
	own := *p.offered(hash).spec
	own.Name, own.Hidden, own.Order, own.Available = advertised.Name, advertised.Hidden, advertised.Order, false
	return &own
}

// instead returns the spec that serves in place of one that was looked up for a session.
func (s *scheduler) instead(key tool.SessionKey, spec *tool.Spec) *tool.Spec {
	if !s.fallen.Load() {
		return spec
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.sessions[key]
	if st == nil {
		st = &sessionState{key: key}
	}
	if p := s.pool(st, spec); p != nil {
		return p.instead(spec)
	}
	return spec
}

// changed reports whether another schema serves than the one that a call was checked against.
func (p *pool) changed(r *run, spec *tool.Spec) bool {
	if r.older {
		return p == nil || p.hash != spec.Hash
	}
	return p != nil && p.current(spec.Hash) != spec.Hash
}

// pruneAll prunes pools and sees whether older schemas still serve in some.
func (s *scheduler) pruneAll(pools map[string]*pool, now time.Time) (fallen bool) {
	for _, p := range pools {
		s.pruneOne(p, now)
		fallen = fallen || p.lost != ""
	}
	return fallen
}
