package broker

import "github.com/grpc-tool-bridge/toolbridge/tool"

// queue holds the calls that wait for one tool. They leave round-robin over the sessions and in order within a
// session. Guarded by scheduler.mu.
type queue struct {
	lines map[tool.SessionKey]*line
	turn  *line // whose turn it is; lines form a ring
	count int
	bytes int
}

// line holds what one session waits for.
type line struct {
	key         tool.SessionKey
	first, last *waiter
	prev, next  *line
}

// push adds a waiter at the end of its session's line.
func (q *queue) push(key tool.SessionKey, w *waiter) {
	l := q.lines[key]
	if l == nil {
		l = q.join(key)
	}
	w.line, w.prev = l, l.last
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	q.count++
	q.bytes += w.bytes
}

// join makes a session's line the last of the ring.
func (q *queue) join(key tool.SessionKey) *line {
	l := &line{key: key}
	if q.lines == nil {
		q.lines = make(map[tool.SessionKey]*line)
	}
	q.lines[key] = l
	if q.turn == nil {
		l.prev, l.next, q.turn = l, l, l
		return l
	}
	l.prev, l.next = q.turn.prev, q.turn
	l.prev.next, l.next.prev = l, l
	return l
}

// pop takes the next waiter out, or returns nil.
func (q *queue) pop() *waiter {
	if q.turn == nil {
		return nil
	}
	w := q.turn.first
	q.turn = q.turn.next
	q.remove(w)
	return w
}

// remove takes a waiter out, wherever it stands.
func (q *queue) remove(w *waiter) {
	l := w.line
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.line, w.prev, w.next = nil, nil, nil
	q.count--
	q.bytes -= w.bytes
	if l.first == nil {
		q.leave(l)
	}
}

// leave takes an empty line out of the ring.
func (q *queue) leave(l *line) {
	delete(q.lines, l.key)
	if l.next == l {
		q.turn = nil
		return
	}
	l.prev.next, l.next.prev = l.next, l.prev
	if q.turn == l {
		q.turn = l.next
	}
}
