package link

import "sync"

// serial runs functions one at a time and in order, on a goroutine that lives only while there are any.
type serial struct {
	mu      sync.Mutex
	waiting []func()
	running bool
	done    sync.WaitGroup
}

// run queues f and returns how many wait before it.
func (s *serial) run(f func()) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, f)
	if !s.running {
		s.running = true
		s.done.Go(s.drain)
	}
	return len(s.waiting) - 1
}

func (s *serial) drain() {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.waiting, s.running = nil, false
			s.mu.Unlock()
			return
		}
		f := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.mu.Unlock()
		f()
	}
}
