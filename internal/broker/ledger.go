package broker

import (
	"errors"
	"hash/maphash"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ledger knows the calls with a request id: those that run, and what the others came to, for a time and within a number
// of bytes; beyond that the oldest go first. A general cache would not do: most keep what is asked for often and drop what
// is new, and of records the newest are the ones that retries ask for.
type ledger struct {
	keep  time.Duration
	limit int // bytes
	began time.Time
	hash  func(id string) uint64

	mu       sync.Mutex
	sessions map[tool.SessionKey]*sessionRecords
	bytes    int     // of the kept records
	oldest   *record // of the kept records
	newest   *record
}

// sessionRecords are the records of one session. Guarded by ledger.mu.
type sessionRecords struct {
	key tool.SessionKey
	// byHash are records by the hash of their id, those of one hash behind each other. A map of hashes grows without a look at
	// the ids, which lie all over the memory.
	byHash map[uint64]*record
}

// find returns the record of an id, or nil, and the first of those with its hash.
func (s *sessionRecords) find(hash uint64, id string) (rec, first *record) {
	first = s.byHash[hash]
	for rec = first; rec != nil && rec.id != id; rec = rec.same { //nolint:revive // all is said
	}
	return rec, first
}

// remove forgets a record and reports whether it was there.
func (s *sessionRecords) remove(rec *record) bool {
	before := s.byHash[rec.hash]
	switch {
	case before == nil:
		return false
	case before != rec:
		for before.same != rec {
			if before = before.same; before == nil {
				return false
			}
		}
		before.same = rec.same
	case rec.same == nil:
		delete(s.byHash, rec.hash)
	default:
		s.byHash[rec.hash] = rec.same
	}
	rec.same = nil
	return true
}

// recordState is how far the call of a record is.
type recordState uint8

const (
	underWay  recordState = iota
	concluded             // its answer is replayed
	open                  // it ended so that it may be started again
	dropped               // nobody finds it any more
)

// record is one call with a request id. Guarded by ledger.mu, except that what stands below next does not change once
// the call has ended. Hundreds of thousands are kept, and the garbage collector looks through all of them: so a record is small, and
// what only a running call needs is its run's.
type record struct {
	*flight // nil once it has ended
	session *sessionRecords
	id      string
	hash    uint64  // of the id
	same    *record // the next one of this hash
	payload uint64  // its fingerprint
	until   int64   // when it is kept no longer, on the ledger's clock
	bytes   int
	state   recordState
	kept    bool // it stands in the ledger's list
	prev    *record
	next    *record

	replayed bool
	epoch    uint64
	typeURL  unique.Handle[string]
	worker   unique.Handle[string]
	body     string // of the value
	err      error
}

func newLedger(limits Limits) *ledger {
	seed := maphash.MakeSeed()
	return &ledger{hash: func(id string) uint64 { return maphash.String(seed, id) }, keep: limits.RecordedFor, limit: limits.RecordedBytes, began: time.Now(), sessions: make(map[tool.SessionKey]*sessionRecords)}
}

// recordOverhead is what a record takes at most besides its texts and its value: 215 bytes were measured, and a map that has just
// grown is half empty.
const recordOverhead = 320

// request is what a call with a request id says to the ledger.
type request struct {
	key     tool.SessionKey
	id      string
	payload uint64        // its fingerprint
	limit   time.Time     // the caller's deadline; zero for none
	linger  time.Duration // how long it runs on when the last caller has left
}

// enter finds the record of a request, or makes one, whose call is then under way as f. It answers whether the caller is to run the call, and whether one
// that ran before is known to have left nothing behind.
func (l *ledger) enter(r *request, f *flight, now time.Time) (rec *record, first, again bool) {
	hash := l.hash(r.id)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
	key := r.key
	s := l.sessions[key]
	if s == nil {
		key = tool.SessionKey{Owner: strings.Clone(key.Owner), ID: strings.Clone(key.ID)}
		s = &sessionRecords{key: key, byHash: make(map[uint64]*record)}
		l.sessions[key] = s
	}
	rec, same := s.find(hash, r.id)
	if rec != nil && (rec.state != open || rec.payload != r.payload) {
		return rec, false, false
	}
	if again = rec != nil; again {
		l.drop(rec)
		l.sessions[s.key] = s
		same = s.byHash[hash]
	}
	*f = flight{callers: 1, limit: r.limit, linger: r.linger}
	rec = &record{flight: f, session: s, id: strings.Clone(r.id), hash: hash, same: same, payload: r.payload} // texts may be parts of a large message
	s.byHash[hash] = rec
	return rec, true, again
}

// conclude ends the call of a record: state says what is to become of it.
func (l *ledger) conclude(rec *record, state recordState, epoch uint64, result tool.Result, err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rec.epoch, rec.err = epoch, err
	rec.replayed, rec.worker = result.Replayed, unique.Make(result.Metrics.Worker)
	rec.typeURL, rec.body = unique.Make(result.Value.TypeURL), string(result.Value.Bytes)
	rec.land()
	rec.flight = nil
	if rec.state == dropped {
		return
	}
	rec.state = state
	rec.bytes = recordOverhead + len(rec.id) + result.Value.Size() + weigh(err)
	if state == dropped || rec.bytes > l.limit {
		l.drop(rec)
		return
	}
	rec.until = int64(now.Sub(l.began) + l.keep)
	l.append(rec)
	for l.bytes > l.limit {
		l.drop(l.oldest)
	}
}

// end returns what is closed when the call of a record has ended; the mutex is held.
func (l *ledger) end(rec *record) <-chan struct{} {
	if rec.flight == nil {
		over := make(chan struct{})
		close(over)
		return over
	}
	if rec.done == nil {
		rec.done = make(chan struct{})
	}
	return rec.done
}

// look returns how far the call of a record is, and the epoch of its session; 0 while that is not known.
func (l *ledger) look(rec *record) (state recordState, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rec.flight != nil && rec.run != nil {
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
	for _, rec := range s.byHash {
		for rec != nil {
			next := rec.same
			if rec.state != underWay && rec.epoch <= epoch || rec.state == underWay && rec.overBy(epoch) {
				l.drop(rec)
			}
			rec = next
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
	for passed := int64(now.Sub(l.began)); l.oldest != nil && passed >= l.oldest.until; {
		l.drop(l.oldest)
	}
}

// drop makes a record unknown; the mutex is held.
func (l *ledger) drop(rec *record) {
	if s := rec.session; s.remove(rec) && len(s.byHash) == 0 && l.sessions[s.key] == s {
		delete(l.sessions, s.key)
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
