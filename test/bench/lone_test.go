package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessorsAreKeptAwakeUntilTheEnd(t *testing.T) {
	t.Parallel()
	before, err := processorTime(os.Getpid())
	require.NoError(t, err)
	playing(t, keepAwake)
	for began := time.Now(); ; {
		now, err := processorTime(os.Getpid())
		require.NoError(t, err)
		if now-before > 10*time.Millisecond {
			return
		}
		require.Less(t, time.Since(began), time.Minute, "nobody computes")
	}
}

func TestLoneCallsAreMeasuredOnceMoreAwake(t *testing.T) {
	t.Parallel()
	var groups []string
	for _, r := range awake().rows {
		require.Equal(t, 1, r.width)
		require.True(t, r.look, "the judged rows are those of a machine as it is")
		groups = append(groups, r.group)
	}
	require.Equal(t, []string{"go awake", "go awake", "python caller awake", "python worker awake"}, groups)
}
