package link

import "time"

// deadline is an entry of deadlines. Whatever has a deadline embeds one.
type deadline struct {
	at     time.Duration // since the engine's start
	place  int           // in the heap, from 1; 0 while it is not in it
	expire expirer
}

// expirer is told, with the engine's mutex held, that its deadline has passed. The function that it returns is called
// without the mutex.
type expirer interface{ expired() func() }

// deadlines is a heap, the earliest first, so that one timer keeps the deadlines of all calls. Part of engine and
// guarded by its mutex.
type deadlines []*deadline

func (h *deadlines) add(d *deadline, at time.Duration, e expirer) {
	d.at, d.expire = at, e
	*h = append(*h, d)
	d.place = len(*h)
	h.up(d.place)
}

func (h *deadlines) remove(d *deadline) {
	if d.place == 0 {
		return
	}
	s, i, last := *h, d.place, len(*h)
	if i != last {
		moved := s[last-1]
		s[i-1] = moved
		moved.place = i
	}
	s[last-1] = nil
	*h = s[:last-1]
	d.place, d.expire = 0, nil
	if i != last {
		h.down(i)
		h.up(i)
	}
}

func (h *deadlines) swap(i, j int) {
	s := *h
	s[i-1], s[j-1] = s[j-1], s[i-1]
	s[i-1].place, s[j-1].place = i, j
}

func (h *deadlines) up(i int) {
	for s := *h; i > 1 && s[i-1].at < s[i/2-1].at; {
		h.swap(i, i/2)
		i /= 2
	}
}

func (h *deadlines) down(i int) {
	for s := *h; ; {
		least := i
		for _, child := range [2]int{2 * i, 2*i + 1} {
			if child <= len(s) && s[child-1].at < s[least-1].at {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
