package etcdstore_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/etcdstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Tests that need a process of its own run this test binary again, with these in its environment.
const (
	childRole = "TOOLBRIDGE_TEST_CHILD"
	childDir  = "TOOLBRIDGE_TEST_DIR"
)

// runAsChild runs what a test wants of a process of its own, and reports whether this is one.
func runAsChild() bool {
	roles := map[string]func(*etcdstore.Store){"write": writeForever, "crowd": crowdForever, "hold": hold, "sockets": listSockets}
	role := roles[os.Getenv(childRole)]
	if role == nil {
		return false
	}
	store, err := etcdstore.Open(context.Background(), etcdstore.Config{Dir: os.Getenv(childDir), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Fprintln(os.Stdout, "failed:", err)
		return true
	}
	role(store)
	return true
}

// child starts a process that has the store of dir open, and returns the lines that it prints.
func child(t *testing.T, role, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// writeForever prints the name of each session once everything in it is acknowledged.
func writeForever(store *etcdstore.Store) {
	ctx := context.Background()
	for i := 0; ; i++ {
		k := key(fmt.Sprint("s", i))
		_, err := store.CreateSession(ctx, tool.Session{Key: k, TTL: time.Hour, Metadata: map[string]string{"i": fmt.Sprint(i)}})
		if err == nil {
			_, err = store.RegisterTools(ctx, k, []*tool.Spec{{ID: "t", Name: "tool"}})
		}
		if err == nil {
			_, err = store.SetVariables(ctx, k, []broker.VariableWrite{{Variable: tool.Variable{Name: "v", Value: tool.Value{TypeURL: "u", Bytes: []byte(k.ID)}}}})
		}
		if err == nil {
			_, err = store.RegisterShared(ctx, []*tool.Spec{{ID: k.ID, Name: k.ID}})
		}
		if err != nil {
			fmt.Fprintln(os.Stdout, "failed:", err)
			return
		}
		fmt.Fprintln(os.Stdout, k.ID)
	}
}

// crowdForever writes from many goroutines at once, so that their writes share transactions, and prints the name of each session
// once its creation and its variable are acknowledged.
func crowdForever(store *etcdstore.Store) {
	for writer := range 32 {
		go func() {
			for i := 0; ; i++ {
				k := key(fmt.Sprint("s", writer, "-", i))
				_, err := store.CreateSession(context.Background(), tool.Session{Key: k, TTL: time.Hour})
				if err == nil {
					_, err = store.SetVariables(context.Background(), k, []broker.VariableWrite{{Variable: tool.Variable{Name: "v", Value: tool.Value{TypeURL: "u", Bytes: []byte(k.ID)}}, RequestID: k.ID}})
				}
				if err != nil {
					fmt.Fprintln(os.Stdout, "failed:", err)
					return
				}
				fmt.Fprintln(os.Stdout, k.ID)
			}
		}()
	}
	select {}
}

// hold keeps the store open until the process is killed.
func hold(*etcdstore.Store) {
	fmt.Fprintln(os.Stdout, "open")
	select {}
}

// listSockets prints the process's sockets.
func listSockets(store *etcdstore.Store) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		fmt.Fprintln(os.Stdout, "skip:", err)
	}
	for _, f := range files {
		if target, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			fmt.Fprintln(os.Stdout, target)
		}
	}
	if err := store.Close(); err != nil {
		fmt.Fprintln(os.Stdout, "failed:", err)
	}
}

// What etcd leaves behind when it gives up cannot be cleaned up in this process.
func TestDamagedDataIsAnErrorAndNotTheEndOfTheProcess(t *testing.T) {
	t.Parallel()
	dir := data(t)
	store := open(t, etcdstore.Config{Dir: dir})
	require.NoError(t, store.Close())
	db := filepath.Join(dir, "etcd", "member", "snap", "db")
	require.NoError(t, os.WriteFile(db, make([]byte, 1<<16), 0o600))
	process, lines := child(t, "hold", dir)
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), "failed: StoreUnavailable: the store in data folder "+dir+" does not start: etcd gave up")
	require.NoError(t, process.Wait())
}

func TestWhatWasAcknowledgedSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	dir := data(t)
	var acknowledged []string
	for round := range 2 {
		process, lines := child(t, "write", dir)
		for len(acknowledged) < 40*(round+1) && lines.Scan() {
			require.NotContains(t, lines.Text(), "failed")
			acknowledged = append(acknowledged, lines.Text())
		}
		require.NoError(t, process.Process.Kill())
		for lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
		}
		require.Error(t, process.Wait(), "it was killed")
		if round == 0 {
			store := open(t, etcdstore.Config{Dir: dir})
			require.NoError(t, endAll(t, store))
			require.NoError(t, store.Close())
			acknowledged = acknowledged[:0]
		}
	}
	require.NotEmpty(t, acknowledged)
	store := open(t, etcdstore.Config{Dir: dir})
	shared, err := store.SharedTools(t.Context())
	require.NoError(t, err)
	for _, id := range acknowledged {
		record, err := store.Session(t.Context(), key(id))
		require.NoError(t, err, id)
		require.Equal(t, strings.TrimPrefix(id, "s"), record.Metadata["i"])
		require.NotNil(t, record.Tools.Lookup("t"))
		require.NotNil(t, shared.Lookup(id))
		v, err := store.Variable(t.Context(), key(id), "v")
		require.NoError(t, err)
		require.Equal(t, id, string(v.Value.Bytes))
	}
}

func TestWhatManyWroteAtOnceAndWasAcknowledgedSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	dir := data(t)
	process, lines := child(t, "crowd", dir)
	var acknowledged []string
	for len(acknowledged) < 500 && lines.Scan() {
		require.NotContains(t, lines.Text(), "failed")
		acknowledged = append(acknowledged, lines.Text())
	}
	require.NoError(t, process.Process.Kill())
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
	}
	require.Error(t, process.Wait(), "it was killed")

	store := open(t, etcdstore.Config{Dir: dir})
	for _, id := range acknowledged {
		v, err := store.Variable(t.Context(), key(id), "v")
		require.NoError(t, err, id)
		require.Equal(t, id, string(v.Value.Bytes))
	}
}

func endAll(t *testing.T, store broker.Store) error {
	t.Helper()
	page, err := store.Sessions(t.Context(), "alice", "", "", 1_000_000)
	for _, record := range page {
		if _, err := store.EndSession(t.Context(), record.Key, 0); err != nil {
			return err
		}
	}
	return err
}

func TestAFolderInUseIsRefusedWithItsHolder(t *testing.T) {
	t.Parallel()
	dir := data(t)
	process, lines := child(t, "hold", dir)
	require.True(t, lines.Scan())
	require.Equal(t, "open", lines.Text())

	_, err := etcdstore.Open(t.Context(), etcdstore.Config{Dir: dir})
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err))
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, fmt.Sprintf("process %d", process.Process.Pid))

	require.NoError(t, process.Process.Kill())
	require.Error(t, process.Wait())
	open(t, etcdstore.Config{Dir: dir})
}

func TestAnEmbeddedStoreHasNoSocketAtAll(t *testing.T) {
	t.Parallel()
	process, lines := child(t, "sockets", data(t))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "skip") {
			t.Skip(lines.Text())
		}
		require.Fail(t, "an embedded store opened a socket", lines.Text())
	}
	require.NoError(t, process.Wait())
}
