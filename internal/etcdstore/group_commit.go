package etcdstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// groupSize is how many transactions go into one, groupOps how many conditions or writes they have together, which is what
	// etcd takes, and memberOps how many one of them may have. groupBytes bounds the records; etcd takes 1.5 MiB.
	groupSize  = 64
	groupOps   = 128
	memberOps  = 32
	groupBytes = 1 << 20
	// maxGroups is how many groups are made of what waits; what stands in the way of all of them goes alone.
	maxGroups = 4
	// wariness is how many groups are not tried as one after one of which a condition did not hold.
	wariness = 16
)

// member is one caller's transaction.
type member struct {
	*plain

	// done gets one answer.
	done chan answer
}

type answer struct {
	outcome

	err error
}

// committer commits what waits when a commit before it returned as one transaction of etcd: one entry of the log, one sync,
// however many callers. Nobody waits for more to come. One round is under way at a time: two would each gather half as many, and
// take turns at the disk all the same. Each member keeps its own conditions: one that does not hold fails
// that member alone. Only what goes wrong with the whole (a full disk, a lost cluster) is told to all of them.
type committer struct {
	store *Store
	// wary is how many groups go without being tried as one.
	wary atomic.Int32

	mu      sync.Mutex
	waiting []*member
	busy    bool // a round is under way
	closed  bool
}

// commitGrouped runs a transaction that writes, together with those of others that wait at the same time.
func (s *Store) commitGrouped(ctx context.Context, p *plain) (outcome, error) {
	if p.ops() > memberOps {
		return s.commitPlain(ctx, p)
	}
	m, c := &member{plain: p}, &s.committer
	if alone := c.enter(m); alone {
		defer c.leave()
		return s.commitPlain(ctx, p)
	}
	select {
	case a := <-m.done:
		return a.outcome, a.err
	case <-ctx.Done():
		if c.withdraw(m) {
			return outcome{}, ended(ctx, ctx.Err())
		}
		return outcome{}, ctx.Err()
	}
}

// enter lets a member commit by itself, at once, while nothing is in its way; then it must leave. Otherwise it waits.
func (c *committer) enter(m *member) (alone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		c.busy = true
		return true
	}
	m.done = make(chan answer, 1)
	c.waiting = append(c.waiting, m)
	return false
}

// leave ends a round, or begins the next one with what waits.
func (c *committer) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.waiting) == 0:
		c.busy = false
	case c.closed:
		c.busy = false
		c.refuse()
	default:
		c.store.run(c.work)
	}
}

// work commits what waits until nothing does.
func (c *committer) work() {
	for {
		c.mu.Lock()
		taken := c.waiting
		c.waiting = nil
		if len(taken) == 0 {
			c.busy = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.round(taken)
	}
}

// withdraw takes back a member that still waits.
func (c *committer) withdraw(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.waiting {
		if other == m {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// close lets no work begin any more.
func (c *committer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// refuse answers those who wait that the store was closed. The caller holds mu.
func (c *committer) refuse() {
	for _, m := range c.waiting {
		m.done <- answer{err: tool.Errorf(tool.StoreUnavailable, "the store was closed, nothing was changed: try again")}
	}
	c.waiting = nil
}

// round commits members in as few transactions as can be, at the same time.
func (c *committer) round(members []*member) {
	groups := grouped(members)
	var others sync.WaitGroup
	for _, g := range groups[1:] {
		others.Go(func() { c.commit(g) })
	}
	c.commit(groups[0])
	others.Wait()
}

// commit commits a group. Where etcd refuses it as a whole for what may lie in one member, each is tried by itself.
func (c *committer) commit(g *group) {
	outcomes, err := c.try(g)
	if len(g.members) > 1 && divisible(err) {
		for _, m := range g.members {
			c.commit(&group{members: []*member{m}})
		}
		return
	}
	for i, m := range g.members {
		if err != nil {
			m.done <- answer{err: err}
			continue
		}
		m.done <- answer{outcome: outcomes[i]}
	}
}

// try commits a group as one transaction with the conditions of all, which is half the work for etcd. Nearly always they hold; if
// they do not, nothing was written, and each member is judged by its own. Then so are the next groups, because somebody
// may keep asking for what cannot be.
func (c *committer) try(g *group) ([]outcome, error) {
	if len(g.members) > 1 && !c.trusting() {
		return c.store.commitEach(context.Background(), g.members)
	}
	whole, err := c.store.commitPlain(context.Background(), g.whole())
	if err != nil {
		return nil, err
	}
	if !whole.succeeded && len(g.members) > 1 {
		c.wary.Store(wariness)
		return c.store.commitEach(context.Background(), g.members)
	}
	outcomes := make([]outcome, len(g.members))
	for i := range outcomes {
		outcomes[i] = whole
	}
	return outcomes, nil
}

// trusting reports whether a group is to be tried as one.
func (c *committer) trusting() bool {
	if c.wary.Load() <= 0 {
		return true
	}
	c.wary.Add(-1)
	return false
}

// divisible reports whether etcd certainly did nothing because of one of several members, or because they are several.
func divisible(err error) bool {
	for _, refusal := range []error{rpctypes.ErrRequestTooLarge, rpctypes.ErrTooManyOps, rpctypes.ErrPermissionDenied} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// group are members of which none touches what another one writes, so that it means nothing which comes first.
type group struct {
	members    []*member
	ops, bytes int
	// keys are those that members look at, and true those that one writes.
	keys map[string]bool
}

// grouped makes groups of members: few shared ones, and one for each member that fits into none of those.
func grouped(members []*member) []*group {
	var shared, alone []*group
	for _, m := range members {
		if add(shared, m) {
			continue
		}
		g := &group{keys: make(map[string]bool, 2*min(len(members), groupSize))}
		g.add(m)
		if len(shared) < maxGroups {
			shared = append(shared, g)
		} else {
			alone = append(alone, g)
		}
	}
	return append(shared, alone...)
}

func add(groups []*group, m *member) bool {
	for _, g := range groups {
		if g.takes(m) {
			g.add(m)
			return true
		}
	}
	return false
}

// takes reports whether there is room for a member and nothing in its way.
func (g *group) takes(m *member) bool {
	if len(g.members) == groupSize || g.ops+m.ops() > groupOps || g.bytes+m.bytes() > groupBytes {
		return false
	}
	for key, writes := range m.keys {
		if written, there := g.keys[key]; written || (there && writes) {
			return false
		}
	}
	return true
}

func (g *group) add(m *member) {
	g.members = append(g.members, m)
	g.ops += m.ops()
	g.bytes += m.bytes()
	for key, writes := range m.keys {
		g.keys[key] = writes || g.keys[key]
	}
}

// whole is one transaction that writes what all members write, if what all of them demand holds.
func (g *group) whole() *plain {
	if len(g.members) == 1 {
		return g.members[0].plain
	}
	all := &plain{when: make([]condition, 0, g.ops), then: make([]put, 0, g.ops)}
	for _, m := range g.members {
		all.when = append(all.when, m.when...)
		all.then = append(all.then, m.then...)
	}
	return all
}

// ops is how many operations of etcd's count a transaction has.
func (p *plain) ops() int { return max(len(p.when), len(p.then), len(p.look)) }

func (p *plain) bytes() int {
	n := 0
	for i := range p.then {
		n += len(p.then[i].key) + len(p.then[i].record)
	}
	for i := range p.when {
		n += len(p.when[i].key)
	}
	return n
}

// keys calls each with the keys that a transaction looks at and, with true, those that it writes, until each returns false.
func (p *plain) keys(each func(key string, writes bool) bool) {
	for i := range p.when {
		if !each(p.when[i].key, false) {
			return
		}
	}
	for i := range p.then {
		if !each(p.then[i].key, true) {
			return
		}
	}
	for _, key := range p.look {
		if !each(key, false) {
			return
		}
	}
}
