package bridge_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestBridge_restarted_on_the_same_folder_keeps_sessions_and_variables(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "deep", "data")
	first := start(t, bridge.Config{Data: folder})
	before := session(t, first, "kept")
	_, err := before.Set(t.Context(), "answer", 42)
	require.NoError(t, err)
	stop(t, first)

	second := start(t, bridge.Config{Data: folder})
	after := session(t, second, "kept")

	require.False(t, after.Created())
	require.Equal(t, before.Epoch(), after.Epoch())
	got, err := toolbridge.Get[int](t.Context(), after, "answer")
	require.NoError(t, err)
	require.Equal(t, 42, got)
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestBridge_in_memory_forgets_when_it_stops(t *testing.T) {
	t.Parallel()
	first := start(t, bridge.Config{Memory: true})
	require.True(t, session(t, first, "s").Created())
	stop(t, first)
	require.True(t, session(t, start(t, bridge.Config{Memory: true}), "s").Created())
}

func TestStart_a_second_time_is_refused_and_leaves_the_bridge_as_it_is(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true})
	address := b.Addr()

	err := b.Start(t.Context())

	require.ErrorContains(t, err, "started before")
	require.Equal(t, address, b.Addr())
	require.True(t, session(t, b, "s").Created())
	stop(t, b)
	require.ErrorContains(t, b.Start(t.Context()), "started before")
}

func TestStart_refuses_a_port_that_is_in_use(t *testing.T) {
	t.Parallel()
	taken := start(t, bridge.Config{Memory: true})
	b := made(t, bridge.Config{Memory: true, GRPC: taken.Addr()})

	err := b.Start(t.Context())

	require.ErrorContains(t, err, "grpc address "+taken.Addr()+" is in use")
	require.ErrorContains(t, err, "--grpc ADDR")
	stop(t, b)
}

func TestStart_refuses_an_address_that_is_not_of_this_host(t *testing.T) {
	t.Parallel()
	b := made(t, bridge.Config{Memory: true, GRPC: "192.0.2.1:0", InsecureListen: true})
	require.ErrorContains(t, b.Start(t.Context()), "grpc address 192.0.2.1:0")
}

func TestStart_refuses_a_folder_that_it_cannot_have(t *testing.T) {
	t.Parallel()
	newer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(newer, "version"), []byte("99\n"), 0o600))
	foreign := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "letter.txt"), nil, 0o600))
	locked := t.TempDir()
	start(t, bridge.Config{Data: locked})
	for folder, want := range map[string]string{
		locked:                         "is in use by another bridge",
		newer:                          "has format 99",
		foreign:                        "letter.txt",
		file(t, "file", ""):            "data folder",
		file(t, "file", "") + "/below": "cannot be made",
	} {
		b := made(t, bridge.Config{Data: folder})
		err := b.Start(t.Context())
		require.ErrorContains(t, err, folder)
		require.ErrorContains(t, err, want)
		requireFree(t, b.Addr())
	}
}

// requireFree proves that nobody listens any more.
func requireFree(t *testing.T, address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

func TestStart_says_when_the_cluster_does_not_answer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	b := made(t, bridge.Config{Etcd: bridge.Etcd{Endpoints: []string{"http://127.0.0.1:1"}}})
	err := b.Start(ctx)
	require.Error(t, err)
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err))
	require.ErrorContains(t, err, "127.0.0.1:1")
}

func TestStart_names_the_certificate_that_it_cannot_read(t *testing.T) {
	t.Parallel()
	empty := file(t, "empty.pem", "")
	for want, etcd := range map[string]bridge.Etcd{
		"etcd.ca: ":                {CA: "/no/such.pem"},
		"holds no certificate":     {CA: empty},
		"etcd.cert and etcd.key: ": {Cert: empty, Key: empty},
	} {
		etcd.Endpoints = []string{"https://127.0.0.1:1"}
		require.ErrorContains(t, made(t, bridge.Config{Etcd: etcd}).Start(t.Context()), want)
	}
}

func TestStop_lets_a_running_call_end_and_takes_no_new_one(t *testing.T) {
	t.Parallel()
	began, goOn := make(chan struct{}), make(chan struct{})
	b := start(t, bridge.Config{Memory: true, Hosts: []bridge.Host{waitingHost(t, began, goOn)}})
	s := session(t, b, "s")
	answered := make(chan error, 1)
	go func() {
		_, err := s.Call(t.Context(), "wait")
		answered <- err
	}()
	<-began
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = b.Stop(ctx) // asked again below, where it answers the same
	}()

	require.Eventually(t, func() bool {
		_, err := toolbridge.Call[any](t.Context(), s.With(toolbridge.Timeout(50*time.Millisecond)), "at_once")
		return err != nil
	}, 10*time.Second, 10*time.Millisecond)
	close(goOn)

	require.NoError(t, <-answered)
	<-stopped
	stop(t, b)
	requireFree(t, b.Addr())
}

func TestStop_cancels_a_call_that_outlasts_its_patience(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	b := made(t, bridge.Config{Memory: true, Hosts: []bridge.Host{waitingHost(t, began, nil)}})
	require.NoError(t, b.Start(t.Context()))
	s := session(t, b, "s")
	answered := make(chan error, 1)
	go func() {
		_, err := s.Call(t.Context(), "wait")
		answered <- err
	}()
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()

	err := b.Stop(ctx)

	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
	require.Equal(t, tool.Cancelled, tool.CodeOf(<-answered))
	require.Equal(t, err, b.Stop(t.Context()))
	requireFree(t, b.Addr())
}

func TestStop_before_Start_has_nothing_to_do(t *testing.T) {
	t.Parallel()
	stop(t, made(t, bridge.Config{Memory: true}))
}

func TestBridge_logs_its_start_and_its_stop(t *testing.T) {
	t.Parallel()
	log := &journal{}
	b := start(t, bridge.Config{Memory: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	stop(t, b)
	require.Contains(t, log.String(), `msg="bridge started" grpc=`+b.Addr())
	require.Contains(t, log.String(), `msg="bridge stopped"`)
	require.Empty(t, b.Failed())
}

// journal is a log that many goroutines write to.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String is what was logged so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func TestStop_does_not_wait_for_connections_that_never_say_what_they_want(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true})
	mute, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	alone := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 6, 4, 0, 0, 0, 0, 0, 0xf7, 0x1b, 0, 0, 0, 1) // a link's own connection, and nothing more
	_, err = mute.Write(alone)
	require.NoError(t, err)
	require.True(t, session(t, b, "s").Created()) // so that it was accepted before this one was
	began := time.Now()

	stop(t, b)

	require.Less(t, time.Since(began), 9*time.Second, "it may take 10 s to say what it wants")
	_, err = io.Copy(io.Discard, mute)
	require.NoError(t, err, "the bridge has closed it")
}
