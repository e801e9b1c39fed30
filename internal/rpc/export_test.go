package rpc

import "github.com/grpc-tool-bridge/toolbridge/internal/link"

// End returns the bridge's end of the link of a process, nil while it has none.
func (s *Service) End(identity string) *link.Bridge {
	s.links.mu.Lock()
	defer s.links.mu.Unlock()
	if p := s.links.attached[identity]; p != nil {
		return p.bridge
	}
	return nil
}
