package memstore_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storetest"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, opts storetest.Options) broker.Store {
		t.Helper()
		if opts.Beside != nil {
			return nil
		}
		store := memstore.New()
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		return store
	})
}

func TestTimeOfTheBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, key := memstore.New(), tool.SessionKey{Owner: "alice", ID: "s"}
		_, err := store.CreateSession(t.Context(), tool.Session{Key: key, TTL: time.Hour})
		require.NoError(t, err)
		idle := func(tool.SessionKey) bool { return false }

		time.Sleep(59 * time.Minute) //nolint:forbidigo // the time of the bubble
		require.NoError(t, store.Touch(t.Context(), key))
		time.Sleep(59 * time.Minute) //nolint:forbidigo // the time of the bubble
		ended, err := store.Sweep(t.Context(), idle)
		require.NoError(t, err)
		require.Empty(t, ended, "a session that was touched lives on")

		time.Sleep(time.Minute) //nolint:forbidigo // the time of the bubble
		ended, err = store.Sweep(t.Context(), idle)
		require.NoError(t, err)
		require.Equal(t, []tool.SessionKey{key}, ended)

		time.Sleep(storecore.TombstoneTTL - time.Second) //nolint:forbidigo // the time of the bubble
		epoch, err := store.Tombstone(t.Context(), key)
		require.NoError(t, err)
		require.EqualValues(t, 1, epoch)
		time.Sleep(time.Second) //nolint:forbidigo // the time of the bubble
		epoch, err = store.Tombstone(t.Context(), key)
		require.NoError(t, err)
		require.Zero(t, epoch, "a tombstone lives for a day")
	})
}

func TestCloseEndsWatches(t *testing.T) {
	t.Parallel()
	store, key := memstore.New(), tool.SessionKey{Owner: "alice", ID: "s"}
	_, err := store.CreateSession(t.Context(), tool.Session{Key: key, TTL: time.Hour})
	require.NoError(t, err)
	began, over := make(chan struct{}), make(chan error, 2)
	go func() {
		over <- store.WatchVariables(context.Background(), key, nil, func(broker.VariableChange) error { close(began); return nil })
	}()
	<-began
	go func() { _ = store.Watch(context.Background(), func(broker.Change) {}); over <- nil }()
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
	for range 2 {
		if err := <-over; err != nil {
			require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err))
		}
	}
}
