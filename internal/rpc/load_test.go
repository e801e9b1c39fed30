package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestLoadCountsLinksAndKeepsWhatThoseThatAreGoneCameTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, rpc.Load{Links: map[link.State]int{}}, b.service.Load())
	echo := hosting{func(_ context.Context, call *tool.Call) (tool.Result, error) { return result(t, call.Tool), nil }}
	staying := b.worker("staying", echo, &tool.Spec{Name: "one"})
	leaving := b.worker("leaving", echo, &tool.Spec{Name: "two"})
	for _, name := range []string{"one", "two"} {
		_, err := b.execute(name)
		require.NoError(t, err)
	}
	both := b.service.Load()
	require.Equal(t, map[link.State]int{link.Ready: 2}, both.Links)
	require.GreaterOrEqual(t, both.MessagesSent, uint64(2))
	require.GreaterOrEqual(t, both.MessagesRead, uint64(2))

	over, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, leaving.process.Close(over))

	require.Eventually(t, func() bool { return len(b.service.Load().Links) == 1 && b.service.Load().Links[link.Ready] == 1 }, patience, 5*time.Millisecond)
	after := b.service.Load()
	require.GreaterOrEqual(t, after.MessagesSent, both.MessagesSent)
	require.GreaterOrEqual(t, after.MessagesRead, both.MessagesRead)
	require.NoError(t, staying.process.Close(over))
}
