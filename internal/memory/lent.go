package memory

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// lentFrom is from how many bytes on memory is lent: so many that little of a block stays empty. Long streams come in
	// chunks of 64 KiB.
	lentFrom = Most * 7 / 8
	// mostLent is how many blocks may be out at once, and how many a shelf holds: 4.5 MiB. Whoever keeps more has the rest
	// in memory of its own, which the garbage collector looks after with less work.
	mostLent = 64
)

// lent is memory for one value whose holder may keep it. When the garbage collector finds that nobody holds any part of
// it, it goes back to a shelf instead of being freed. So a stream of values that are not kept takes less new memory, which
// is what makes the collector run: it runs several times less often.
type lent [Most]byte

// shelf has lent memory that came back.
type shelf struct {
	places [mostLent]*lent
	filled int
}

// shelves are kept while they are used, one for each thread that uses them at once. The garbage collector takes those that
// nobody comes for.
//
//nolint:gochecknoglobals // a pool of buffers
var (
	shelves = sync.Pool{New: func() any { return new(shelf) }}
	out     atomic.Int64 // how many blocks are lent, and have not come back
)

// Lend returns memory for one value of n bytes, empty, whose contents are anything. It belongs to whoever gets it for as long as he
// holds any part of it, and need not be given back. It is nil if n is too small or too large to be lent, or too much is lent already.
func Lend(n int) []byte {
	if n < lentFrom || n > Most {
		return nil
	}
	if out.Add(1) > mostLent {
		out.Add(-1)
		return nil
	}
	block := takeLent()
	runtime.SetFinalizer(block, (*lent).comesBack)
	return block[:0]
}

// takeLent takes a block off a shelf, or makes one.
func takeLent() *lent {
	s, _ := shelves.Get().(*shelf)
	defer shelves.Put(s)
	if s.filled == 0 {
		return new(lent)
	}
	s.filled--
	block := s.places[s.filled]
	s.places[s.filled] = nil
	return block
}

// comesBack puts a block that nobody holds on a shelf. The collector calls it once for each time that the block was lent.
func (l *lent) comesBack() {
	out.Add(-1)
	spoil(l[:])
	s, _ := shelves.Get().(*shelf)
	defer shelves.Put(s)
	if s.filled < len(s.places) {
		s.places[s.filled] = l
		s.filled++
	}
}
