package value_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

//nolint:paralleltest // it counts what the process allocates
func TestZonesThatNobodyKnowsAreNotAllLookedFor(t *testing.T) {
	list := func(n int) []byte {
		items := make([]string, n+1)
		for i := range n {
			items[i] = fmt.Sprintf(`{"$datetime":"2024-07-01T00:00:00+02:00[Area/x%d]"}`, i)
		}
		items[n] = `{"$datetime":"2024-07-01T00:00:00+02:00[Europe/Berlin]"}`
		return []byte(`[` + strings.Join(items, ",") + `]`)
	}
	few, many := list(1000), list(20_000)
	fewer := testing.AllocsPerRun(1, func() { _, _ = value.DecodeJSON(few) })
	more := testing.AllocsPerRun(1, func() { _, _ = value.DecodeJSON(many) })
	require.Less(t, more, 10*fewer, "though it is 20 times as long")
	encoded, err := value.FromJSON(many)
	require.NoError(t, err)
	back, err := value.ToJSON(encoded)
	require.NoError(t, err)
	require.Equal(t, string(many), string(back), "all keep their names, whether they were looked for or not")
}
