package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAsManyWritersAsClientsHaveOneEachAndLaterOnesAgain(t *testing.T) {
	t.Parallel()
	next := inTurn([]string{"a", "b", "c"})
	for before, want := range []string{"a", "b", "c", "a", "b"} {
		got, given := next()
		require.Equal(t, want, got)
		require.EqualValues(t, before, given)
	}
}

func TestWhatIsJudgedOfDurableWritesHasAClientForEachWriter(t *testing.T) {
	t.Parallel()
	judged := map[string]bool{}
	for _, r := range durable().rows {
		require.Equal(t, writers, r.width)
		judged[r.ours] = !r.look
	}
	require.Equal(t, map[string]bool{"session": true, "variable": true, "session of one client": false, "variable of one client": false}, judged)
}

func TestAProcessHasWhatIsAddedToItsEnvironment(t *testing.T) {
	t.Parallel()
	got, err := startIn(t.Context(), time.Minute, []string{bridgeGarbage}, "a process that tells", "sh", "-c", `echo "listening on $GOGC, $PATH"; read line`)
	require.NoError(t, err)
	require.Regexp(t, "^400, .", got.address, "beside what this program has")
	require.NoError(t, got.stop())
}
