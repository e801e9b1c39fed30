package gateway_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func TestSchemathesis_finds_nothing(t *testing.T) {
	t.Parallel()
	program := os.Getenv("SCHEMATHESIS")
	if program == "" {
		var err error
		if program, err = exec.LookPath("schemathesis"); err != nil {
			t.Skip("left out: Schemathesis is not installed here, and SCHEMATHESIS does not say where")
		}
	}
	config, err := filepath.Abs("testdata/schemathesis.toml")
	require.NoError(t, err)
	d := newDeskWith(t, gateway.Config{Tables: frame.Extension()}, broker.Limits{})
	arguments := []string{"--config-file", config, "run", d.url + "/openapi.json", "--seed", "1", "-n", "50"}
	for _, streaming := range []string{"stream-tool", "stream-tool-by-query", "watch-variables", "run-agent"} {
		arguments = append(arguments, "--exclude-operation-id", streaming)
	}
	cmd := exec.CommandContext(t.Context(), program, arguments...)
	cmd.Dir = t.TempDir() // it leaves files where it runs
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
