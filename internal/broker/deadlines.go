package broker

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// tick is how late a time limit may be noticed.
const tick = 10 * time.Millisecond

// deadlines ends runs whose time is over, with one timer for all of them: limits are rounded up to ticks, and all
// runs of a tick share a bucket. Adding and removing cost no timer and, once warm, no memory.
type deadlines struct {
	epoch time.Time

	mu      sync.Mutex
	buckets map[int64]*bucket
	order   bucketHeap
	timer   *time.Timer
	armed   int64 // tick for which timer is set; 0 for none
	spare   []*bucket
	closed  bool
}

// bucket holds the runs whose limit is in one tick.
type bucket struct {
	tick  int64
	first *run
}

func newDeadlines() *deadlines {
	return &deadlines{epoch: time.Now(), buckets: make(map[int64]*bucket)}
}

// add begins to watch r.limit. It must not be zero.
func (d *deadlines) add(r *run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(r)
}

func (d *deadlines) put(r *run) {
	if d.closed {
		return
	}
	due := int64((r.limit.Sub(d.epoch) + tick - 1) / tick)
	due = max(due, 1)
	b := d.buckets[due]
	if b == nil {
		b = d.newBucket(due)
	}
	r.at, r.duePrev, r.dueNext = b, nil, b.first
	if b.first != nil {
		b.first.duePrev = r
	}
	b.first = r
	if d.armed == 0 || due < d.armed {
		d.arm(due)
	}
}

func (d *deadlines) newBucket(due int64) *bucket {
	b := &bucket{}
	if n := len(d.spare); n > 0 {
		b, d.spare = d.spare[n-1], d.spare[:n-1]
	}
	b.tick = due
	d.buckets[due] = b
	heap.Push(&d.order, b)
	return b
}

// remove stops watching r; it may have been removed before.
func (d *deadlines) remove(r *run) {
	d.mu.Lock()
	d.unlink(r)
	d.mu.Unlock()
}

func (d *deadlines) unlink(r *run) {
	if r.at == nil {
		return
	}
	if r.duePrev == nil {
		r.at.first = r.dueNext
	} else {
		r.duePrev.dueNext = r.dueNext
	}
	if r.dueNext != nil {
		r.dueNext.duePrev = r.duePrev
	}
	r.at, r.duePrev, r.dueNext = nil, nil, nil
}

func (d *deadlines) arm(due int64) {
	d.armed = due
	wait := time.Until(d.epoch.Add(time.Duration(due) * tick))
	if d.timer == nil {
		d.timer = time.AfterFunc(wait, d.fire)
		return
	}
	d.timer.Reset(wait)
}

// fire ends what is due and sets the timer for the next bucket that holds something.
func (d *deadlines) fire() {
	var over []*run
	d.mu.Lock()
	d.armed = 0
	now := time.Now()
	for len(d.order) > 0 {
		b := d.order[0]
		if b.first != nil && d.epoch.Add(time.Duration(b.tick)*tick).After(now) {
			d.arm(b.tick)
			break
		}
		heap.Pop(&d.order)
		delete(d.buckets, b.tick)
		for b.first != nil {
			r := b.first
			d.unlink(r)
			if !d.goesOn(r, now) {
				over = append(over, r)
			}
		}
		if len(d.spare) < 64 {
			d.spare = append(d.spare, b)
		}
	}
	d.mu.Unlock()
	for _, r := range over {
		r.cancel(overtime(r))
	}
}

// goesOn renews the limit of a stream that made progress since it was set.
func (d *deadlines) goesOn(r *run, now time.Time) bool {
	if r.idle == 0 {
		return false
	}
	limit := now.Add(r.idle)
	if at := r.activity.Load(); at != sending {
		limit = r.began.Add(time.Duration(at) + r.idle)
	}
	if !limit.After(now) {
		return false
	}
	r.limit = limit
	d.put(r)
	return true
}

// overtime is the cause with which a run ends.
func overtime(r *run) error {
	if r.idle > 0 {
		return stall{}
	}
	return context.DeadlineExceeded
}

// close stops the timer.
func (d *deadlines) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

// bucketHeap orders buckets by their tick.
type bucketHeap []*bucket

// Len is for container/heap.
func (h *bucketHeap) Len() int { return len(*h) }

// Less is for container/heap.
func (h *bucketHeap) Less(i, j int) bool { return (*h)[i].tick < (*h)[j].tick }

// Swap is for container/heap.
func (h *bucketHeap) Swap(i, j int) { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

// Push is for container/heap.
func (h *bucketHeap) Push(x any) { *h = append(*h, x.(*bucket)) }

// Pop is for container/heap.
func (h *bucketHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
