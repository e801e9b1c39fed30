package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// bridge is a bridge that runs as a process.
type bridge struct {
	*process
	address string
}

// serve starts a bridge with these flags and waits until it serves. Without an address the system chooses a port.
func serve(t *testing.T, flags ...string) *bridge {
	t.Helper()
	if !strings.Contains(strings.Join(flags, " "), "--grpc") {
		flags = append(flags, "--grpc", "127.0.0.1:0")
	}
	p := start(t, "bridge", command(t, os.Getenv(bridgeVariable), append([]string{"serve"}, flags...)...))
	line := p.await("listening on ")
	return &bridge{process: p, address: strings.Fields(strings.SplitN(line, "listening on ", 2)[1])[0]}
}

// dial connects a Go client.
func dial(t *testing.T, address string, options ...toolbridge.DialOption) *toolbridge.Client {
	t.Helper()
	own := []toolbridge.DialOption{toolbridge.WithCodec(value.New(value.With(frame.Extension()))), toolbridge.WithConnectTimeout(patience)}
	options = append(own, options...)
	client, err := toolbridge.Dial(t.Context(), address, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() }) // its bridge may be gone
	return client
}

// session attaches a Go client to a session.
func session(t *testing.T, address, id string, options ...toolbridge.DialOption) *toolbridge.Session {
	t.Helper()
	s, err := dial(t, address, options...).Session(t.Context(), id)
	require.NoError(t, err)
	return s
}

// goWorker starts a worker process in Go that runs so many calls at once.
func goWorker(t *testing.T, address string, limit int) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := command(t, self)
	cmd.Env = environment(workerVariable+"="+address, limitVariable+"="+strconv.Itoa(limit))
	p := start(t, "Go worker", cmd)
	p.await("ready")
	return p
}

// pythonWorker starts a worker process in Python that hosts testdata/e2e_tools.py.
func pythonWorker(t *testing.T, address string, flags ...string) *process {
	t.Helper()
	return pythonHost(t, address, append(flags, "e2e_tools")...)
}

func pythonHost(t *testing.T, address string, arguments ...string) *process {
	t.Helper()
	cmd := command(t, os.Getenv(pythonVariable), append([]string{"-m", "grpc_tool_bridge.worker", "--bridge", address, "--connect-timeout", fmt.Sprint(patience.Seconds())}, arguments...)...)
	cmd.Dir = "testdata"
	p := start(t, "Python worker", cmd)
	p.await("attached to the bridge")
	return p
}

// pythonCaller runs a verb of testdata/caller.py and decodes the JSON that it prints.
func pythonCaller(t *testing.T, into any, address, verb string, arguments ...string) {
	t.Helper()
	require.NoError(t, askPython(callerCommand(t, address, verb, arguments...), into))
}

func callerCommand(t *testing.T, address, verb string, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, os.Getenv(pythonVariable), append([]string{"caller.py", address, verb}, arguments...)...)
	cmd.Dir = "testdata"
	return cmd
}

// askPython does the same for goroutines that must not end the test.
func askPython(cmd *exec.Cmd, into any) error {
	done, err := finish(cmd)
	if err != nil || done.code != 0 {
		return errors.Join(err, fmt.Errorf("exit code %d\n%s\n%s", done.code, done.stdout, done.stderr))
	}
	return json.Unmarshal([]byte(done.stdout), into)
}

// asked is what came of a verb that ran beside the test.
type asked[T any] struct {
	got T
	err error
}

// pythonCalling runs a verb on a goroutine of its own.
func pythonCalling[T any](t *testing.T, address, verb string, arguments ...string) <-chan asked[T] {
	t.Helper()
	out, cmd := make(chan asked[T], 1), callerCommand(t, address, verb, arguments...)
	go func() {
		var a asked[T]
		a.err = askPython(cmd, &a.got)
		out <- a
	}()
	return out
}

// cli runs the command line against a bridge.
func cli(t *testing.T, address string, arguments ...string) finished {
	t.Helper()
	return run(t, command(t, os.Getenv(bridgeVariable), append([]string{"--bridge", address, "--json"}, arguments...)...))
}

// awaitTools waits until a session sees the tools and somebody offers them.
func awaitTools(t *testing.T, s *toolbridge.Session, names ...string) {
	t.Helper()
	eventually(t, "the tools are offered: "+strings.Join(names, ", "), func() bool {
		tools, err := s.Tools(t.Context())
		require.NoError(t, err)
		available := map[string]bool{}
		for _, offered := range tools {
			available[offered.Name()] = offered.Spec().Available
		}
		for _, name := range names {
			if !available[name] {
				return false
			}
		}
		return true
	})
}

// keptAddress is an address where nobody listens but the bridges of this test, one after the other: until the test ends a socket that does not
// listen is bound to it, so that the system gives it to nobody else while there is no bridge.
func keptAddress(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" { // where a bridge could not listen there then
		return freeAddress(t)
	}
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	syscall.CloseOnExec(socket)
	t.Cleanup(func() { require.NoError(t, syscall.Close(socket)) })
	require.NoError(t, syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	require.NoError(t, syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(socket)
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port)) //nolint:forcetypeassert // as it was bound
}

// freeAddress is an address where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // it only found a port
	return l.Addr().String()
}

// held is a call of go_hold or py_hold, which wait for a file.
type held struct {
	t    *testing.T
	path string
}

func newHeld(t *testing.T) held {
	t.Helper()
	return held{t, filepath.Join(t.TempDir(), "call")}
}

// began waits until the tool runs.
func (h held) began() {
	h.t.Helper()
	eventually(h.t, "the tool begins", func() bool { return h.runs() > 0 })
}

// runs is how often the tool was started.
func (h held) runs() int {
	text, err := os.ReadFile(h.path + ".began")
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "\n")
}

// release lets the tool return.
func (h held) release() {
	h.t.Helper()
	require.NoError(h.t, os.WriteFile(h.path+".go", nil, 0o600))
}

// ended waits until the tool was cancelled.
func (h held) ended() {
	h.t.Helper()
	eventually(h.t, "the tool is cancelled", func() bool {
		_, err := os.Stat(h.path + ".ended")
		return err == nil
	})
}

// answer is what a call came to.
type answer struct {
	value any
	err   error
}

// calling makes a call on a goroutine of its own.
func calling(t *testing.T, s *toolbridge.Session, name string, args ...any) <-chan answer {
	t.Helper()
	out := make(chan answer, 1)
	go func() {
		v, err := s.Call(t.Context(), name, args...)
		out <- answer{v, err}
	}()
	return out
}

// failed asserts that an error has a code and says so much.
func failed(t *testing.T, err error, code tool.Code, says ...string) {
	t.Helper()
	_ = failure(t, err, code, says...)
}

// failure does the same and returns the error.
func failure(t *testing.T, err error, code tool.Code, says ...string) *tool.Error {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Message)
	for _, s := range says {
		require.Contains(t, e.Message, s)
	}
	return e
}
