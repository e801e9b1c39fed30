package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// The environment that `make test` sets, and the one by which this test program starts itself as a worker.
const (
	bridgeVariable = "TOOLBRIDGE_BIN"
	pythonVariable = "TOOLBRIDGE_PYTHON"
	workerVariable = "TOOLBRIDGE_E2E_WORKER"
)

// atOnce is how many tests run at once: they mostly wait, for processes to start and for grace to pass.
const atOnce = "6"

func TestMain(m *testing.M) {
	if address := os.Getenv(workerVariable); address != "" {
		if err := runWorker(address); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	remove := func() {}
	if !testing.Short() {
		made, err := prepare()
		remove = made
		if err == nil {
			err = flag.Set("test.parallel", atOnce)
		}
		if err != nil {
			remove()
			fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		remove()
		os.Exit(code)
	}))
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
	folder, err := os.MkdirTemp("", "toolbridge-e2e-")
	if err != nil {
		return remove, err
	}
	remove = func() { _ = os.RemoveAll(folder) } // it is a temporary folder
	binary := filepath.Join(folder, "toolbridge")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/toolbridge")
	if out, err := build.CombinedOutput(); err != nil {
		return remove, fmt.Errorf("build the bridge: %w\n%s", err, out)
	}
	return remove, os.Setenv(bridgeVariable, binary)
}

func findPython() error {
	python, err := filepath.Abs(filepath.Join("..", "..", ".venv", "bin", "python"))
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

// environment is this program's own without what configures bridges and clients, and with these settings.
func environment(settings ...string) []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GRPC_") && !strings.HasPrefix(v, "TOOLBRIDGE_") {
			out = append(out, v)
		}
	}
	return append(out, settings...)
}
