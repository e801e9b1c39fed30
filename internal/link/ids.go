package link

import (
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// issued knows which call ids the other side has used. They rise by two, but a call in pieces may begin after later ones,
// and one that was given up before it was sent never comes. Part of engine and guarded by its mutex.
type issued struct {
	// newest is the highest id that was used.
	newest uint64
	// skipped are the ids below it that were not used, in ascending order.
	skipped []idRange
}

// idRange is every second id from first to last.
type idRange struct{ first, last uint64 }

// maxSkipped is how many ranges are remembered. The ids of older ones count as used.
const maxSkipped = 4 * defaultMaxCalls

// use notes an id and reports whether it is new. All ids have the parity of the first one.
func (s *issued) use(id uint64) bool {
	if len(s.skipped) >= maxSkipped {
		s.skipped = slices.Delete(s.skipped, 0, maxSkipped/4)
	}
	if id <= s.newest {
		return s.fill(id)
	}
	next := s.newest + 2
	if s.newest == 0 {
		next = 2 - id&1
	}
	s.newest = id
	if next != id {
		s.skipped = append(s.skipped, idRange{next, id - 2})
	}
	return true
}

// used reports whether an id was used.
func (s *issued) used(id uint64) bool {
	_, skipped := s.find(id)
	return id <= s.newest && !skipped
}

func (s *issued) find(id uint64) (place int, skipped bool) {
	return slices.BinarySearchFunc(s.skipped, id, func(r idRange, id uint64) int {
		switch {
		case r.last < id:
			return -1
		case r.first > id:
			return 1
		default:
			return 0
		}
	})
}

// fill notes an id that was skipped, if it was.
func (s *issued) fill(id uint64) bool {
	i, skipped := s.find(id)
	if !skipped {
		return false
	}
	r := &s.skipped[i]
	switch {
	case r.first == r.last:
		s.skipped = slices.Delete(s.skipped, i, i+1)
	case id == r.first:
		r.first += 2
	case id == r.last:
		r.last -= 2
	default:
		above := idRange{id + 2, r.last}
		r.last = id - 2
		s.skipped = slices.Insert(s.skipped, i+1, above)
	}
	return true
}

func usedTwice(id uint64) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "call id %d is used twice; ids rise, and each is used once", id)
}
