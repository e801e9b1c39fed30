package storecore_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestASlowReaderHearsMergedChangesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var feed storecore.Feed
		a := broker.Change{Session: tool.SessionKey{ID: "a"}}
		ended := broker.Change{Session: a.Session, Ended: true}
		b := broker.Change{Session: tool.SessionKey{ID: "b"}}
		ctx, stop := context.WithCancel(t.Context())
		release := make(chan struct{})
		var heard []broker.Change
		over := make(chan struct{})
		go func() {
			defer close(over)
			feed.Watch(ctx, nil, func(c broker.Change) { heard = append(heard, c); <-release })
		}()
		synctest.Wait()
		feed.Publish(b)
		synctest.Wait()
		feed.Publish(a, a, b, ended, a, ended, a, a, broker.Change{}, broker.Change{})
		close(release)
		synctest.Wait()
		require.Equal(t, []broker.Change{b, b, ended, a, {}}, heard)
		stop()
		<-over
	})
}

func TestTokensAreOfTheirGeneration(t *testing.T) {
	t.Parallel()
	one, other := storecore.NewGeneration(1), storecore.NewGeneration(1<<40-1)
	revision, same, err := one.Parse(one.Token(12345))
	require.NoError(t, err)
	require.True(t, same)
	require.EqualValues(t, 12345, revision)
	_, same, err = other.Parse(one.Token(12345))
	require.NoError(t, err)
	require.False(t, same)
}

func TestAnEmptyDefaultIsNoChange(t *testing.T) {
	t.Parallel()
	given := func(empty []byte) []*tool.Spec {
		return []*tool.Spec{{ID: "t", Name: "t", Metadata: map[string]string{}, Arguments: []tool.Argument{{Name: "x", Default: tool.Value{TypeURL: "u", Bytes: empty}}}}}
	}
	catalog, changed, err := storecore.SessionTools(nil, "s", given(nil))
	require.NoError(t, err)
	require.Len(t, changed, 1)
	_, changed, err = storecore.SessionTools(catalog, "s", given([]byte{}))
	require.NoError(t, err)
	require.Empty(t, changed)
}
