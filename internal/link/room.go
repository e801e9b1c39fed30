package link

// roomAgain is below how many queued bytes those who wait for room are woken.
const roomAgain = maxQueued * 3 / 4

// await waits with the mutex held until ready says so, done is closed, or the engine is gone; meanwhile it lets the mutex go. It
// returns false if done was closed first.
func (e *engine) await(list *[]chan struct{}, done <-chan struct{}, ready func() bool) bool {
	for e.gone == nil && !ready() {
		woken := make(chan struct{}, 1)
		*list = append(*list, woken)
		e.mu.Unlock()
		select {
		case <-woken:
			e.mu.Lock()
		case <-done:
			e.mu.Lock()
			e.leave(list, woken)
			return false
		}
	}
	return true
}

// leave takes a waiter off its list; if it was just woken it wakes the next one instead.
func (e *engine) leave(list *[]chan struct{}, woken chan struct{}) {
	for i, w := range *list {
		if w == woken {
			*list = append((*list)[:i], (*list)[i+1:]...)
			return
		}
	}
	wakeFirst(list)
}

func wakeFirst(list *[]chan struct{}) {
	if len(*list) == 0 {
		return
	}
	(*list)[0] <- struct{}{}
	*list = (*list)[1:]
}

func wakeEvery(list *[]chan struct{}) {
	for _, woken := range *list {
		woken <- struct{}{}
	}
	*list = nil
}

// wakeRoom wakes those who wait for room, for their call's end, or for all calls' end.
func (e *engine) wakeRoom() { wakeEvery(&e.roomWaiters) }

func (e *engine) wakeAll() {
	wakeEvery(&e.slotWaiters)
	e.wakeRoom()
}

// hasRoom reports whether the send queue takes another call or result.
func (e *engine) hasRoom() bool { return e.queue.bytes < maxQueued }

// hasSlot reports whether the other side takes another call. A nested call need not wait: its parent holds a place already.
func (e *engine) hasSlot(nested bool) bool {
	if nested {
		return len(e.out) < withNested(e.peerCalls)
	}
	return e.outRunning < e.peerCalls
}

// nestedFactor is how many times max_calls there may be of calls when those are counted that wait for nested ones.
const nestedFactor = 4

// withNested is how many calls there may be under a limit, when those are counted that wait for nested ones. A low
// limit still leaves room for chains of nested calls.
func withNested(maxCalls int) int { return max(nestedFactor*maxCalls, defaultMaxCalls) }
