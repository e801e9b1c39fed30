//go:build race

package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/memory"
)

func TestMemoryThatIsGivenBackIsOverwrittenWhereTheRaceDetectorRuns(t *testing.T) { //nolint:paralleltest // nobody else may take the block
	block := memory.Get(memory.Least)
	b := append(block.Bytes(), "secret"...)
	block.Release()
	require.NotContains(t, string(b), "secret")
}
