package etcdstore

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// These tests stand inside the package because which of the watch and the writer comes first cannot be arranged from without.

func emptyView() *view {
	return newView(keys{"/p/"}, storecore.NewGeneration(1), slog.New(slog.DiscardHandler), new(storecore.Feed))
}

// told is what the watch tells of keys that are put at a revision.
func told(revision int64, puts ...put) []*clientv3.Event {
	events := make([]*clientv3.Event, len(puts))
	for i, p := range puts {
		events[i] = &clientv3.Event{Type: mvccpb.PUT, Kv: &mvccpb.KeyValue{Key: []byte(p.key), Value: p.record, CreateRevision: revision, ModRevision: revision}}
	}
	return events
}

func recordPut(t *testing.T, v *view, session tool.Session) put {
	t.Helper()
	record, err := encodeSession(headerOf(&session, 7))
	require.NoError(t, err)
	return put{key: v.keys.session(session.Key).record(), record: record}
}

func TestASessionIsTheSameWhetherTheWatchOrItsWriterTellsOfItFirst(t *testing.T) {
	t.Parallel()
	session := tool.Session{Key: tool.SessionKey{Owner: "a/b", ID: "ü %"}, Epoch: 2, CreatedAt: time.Now().Round(0), TTL: time.Hour}
	for name, order := range map[string]func(v *view, events []*clientv3.Event) *broker.SessionRecord{
		"watch": func(v *view, events []*clientv3.Event) *broker.SessionRecord {
			v.apply(events)
			return v.create(session, 5)
		},
		"writer": func(v *view, events []*clientv3.Event) *broker.SessionRecord {
			record := v.create(session, 5)
			v.apply(events)
			return record
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := emptyView()
			record := order(v, told(5, recordPut(t, v, session)))
			require.Same(t, record, v.record(session.Key), "one record, not two")
			require.Equal(t, v.generation.Token(5), record.Revision)
			require.True(t, record.CreatedAt.Equal(session.CreatedAt))
			record.CreatedAt, record.Revision = session.CreatedAt, ""
			require.Equal(t, session, record.Session)
			require.Len(t, v.page("a/b", "", "", 10), 1)
		})
	}
}

func TestWhatOneRevisionChangedInSeveralScopesIsTakenOverByScope(t *testing.T) {
	t.Parallel()
	v := emptyView()
	one := tool.Session{Key: tool.SessionKey{ID: "one"}, Epoch: 1, CreatedAt: time.Unix(0, 1), TTL: time.Hour}
	two := tool.Session{Key: tool.SessionKey{ID: "two"}, Epoch: 1, CreatedAt: time.Unix(0, 1), TTL: time.Hour}
	used := time.Unix(0, 99)
	for revision := range int64(3) { // the room for steps is used again
		v.apply(told(revision+1,
			recordPut(t, v, one), recordPut(t, v, two),
			put{key: v.keys.session(one.Key).alive(), record: encodeAlive(used)}, // not beside its record
			put{key: v.keys.view() + "unknown", record: []byte{1}},
		))
	}
	first, ok := v.session(one.Key)
	require.True(t, ok)
	require.Equal(t, used.UnixNano(), first.lastUsed)
	second, ok := v.session(two.Key)
	require.True(t, ok)
	require.Equal(t, int64(1), second.lastUsed)
	require.EqualValues(t, 3, second.changed)
	require.Equal(t, first.record.Revision, second.record.Revision)
}
