package broker

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ledger knows the calls with a request id: those that run, and what the others came to, for a time and within a number
// of bytes; beyond that the oldest go first. A general cache would not do: most keep what is asked for often and drop what
// is new, and of records the newest are the ones that retries ask for.
type ledger struct {
	keep  time.Duration
	limit int // bytes

	mu       sync.Mutex
	sessions map[tool.SessionKey]*sessionRecords
	bytes    int     // of the kept records
	oldest   *record // of the kept records
	newest   *record
}

// sessionRecords are the records of one session. Guarded by ledger.mu.
type sessionRecords struct {
	key  tool.SessionKey
	byID map[string]*record
}

// recordState is how far the call of a record is.
type recordState uint8

const (
	underWay  recordState = iota
	concluded             // its answer is replayed
	open                  // it ended so that it may be started again
	dropped               // nobody finds it any more
)

// record is one call with a request id. Guarded by ledger.mu, except that what stands below done does not change once
// the call has ended.
type record struct {
	flight  // while it runs
	session *sessionRecords
	id      string
	payload uint64 // its fingerprint
	state   recordState
	kept    bool // it stands in the ledger's list
	bytes   int
	until   time.Time
	prev    *record
	next    *record
	done    chan struct{} // closed when it has ended; made by the first who waits for that

	epoch  uint64
	result tool.Result
	err    error
}

func newLedger(limits Limits) *ledger {
	return &ledger{keep: limits.RecordedFor, limit: limits.RecordedBytes, sessions: make(map[tool.SessionKey]*sessionRecords)}
}

// recordOverhead is about what a record takes besides its texts and its value, its place in a map included.
const recordOverhead = 512

// request is what a call with a request id says to the ledger.
type request struct {
	key     tool.SessionKey
	id      string
	payload uint64        // its fingerprint
	limit   time.Time     // the caller's deadline; zero for none
	linger  time.Duration // how long it runs on when the last caller has left
}

// enter finds the record of a request, or makes one. It answers whether the caller is to run the call, and whether one
// that ran before is known to have left nothing behind.
func (l *ledger) enter(r *request, now time.Time) (rec *record, first, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
	key := r.key
	s := l.sessions[key]
	if s == nil {
		key = tool.SessionKey{Owner: strings.Clone(key.Owner), ID: strings.Clone(key.ID)}
		s = &sessionRecords{key: key, byID: make(map[string]*record)}
		l.sessions[key] = s
	}
	if rec = s.byID[r.id]; rec != nil && (rec.state != open || rec.payload != r.payload) {
		return rec, false, false
	}
	again = rec != nil
	if again {
		l.drop(rec)
		l.sessions[s.key] = s
	}
	rec = &record{session: s, id: strings.Clone(r.id), payload: r.payload} // texts may be parts of a large message
	rec.callers, rec.limit, rec.linger = 1, r.limit, r.linger
	s.byID[rec.id] = rec
	return rec, true, again
}

// conclude ends the call of a record: state says what is to become of it.
func (l *ledger) conclude(rec *record, state recordState, epoch uint64, result tool.Result, err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rec.land()
	rec.epoch, rec.result, rec.err = epoch, result, err
	if rec.done != nil {
		close(rec.done)
	}
	if rec.state == dropped {
		return
	}
	rec.state = state
	rec.bytes = recordOverhead + len(rec.id) + result.Value.Size() + weigh(err)
	if state == dropped || rec.bytes > l.limit {
		l.drop(rec)
		return
	}
	rec.until = now.Add(l.keep)
	l.append(rec)
	for l.bytes > l.limit {
		l.drop(l.oldest)
	}
}

// end returns what is closed when the call of a record has ended; the mutex is held.
func (l *ledger) end(rec *record) <-chan struct{} {
	if rec.done == nil {
		rec.done = make(chan struct{})
		if rec.landed {
			close(rec.done)
		}
	}
	return rec.done
}

// look returns how far the call of a record is, and the epoch of its session; 0 while that is not known.
func (l *ledger) look(rec *record) (state recordState, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rec.run != nil {
		return rec.state, rec.run.epoch.Load()
	}
	return rec.state, rec.epoch
}

// weigh returns what a recorded error takes.
func weigh(err error) int {
	if err == nil {
		return 0
	}
	var e *tool.Error
	if !errors.As(err, &e) {
		return 0
	}
	return errorSize(e)
}

// forget drops the records of a session up to an epoch. Those of calls that still run are not kept.
func (l *ledger) forget(key tool.SessionKey, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sessions[key]
	if s == nil {
		return
	}
	for _, rec := range s.byID {
		if rec.state != underWay && rec.epoch <= epoch || rec.state == underWay && rec.overBy(epoch) {
			l.drop(rec)
		}
	}
}

// discard drops one record.
func (l *ledger) discard(rec *record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(rec)
}

// sweep drops what is kept no longer.
func (l *ledger) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
}

// expire drops what is kept no longer; the mutex is held.
func (l *ledger) expire(now time.Time) {
	for l.oldest != nil && !now.Before(l.oldest.until) {
		l.drop(l.oldest)
	}
}

// drop makes a record unknown; the mutex is held.
func (l *ledger) drop(rec *record) {
	if s := rec.session; s.byID[rec.id] == rec {
		delete(s.byID, rec.id)
		if len(s.byID) == 0 && l.sessions[s.key] == s {
			delete(l.sessions, s.key)
		}
	}
	rec.state = dropped
	if rec.kept {
		l.remove(rec)
	}
}

// append makes a record the newest of those that are kept; the mutex is held.
func (l *ledger) append(rec *record) {
	rec.kept = true
	l.bytes += rec.bytes
	rec.prev = l.newest
	if l.newest == nil {
		l.oldest = rec
	} else {
		l.newest.next = rec
	}
	l.newest = rec
}

// remove takes a record off the list; the mutex is held.
func (l *ledger) remove(rec *record) {
	rec.kept = false
	l.bytes -= rec.bytes
	if rec.prev == nil {
		l.oldest = rec.next
	} else {
		rec.prev.next = rec.next
	}
	if rec.next == nil {
		l.newest = rec.prev
	} else {
		rec.next.prev = rec.prev
	}
	rec.prev, rec.next = nil, nil
}
