package link

// errand is a message that leaves on the goroutine that made it, in the writer's place: waking the writer takes longer than sending.
// One without a connection is none.
type errand struct {
	conn    *conn
	message Message
	release func()
}

// alone is how many calls in a row have had no other beside them where calls are taken to come one at a time.
const alone = 3

// errandBytes is how long such a message is at most: what every socket takes at once while nothing else is under way.
const errandBytes = 16 << 10

// row counts the calls in a row that had no other beside them when they began. Of the newest one that is said by how many there are now.
func row(before, now int) int {
	if now > 1 {
		return 0
	}
	return min(before+1, alone)
}

// hurry sees to it that what was just queued leaves; the mutex is held. Where calls come one at a time, the writer has nothing to do and
// nothing that was sent is still under way, so that sending cannot block, the caller sends it, without the mutex. Otherwise the writer does:
// where several calls are under way, their frames are to leave together.
func (e *engine) hurry(inRow int) errand {
	c := e.conn
	if c == nil || !c.idle {
		return errand{}
	}
	q := &e.queue
	if inRow < alone || !e.window.clear() || len(q.packs) != 1 || q.packs[0].size > errandBytes || len(q.bulks)+len(q.behind) > 0 {
		e.wake()
		return errand{}
	}
	m, release := e.nextOpen(c)
	c.idle, c.lent = false, true
	return errand{c, m, release}
}

// run sends the message, and lets the writer go on if there is something for it to do by then.
func (r errand) run(e *engine) {
	c := r.conn
	if c == nil {
		return
	}
	err := c.stream.Send(r.message, r.release)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		c.end(err)
	}
	c.lent = false
	if c.last || c.leaves || !e.queue.empty() || e.window.owesAck() {
		c.work <- struct{}{}
		return
	}
	c.idle = true
}
