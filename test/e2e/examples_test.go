package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// program builds a Go program of the examples.
func program(t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	built := run(t, withHome(command(t, "go", "build", "-o", binary, "../../examples/"+name)))
	require.Zero(t, built.code, built.stderr)
	return binary
}

func TestTheDemoHoldsEveryStepAndLeavesNoProcess(t *testing.T) {
	processes(t)
	cmd := command(t, program(t, "demo"))
	cmd.Dir = "../.." // its Python files are found from the repository's root
	cmd.Env = environment(bridgeVariable+"="+os.Getenv(bridgeVariable), pythonVariable+"="+os.Getenv(pythonVariable))
	done := run(t, cmd)
	require.Zero(t, done.code, "%s\n%s", done.stdout, done.stderr)
	require.Contains(t, done.stdout, "Every step held")
	pids := regexp.MustCompile(`process (\d+)`).FindAllStringSubmatch(done.stdout, -1)
	require.GreaterOrEqual(t, len(pids), 4, "two runs of the bridge, and two workers")
	for _, found := range pids {
		pid, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		eventually(t, "process "+found[1]+" is gone", func() bool { return !alive(pid) })
	}
}

func TestTheQuickstartsSayWhatTheyPromise(t *testing.T) {
	processes(t)
	b := serve(t, "--memory", "--demo")
	inGo := run(t, command(t, program(t, "quickstart"), b.address))
	require.Zero(t, inGo.code, inGo.stderr)
	require.Equal(t, "HELLO! HELLO!", inGo.stdout)
	inPython := run(t, command(t, os.Getenv(pythonVariable), "../../examples/quickstart/hello.py", b.address))
	require.Zero(t, inPython.code, inPython.stderr)
	require.Equal(t, []string{"hello_big_world", "1152921504606846978", "1", "2", "3"}, strings.Split(inPython.stdout, "\n"))
}
