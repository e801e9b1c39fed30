package broker

import (
	"slices"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxSticky bounds how many sessions a tool remembers a host for; beyond it forgets them all.
const maxSticky = 1 << 16

// pool is one tool: who offers it, and which calls wait for it. Guarded by scheduler.mu.
type pool struct {
	id      string
	session *sessionState // whose tool it is; nil for a shared one
	// hash of the newest schema. Only offers of it get calls; all waiters were checked against it.
	hash string
	// lost is the hash of a newer schema whose last offer left, so that an older one serves; empty where the newest does.
	lost      string
	offers    []*offer
	queue     queue
	goneSince time.Time // since when nobody is awaited; zero while somebody is
	timer     *time.Timer
	sticky    map[tool.SessionKey]*host
}

// offer is one host's offer of one tool. Guarded by scheduler.mu.
type offer struct {
	host    *host
	pool    *pool
	spec    *tool.Spec
	epoch   uint64 // of the session; 0 for a shared tool
	since   uint64 // greater than that of offers whose schema is older
	running int
}

// takes reports whether a call could go to the offer, its host's own limit aside.
func (o *offer) takes() bool {
	return o.spec.Hash == o.pool.hash && (o.spec.MaxConcurrency == 0 || o.running < o.spec.MaxConcurrency)
}

// choose returns the offer that a call is bound to now, or nil: the one that took the session's last call if the tool
// is sticky and it has a free place, otherwise the one whose host runs the fewest.
func (p *pool) choose(key tool.SessionKey, avoid *host) *offer {
	var best *offer
	stuck := p.sticky[key]
	for _, o := range p.offers {
		h := o.host
		if h == avoid || !h.free() || !o.takes() {
			continue
		}
		if h == stuck {
			return o
		}
		if best == nil || h.running < best.host.running || h.running == best.host.running && h.total < best.host.total {
			best = o
		}
	}
	if best != nil && best.spec.Sticky {
		p.stick(key, best.host)
	}
	return best
}

func (p *pool) stick(key tool.SessionKey, h *host) {
	if p.sticky == nil || len(p.sticky) >= maxSticky {
		p.sticky = make(map[tool.SessionKey]*host)
	}
	p.sticky[key] = h
}

// awaited reports whether somebody offers the newest schema, or is expected to again: not who drains.
func (p *pool) awaited() bool {
	for _, o := range p.offers {
		if o.spec.Hash == p.hash && o.host.state != Draining {
			return true
		}
	}
	return false
}

// ready reports whether somebody runs calls of the newest schema.
func (p *pool) ready(hash string) bool {
	for _, o := range p.offers {
		if o.spec.Hash == hash && o.host.state == Ready {
			return true
		}
	}
	return false
}

// follow makes hash the newest. Who waits was checked against another one and is routed again.
func (p *pool) follow(s *scheduler, hash string) {
	if p.hash == hash {
		return
	}
	p.hash = hash
	s.reroute(p)
	p.notice(s, time.Now())
}

// notice keeps goneSince, after offers, their hosts' states or the hash changed.
func (p *pool) notice(s *scheduler, now time.Time) {
	switch {
	case p.awaited():
		p.goneSince = time.Time{}
		p.stopWatch()
	case p.goneSince.IsZero():
		p.goneSince = now
		p.watch(s, now)
	}
}

// watch turns the waiters away when the grace of a tool that nobody offers is over.
func (p *pool) watch(s *scheduler, now time.Time) {
	if p.queue.count == 0 || p.goneSince.IsZero() || p.timer != nil {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(p.goneSince.Add(s.grace).Sub(now), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if p.timer == timer {
			p.timer = nil
			p.giveUp(s)
		}
	})
	p.timer = timer
}

func (p *pool) stopWatch() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// giveUp turns all waiters away.
func (p *pool) giveUp(s *scheduler) {
	for w := p.queue.pop(); w != nil; w = p.queue.pop() {
		w.settle(unavailable(w.run.spec, s.grace))
	}
	p.sate()
}

// withdraw takes one waiter out of the queue.
func (p *pool) withdraw(w *waiter) {
	p.queue.remove(w)
	if p.queue.count == 0 {
		p.sate()
	}
}

// hunger tells the hosts that calls wait for this tool.
func (p *pool) hunger() {
	for _, o := range p.offers {
		o.host.hungry = append(o.host.hungry, o)
	}
}

// sate tells them that none does any more.
func (p *pool) sate() {
	for _, o := range p.offers {
		o.host.forgetHunger(o)
	}
	p.stopWatch()
}

// remove ends an offer. Calls that run on it go on.
func (p *pool) remove(o *offer) {
	p.offers = slices.DeleteFunc(p.offers, func(other *offer) bool { return other == o })
	o.host.forgetHunger(o)
	delete(o.host.offers, o.pool)
	for key, h := range p.sticky {
		if h == o.host {
			delete(p.sticky, key)
		}
	}
}

// retire ends the offers made to epochs of a session up to the given one.
func (p *pool) retire(epoch uint64) {
	for _, o := range slices.Clone(p.offers) {
		if o.epoch <= epoch {
			p.remove(o)
		}
	}
}
