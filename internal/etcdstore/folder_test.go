package etcdstore_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/etcdstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestANewFolderIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(data(t), "deeper")
	open(t, etcdstore.Config{Dir: dir})
	requireClosed(t, dir)
	requireClosed(t, filepath.Join(dir, "etcd"))
}

func TestAFolderOpenToOthersIsClosedToThem(t *testing.T) {
	t.Parallel()
	dir := data(t)
	require.NoError(t, os.Mkdir(dir, 0o755))
	open(t, etcdstore.Config{Dir: dir})
	requireClosed(t, dir)
}

func requireClosed(t *testing.T, dir string) {
	t.Helper()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestFoldersThatAreRefused(t *testing.T) {
	t.Parallel()
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
	}
	for name, test := range map[string]struct {
		given func(*testing.T, string)
		want  string
	}{
		"of a newer bridge": {write("version", "7\n"), "has format 7, this bridge knows formats up to 1"},
		"of no version":     {write("version", "latest"), `has the version "latest", which is none`},
		"with other files":  {write("thesis.txt", "chapter 1"), "holds other files (thesis.txt)"},
		"a file": {func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.WriteFile(dir, nil, 0o600))
		}, "cannot be made"},
		"not writable": {func(t *testing.T, dir string) {
			t.Helper()
			// A folder where the lock should be refuses root too, whom no mode stops.
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "lock"), 0o700))
		}, "is not writable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := data(t)
			test.given(t, dir)
			_, err := etcdstore.Open(t.Context(), etcdstore.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
			require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, dir)
			require.False(t, err.(*tool.Error).Retryable, "waiting does not cure it") //nolint:errorlint // the contract is this very type
		})
	}
}

func TestADatabaseThatWasCutIsRefused(t *testing.T) {
	t.Parallel()
	dir := data(t)
	store, err := etcdstore.Open(t.Context(), etcdstore.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	_, err = store.CreateSession(t.Context(), tool.Session{Key: tool.SessionKey{ID: "s"}, TTL: time.Hour})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.NoError(t, os.Truncate(filepath.Join(dir, "etcd", "member", "snap", "db"), 10_000))

	for range 2 { // the lock was given back
		_, err = etcdstore.Open(t.Context(), etcdstore.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "is damaged: it has 10000 bytes")
		require.ErrorContains(t, err, dir)
	}
}

func TestEitherAFolderOrACluster(t *testing.T) {
	t.Parallel()
	for _, cfg := range []etcdstore.Config{{}, {Dir: "x", Endpoints: []string{"y"}}} {
		_, err := etcdstore.Open(t.Context(), cfg)
		require.ErrorContains(t, err, "either Dir or Endpoints")
	}
}
