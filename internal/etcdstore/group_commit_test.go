package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// These tests stand inside the package because they make callers wait for a round, so that it is known what it gathers.

// holdRounds makes every caller from now on wait. release lets one round take them all.
func holdRounds(t *testing.T, c *committer) (release func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		free := !c.busy
		c.busy = true
		return free
	}, 10*time.Second, time.Millisecond)
	return c.leave
}

func awaitWaiting(t *testing.T, c *committer, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.waiting) == n
	}, 10*time.Second, time.Millisecond)
}

// together runs all of these, each in a goroutine, in one round.
func together(t *testing.T, store *Store, all ...func() error) []error {
	t.Helper()
	release := holdRounds(t, &store.committer)
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for i, one := range all {
		running.Go(func() { errs[i] = one() })
	}
	awaitWaiting(t, &store.committer, len(all))
	release()
	running.Wait()
	return errs
}

func creation(store *Store, id string) func() error {
	return func() error {
		_, err := store.CreateSession(context.Background(), tool.Session{Key: tool.SessionKey{Owner: "alice", ID: id}, TTL: time.Hour})
		return err
	}
}

func setVariable(store *Store, name string, size int, cond broker.Condition, revision *string) func() error {
	return func() error {
		written, err := store.SetVariables(context.Background(), sessionKey(), []broker.VariableWrite{{
			Variable: tool.Variable{Name: name, Value: tool.Value{TypeURL: "u", Bytes: make([]byte, size)}}, If: cond, RequestID: "r-" + name,
		}})
		if err == nil && revision != nil {
			*revision = written[0].Revision
		}
		return err
	}
}

func TestWritesThatWaitTogetherAreOneTransaction(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	var a, b string
	for _, err := range together(t, store,
		setVariable(store, "a", 1, broker.Condition{}, &a), setVariable(store, "b", 1, broker.Condition{Absent: true}, &b),
		creation(store, "new"),
		func() error { return store.PutAgent(context.Background(), sessionKey(), tool.Agent{ID: "agent"}) },
	) {
		require.NoError(t, err)
	}
	created, err := store.Session(t.Context(), tool.SessionKey{Owner: "alice", ID: "new"})
	require.NoError(t, err)
	require.Equal(t, a, b, "one revision, one entry of the log")
	require.Equal(t, a, created.Revision)
	v, err := store.Variable(t.Context(), sessionKey(), "a")
	require.NoError(t, err)
	require.Equal(t, a, v.Revision)
	agents, err := store.Agents(t.Context(), sessionKey())
	require.NoError(t, err)
	require.Len(t, agents, 1)
}

func TestAWriteThatIsRefusedFailsNoOther(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	nobody := tool.SessionKey{Owner: "alice", ID: "nobody"}
	errs := together(t, store,
		setVariable(store, "good", 1, broker.Condition{}, nil),
		creation(store, sessionKey().ID),
		setVariable(store, "large", 2<<20, broker.Condition{}, nil),
		func() error { return store.PutAgent(context.Background(), nobody, tool.Agent{ID: "a"}) },
		func() error { return store.DeleteAgent(context.Background(), sessionKey(), "unknown") },
		creation(store, "new"),
	)
	codes := make([]tool.Code, len(errs))
	for i, err := range errs {
		codes[i] = tool.CodeOf(err)
	}
	require.Equal(t, []tool.Code{"", tool.SessionAlreadyExists, tool.MessageTooLarge, tool.SessionNotFound, tool.AgentNotFound, ""}, codes, "%v", errs)
	require.NoError(t, store.Healthy(t.Context()))
}

func TestAfterARefusalGroupsAreJudgedMemberByMemberForAWhile(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	refused := together(t, store, creation(store, "first"), creation(store, sessionKey().ID))
	require.NoError(t, refused[0])
	require.Equal(t, tool.SessionAlreadyExists, tool.CodeOf(refused[1]))
	require.EqualValues(t, wariness, store.committer.wary.Load())

	for round := range wariness + 1 {
		one, other := fmt.Sprint("a", round), fmt.Sprint("b", round)
		require.NoError(t, errors.Join(together(t, store, creation(store, one), creation(store, other))...))
		a, err := store.Session(t.Context(), tool.SessionKey{Owner: "alice", ID: one})
		require.NoError(t, err)
		b, err := store.Session(t.Context(), tool.SessionKey{Owner: "alice", ID: other})
		require.NoError(t, err)
		require.Equal(t, a.Revision, b.Revision, "one transaction, either way")
	}
	require.Zero(t, store.committer.wary.Load(), "forgotten")
}

func TestWhatAGroupCreatedIsThereAfterAStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := embeddedStore(t, dir)
	withSession(t, store)
	const sessions = 10
	all := []func() error{
		setVariable(store, "v", 3, broker.Condition{}, nil),
		func() error {
			_, err := store.CreateSession(context.Background(), tool.Session{Key: tool.SessionKey{Owner: "alice", ID: "labelled"}, Metadata: map[string]string{"team": "red"}})
			return err
		},
	}
	for i := range sessions {
		all = append(all, creation(store, fmt.Sprint("s", i)))
	}
	require.NoError(t, errors.Join(together(t, store, all...)...))
	before, err := store.Sessions(t.Context(), "alice", "", "", 2*sessions)
	require.NoError(t, err)
	require.NoError(t, store.Close())

	again := embeddedStore(t, dir)
	after, err := again.Sessions(t.Context(), "alice", "", "", 2*sessions)
	require.NoError(t, err)
	require.Len(t, after, sessions+2)
	for i := range after {
		require.Equal(t, before[i].Session, after[i].Session)
	}
	v, err := again.Variable(t.Context(), sessionKey(), "v")
	require.NoError(t, err)
	require.Len(t, v.Value.Bytes, 3)
}

func TestWritesOfOneKeyNeverShareATransaction(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	const callers = 20
	var created atomic.Int64
	creations := make([]func() error, callers)
	for i := range creations {
		creations[i] = func() error {
			err := creation(store, "same")()
			if err == nil {
				created.Add(1)
			}
			return err
		}
	}
	for _, err := range together(t, store, creations...) {
		require.Contains(t, []tool.Code{"", tool.SessionAlreadyExists}, tool.CodeOf(err), "%v", err)
	}
	require.EqualValues(t, 1, created.Load(), "one of them creates the session")

	var revisions [callers]string
	var last string
	require.NoError(t, setVariable(store, "v", 1, broker.Condition{}, &last)())
	writes := make([]func() error, callers)
	for i := range writes {
		writes[i] = func() error {
			written, err := store.SetVariables(context.Background(), sessionKey(), []broker.VariableWrite{{Variable: tool.Variable{Name: "v"}, If: broker.Condition{Revision: last}, RequestID: fmt.Sprint(i)}})
			if err == nil {
				revisions[i] = written[0].Revision
			}
			return err
		}
	}
	won := 0
	for i, err := range together(t, store, writes...) {
		if err == nil {
			won++
			v, err := store.Variable(t.Context(), sessionKey(), "v")
			require.NoError(t, err)
			require.Equal(t, revisions[i], v.Revision)
			continue
		}
		require.Equal(t, tool.RevisionConflict, tool.CodeOf(err), "%v", err)
	}
	require.Equal(t, 1, won, "one of those that demand the same revision writes")
}

func TestWhoeverIsToldThatASessionExistsFindsIt(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	found := func(id string) func() error {
		return func() error {
			if err := creation(store, id)(); tool.CodeOf(err) != tool.SessionAlreadyExists {
				return err
			}
			_, err := store.Session(context.Background(), tool.SessionKey{Owner: "alice", ID: id})
			return err
		}
	}
	for round := range 50 {
		id := fmt.Sprint("new", round)
		require.NoError(t, errors.Join(together(t, store, found(id), found(id), found(id), found(id))...))
	}
}

func TestGroupsKeepBelowTheLimitsAndApartWhatMeets(t *testing.T) {
	t.Parallel()
	write := func(key string, size int, reads ...string) *member {
		m := &member{plain: &plain{then: []put{{key: key, record: make([]byte, size)}}}}
		for _, read := range reads {
			m.when = append(m.when, exists(read))
		}
		return m
	}
	sizes := func(members ...*member) (found []int) {
		for _, g := range grouped(members) {
			found = append(found, len(g.members))
		}
		return found
	}
	many := make([]*member, 0, groupSize+1)
	same := make([]*member, 0, maxGroups+2)
	for i := range groupSize + 1 {
		many = append(many, write(fmt.Sprint(i), 1, "session"))
	}
	for range maxGroups + 2 {
		same = append(same, write("k", 1))
	}
	crowded := make([]*member, 0, groupOps/4+1)
	for i := range groupOps/4 + 1 {
		crowded = append(crowded, write(fmt.Sprint(i), 1, "a", "b", "c", "d"))
	}
	require.Equal(t, []int{groupSize, 1}, sizes(many...), "by number")
	require.Equal(t, []int{groupOps / 4, 1}, sizes(crowded...), "by conditions")
	require.Equal(t, []int{1, 1}, sizes(write("a", groupBytes), write("b", groupBytes)), "by bytes")
	require.Equal(t, []int{1, 1, 1, 1, 1, 1}, sizes(same...), "writes of one key")
	require.Equal(t, []int{1, 1}, sizes(write("a", 1, "b"), write("b", 1)), "a condition on what another writes")
	require.Equal(t, []int{1, 1}, sizes(write("b", 1), write("a", 1, "b")))
	require.Equal(t, []int{2, 1}, sizes(write("a", 1), write("a", 1), write("b", 1)))
}

func TestACallerWhoGoesAwayBeforeItsRoundChangesNothing(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	release := holdRounds(t, &store.committer)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := store.CreateSession(ctx, tool.Session{Key: tool.SessionKey{Owner: "alice", ID: "gone"}})
		left <- err
	}()
	stays := make(chan error, 1)
	go func() { stays <- setVariable(store, "v", 1, broker.Condition{}, nil)() }()
	awaitWaiting(t, &store.committer, 2)
	leave()
	require.Equal(t, tool.Cancelled, tool.CodeOf(<-left))
	release()
	require.NoError(t, <-stays)
	_, err := store.Session(t.Context(), tool.SessionKey{Owner: "alice", ID: "gone"})
	require.Equal(t, tool.SessionNotFound, tool.CodeOf(err))
}

func TestWhoeverWaitsWhenTheStoreIsClosedIsTold(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	release := holdRounds(t, &store.committer)
	told := make(chan error, 1)
	go func() { told <- creation(store, "late")() }()
	awaitWaiting(t, &store.committer, 1)
	require.NoError(t, store.Close())
	release()
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(<-told))
	_, err := store.read(t.Context(), clientv3.OpGet("x"))
	require.Error(t, err, "a read after the end")
}

func TestACommitThatFailsIsToldToEveryMember(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	withSession(t, store)
	store.stop() // as an etcd that gives up does
	for _, err := range together(t, store, creation(store, "a"), creation(store, "b")) {
		require.Equal(t, tool.OutcomeUnknown, tool.CodeOf(err), "%v", err)
	}
}

func TestAClusterWithSmallerLimitsGetsOneAtATime(t *testing.T) {
	t.Parallel()
	cfg := embed.NewConfig()
	cfg.Dir, cfg.MaxTxnOps = t.TempDir(), 8
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.ListenPeerUrls, cfg.TickMs, cfg.ElectionMs = []url.URL{}, 50, 250
	listen := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{listen}, []url.URL{listen}
	etcd, err := embed.StartEtcd(cfg)
	require.NoError(t, err)
	t.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()
	store, err := Open(t.Context(), Config{Endpoints: []string{"http://" + etcd.Clients[0].Addr().String()}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	var creations []func() error
	for i := range 10 {
		creations = append(creations, creation(store, fmt.Sprint(i)))
	}
	require.NoError(t, errors.Join(together(t, store, creations...)...))
	require.Equal(t, 10, store.SessionCount())
}
