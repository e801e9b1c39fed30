package broker

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// callQuery is what is looked for.
type callQuery struct {
	owner  string
	filter CallFilter
	number uint64 // exactly this one; 0 for any
	before uint64 // only those that arrived earlier
	limit  int
}

func (q *callQuery) wants(c *callRecord) bool {
	return c.session.Owner == q.owner && c.number < q.before && (q.number == 0 || q.number == c.number) &&
		matches(q.filter.Session, c.session.ID) && matches(q.filter.Tool, c.tool) && matches(q.filter.RequestID, c.requestID) &&
		(q.filter.State == 0 || q.filter.State == c.state)
}

func matches(wanted, is string) bool { return wanted == "" || wanted == is }

// find finds calls, the last that arrived first.
func (s *scheduler) find(q *callQuery) []callRecord {
	found, now := newestCalls{most: q.limit}, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.underWay(q) {
		if c := r.glance(now); q.wants(&c) {
			found.add(&c)
		}
	}
	for i := range s.ended.ring {
		if c := &s.ended.ring[i]; q.wants(c) {
			found.add(c)
		}
	}
	return found.sorted()
}

// findRun finds the newest call under way.
func (s *scheduler) findRun(q *callQuery) (newest *run, number uint64) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.underWay(q) {
		if c := r.glance(now); c.number > number && q.wants(&c) {
			newest, number = r, c.number
		}
	}
	return newest, number
}

// underWay goes through the calls under way that may be wanted; the mutex is held.
func (s *scheduler) underWay(q *callQuery) iter.Seq[*run] {
	return func(yield func(*run) bool) {
		for key, st := range s.sessions {
			if key.Owner != q.owner || !matches(q.filter.Session, key.ID) {
				continue
			}
			for r := st.first; r != nil; r = r.next {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// newestCalls keeps those of many calls that arrived last. It sorts seldom.
type newestCalls struct {
	most  int
	calls []callRecord
	floor uint64 // what did not arrive later is of no interest
}

func (n *newestCalls) add(c *callRecord) {
	if c.number <= n.floor {
		return
	}
	if n.calls = append(n.calls, *c); len(n.calls) > 2*n.most+16 {
		n.calls = n.sorted()
		n.floor = n.calls[n.most-1].number
	}
}

func (n *newestCalls) sorted() []callRecord {
	slices.SortFunc(n.calls, func(a, b callRecord) int { return cmp.Compare(b.number, a.number) })
	return n.calls[:min(len(n.calls), n.most)]
}
