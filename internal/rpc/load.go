package rpc

import "github.com/grpc-tool-bridge/toolbridge/internal/link"

// Load is how busy the links are. What only grows also counts the links that are gone.
type Load struct {
	// Links are those that are there, by state.
	Links map[link.State]int
	// QueuedBytes wait to be sent.
	QueuedBytes int
	// CreditWaits is how often a chunk had to wait because its reader had granted no more credit.
	CreditWaits uint64
	// LateFrames came for calls that had ended.
	LateFrames uint64
	// MessagesSent were sent with frames.
	MessagesSent uint64
	// MessagesRead came with frames.
	MessagesRead uint64
}

// Load looks at every link: it is for whoever asks a few times a minute.
func (s *Service) Load() Load {
	live, out := s.links.counted()
	out.Links = make(map[link.State]int)
	for _, p := range live {
		out.Links[p.bridge.State()]++
		stats := p.bridge.Stats()
		out.QueuedBytes += stats.Queued
		out.grow(stats)
	}
	return out
}

// grow adds what only grows.
func (l *Load) grow(s link.Stats) {
	l.CreditWaits += s.CreditWaits
	l.LateFrames += s.LateFrames
	l.MessagesSent += s.MessagesSent
	l.MessagesRead += s.MessagesRead
}

// counted returns the links that are there, and what the others came to.
func (l *links) counted() ([]*process, Load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	live := make([]*process, 0, len(l.attached))
	for _, p := range l.attached {
		live = append(live, p)
	}
	return live, l.gone
}
