package value_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestMessagesAreWrittenAlikeInEverySDK(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("testdata", "messages.json"))
	require.NoError(t, err)
	var table struct{ Texts []string }
	require.NoError(t, json.Unmarshal(raw, &table))
	require.NotEmpty(t, table.Texts)
	for _, text := range table.Texts {
		encoded, err := value.FromJSON([]byte(text))
		require.NoError(t, err, text)
		again, err := value.ToJSON(encoded)
		require.NoError(t, err, text)
		require.Equal(t, text, string(again))
	}
}
