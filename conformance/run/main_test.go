package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/conformance"
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
		o.bridge = filepath.Join(t.TempDir(), "toolbridge")
		build := exec.CommandContext(t.Context(), "go", "build", "-o", o.bridge, "./cmd/toolbridge")
		build.Dir = repository
		out, err := build.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	if _, err := os.Stat(o.python); errors.Is(err, os.ErrNotExist) {
		t.Skip("make build makes the Python environment of the faces python, grpc and http")
	}
	return o
}

func TestEveryFaceConforms(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	o := here(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	topics, err := conformance.Load(os.DirFS(filepath.Join(o.repository, "conformance", "scenarios")))
	require.NoError(t, err)

	faces, results, err := o.results(ctx, o.selected(topics))

	require.NoError(t, err)
	require.Empty(t, conformance.Failures(results))
	committed, err := os.ReadFile(filepath.Join(o.repository, "docs", "conformance.md"))
	require.NoError(t, err)
	require.Equal(t, conformance.Table(topics, faces, results), string(committed), "make conformance writes the table anew")
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
