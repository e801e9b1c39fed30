package link

// arena copies small frames behind each other, so that not each costs an allocation.
type arena struct{ free []byte }

const (
	// arenaBytes is how much is allocated at once: as much as a call that lasts long can hold besides its own frame.
	arenaBytes = 4 << 10
	// arenaFrame is the longest frame that shares.
	arenaFrame = arenaBytes / 8
)

// copy returns a copy of b that nobody else writes to.
func (a *arena) copy(b []byte) []byte {
	n := len(b)
	if n > arenaFrame {
		return append(make([]byte, 0, n), b...)
	}
	if n > len(a.free) {
		a.free = make([]byte, arenaBytes)
	}
	out := a.free[:n:n]
	a.free = a.free[n:]
	copy(out, b)
	return out
}
