package broker

// Load is how busy the broker is now.
type Load struct {
	// Running is how many calls are under way, those that wait in queues included.
	Running int
	// Sessions is how many live, as far as the store knows without asking anybody; -1 for a store that does not count.
	Sessions int
	// Queues are those in which calls wait, in no order.
	Queues []QueueLoad
}

// QueueLoad is what waits for one tool.
type QueueLoad struct {
	// Tool is the tool's id.
	Tool string
	// Session says that the tool is a session's own.
	Session bool
	// Calls that wait.
	Calls int
	// Bytes of their arguments.
	Bytes int
}

// Load looks at every queue: it is for whoever asks a few times a minute.
func (b *Broker) Load() Load {
	out := b.scheduler.load()
	out.Sessions = -1
	if c, counts := b.store.(SessionCounter); counts {
		out.Sessions = c.SessionCount()
	}
	return out
}

// SessionCounter is a Store that knows at once how many sessions live.
type SessionCounter interface {
	// SessionCount returns how many sessions live; those that nobody used for their time to live count until they are swept.
	SessionCount() int
}

func (s *scheduler) load() Load {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Load{Running: s.active}
	add := func(pools map[string]*pool) {
		for _, p := range pools {
			if p.queue.count > 0 {
				out.Queues = append(out.Queues, QueueLoad{Tool: p.id, Session: p.session != nil, Calls: p.queue.count, Bytes: p.queue.bytes})
			}
		}
	}
	add(s.shared)
	for _, st := range s.sessions {
		add(st.pools)
	}
	return out
}
