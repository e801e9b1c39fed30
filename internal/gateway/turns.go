package gateway

import "sync"

// readAtOnce is how many bytes of text are made values of at the same time, but for those of small values.
const readAtOnce = 16 << 20

// turns bounds the memory of values that are being read: until it is encoded, a value of small parts takes up to fifty times its text.
type turns struct {
	line chan struct{} // held by the one who is next: who comes later does not overtake a larger text
	most int

	mu   sync.Mutex
	left int
	more *sync.Cond // one ended
}

func newTurns(most int) *turns {
	t := &turns{line: make(chan struct{}, 1), most: most, left: most}
	t.more = sync.NewCond(&t.mu)
	return t
}

// wait waits until a text of so many bytes may be read; one that is larger than all together may be is read alone. The caller
// calls done when it is read.
func (t *turns) wait(size int) (done func()) {
	if size <= smallBody {
		return func() {}
	}
	size = min(size, t.most)
	t.line <- struct{}{}
	defer func() { <-t.line }()
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.left < size {
		t.more.Wait()
	}
	t.left -= size
	return func() { t.give(size) }
}

func (t *turns) give(size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left += size
	t.more.Signal()
}
