package etcdstore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestWhatIsRememberedIsTheLastWriteForAnotherRequest(t *testing.T) {
	t.Parallel()
	l, at := newLastWrites(), variableAt{sessionKey(), 3, "v"}
	known := func(at variableAt, request string) int64 {
		if revision, known := l.before(at, request); known {
			return revision
		}
		return 0
	}
	require.Zero(t, known(at, "r1"), "nothing yet")
	l.note(at, "r2", 7)
	l.note(at, "r1", 6) // an earlier one that was answered later
	require.EqualValues(t, 7, known(at, "r1"))
	require.Zero(t, known(at, "r2"), "perhaps a repetition")
	require.Zero(t, known(variableAt{sessionKey(), 4, "v"}, "r1"), "of the next session with that id")
	require.Zero(t, known(variableAt{sessionKey(), 3, "w"}, "r1"), "of another variable")
	l.forget(variableAt{sessionKey(), 3, "w"})
	require.EqualValues(t, 7, known(at, "r1"))
	l.forget(at)
	require.Zero(t, known(at, "r1"))
	nowhere := variableAt{sessionKey(), 0, "v"}
	l.note(nowhere, "r1", 8)
	l.forget(nowhere)
	require.Zero(t, known(nowhere, "r2"), "where nothing is remembered")
}

func TestMoreThanIsRememberedIsForgottenAndNothingIsTakenForAnother(t *testing.T) {
	t.Parallel()
	l, kept := newLastWrites(), 0
	const many = 2 * lastPages * pageSlots
	at := func(n int) variableAt { return variableAt{sessionKey(), 1, fmt.Sprint("v", n)} }
	for n := range many {
		l.note(at(n), "r", int64(n+1))
	}
	for n := range many {
		if revision, known := l.before(at(n), "other"); known {
			require.EqualValues(t, n+1, revision)
			kept++
		}
	}
	require.Greater(t, kept, many/4)
	require.LessOrEqual(t, kept, many/2)
}

// shadowed are two stores that do the same: one remembers, the other one has always forgotten.
type shadowed struct {
	*testing.T

	stores  [2]*Store
	folders [2]string
}

func (s *shadowed) open() {
	for i := range s.stores {
		s.stores[i] = embeddedStore(s.T, s.folders[i])
	}
}

// both does the same with both stores, and compares what came of it.
func (s *shadowed) both(what string, do func(store *Store) string) {
	s.stores[1].last = newLastWrites()
	require.Equal(s.T, do(s.stores[1]), do(s.stores[0]), what)
}

// set writes variables and says whether that took place, by what is read then.
func (s *shadowed) set(writes ...broker.VariableWrite) {
	s.both(fmt.Sprintf("set %v", writes), func(store *Store) string {
		before := revisions(store, writes)
		_, err := store.SetVariables(s.Context(), sessionKey(), writes)
		after, told := revisions(store, writes), ""
		for i := range after {
			told += fmt.Sprint(after[i] != before[i], " ")
		}
		return told + string(tool.CodeOf(err))
	})
}

func revisions(store *Store, of []broker.VariableWrite) []string {
	found := make([]string, len(of))
	for i := range of {
		v, err := store.Variable(store.client.Ctx(), sessionKey(), of[i].Name)
		found[i] = v.Revision + " " + string(tool.CodeOf(err))
	}
	return found
}

func TestAStoreThatRemembersDoesWhatOneThatForgetsDoes(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	s := &shadowed{T: t, folders: [2]string{t.TempDir(), t.TempDir()}}
	s.open()
	create := func(store *Store) string {
		_, err := store.CreateSession(t.Context(), tool.Session{Key: sessionKey(), TTL: time.Hour})
		return string(tool.CodeOf(err))
	}
	s.both("create", create)
	one := func() broker.VariableWrite {
		w := broker.VariableWrite{RequestID: []string{"", "r1", "r2", "r3"}[chance.IntN(4)]}
		w.Name, w.Value = fmt.Sprint("v", chance.IntN(2)), tool.Value{TypeURL: "u", Bytes: []byte{byte(chance.IntN(4) / 3)}}
		w.If.Absent = chance.IntN(6) == 0
		return w
	}
	for range 400 {
		w := one()
		switch chance.IntN(16) {
		case 0:
			s.both("delete", func(store *Store) string {
				return string(tool.CodeOf(store.DeleteVariable(t.Context(), sessionKey(), w.Name, broker.Condition{})))
			})
		case 1:
			s.both("end", func(store *Store) string {
				_, err := store.EndSession(t.Context(), sessionKey(), 0)
				return string(tool.CodeOf(err)) + create(store)
			})
		case 2: // by nobody who told the store
			s.both("put", func(store *Store) string {
				record, err := encodeVariable(&variableHeader{TypeURL: "u", Request: w.RequestID}, w.Value.Bytes)
				require.NoError(t, err)
				_, err = store.client.Put(t.Context(), store.keys.variables(sessionKey())+w.Name, string(record))
				return string(tool.CodeOf(err))
			})
		case 3:
			w.Value.Bytes = make([]byte, batchBytes)
			other := w
			other.Name += "-too"
			s.set(w, other) // in steps
		case 4:
			other := one()
			other.Name += "-too"
			s.set(w, other)
		default:
			s.set(w)
		}
	}
}

func TestARepetitionIsFoundAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := embeddedStore(t, dir)
	withSession(t, store)
	set := func(store *Store, request string) string {
		written, err := store.SetVariables(t.Context(), sessionKey(), []broker.VariableWrite{{
			Variable: tool.Variable{Name: "v", Value: tool.Value{TypeURL: "u"}}, RequestID: request,
		}})
		require.NoError(t, err)
		return written[0].Revision
	}
	first := set(store, "r1")
	require.Equal(t, first, set(store, "r1"))
	second := set(store, "r2")
	require.NotEqual(t, first, second)
	require.NoError(t, store.Close())
	store = embeddedStore(t, dir)
	require.Equal(t, second, set(store, "r2"))
	require.NotEqual(t, second, set(store, "r1"), "it is no longer the last")
}

func TestAWriteAfterOneThatIsRememberedIsOneEntryAndNoLook(t *testing.T) {
	t.Parallel()
	store := embeddedStore(t, t.TempDir())
	at := withSession(t, store)
	r := &setting{store: store, key: sessionKey(), at: at, created: store.remembered(sessionKey())}
	r.writes = []write{{VariableWrite: broker.VariableWrite{Variable: tool.Variable{Name: "v"}, RequestID: "r2"}}}
	require.False(t, r.recall(), "of nothing")
	require.NoError(t, setVariable(store, "v", 1, broker.Condition{}, nil)()) // for request r-v
	require.True(t, r.recall())
	resp, err := store.client.Get(t.Context(), store.keys.variables(sessionKey())+"v", clientv3.WithKeysOnly())
	require.NoError(t, err)
	require.Equal(t, resp.Kvs[0].ModRevision, r.before["v"].revision)
	r.writes[0].If.Absent = true
	require.False(t, r.recall(), "a condition wants to see what stands there")
	r.writes[0].If.Absent, r.writes[0].RequestID = false, "r-v"
	require.False(t, r.recall(), "a repetition wants so too")
}
