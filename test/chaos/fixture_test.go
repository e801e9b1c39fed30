package chaos

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The containers listen on all addresses, at the ports that their environment names. Without the flag that says so the
// bridge refuses, and names what it refuses.
func TestTheFixtureListensWhereTheContainersAskForIt(t *testing.T) {
	processes(t)
	config := filepath.Join(root, "test", "fixtures", "bridge.yaml")
	for variable, address := range map[string]string{"GRPC_PORT=50999": "0.0.0.0:50999", "HTTP_PORT=8999": "0.0.0.0:8999"} {
		flags := []string{"serve", "--demo", "--memory", "--config", config}
		if variable == "HTTP_PORT=8999" {
			flags = append(flags, "--grpc", "127.0.0.1:0")
		}
		serve := command(t, os.Getenv(bridgeVariable), flags...)
		serve.Env = environment(variable)
		said, err := serve.CombinedOutput()
		require.Error(t, err, "it listens on all addresses, and nobody allowed it: %s", said)
		require.Contains(t, string(said), address)
		require.Contains(t, string(said), "insecure")
	}
}
