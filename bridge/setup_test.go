package bridge_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a bridge on a port that the system chooses. The test's end stops it.
func start(t *testing.T, cfg bridge.Config) *bridge.Bridge {
	t.Helper()
	b := made(t, cfg)
	require.NoError(t, b.Start(t.Context()))
	t.Cleanup(func() { stop(t, b) })
	return b
}

func made(t *testing.T, cfg bridge.Config) *bridge.Bridge {
	t.Helper()
	if cfg.GRPC == "" {
		cfg.GRPC = "127.0.0.1:0"
	}
	b, err := bridge.New(cfg)
	require.NoError(t, err)
	return b
}

func stop(t *testing.T, b *bridge.Bridge) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, b.Stop(ctx))
}

// dial connects to a bridge until the test's end.
func dial(t *testing.T, b *bridge.Bridge) *toolbridge.Client {
	t.Helper()
	client, err := toolbridge.Dial(t.Context(), b.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() }) // its bridge may be gone
	return client
}

func session(t *testing.T, b *bridge.Bridge, id string) *toolbridge.Session {
	t.Helper()
	s, err := dial(t, b).Session(t.Context(), id)
	require.NoError(t, err)
	return s
}

// file writes a file of a test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// environment reads variables from a map.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}
