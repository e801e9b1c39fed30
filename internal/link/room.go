package link

// roomAgain is below how many queued bytes those who wait for room are woken.
const roomAgain = maxQueued * 3 / 4

// waiters are woken one after the other, each once. Part of engine and guarded by its mutex.
type waiters []chan struct{}

func (w *waiters) wakeFirst() {
	if len(*w) > 0 {
		(*w)[0] <- struct{}{}
		*w = (*w)[1:]
	}
}

func (w *waiters) wakeEvery() {
	for _, woken := range *w {
		woken <- struct{}{}
	}
	*w = nil
}

// leave takes one off; if it was just woken, the next one is woken instead.
func (w *waiters) leave(woken chan struct{}) {
	for i, other := range *w {
		if other == woken {
			*w = append((*w)[:i], (*w)[i+1:]...)
			return
		}
	}
	w.wakeFirst()
}

// sleep waits until it is woken or done is closed, and reports which; the mutex is held, and let go meanwhile.
func (e *engine) sleep(w *waiters, done <-chan struct{}) bool {
	woken := make(chan struct{}, 1)
	*w = append(*w, woken)
	e.mu.Unlock()
	select {
	case <-woken:
		e.mu.Lock()
		return true
	case <-done:
		e.mu.Lock()
		w.leave(woken)
		return false
	}
}

// await sleeps until ready says so, done is closed, or the engine is gone. It returns false if done was closed first.
func (e *engine) await(w *waiters, done <-chan struct{}, ready func() bool) bool {
	for e.gone == nil && !ready() {
		if !e.sleep(w, done) {
			return false
		}
	}
	return true
}

// admit waits for room for a call of so many bytes and for a place at the other side. It returns false if done was closed
// first.
func (e *engine) admit(done <-chan struct{}, size int, nested bool) bool {
	for e.gone == nil {
		w := &e.slotWaiters
		switch room, slot := e.hasRoom(size), e.hasSlot(nested); {
		case room && slot:
			return true
		case slot:
			e.slotWaiters.wakeFirst() // somebody who has room may take the place
			w = e.waitersFor(size)
		case !room:
			w = e.waitersFor(size)
		}
		if !e.sleep(w, done) {
			return false
		}
	}
	return true
}

// hasRoom reports whether the send queue takes a call or result of so many bytes. Frames that leave in pieces have room of
// their own: a large value does not delay a small call.
func (e *engine) hasRoom(size int) bool {
	if isCut(size) {
		return e.queue.cut < maxQueued
	}
	return e.queue.bytes < maxQueued
}

// waitersFor are those who wait for room for so many bytes.
func (e *engine) waitersFor(size int) *waiters {
	if isCut(size) {
		return &e.cutWaiters
	}
	return &e.roomWaiters
}

// isCut reports whether a frame whose body has so many bytes leaves in pieces, give or take its header.
func isCut(size int) bool { return size > maxWhole }

// wakeForRoom wakes those who wait for room if there is some again.
func (e *engine) wakeForRoom() {
	if e.queue.bytes < roomAgain {
		e.roomWaiters.wakeEvery()
	}
	if e.queue.cut < roomAgain {
		e.cutWaiters.wakeEvery()
	}
}

// wakeRoom wakes those who wait for room, for their call's end, or for all calls' end.
func (e *engine) wakeRoom() {
	e.roomWaiters.wakeEvery()
	e.cutWaiters.wakeEvery()
}

func (e *engine) wakeAll() {
	e.slotWaiters.wakeEvery()
	e.wakeRoom()
}

// hasSlot reports whether the other side takes another call. A nested call need not wait: its parent holds a place already.
func (e *engine) hasSlot(nested bool) bool {
	if nested {
		return e.out.Len() < withNested(e.peerCalls)
	}
	return e.outRunning < e.peerCalls
}

// nestedFactor is how many times max_calls there may be of calls when those are counted that wait for nested ones.
const nestedFactor = 4

// withNested is how many calls there may be under a limit, when those are counted that wait for nested ones. A low
// limit still leaves room for chains of nested calls.
func withNested(maxCalls int) int { return max(nestedFactor*maxCalls, defaultMaxCalls) }
