package etcdstore

import (
	"context"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// SetVariables writes variables of a session, all or none.
func (s *Store) SetVariables(ctx context.Context, key tool.SessionKey, wanted []broker.VariableWrite) ([]tool.Variable, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	if err := storecore.CheckNames(wanted); err != nil {
		return nil, err
	}
	setting := &setting{store: s, key: key, at: s.keys.session(key), now: time.Now().Round(0), created: s.remembered(key)}
	var err error
	if setting.writes, err = s.writes(key, wanted, setting.now); err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		_, err := s.readVariables(ctx, key)
		return nil, err
	}
	return setting.run(ctx)
}

// setting is one request to write variables.
type setting struct {
	store  *Store
	key    tool.SessionKey
	at     scope
	now    time.Time
	writes []write
	// created is the revision at which the session was, where writes are remembered; else 0.
	created int64
	// before are those of the variables that existed when they were last read.
	before map[string]*stored
	// done are writes that were found to have been done before.
	done map[string]bool
}

func (r *setting) run(ctx context.Context) ([]tool.Variable, error) {
	puts := make([]put, len(r.writes))
	for i := range r.writes {
		puts[i] = r.writes[i].put
	}
	if !fits(puts) {
		return r.inSteps(ctx)
	}
	if r.blind() {
		if written, err := r.tryBlind(ctx); written != nil || err != nil {
			return written, err
		}
	}
	return r.inOne(ctx)
}

// blind reports whether the writes can be tried without reading first.
func (r *setting) blind() bool {
	return !slices.ContainsFunc(r.writes, func(w write) bool { return w.RequestID != "" || w.If != broker.Condition{} })
}

// tryBlind writes in one transaction without a look at what stands there; nothing is returned if something stood in the way.
func (r *setting) tryBlind(ctx context.Context) ([]tool.Variable, error) {
	return r.commit(ctx, nil, r.pending())
}

// inOne reads, checks and writes in one transaction that holds only if nothing changed in between.
func (r *setting) inOne(ctx context.Context) ([]tool.Variable, error) {
	for attempt := range maxAttempts {
		if attempt > 0 || !r.recall() && !r.glance(ctx) {
			if err := r.check(ctx); err != nil {
				return nil, err
			}
		}
		pending := r.pending()
		if len(pending) == 0 {
			return r.answer(0), nil
		}
		written, err := r.commit(ctx, r.guards(pending, attempt), pending)
		if written != nil || err != nil {
			return written, err
		}
		if err := r.store.settle(ctx, r.at); err != nil {
			return nil, err
		}
	}
	return nil, r.store.contended(r.at)
}

// check reads the variables, finds out which writes were done before, and checks the conditions of the others.
func (r *setting) check(ctx context.Context) (err error) {
	if r.before, err = r.store.states(ctx, r.key, r.names()); err != nil {
		return err
	}
	return r.judge()
}

// glance is check with a look at the variables alone. It reports whether nothing speaks against the writes; then the conditions of
// the commit say whether the session lives and nobody changed it. Whatever else it sees is not told to anybody.
func (r *setting) glance(ctx context.Context) bool {
	var err error
	if r.before, err = r.store.glance(ctx, r.key, r.names()); err != nil {
		return false
	}
	return r.judge() == nil && len(r.done) == 0
}

// recall is glance from memory. Of what stands there it knows the revision alone, so it is not for writes with conditions.
func (r *setting) recall() bool {
	if r.created == 0 {
		return false
	}
	found := make(map[string]*stored, len(r.writes))
	for i := range r.writes {
		w := &r.writes[i]
		if w.RequestID == "" || w.If != (broker.Condition{}) {
			return false
		}
		revision, known := r.store.last.before(r.named(w.Name), w.RequestID)
		if !known {
			return false
		}
		found[w.Name] = &stored{revision: revision}
	}
	r.before = found
	return true
}

// remember remembers what was written at a revision; at 0, that something was. Writes without a request need no look.
func (r *setting) remember(written []write, revision int64) {
	for i := range written {
		if w := &written[i]; w.RequestID != "" && revision > 0 {
			r.store.last.note(r.named(w.Name), w.RequestID, revision)
		} else {
			r.store.last.forget(r.named(w.Name))
		}
	}
}

func (r *setting) named(name string) variableAt { return variableAt{r.key, r.created, name} }

func (r *setting) names() []string {
	names := make([]string, len(r.writes))
	for i := range r.writes {
		names[i] = r.writes[i].Name
	}
	return names
}

// judge finds out which writes were done before, and checks the conditions of the others.
func (r *setting) judge() error {
	r.done = make(map[string]bool)
	for i := range r.writes {
		w := &r.writes[i].VariableWrite
		current, request := r.before[w.Name].current()
		repeated, err := storecore.Repeated(w, current, request)
		if err != nil {
			return err
		}
		if repeated {
			r.done[w.Name] = true
		} else if err := storecore.Check(w.Name, w.If, current); err != nil {
			return err
		}
	}
	return nil
}

func (r *setting) pending() []write {
	return slices.DeleteFunc(slices.Clone(r.writes), func(w write) bool { return r.done[w.Name] })
}

// guards are the conditions that what was checked still holds. Writes without a condition of their own do without
// one after a few attempts, so that they get their turn.
func (r *setting) guards(pending []write, attempt int) []condition {
	var when []condition
	for i := range pending {
		w := &pending[i]
		if w.If == (broker.Condition{}) && attempt >= guardedAttempts {
			continue
		}
		if before := r.before[w.Name]; before != nil {
			when = append(when, modifiedAt(w.put.key, before.revision))
		} else {
			when = append(when, absent(w.put.key))
		}
	}
	return when
}

// commit writes in one transaction; nothing is returned if a condition did not hold.
func (r *setting) commit(ctx context.Context, when []condition, pending []write) ([]tool.Variable, error) {
	puts := make([]put, len(pending))
	for i := range pending {
		puts[i] = pending[i].put
	}
	done, err := r.store.commitGrouped(ctx, &plain{when: append(when, exists(r.at.record()), absent(r.at.batch())), then: puts})
	if err != nil {
		return r.doneAfterAll(ctx, pending, r.store.writeError(ctx, err))
	}
	if !done.succeeded {
		return nil, r.living(ctx)
	}
	r.remember(pending, done.revision)
	return r.answer(done.revision), nil
}

// living returns SessionNotFound if that is why a write did not take place.
func (r *setting) living(ctx context.Context) error {
	_, err := r.store.readVariables(ctx, r.key)
	return err
}

// doneAfterAll looks whether writes with an unknown outcome took place and still stand.
func (r *setting) doneAfterAll(ctx context.Context, pending []write, failed error) ([]tool.Variable, error) {
	if !unsure(failed) {
		return nil, failed
	}
	names := make([]string, len(pending))
	for i := range pending {
		names[i] = pending[i].Name
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := r.store.readAgreed(ctx, clientv3.OpGet(r.at.record(), clientv3.WithCountOnly())); err != nil {
		return nil, failed
	}
	now, err := r.store.states(ctx, r.key, names)
	if err != nil {
		return nil, failed
	}
	revision := int64(0)
	for i := range pending {
		found := now[pending[i].Name]
		if found == nil || found.write != pending[i].id {
			return nil, failed
		}
		revision = found.revision
	}
	return r.answer(revision), nil
}

// answer is what was written at a revision, and what was found to have been written before.
func (r *setting) answer(revision int64) []tool.Variable {
	token := r.store.generation.Token(revision)
	written := make([]tool.Variable, len(r.writes))
	for i := range r.writes {
		w := &r.writes[i]
		if r.done[w.Name] {
			written[i] = storecore.WithoutValue(r.before[w.Name].variable)
			continue
		}
		written[i] = storecore.WithoutValue(w.Variable)
		written[i].Revision, written[i].UpdatedAt = token, r.now
	}
	return written
}

// inSteps writes more than goes into one transaction.
func (r *setting) inSteps(ctx context.Context) ([]tool.Variable, error) {
	r.remember(r.writes, 0)
	living := []condition{exists(r.at.record())}
	committed, err := r.store.inSteps(ctx, r.at, living, func(ctx context.Context) ([]put, error) {
		if err := r.check(ctx); err != nil {
			return nil, err
		}
		var puts []put
		for _, w := range r.pending() {
			puts = append(puts, w.put)
		}
		return puts, nil
	})
	if err != nil || committed == 0 {
		return r.answer(0), err
	}
	return r.answerSteps(ctx, committed)
}

// answerSteps finds the revisions at which the steps put the variables. One that was overwritten meanwhile gets the
// revision of the commit, at which it never stood, so that a condition on it fails, as it must.
func (r *setting) answerSteps(ctx context.Context, committed int64) ([]tool.Variable, error) {
	written := r.answer(committed)
	now, err := r.store.states(ctx, r.key, r.names())
	if tool.CodeOf(err) == tool.SessionNotFound {
		return written, nil // written, and ended since
	}
	if err != nil {
		return nil, err
	}
	for i := range r.writes {
		if found := now[r.writes[i].Name]; found != nil && found.write == r.writes[i].id {
			written[i].Revision = found.variable.Revision
		}
	}
	return written, nil
}
