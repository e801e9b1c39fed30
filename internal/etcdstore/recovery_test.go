package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// These tests stand inside the package because they stop a store between two of its steps, as a kill would.

func embeddedStore(t *testing.T, dir string) *Store {
	t.Helper()
	store, err := Open(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), RequestTimeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func sessionKey() tool.SessionKey { return tool.SessionKey{Owner: "alice", ID: "s"} }

func withSession(t *testing.T, store *Store) scope {
	t.Helper()
	_, err := store.CreateSession(t.Context(), tool.Session{Key: sessionKey(), TTL: time.Hour})
	require.NoError(t, err)
	return store.keys.session(sessionKey())
}

func someTools(n int) []*tool.Spec {
	specs := make([]*tool.Spec, n)
	for i := range specs {
		specs[i] = &tool.Spec{ID: fmt.Sprintf("t%03d", i), Name: fmt.Sprintf("n%03d", i), Order: uint64(i + 1)}
	}
	return specs
}

func toolParts(t *testing.T, at scope, n int) []put {
	t.Helper()
	puts, err := toolPuts(at, someTools(n))
	require.NoError(t, err)
	record, err := encode(&sessionHeader{Epoch: 1, TTL: time.Hour}, nil)
	require.NoError(t, err)
	return append(puts, put{key: at.record(), record: record})
}

// interrupt does the steps of a batch up to a point: staged, or committed as well.
func interrupt(t *testing.T, store *Store, at scope, puts []put, committed bool) {
	t.Helper()
	opened, err := store.openBatch(t.Context(), at, store.livingScope(at), "id")
	require.NoError(t, err)
	require.NoError(t, store.stage(t.Context(), at, opened, "id", puts))
	if committed {
		revision, err := store.putBatch(t.Context(), at, []condition{modifiedAt(at.batch(), opened)}, batchHeader{ID: "id", Committed: true})
		require.NoError(t, err)
		require.NotZero(t, revision)
	}
}

func TestARestartFinishesACommittedBatchAndUndoesAnOpenOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		committed bool
		want      int
	}{"committed": {true, 250}, "open": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store := embeddedStore(t, dir)
			at := withSession(t, store)
			interrupt(t, store, at, toolParts(t, at, 250), test.committed)
			require.NoError(t, store.Close())

			store = embeddedStore(t, dir)
			record, err := store.Session(t.Context(), sessionKey())
			require.NoError(t, err)
			require.Equal(t, test.want, record.Tools.Len())
			resp, err := store.client.Get(t.Context(), store.keys.prefix+"stage/", clientv3.WithPrefix(), clientv3.WithCountOnly())
			require.NoError(t, err)
			require.Zero(t, resp.Count, "nothing stays behind")
			_, err = store.SetVariables(t.Context(), sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "v"}}})
			require.NoError(t, err)
		})
	}
}

func TestWhoeverReadsFinishesACommittedBatchOfVariables(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	at := withSession(t, store)
	writes, err := store.writes(sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "a"}}, {Variable: tool.Variable{Name: "b"}}}, time.Now())
	require.NoError(t, err)
	interrupt(t, store, at, []put{writes[0].put, writes[1].put}, true)
	for _, name := range []string{"a", "b"} {
		_, err := store.Variable(t.Context(), sessionKey(), name)
		require.NoError(t, err)
	}
	_, open, err := store.batch(t.Context(), at)
	require.NoError(t, err)
	require.Zero(t, open)
}

func TestAWriteThatIsCheckedSeesACommittedBatch(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	at := withSession(t, store)
	set := func(w broker.VariableWrite) ([]tool.Variable, error) {
		return store.SetVariables(t.Context(), sessionKey(), []broker.VariableWrite{w})
	}
	before, err := set(broker.VariableWrite{Variable: tool.Variable{Name: "a"}})
	require.NoError(t, err)
	writes, err := store.writes(sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "a"}, RequestID: "r"}}, time.Now())
	require.NoError(t, err)
	interrupt(t, store, at, []put{writes[0].put}, true)

	_, err = set(broker.VariableWrite{Variable: tool.Variable{Name: "a"}, If: broker.Condition{Revision: before[0].Revision}})
	require.Equal(t, tool.RevisionConflict, tool.CodeOf(err), "%v", err)
	repeated, err := set(broker.VariableWrite{Variable: tool.Variable{Name: "a"}, RequestID: "r"})
	require.NoError(t, err)
	now, err := store.Variable(t.Context(), sessionKey(), "a")
	require.NoError(t, err)
	require.Equal(t, now.Revision, repeated[0].Revision, "it was written by the batch, and not again")
}

func TestABatchThatIsAbandonedCannotBeCommitted(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	at := withSession(t, store)
	_, err := store.inSteps(t.Context(), at, store.livingScope(at), func(ctx context.Context) ([]put, error) {
		require.NoError(t, store.settleWithin(ctx, at, 0), "another bridge gives it up")
		return toolParts(t, at, 150), nil
	})
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
	require.ErrorIs(t, err, errOvertaken)
	_, err = store.RegisterTools(t.Context(), sessionKey(), someTools(150))
	require.NoError(t, err)
}

func TestAWriteWaitsForAnOpenBatchAndThenUndoesIt(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	at := withSession(t, store)
	interrupt(t, store, at, toolParts(t, at, 3), false)
	began := time.Now()
	_, err := store.SetVariables(t.Context(), sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "v"}}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), giveUp-time.Second)
}

func TestTheViewAfterItsWatchWasCompactedAway(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	gone := tool.SessionKey{Owner: "alice", ID: "gone"}
	_, err := store.CreateSession(t.Context(), tool.Session{Key: gone})
	require.NoError(t, err)
	_, err = store.RegisterShared(t.Context(), someTools(2))
	require.NoError(t, err)

	behind := newView(store.keys, store.generation, store.logger, &store.feed)
	live := store.view
	snapshot, err := store.list(t.Context(), false)
	require.NoError(t, err)
	snapshot.view = behind
	behind.replace(snapshot)
	_, err = store.EndSession(t.Context(), gone, 0)
	require.NoError(t, err)
	_, err = store.RegisterTools(t.Context(), sessionKey(), someTools(3))
	require.NoError(t, err)
	require.NoError(t, store.UnregisterShared(t.Context(), []string{"t000"}))

	snapshot, err = store.list(t.Context(), false)
	require.NoError(t, err)
	behind.replace(snapshot)
	_, found := behind.session(gone)
	require.False(t, found)
	want, _ := live.session(sessionKey())
	seen, _ := behind.session(sessionKey())
	require.Equal(t, want.record, seen.record)
	shared, _ := behind.sharedTools()
	require.Equal(t, 1, shared.Len())
}

func TestAViewNeverGoesBack(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	old, err := store.list(t.Context(), false)
	require.NoError(t, err)
	_, err = store.RegisterTools(t.Context(), sessionKey(), someTools(1))
	require.NoError(t, err)
	store.view.replace(old)
	record, err := store.Session(t.Context(), sessionKey())
	require.NoError(t, err)
	require.Equal(t, 1, record.Tools.Len())
	_, err = store.EndSession(t.Context(), sessionKey(), 0)
	require.NoError(t, err)
	store.view.removed[sessionKey()] = 1 << 40 // as before the watch has told the end
	store.view.replace(old)
	require.Nil(t, store.view.record(sessionKey()))
}

func TestAVariableWatchAfterACompactionComparesAndMissesNothing(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	set := func(name, value string) int64 {
		_, err := store.SetVariables(t.Context(), sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: name, Value: tool.Value{Bytes: []byte(value)}}}})
		require.NoError(t, err)
		states, err := store.states(t.Context(), sessionKey(), []string{name})
		require.NoError(t, err)
		return states[name].revision
	}
	w := &watch{store: store, key: sessionKey(), prefix: store.keys.variables(sessionKey()), queue: make(changeQueue, 1), known: map[string]int64{}}
	w.known["same"], w.known["changed"], w.known["gone"] = set("same", "1"), set("changed", "1"), set("gone", "1")
	began := w.known["gone"]
	set("changed", "2")
	set("new", "1")
	require.NoError(t, store.DeleteVariable(t.Context(), sessionKey(), "gone", broker.Condition{}))
	resp, err := store.client.Get(t.Context(), "x")
	require.NoError(t, err)
	_, err = store.client.Compact(t.Context(), resp.Header.Revision)
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() { defer close(followed); w.follow(ctx, began-1) }()
	told := make(map[string]bool)
	for len(told) < 3 {
		for _, c := range (<-w.queue).latest {
			told[fmt.Sprint(c.Variable.Name, " ", string(c.Variable.Value.Bytes), c.Deleted)] = true
		}
	}
	stop()
	<-followed
	require.Equal(t, map[string]bool{"changed 2false": true, "new 1false": true, "gone true": true}, told)
}

func TestTidyLetsWritesInAgain(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), Config{Dir: t.TempDir(), QuotaBytes: 8 << 20, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	withSession(t, store)
	write := []broker.VariableWrite{{Variable: tool.Variable{Name: "v", Value: tool.Value{Bytes: make([]byte, 1<<20)}}}}
	for range 50 {
		if _, err = store.SetVariables(t.Context(), sessionKey(), write); err != nil {
			break
		}
	}
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
	require.Error(t, store.Healthy(t.Context()))
	require.NoError(t, store.tidy(t.Context()))
	require.NoError(t, store.Healthy(t.Context()))
	_, err = store.SetVariables(t.Context(), sessionKey(), write)
	require.NoError(t, err)
	require.NoError(t, store.tidy(t.Context()), "with nothing to do")
}

func TestAnEtcdThatGaveUpIsReportedByEveryVerb(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	gave := make(chan struct{})
	go func() {
		defer close(gave)
		newZap(slog.New(slog.DiscardHandler), store.embedded.died).Fatal("disk full")
	}()
	<-gave
	require.ErrorContains(t, store.Healthy(t.Context()), "disk full")
	_, err := store.Session(t.Context(), sessionKey())
	require.NoError(t, err, "what is in memory is still served")
	_, err = store.SetVariables(t.Context(), sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "v"}}})
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err))
	require.ErrorContains(t, err, "disk full")
}

func TestAWriteWithAnUnknownOutcomeIsLookedFor(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	unknown := store.writeError(t.Context(), errors.New("connection lost"))
	require.Equal(t, tool.OutcomeUnknown, tool.CodeOf(unknown))
	at := withSession(t, store)
	r := &setting{store: store, key: sessionKey(), at: at, now: time.Now()}
	var err error
	r.writes, err = store.writes(sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "v"}}}, r.now)
	require.NoError(t, err)
	_, err = r.doneAfterAll(t.Context(), r.writes, unknown)
	require.Equal(t, unknown, err, "it did not take place, as far as can be seen")
	done, err := r.commit(t.Context(), nil, r.writes)
	require.NoError(t, err)
	found, err := r.doneAfterAll(t.Context(), r.writes, unknown)
	require.NoError(t, err)
	require.Equal(t, done[0].Revision, found[0].Revision)
	refused := store.writeError(t.Context(), rpctypes.ErrTooManyRequests)
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(refused))
	_, err = r.doneAfterAll(t.Context(), r.writes, refused)
	require.Equal(t, refused, err)

	record, err := store.Session(t.Context(), sessionKey())
	require.NoError(t, err)
	kv, err := store.client.Get(t.Context(), at.record())
	require.NoError(t, err)
	var header sessionHeader
	_, err = decode(kv.Kvs[0].Value, &header)
	require.NoError(t, err)
	again, _, err := store.createdAfterAll(t.Context(), record.Session, header.Write, unknown)
	require.NoError(t, err)
	require.Equal(t, record.Revision, again.Revision)
	_, _, err = store.createdAfterAll(t.Context(), record.Session, header.Write+1, unknown)
	require.Equal(t, unknown, err)
}

func TestRecordsThatCannotBeReadAreNamed(t *testing.T) {
	t.Parallel()
	for name, record := range map[string][]byte{"empty": {}, "newer": {9}, "cut": {1, 50, '{'}, "no length": {1}, "no JSON": {1, 1, '{'}} {
		_, err := decode(record, &sessionHeader{})
		require.Error(t, err, name)
	}
	_, err := decodeAlive([]byte{1, 2})
	require.Error(t, err)
	store := embeddedStore(t, t.TempDir())
	at := withSession(t, store)
	_, err = store.client.Put(t.Context(), store.keys.variables(sessionKey())+"v", "\x09")
	require.NoError(t, err)
	_, err = store.Variable(t.Context(), sessionKey(), "v")
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err))
	require.ErrorContains(t, err, "newer bridge")
	_, err = store.client.Put(t.Context(), at.tool("bad"), "\x09")
	require.NoError(t, err)
	_, err = store.RegisterTools(t.Context(), sessionKey(), someTools(1))
	require.NoError(t, err)
	snapshot, err := store.list(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, snapshot.sessions, 1)
	require.Equal(t, 1, snapshot.sessions[0].record.Tools.Len(), "one bad record harms no other")
}
