package broker

import "time"

// start lets calls in. Hosts of known tools that are not back yet are awaited from now on.
func (s *scheduler) start(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = serving
	s.startedAt = now
}

// drain refuses new calls. The channel is closed when the last one has left.
func (s *scheduler) drain() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life != stopped {
		s.life = draining
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	if s.active == 0 {
		close(idle)
		s.idle = nil
	}
	return idle
}

// stop ends what is left of timers.
func (s *scheduler) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = stopped
	for _, p := range s.shared {
		p.stopWatch()
	}
	for _, st := range s.sessions {
		for _, p := range st.pools {
			p.stopWatch()
		}
	}
}

// cancelAll refuses nested calls as well, cancels every call, and returns how many there were.
func (s *scheduler) cancelAll(cause error) int {
	over := s.last()
	for _, r := range over {
		r.cancel(cause)
	}
	return len(over)
}

// last returns all calls; no other one begins.
func (s *scheduler) last() []*run {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = stopped
	over := make([]*run, 0, s.active)
	for _, st := range s.sessions {
		for r := st.first; r != nil; r = r.next {
			over = append(over, r)
		}
	}
	return over
}
