package toolbridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestClient_lists_the_workers_of_a_bridge(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)

	workers, err := b.Dial().Workers(t.Context())

	require.NoError(t, err)
	offering := 0
	for _, w := range workers {
		require.Equal(t, "ready", w.State)
		require.NotEmpty(t, w.Identity)
		require.NotEmpty(t, w.Incarnation)
		require.Equal(t, "go", w.Labels["language"])
		require.False(t, w.AttachedAt.IsZero())
		if len(w.Tools) > 0 {
			offering++
		}
	}
	require.Equal(t, 1, offering)
}

func TestClient_reads_a_session_without_creating_it(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	client := b.Dial()

	_, err := client.SessionInfo(t.Context(), "nobody")
	require.Equal(t, tool.SessionNotFound, tool.CodeOf(err))
	for info, err := range client.Sessions(t.Context(), "") {
		require.NoError(t, err)
		require.NotEqual(t, "nobody", info.Key.ID)
	}

	session, err := client.Session(t.Context(), "somebody")
	require.NoError(t, err)
	info, err := client.SessionInfo(t.Context(), "somebody")
	require.NoError(t, err)
	require.Equal(t, session.Epoch(), info.Epoch)
	require.Equal(t, "somebody", info.Key.ID)
}
