package etcdstore

import (
	"hash/maphash"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Of so many variables it is remembered who wrote them last: 1.5 MiB at most.
const (
	lastPages = 256
	pageSlots = 256
)

// lastWrites remember at which revision this bridge wrote a variable last, and for which request, so that a write need not be preceded
// by a look whether it is a repetition. What they remember is believed only together with a condition of the commit: that
// the variable is still at that revision. So it may be out of date, which costs that commit, and it may be forgotten. They are for a
// store that nobody else writes to. Any number of goroutines may use them.
type lastWrites struct {
	// place and name are seeds of two independent hashes: where a variable is, and whether it is that one.
	place, name maphash.Seed

	mu    sync.Mutex
	pages [lastPages]*[pageSlots]lastWrite // each made when it is needed
}

// lastWrite has no pointers, so that collecting garbage does not look at it. Requests of the same hash are taken for the same one, which only
// leads to a look.
type lastWrite struct {
	name, request uint64
	revision      int64 // 0 where nothing is remembered
}

// variableAt names a variable of a session that was created at a revision of its own: of the next one with the same id nothing is
// remembered.
type variableAt struct {
	session tool.SessionKey
	created int64 // 0 where nothing is to be remembered
	name    string
}

func newLastWrites() *lastWrites {
	return &lastWrites{place: maphash.MakeSeed(), name: maphash.MakeSeed()}
}

// before returns the revision of a variable that was last written for another request than this; false if that is not known.
func (l *lastWrites) before(at variableAt, request string) (revision int64, known bool) {
	if at.created == 0 {
		return 0, false
	}
	page, slot, name := l.find(at)
	asked := maphash.String(l.name, request)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pages[page] == nil {
		return 0, false
	}
	last := l.pages[page][slot]
	return last.revision, last.revision != 0 && last.name == name && last.request != asked
}

// note remembers a write for a request. Of two at once the later one stays.
func (l *lastWrites) note(at variableAt, request string, revision int64) {
	if at.created == 0 {
		return
	}
	page, slot, name := l.find(at)
	one := lastWrite{name: name, request: maphash.String(l.name, request), revision: revision}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pages[page] == nil {
		l.pages[page] = new([pageSlots]lastWrite)
	}
	if last := &l.pages[page][slot]; last.name != name || last.revision < revision {
		*last = one
	}
}

// forget forgets a variable.
func (l *lastWrites) forget(at variableAt) {
	if at.created == 0 {
		return
	}
	page, slot, name := l.find(at)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pages[page] != nil && l.pages[page][slot].name == name {
		l.pages[page][slot] = lastWrite{}
	}
}

func (l *lastWrites) find(at variableAt) (page, slot int, name uint64) {
	place := maphash.Comparable(l.place, at)
	return int(place % lastPages), int(place / lastPages % pageSlots), maphash.Comparable(l.name, at)
}

// remembered returns at which revision a session was created whose last writes are remembered: of an embedded store, to which no
// other bridge writes. Otherwise it is 0.
func (s *Store) remembered(key tool.SessionKey) int64 {
	if s.embedded == nil {
		return 0
	}
	return s.view.created(key)
}
