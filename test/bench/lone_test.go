package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryProcessorIsKeptAwakeWithTheLowestPriority(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	// In a process of its own: a thread of the lowest priority would hold up this one's collections.
	got, err := start(t.Context(), time.Minute, "the part awake", self, "awake")
	require.NoError(t, err)
	require.Equal(t, runtime.NumCPU(), idleThreads(t, got.command.Process.Pid))
	require.NoError(t, got.stop())
}

// idleThreads counts the threads of a process that have the lowest priority.
func idleThreads(t *testing.T, pid int) (count int) {
	t.Helper()
	const policy, idle = 41 - 3, "5" // of proc_pid_stat(5), counted from the field behind the name
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	require.NoError(t, err)
	for _, path := range paths {
		text, _ := os.ReadFile(path) // empty of one that has ended
		_, behind, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(behind); len(fields) > policy && fields[policy] == idle {
			count++
		}
	}
	return count
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
