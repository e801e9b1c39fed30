package e2e

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// refusedToServe runs a bridge that must not start, and returns what it says.
func refusedToServe(t *testing.T, flags ...string) string {
	t.Helper()
	done := run(t, command(t, os.Getenv(bridgeVariable), append([]string{"serve"}, flags...)...))
	require.Equal(t, 1, done.code, "%s%s", done.stdout, done.stderr)
	require.Empty(t, done.stdout)
	return done.stderr
}

func TestABridgeThatCannotStartSaysWhy(t *testing.T) {
	processes(t)
	folder := filepath.Join(t.TempDir(), "data")
	b := serve(t, "--data", folder)
	const anywhere = "127.0.0.1:0"

	t.Run("the port is in use", func(t *testing.T) {
		t.Parallel()
		said := refusedToServe(t, "--memory", "--grpc", b.address)
		require.Contains(t, said, b.address)
		require.Contains(t, said, "in use")
	})
	t.Run("another bridge has the folder", func(t *testing.T) {
		t.Parallel()
		said := refusedToServe(t, "--data", folder, "--grpc", anywhere)
		require.Contains(t, said, folder)
		require.Contains(t, said, "another bridge")
	})
	t.Run("a newer bridge wrote the folder", func(t *testing.T) {
		t.Parallel()
		newer := t.TempDir()
		require.NoError(t, os.Chmod(newer, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(newer, "version"), []byte("999\n"), 0o600))
		said := refusedToServe(t, "--data", newer, "--grpc", anywhere)
		require.Contains(t, said, newer)
		require.Contains(t, said, "999")
	})
	t.Run("the folder is not writable", func(t *testing.T) {
		t.Parallel()
		said := refusedAsSomebody(t, anywhere)
		require.Contains(t, said, "data")
		require.Contains(t, said, "permission denied")
	})
	t.Run("others could reach it", func(t *testing.T) {
		t.Parallel()
		done := run(t, command(t, os.Getenv(bridgeVariable), "serve", "--memory", "--grpc", "0.0.0.0:0"))
		require.Equal(t, 2, done.code)
		require.Contains(t, done.stderr, "--insecure-listen")
	})
}

// refusedAsSomebody runs a bridge in a folder that belongs to somebody else, and returns what it says. Root may write
// everywhere, so as root the bridge runs as nobody, from a copy that nobody may read.
func refusedAsSomebody(t *testing.T, address string) string {
	t.Helper()
	home, err := os.MkdirTemp("", "toolbridge-e2e-nobody-") //nolint:usetesting // others cannot enter the folders of t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
	require.NoError(t, os.Chmod(home, 0o755))
	binary := filepath.Join(home, "toolbridge")
	copyProgram(t, os.Getenv(bridgeVariable), binary)
	cmd := command(t, binary, "serve", "--data", filepath.Join(home, "data"), "--grpc", address)
	cmd.Dir = home
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	done := run(t, cmd)
	require.Equal(t, 1, done.code, done.stderr)
	return done.stderr
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close() //nolint:errcheck // it was only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

func TestABridgeThatIsNotThereIsNamedWithinTheConnectTimeout(t *testing.T) {
	processes(t)
	address := keptAddress(t)
	const most = toolbridge.DefaultConnectTimeout + patience

	t.Run("to Go", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		_, err := toolbridge.Dial(t.Context(), address)
		require.Equal(t, address, failure(t, err, tool.WorkerUnavailable, address).Details["address"])
		require.Less(t, time.Since(began), most)
	})
	t.Run("to Python", func(t *testing.T) {
		t.Parallel()
		var python struct {
			Answer  [3]string // class, code, message
			Seconds float64
		}
		pythonCaller(t, &python, address, "absent")
		require.Equal(t, "ToolCommunicationError", python.Answer[0])
		require.Contains(t, python.Answer[2], address)
		require.Less(t, python.Seconds, most.Seconds())
	})
	t.Run("to the command line", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		done := cli(t, address, "tools")
		require.Equal(t, 3, done.code)
		require.Contains(t, done.stderr, address)
		require.Less(t, time.Since(began), most)
	})
}

func TestABridgeThatIsToldToStopLetsCallsEnd(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	goWorker(t, b.address, 8)
	s := session(t, b.address, "stopping")
	awaitTools(t, s, "go_hold")
	call := newHeld(t)
	answered := calling(t, s, "go_hold", call.path)
	call.began()
	require.NoError(t, b.cmd.Process.Signal(syscall.SIGTERM))
	b.await("stopping")
	call.release()
	done := within(t, "the call ends", answered)
	require.NoError(t, done.err)
	require.Equal(t, "call is done", done.value)
	require.Zero(t, b.wait())
}
