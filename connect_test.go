package toolbridge_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// freeAddress is an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	return address
}

func TestABridgeThatIsNotThereIsAClearErrorWithinTheTimeout(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	for _, way := range [][]toolbridge.DialOption{nil, {toolbridge.WithoutLink()}} {
		began := time.Now()
		_, err := toolbridge.Dial(t.Context(), address, append(way, toolbridge.WithConnectTimeout(200*time.Millisecond))...)
		e := asError(t, err)
		require.Equal(t, tool.WorkerUnavailable, e.Code)
		require.Contains(t, e.Message, address)
		require.Equal(t, address, e.Details["address"])
		require.Contains(t, e.Message, "within 200ms")
		require.Less(t, time.Since(began), patience)
	}
}

func TestASilentServerIsAClearErrorToo(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, err = toolbridge.Dial(t.Context(), l.Addr().String(), toolbridge.WithConnectTimeout(200*time.Millisecond))
	require.Equal(t, tool.WorkerUnavailable, asError(t, err).Code)
}

func TestALazyClientWaitsWhenItIsUsed(t *testing.T) {
	t.Parallel()
	client, err := toolbridge.Dial(t.Context(), freeAddress(t), toolbridge.Lazily(), toolbridge.WithConnectTimeout(100*time.Millisecond))
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	_, err = client.Session(t.Context(), "s")
	require.Equal(t, tool.WorkerUnavailable, asError(t, err).Code)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Session(ctx, "s")
	require.Equal(t, tool.Cancelled, asError(t, err).Code)
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	_, err := toolbridge.Dial(t.Context(), "localhost:50051\x00")
	require.Error(t, err)
}

func TestTheDefaultAddressFollowsTheEnvironment(t *testing.T) {
	for _, name := range []string{"GRPC_ADDR", "ELIXIR_GRPC_ADDR", "GRPC_PORT"} {
		t.Setenv(name, "")
	}
	require.Equal(t, "localhost:50051", toolbridge.DefaultAddress())
	t.Setenv("GRPC_PORT", "6000")
	require.Equal(t, "localhost:6000", toolbridge.DefaultAddress())
	client, err := toolbridge.Dial(t.Context(), "", toolbridge.Lazily())
	require.NoError(t, err)
	require.Equal(t, "localhost:6000", client.Address())
	require.NoError(t, client.Close())
	t.Setenv("ELIXIR_GRPC_ADDR", "there:2")
	require.Equal(t, "there:2", toolbridge.DefaultAddress())
	t.Setenv("GRPC_ADDR", "here:1")
	require.Equal(t, "here:1", toolbridge.DefaultAddress())
}
