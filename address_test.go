package toolbridge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestAPortThatThereCannotBeIsRefusedAtOnceAndNotAfterTheConnectTimeout(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"99999", "65536", "0", "-1", "", strings.Repeat("9", 50)} {
		for _, place := range []string{"localhost:", "127.0.0.1:", "[::1]:", "dns:///localhost:", "dns:localhost:"} {
			_, err := toolbridge.Dial(t.Context(), place+port)
			e := asError(t, err)
			require.Equal(t, tool.ValidationError, e.Code, place+port)
			require.Contains(t, e.Message, "not a number from 1 to 65535")
			require.Equal(t, place+port, e.Details["address"])
		}
	}
}

func TestWhateverElseGRPCMayDialIsLeftToIt(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"localhost:1", "localhost:65535", "localhost:http", "localhost", "[::1]", "[::1]:1", "dns:///localhost", "dns://127.0.0.1/localhost:1",
		"unix:99999", "unix:///tmp/bridge:99999", "unix-abstract:99999", "passthrough:///localhost:99999",
	} {
		client, err := toolbridge.Dial(t.Context(), address, toolbridge.Lazily(), toolbridge.WithoutLink())
		require.NoError(t, err, address)
		require.NoError(t, client.Close())
	}
	own := toolbridge.WithGRPCOptions(grpc.WithTransportCredentials(insecure.NewCredentials()))
	client, err := toolbridge.Dial(t.Context(), "a place:99999", own, toolbridge.Lazily(), toolbridge.WithoutLink())
	require.NoError(t, err, "a dialer of the user's reads the address")
	require.NoError(t, client.Close())
}
