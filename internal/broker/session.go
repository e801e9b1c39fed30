package broker

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SessionRequest asks for a session.
type SessionRequest struct {
	// ID of the session. Defaults to one of 128 random bits that the broker mints.
	ID string
	// Metadata is kept if the session is created. Defaults to none.
	Metadata map[string]string
	// CreateOnly makes an existing session SessionAlreadyExists. Defaults to false.
	CreateOnly bool
	// TTL is kept if the session is created. Defaults to Limits.SessionTTL; at most Limits.MaxSessionTTL.
	TTL time.Duration
}

// SessionPage is a page of sessions.
type SessionPage struct {
	// Sessions in the order of their ids.
	Sessions []*SessionRecord
	// LastUsed of each, to within a quarter of its time to live.
	LastUsed []time.Time
	// Next is the after of the next page; empty on the last.
	Next string
}

// Page sizes of Sessions.
const (
	defaultSessions = 100
	maxSessions     = 1000
)

// maxInitialize bounds how often a session is looked for that others create and end meanwhile.
const maxInitialize = 10

// InitializeSession attaches to a session, which counts as use, or creates it where it does not live.
// Errors: ValidationError, MessageTooLarge, SessionAlreadyExists (CreateOnly), StoreUnavailable.
func (b *Broker) InitializeSession(ctx context.Context, p tool.Principal, req SessionRequest) (rec *SessionRecord, created bool, err error) {
	if req.ID == "" {
		req.ID = mintID()
	}
	if req.TTL == 0 {
		req.TTL = b.limits.SessionTTL
	}
	if err := b.checkSession(req); err != nil {
		return nil, false, err
	}
	s := tool.Session{Key: tool.SessionKey{Owner: p.Name, ID: req.ID}, Metadata: req.Metadata, TTL: req.TTL}
	for range maxInitialize {
		if !b.nowhere(s.Key) {
			rec, _, err := b.record(ctx, s.Key)
			if !req.CreateOnly && tool.CodeOf(err) != tool.SessionNotFound {
				return rec, false, b.attached(ctx, s.Key, err)
			}
		}
		err = b.write("create_session", func() (err error) {
			rec, err = b.store.CreateSession(ctx, s)
			return err
		})
		if err == nil {
			b.counted(s.Key, +1)
			return rec, true, nil
		}
		if req.CreateOnly || tool.CodeOf(err) != tool.SessionAlreadyExists {
			return nil, false, err
		}
	}
	return nil, false, err
}

// SessionFinder is a Store that knows without asking anybody whether a session lives.
type SessionFinder interface {
	// HasSession reports whether a session may live; one of which it says false does not.
	HasSession(key tool.SessionKey) bool
}

// nowhere reports whether it is known at once, and without an error to be made, that a session does not live.
func (b *Broker) nowhere(key tool.SessionKey) bool {
	finder, finds := b.store.(SessionFinder)
	return finds && !finder.HasSession(key)
}

// attached counts an attachment as use of a session.
func (b *Broker) attached(ctx context.Context, key tool.SessionKey, err error) error {
	if err == nil {
		b.touch(ctx, key)
	}
	return err
}

func (b *Broker) checkSession(req SessionRequest) error {
	if err := tool.CheckName("session id", req.ID); err != nil {
		return err
	}
	if req.TTL < 0 || req.TTL > b.limits.MaxSessionTTL {
		return tool.Errorf(tool.ValidationError, "session %q: the time to live is %v: want more than 0 and at most %v", req.ID, req.TTL, b.limits.MaxSessionTTL).
			With("field", "ttl").With("limit", b.limits.MaxSessionTTL.String())
	}
	if len(req.Metadata) == 0 {
		return nil
	}
	return b.checkMetadata("the metadata of session "+strconv.Quote(req.ID), req.Metadata)
}

// checkMetadata checks free labels. Nil without a type, so that it can be returned as an error.
func (b *Broker) checkMetadata(what string, metadata map[string]string) error {
	n := 0
	for k, v := range metadata {
		n += len(k) + len(v)
	}
	if n > b.limits.MetadataBytes {
		return tooLarge(what, n, b.limits.MetadataBytes)
	}
	return nil
}

// CleanupSession ends a session and deletes everything in it. While calls run in it, it is refused with ValidationError,
// unless force, which cancels them. Errors: SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) CleanupSession(ctx context.Context, p tool.Principal, id string, epoch uint64, force bool) (Removed, error) {
	key := tool.SessionKey{Owner: p.Name, ID: id}
	rec, err := b.live(ctx, key, epoch, "")
	if err != nil {
		return Removed{}, err
	}
	if n := b.scheduler.calls(key); n > 0 && !force {
		return Removed{}, tool.Errorf(tool.ValidationError, "session %q has %d running calls: wait for them, or end it with force, which cancels them", id, n).
			With("session", id).With("running", strconv.Itoa(n))
	}
	var removed Removed
	err = b.write("end_session", func() (err error) {
		removed, err = b.store.EndSession(ctx, key, rec.Epoch)
		return err
	})
	if err != nil {
		return Removed{}, b.explain(ctx, key, err)
	}
	b.ended(key, rec.Epoch)
	b.counted(key, -1)
	return removed, nil
}

// ended cancels the calls of epochs of a session up to the given one, and forgets who offered its tools.
func (b *Broker) ended(key tool.SessionKey, epoch uint64) {
	b.ledger.forget(key, epoch)
	b.rates.forget(key, epoch)
	over := b.scheduler.end(key, epoch)
	if len(over) == 0 {
		return
	}
	cause := tool.Errorf(tool.Cancelled, "session %q ended while the call was under way", key.ID).With("session", key.ID)
	for _, r := range over {
		r.cancel(cause)
	}
}

// Session reads a session; that does not count as use. With minRevision it first waits until that is visible.
// Errors: SessionNotFound, SessionExpired, ValidationError (minRevision), StoreUnavailable.
func (b *Broker) Session(ctx context.Context, p tool.Principal, id string, epoch uint64, minRevision string) (rec *SessionRecord, lastUsed time.Time, err error) {
	key := tool.SessionKey{Owner: p.Name, ID: id}
	if rec, err = b.live(ctx, key, epoch, minRevision); err != nil {
		return nil, time.Time{}, err
	}
	if lastUsed, err = b.store.LastUsed(ctx, key); err != nil {
		return nil, time.Time{}, b.explain(ctx, key, err)
	}
	return rec, lastUsed, nil
}

// Sessions lists a principal's living sessions in the order of their ids: at most limit (0 means 100; at most 1,000) of
// those whose id begins with prefix and comes after the given one.
func (b *Broker) Sessions(ctx context.Context, p tool.Principal, prefix, after string, limit int) (SessionPage, error) {
	limit, err := pageSize(limit, defaultSessions, maxSessions)
	if err != nil {
		return SessionPage{}, err
	}
	var recs []*SessionRecord
	err = b.read("list_sessions", func() (err error) {
		recs, err = b.store.Sessions(ctx, p.Name, prefix, after, limit+1)
		return err
	})
	if err != nil {
		return SessionPage{}, err
	}
	var page SessionPage
	if len(recs) > limit {
		recs = recs[:limit]
		page.Next = recs[limit-1].Key.ID
	}
	for _, rec := range recs {
		at, err := b.store.LastUsed(ctx, rec.Key)
		if tool.CodeOf(err) == tool.SessionNotFound {
			continue // it ended meanwhile
		}
		if err != nil {
			return SessionPage{}, err
		}
		if time.Since(at) >= rec.TTL && !b.scheduler.busy(rec.Key) {
			continue // it ends when it is next looked at
		}
		page.Sessions, page.LastUsed = append(page.Sessions, rec), append(page.LastUsed, at)
	}
	return page, nil
}

func pageSize(asked, usual, most int) (int, error) {
	if asked < 0 || asked > most {
		return 0, tool.Errorf(tool.ValidationError, "the page size is %d: want 1 to %d, or 0 for %d", asked, most, usual).
			With("field", "page_size").With("limit", strconv.Itoa(most))
	}
	if asked == 0 {
		return usual, nil
	}
	return asked, nil
}

// live returns a session that lives and is at the caller's epoch (0 for any), once minRevision is visible.
func (b *Broker) live(ctx context.Context, key tool.SessionKey, epoch uint64, minRevision string) (*SessionRecord, error) {
	rec, _, err := b.unused(ctx, key, epoch, minRevision)
	return rec, err
}

// unused is live, and says for how long the session was not used, to within a quarter of its time to live.
func (b *Broker) unused(ctx context.Context, key tool.SessionKey, epoch uint64, minRevision string) (*SessionRecord, time.Duration, error) {
	if minRevision != "" {
		if err := b.seen(ctx, minRevision); err != nil {
			return nil, 0, err
		}
	}
	rec, idle, err := b.record(ctx, key)
	if err != nil {
		return nil, 0, b.explain(ctx, key, err)
	}
	if epoch != 0 && epoch != rec.Epoch {
		return nil, 0, tool.Errorf(tool.SessionExpired, "session %q is at epoch %d, you know epoch %d: it ended and was initialized again; initialize it to go on", key.ID, rec.Epoch, epoch).
			With("session", key.ID).With("epoch", strconv.FormatUint(rec.Epoch, 10))
	}
	return rec, idle, nil
}

// record returns a session that lives, and for how long it was not used. One that was not for its time to live ends here, even
// before a sweep finds it.
func (b *Broker) record(ctx context.Context, key tool.SessionKey) (*SessionRecord, time.Duration, error) {
	rec, err := b.store.Session(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	idle, over, err := b.outlived(ctx, rec)
	if !over {
		return rec, idle, err
	}
	b.sweeping.Lock()
	defer b.sweeping.Unlock()
	if idle, over, err = b.outlived(ctx, rec); over {
		err = b.sweepSessions(context.WithoutCancel(ctx)) // what has ended is told, whoever still waits
	}
	if err != nil {
		return nil, 0, err
	}
	rec, err = b.store.Session(ctx, key)
	return rec, idle, err
}

// outlived reports for how long a session was not used, and whether that is its time to live. One with calls under way is in use.
func (b *Broker) outlived(ctx context.Context, rec *SessionRecord) (idle time.Duration, over bool, err error) {
	used, err := b.store.LastUsed(ctx, rec.Key)
	if err != nil {
		return 0, false, err
	}
	idle = time.Since(used)
	return idle, idle >= rec.TTL && !b.scheduler.busy(rec.Key), nil
}

// seen waits for a revision, no longer than a call may take. Nearly always it is visible already, which costs no context.
func (b *Broker) seen(ctx context.Context, revision string) error {
	if b.store.WaitRevision(past{}, revision) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.limits.CallTimeout)
	defer cancel()
	err := b.store.WaitRevision(ctx, revision)
	if err == nil || ctx.Err() == nil {
		return err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return tool.Errorf(tool.DeadlineExceeded, "the deadline passed while the bridge waited for revision %q of its store", revision).With("started", "false")
	}
	return tool.Errorf(tool.Cancelled, "the caller cancelled while the bridge waited for revision %q of its store", revision).With("started", "false")
}

// past is a context that is done: what is asked with it is answered without waiting, or not at all.
type past struct{}

// Deadline says that there is none.
func (past) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed.
func (past) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// Err says that it is done.
func (past) Err() error { return context.Canceled }

// Value is always nil.
func (past) Value(any) any { return nil }

// explain turns the store's SessionNotFound into SessionExpired where the session is remembered.
func (b *Broker) explain(ctx context.Context, key tool.SessionKey, err error) error {
	if tool.CodeOf(err) != tool.SessionNotFound {
		return err
	}
	var epoch uint64
	other := b.read("get_tombstone", func() (err error) {
		epoch, err = b.store.Tombstone(ctx, key)
		return err
	})
	switch {
	case other != nil:
		return other
	case epoch > 0:
		return tool.Errorf(tool.SessionExpired, "session %q has ended or expired: initialize it again", key.ID).
			With("session", key.ID).With("epoch", strconv.FormatUint(epoch, 10))
	case tool.CheckName("session id", key.ID) != nil:
		return tool.CheckName("session id", key.ID)
	default:
		return tool.Errorf(tool.SessionNotFound, "session %q does not exist: initialize it first", key.ID).With("session", key.ID)
	}
}

// enter is what verbs on a session begin with: the session lives, is at the epoch, and was used just now.
func (b *Broker) enter(ctx context.Context, p tool.Principal, id string, epoch uint64) (tool.SessionKey, error) {
	key := tool.SessionKey{Owner: p.Name, ID: id}
	if _, err := b.live(ctx, key, epoch, ""); err != nil {
		return key, err
	}
	b.touch(ctx, key)
	return key, nil
}

// touch marks a session as used. What fails here fails where the session is next looked at.
func (b *Broker) touch(ctx context.Context, key tool.SessionKey) { _ = b.store.Touch(ctx, key) }

// untouched is the part of a session's time to live before which the store need not hear that it is used: it writes
// that at most once a quarter.
const untouched = 8

// write times a write of the store for the observer.
func (b *Broker) write(verb string, do func() error) error {
	if b.observer == nil {
		return do()
	}
	start := time.Now()
	err := do()
	b.observer.StoreAnswered(verb, time.Since(start), err)
	return err
}

// read times a read of the store for the observer.
func (b *Broker) read(verb string, do func() error) error {
	if b.observer == nil {
		return do()
	}
	start := time.Now()
	err := do()
	b.observer.StoreRead(verb, time.Since(start), err)
	return err
}

func (b *Broker) counted(key tool.SessionKey, delta int) {
	if b.observer != nil {
		b.observer.SessionChanged(key, delta)
	}
}

// everyEpoch is above every epoch of a session.
const everyEpoch = math.MaxUint64
