package etcdstore

import (
	"context"
	"errors"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// groupSize is how many transactions go into one, and memberOps how many operations one of them may have: together
	// below etcd's 128 operations. groupBytes bounds the records; etcd takes 1.5 MiB.
	groupSize  = 64
	memberOps  = 32
	groupBytes = 1 << 20
	// maxGroups is how many groups are made of what waits; what stands in the way of all of them goes alone.
	maxGroups = 4
)

// member is one caller's transaction, which touches single keys alone and without leases.
type member struct {
	when            []clientv3.Cmp
	then, otherwise []clientv3.Op

	// done gets one answer.
	done chan answer
}

type answer struct {
	resp *clientv3.TxnResponse
	err  error
}

// committer commits what waits when a commit before it returned as one transaction of etcd: one entry of the log, one sync,
// however many callers. Nobody waits for more to come. One round is under way at a time: two would each gather half as many, and
// take turns at the disk all the same. Each member keeps its own conditions: one that does not hold fails
// that member alone. Only what goes wrong with the whole (a full disk, a lost cluster) is told to all of them.
type committer struct {
	store *Store

	mu      sync.Mutex
	waiting []*member
	busy    bool // a round is under way
	closed  bool
}

// commitGrouped runs a transaction that writes, together with those of others that wait at the same time.
func (s *Store) commitGrouped(ctx context.Context, when []clientv3.Cmp, then, otherwise []clientv3.Op) (*clientv3.TxnResponse, error) {
	m := &member{when: when, then: then, otherwise: otherwise}
	if m.ops() > memberOps {
		return s.commit(ctx, when, then, otherwise)
	}
	c := &s.committer
	if alone := c.enter(m); alone {
		defer c.leave()
		return s.commitPlain(ctx, when, then, otherwise)
	}
	select {
	case a := <-m.done:
		return a.resp, a.err
	case <-ctx.Done():
		if c.withdraw(m) {
			return nil, ended(ctx, ctx.Err())
		}
		return nil, ctx.Err()
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
	resp, err := c.store.commitPlain(context.Background(), g.when(), g.then(), g.otherwise())
	if len(g.members) > 1 && divisible(err) {
		for _, m := range g.members {
			c.commit(&group{members: []*member{m}})
		}
		return
	}
	for i, m := range g.members {
		m.done <- g.answerOf(i, resp, err)
	}
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
	members []*member
	bytes   int
	read    map[string]struct{}
	written map[string]struct{}
}

// grouped makes groups of members: few shared ones, and one for each member that fits into none of those.
func grouped(members []*member) []*group {
	var shared, alone []*group
	for _, m := range members {
		if add(shared, m) {
			continue
		}
		g := &group{read: make(map[string]struct{}), written: make(map[string]struct{})}
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
	if len(g.members) == groupSize || g.bytes+m.bytes() > groupBytes {
		return false
	}
	for key, written := range m.keys {
		if _, there := g.written[string(key)]; there {
			return false
		}
		if _, there := g.read[string(key)]; there && written {
			return false
		}
	}
	return true
}

func (g *group) add(m *member) {
	g.members = append(g.members, m)
	g.bytes += m.bytes()
	for key, written := range m.keys {
		if written {
			g.written[string(key)] = struct{}{}
		} else {
			g.read[string(key)] = struct{}{}
		}
	}
}

// when, then and otherwise are the transaction: that of the only member, or one that holds those of all.
func (g *group) when() []clientv3.Cmp {
	if len(g.members) == 1 {
		return g.members[0].when
	}
	return nil
}

func (g *group) then() []clientv3.Op {
	if len(g.members) == 1 {
		return g.members[0].then
	}
	ops := make([]clientv3.Op, len(g.members))
	for i, m := range g.members {
		ops[i] = clientv3.OpTxn(m.when, m.then, m.otherwise)
	}
	return ops
}

func (g *group) otherwise() []clientv3.Op {
	if len(g.members) == 1 {
		return g.members[0].otherwise
	}
	return nil
}

// answerOf is what came of one member.
func (g *group) answerOf(i int, resp *clientv3.TxnResponse, err error) answer {
	if err != nil || len(g.members) == 1 {
		return answer{resp, err}
	}
	own := resp.Responses[i].GetResponseTxn()
	return answer{resp: (*clientv3.TxnResponse)(&pb.TxnResponse{Header: resp.Header, Succeeded: own.GetSucceeded(), Responses: own.GetResponses()})}
}

// ops is how many operations of etcd's count a member has.
func (m *member) ops() int { return max(len(m.when), len(m.then), len(m.otherwise)) }

func (m *member) bytes() int {
	n := 0
	for key := range m.keys {
		n += len(key)
	}
	for i := range m.then {
		n += len(m.then[i].ValueBytes())
	}
	return n
}

// keys calls each with the keys that a member looks at and, with true, those that it writes, until each returns false.
func (m *member) keys(each func(key []byte, written bool) bool) {
	for i := range m.when {
		if !each(m.when[i].KeyBytes(), false) {
			return
		}
	}
	for _, ops := range [][]clientv3.Op{m.then, m.otherwise} {
		for i := range ops {
			if !each(ops[i].KeyBytes(), !ops[i].IsGet()) {
				return
			}
		}
	}
}
