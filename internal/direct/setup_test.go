package direct_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	peerinfo "google.golang.org/grpc/peer"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// patience is how long anything may take that should happen at once, on a busy machine.
	patience = time.Minute
	path     = "/test.Service/Link"
)

// bundle is a Listener on a socket. What it hands on comes out of others.
type bundle struct {
	*direct.Listener
	address string
	others  chan net.Conn
	ended   chan error // of the last Accept
}

type serve = func(ctx context.Context, s *direct.Stream) error

// socket listens on a free port, or on a path if the network is "unix".
func socket(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	require.NoError(t, err)
	return l
}

func listen(t *testing.T, serve serve) *bundle {
	t.Helper()
	return listenOn(t, socket(t, "tcp", "127.0.0.1:0"), serve)
}

func listenOn(t *testing.T, l net.Listener, serve serve) *bundle {
	t.Helper()
	b := &bundle{
		Listener: direct.Listen(l, direct.Config{Path: path, Serve: serve}), address: l.Addr().String(),
		others: make(chan net.Conn, 64), ended: make(chan error, 1),
	}
	go func() {
		for {
			conn, err := b.Accept()
			if err != nil {
				b.ended <- err
				return
			}
			b.others <- conn
		}
	}()
	t.Cleanup(func() {
		b.Stop(over())
		require.ErrorIs(t, <-b.ended, net.ErrClosed)
		close(b.others)
		for conn := range b.others {
			_ = conn.Close()
		}
	})
	return b
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// soon is a context that ends when a test that hangs should say so.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func target(address string) direct.Target {
	return direct.Target{Address: address, Path: path, Credentials: insecure.NewCredentials()}
}

// dial connects, until the test ends.
func dial(t *testing.T, address string) *direct.Stream {
	t.Helper()
	return dialWith(t, address, insecure.NewCredentials())
}

func dialWith(t *testing.T, address string, secure credentials.TransportCredentials) *direct.Stream {
	t.Helper()
	to := target(address)
	to.Credentials = secure
	s, err := direct.Dial(soon(t), to)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// echo sends back every message, and ends without an error when the other side does.
func echo(_ context.Context, s *direct.Stream) error {
	for {
		m, err := s.Recv()
		if err != nil {
			return endOf(err)
		}
		if err := s.Send(m, nil); err != nil {
			return err
		}
	}
}

func endOf(err error) error {
	if err == io.EOF { //nolint:errorlint // as Recv promises
		return nil
	}
	return err
}

// drain receives until the end.
func drain(s link.Stream) error {
	for {
		if _, err := s.Recv(); err != nil {
			return endOf(err)
		}
	}
}

func text(s string) link.Message { return link.Message{[]byte(s)} }

// joined is a copy of a message, in one piece.
func joined(m link.Message) []byte { return bytes.Join(m, nil) }

// says requires that a stream's next message is a text.
func says(t *testing.T, s link.Stream, want string) {
	t.Helper()
	m, err := s.Recv()
	require.NoError(t, err)
	require.Equal(t, want, string(joined(m)))
}

// returns requires that something which may hang does not.
func returns[T any](t *testing.T, what <-chan T) T {
	t.Helper()
	select {
	case got := <-what:
		return got
	case <-time.After(patience):
		require.FailNow(t, "it did not return")
		panic("unreachable")
	}
}

// begin runs something beside the test, which waits for it at its end.
func begin[T any](t *testing.T, run func() T) <-chan T {
	t.Helper()
	out := make(chan T, 1)
	var running sync.WaitGroup
	running.Go(func() { out <- run() })
	t.Cleanup(running.Wait)
	return out
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func metadataOf(ctx context.Context) metadata.MD {
	md, _ := metadata.FromIncomingContext(ctx)
	return md
}

func peerOf(ctx context.Context) string {
	p, _ := peerinfo.FromContext(ctx)
	return p.Addr.String()
}
