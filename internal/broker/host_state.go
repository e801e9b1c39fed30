package broker

import (
	"slices"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// host is what the scheduler knows of an attached Host. Guarded by scheduler.mu, except runner and options, which
// never change.
type host struct {
	runner     Host
	options    AttachOptions
	attachedAt time.Time
	state      HostState
	gone       bool
	running    int // places taken; may be above the limit when suspended calls went on
	total      uint64
	offers     map[*pool]*offer
	hungry     []*offer // offers of tools that calls wait for, the next to be served first
}

// free reports whether the host takes one more call.
func (h *host) free() bool { return h.state == Ready && !h.gone && h.running < h.options.MaxCalls }

func (h *host) forgetHunger(o *offer) {
	h.hungry = slices.DeleteFunc(h.hungry, func(other *offer) bool { return other == o })
}

// attach gives a host a place.
func (s *scheduler) attach(runner Host, options AttachOptions) (*host, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == stopped {
		return nil, s.refuse()
	}
	h := &host{runner: runner, options: options, attachedAt: time.Now(), offers: make(map[*pool]*offer)}
	s.hosts = append(s.hosts, h)
	return h, nil
}

// scopes are the sessions whose tools became available or ceased to be; the zero key stands for the shared tools.
type scopes map[tool.SessionKey]struct{}

func (c scopes) add(p *pool) {
	key := tool.SessionKey{}
	if p.session != nil {
		key = p.session.key
	}
	c[key] = struct{}{}
}

// offer records that a host offers tools of one scope, at the schemas that the store holds now.
func (s *scheduler) offer(h *host, key tool.SessionKey, epoch uint64, specs []*tool.Spec, catalog *Catalog) (scopes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.gone {
		return nil, tool.Errorf(tool.WorkerUnavailable, "the worker is detached: attach it again before it registers tools")
	}
	changed := make(scopes)
	now := time.Now()
	for _, spec := range specs {
		var st *sessionState
		if spec.SessionID != "" {
			st = s.session(key)
		}
		p := s.pool(st, spec)
		if p == nil {
			p = s.newPool(st, spec)
		}
		was, hash := p.ready(p.hash), p.hash
		s.place(h, p, epoch, spec)
		if advertised := catalog.byIdentity(spec.ID); advertised != nil {
			p.heed(s, advertised.Hash)
		}
		p.notice(s, now)
		if was != p.ready(p.hash) || hash != p.hash {
			changed.add(p)
		}
	}
	s.feed(h)
	return changed, nil
}

// local returns the first of these shared tools that a host in the bridge's own process offers, or nil.
func (s *scheduler) local(specs []*tool.Spec) *tool.Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, spec := range specs {
		p := s.shared[spec.ID]
		if p != nil && slices.ContainsFunc(p.offers, func(o *offer) bool { return o.host.options.Local }) {
			return spec
		}
	}
	return nil
}

// place puts the offer of a host in a pool, in place of its earlier one.
func (s *scheduler) place(h *host, p *pool, epoch uint64, spec *tool.Spec) {
	if o := h.offers[p]; o != nil {
		if o.spec.Hash != spec.Hash {
			s.lastOffer++
			o.since = s.lastOffer
		}
		o.spec, o.epoch = spec, epoch
		return
	}
	s.lastOffer++
	o := &offer{host: h, pool: p, spec: spec, epoch: epoch, since: s.lastOffer}
	p.offers = append(p.offers, o)
	h.offers[p] = o
	if p.queue.count > 0 {
		h.hungry = append(h.hungry, o)
	}
}

// withdraw ends a host's offers of tools of one scope. It returns the ids that it did not offer, and those that
// nobody offers now.
func (s *scheduler) withdraw(h *host, key tool.SessionKey, shared bool, ids []string) (unknown, orphaned []string, changed scopes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.sessions[key]
	if st == nil {
		st = &sessionState{key: key}
	}
	found := make([]*offer, 0, len(ids))
	for _, id := range ids {
		p := s.poolOf(st, id, shared)
		if p == nil || h.offers[p] == nil {
			unknown = append(unknown, id)
			continue
		}
		found = append(found, h.offers[p])
	}
	if len(unknown) > 0 {
		return unknown, nil, nil
	}
	changed = make(scopes)
	for _, o := range found {
		s.revoke(o, changed)
		if len(o.pool.offers) == 0 {
			orphaned = append(orphaned, o.pool.id)
		}
	}
	return nil, orphaned, changed
}

// revoke ends one offer.
func (s *scheduler) revoke(o *offer, changed scopes) {
	p := o.pool
	was, hash := p.ready(p.hash), p.hash
	p.remove(o)
	p.fallBack(s, o)
	p.notice(s, time.Now())
	if was != p.ready(p.hash) || hash != p.hash {
		changed.add(p)
	}
}

// detach ends all offers of a host. It reports false if it was detached before.
func (s *scheduler) detach(h *host) (scopes, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.gone {
		return nil, false
	}
	h.gone = true
	s.hosts = slices.DeleteFunc(s.hosts, func(other *host) bool { return other == h })
	changed := make(scopes)
	for _, o := range h.offers {
		s.revoke(o, changed)
	}
	return changed, true
}

// setState changes a host's state. It reports false if nothing changed.
func (s *scheduler) setState(h *host, state HostState) (scopes, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.gone || h.state == state {
		return nil, false
	}
	changed := make(scopes)
	now := time.Now()
	was := make(map[*pool]bool, len(h.offers))
	for p := range h.offers {
		was[p] = p.ready(p.hash)
	}
	h.state = state
	for p := range h.offers {
		p.notice(s, now)
		if was[p] != p.ready(p.hash) {
			changed.add(p)
		}
	}
	s.feed(h)
	return changed, true
}

func (s *scheduler) deletePool(p *pool) {
	p.stopWatch()
	if p.session == nil {
		delete(s.shared, p.id)
		return
	}
	delete(p.session.pools, p.id)
}

// prune deletes pools that nobody offers or waits for and whose grace is over; a missing pool means the same.
func (s *scheduler) prune(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fallen := s.pruneAll(s.shared, now)
	for _, st := range s.sessions {
		fallen = s.pruneAll(st.pools, now) || fallen
		s.drop(st)
	}
	s.fallen.Store(fallen)
}

func (s *scheduler) pruneOne(p *pool, now time.Time) {
	over := !p.goneSince.IsZero() && p.goneSince.Add(s.grace).Before(now) && s.startedAt.Add(s.grace).Before(now)
	if over && len(p.offers) == 0 && p.queue.count == 0 {
		s.deletePool(p)
	}
}

// mark sets Available of specs, which the caller owns. It holds the lock for a bounded number of them at a time.
func (s *scheduler) mark(key tool.SessionKey, specs []*tool.Spec) {
	for batch := range slices.Chunk(specs, 256) {
		s.markSome(key, batch)
	}
}

func (s *scheduler) markSome(key tool.SessionKey, specs []*tool.Spec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.sessions[key]
	if st == nil {
		st = &sessionState{}
	}
	for _, spec := range specs {
		p := s.pool(st, spec)
		if p == nil {
			spec.Available = false
			continue
		}
		*spec = *p.instead(spec)
		spec.Available = p.ready(spec.Hash)
	}
}
