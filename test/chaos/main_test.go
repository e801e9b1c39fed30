package chaos

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The environment that the make targets set, and the one by which this test program starts itself as another process.
const (
	bridgeVariable = "TOOLBRIDGE_BIN"
	pythonVariable = "TOOLBRIDGE_PYTHON"
	fullVariable   = "TOOLBRIDGE_TEST_FULL"
	roleVariable   = "TOOLBRIDGE_CHAOS_ROLE"
)

// atOnce is how many tests run at once: they mostly wait.
const atOnce = "8"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	remove, err := prepare()
	if err == nil {
		err = flag.Set("test.parallel", atOnce)
	}
	if err != nil {
		remove()
		fmt.Fprintln(os.Stderr, "chaos tests:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		remove()
		os.Exit(code)
	}))
}

// play is what this program does as a process of its own.
func play(role string, arguments []string) error {
	switch role {
	case "proxy":
		return serveProxies()
	case "worker":
		return runWorker(arguments[0], arguments[1])
	}
	return fmt.Errorf("unknown role %q", role)
}

// prepare finds the bridge's binary, or builds it, and the Python environment.
func prepare() (remove func(), err error) {
	remove = func() {}
	if os.Getenv(pythonVariable) == "" {
		if err := findPython(); err != nil {
			return remove, err
		}
	}
	if os.Getenv(bridgeVariable) != "" {
		return remove, nil
	}
	folder, err := os.MkdirTemp("", "toolbridge-chaos-")
	if err != nil {
		return remove, err
	}
	remove = func() { _ = os.RemoveAll(folder) } // it is a temporary folder
	binary := filepath.Join(folder, "toolbridge")
	build := exec.Command("go", "build", "-o", binary, "./cmd/toolbridge")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return remove, fmt.Errorf("build the bridge: %w\n%s", err, out)
	}
	return remove, os.Setenv(bridgeVariable, binary)
}

// root is the repository's folder.
var root = filepath.Join("..", "..")

func findPython() error {
	python, err := filepath.Abs(filepath.Join(root, ".venv", "bin", "python"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(python); err != nil {
		return errors.New("no Python with the SDK: run `make build`, or name one in " + pythonVariable)
	}
	return os.Setenv(pythonVariable, python)
}

// processes marks a test that starts processes.
func processes(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes: not in -short")
	}
	t.Parallel()
}

// full reports whether the long form is asked for.
func full() bool { return os.Getenv(fullVariable) != "" }

// environment is this program's own without what configures bridges and clients, and with these settings.
func environment(settings ...string) []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GRPC_") && !strings.HasPrefix(v, "HTTP_PORT") && !strings.HasPrefix(v, "TOOLBRIDGE_") {
			out = append(out, v)
		}
	}
	return append(out, settings...)
}

// patience is how long anything may take that should happen soon, on a busy machine.
const patience = 45 * time.Second
