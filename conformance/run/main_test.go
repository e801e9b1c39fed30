package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// here are the options of a run in this repository, with what `make test` has built or what is built now.
func here(t *testing.T) options {
	t.Helper()
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	o := options{
		repository: repository, faces: "go,python,grpc,http", bridge: os.Getenv("TOOLBRIDGE_BIN"),
		python: orElse(os.Getenv("TOOLBRIDGE_PYTHON"), filepath.Join(repository, ".venv", "bin", "python")),
	}
	if o.bridge == "" {
		o.bridge = built(t, repository, "./cmd/toolbridge")
	}
	if _, err := os.Stat(o.python); errors.Is(err, os.ErrNotExist) {
		t.Skip("make build makes the Python environment of the faces python, grpc and http")
	}
	return o
}

// built is a Go program of this repository, as its users have it: without the race detector, which these tests may have.
func built(t *testing.T, repository, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(name))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, name)
	build.Dir = repository
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

func TestEveryFaceConforms(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	o := here(t)
	table := filepath.Join(t.TempDir(), "table.md")
	run := exec.CommandContext(t.Context(), built(t, o.repository, "./conformance/run"),
		"-repository", o.repository, "-bridge", o.bridge, "-python", o.python, "-table", table)

	out, err := run.CombinedOutput()

	require.NoError(t, err, string(out))
	written, err := os.ReadFile(table)
	require.NoError(t, err)
	committed, err := os.ReadFile(filepath.Join(o.repository, "docs", "conformance.md"))
	require.NoError(t, err)
	require.Equal(t, string(written), string(committed), "make conformance writes the table anew")
}

func TestRunSaysWhatFailedAndWritesTheTable(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	o := here(t)
	o.faces, o.only, o.table = "http", "calls: arguments by *", filepath.Join(t.TempDir(), "table.md")
	o.adapter = "mine=" + o.python + " " + filepath.Join(o.repository, "conformance", "python", "face_grpc.py")
	var out strings.Builder
	require.NoError(t, o.run(t.Context(), &out))
	require.Contains(t, out.String(), "http       2 passed, 0 failed, 0 not for it\nmine       2 passed")
	table, err := os.ReadFile(o.table)
	require.NoError(t, err)
	require.Contains(t, string(table), "| arguments by name | ✓ | ✓ |")

	o.adapter, o.faces, o.only = "mine="+o.python+" -c "+`print('{"verbs":["call"]}')`, "", "calls: arguments by position"
	require.ErrorContains(t, o.run(t.Context(), &out), "FAILED")
}

func TestRunRefusesFacesThatItDoesNotKnow(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	o := here(t)
	o.faces = "cobol"
	_, _, err := o.results(t.Context(), nil)
	require.ErrorContains(t, err, `there is no face "cobol"`)
	o.faces, o.adapter = "", "nothing"
	_, _, err = o.results(t.Context(), nil)
	require.ErrorContains(t, err, "want name=command")
}
