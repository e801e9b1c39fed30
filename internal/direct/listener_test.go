package direct_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
)

// opening is how a connection begins that is a link's alone.
func opening() string {
	return http2.ClientPreface + "\x00\x00\x06\x04\x00\x00\x00\x00\x00\xf7\x1b\x00\x00\x00\x01"
}

// connect is a bare connection to an address.
func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

func TestManyLinksAreServedAtOnce(t *testing.T) {
	t.Parallel()
	b := listen(t, echo)
	var all sync.WaitGroup
	for n := range 100 {
		s := dial(t, b.address)
		all.Go(func() {
			for i := range 20 {
				want := fmt.Sprintf("message %d of %d", i, n)
				if s.Send(text(want), nil) != nil {
					t.Error("not sent")
					return
				}
				m, err := s.Recv()
				if err != nil || string(joined(m)) != want {
					t.Errorf("got %q, %v, want %q", joined(m), err, want)
					return
				}
			}
		})
	}
	all.Wait()
	require.Empty(t, b.others)
}

func TestALinkIsServedOverAUnixSocket(t *testing.T) {
	t.Parallel()
	place := filepath.Join(t.TempDir(), "bridge.sock")
	listenOn(t, socket(t, "unix", place), echo)
	for _, address := range []string{"unix:" + place, "unix://" + place} {
		s := dial(t, address)
		require.NoError(t, s.Send(text("hello"), nil))
		says(t, s, "hello")
	}
}

func TestALinkIsServedByNameAndOverIPv6(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"[::1]", "localhost"} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
		if err != nil {
			t.Logf("there is no %s here: %v", host, err)
			continue
		}
		b := listenOn(t, l, echo)
		_, port, err := net.SplitHostPort(b.address)
		require.NoError(t, err)
		s := dial(t, host+":"+port)
		require.NoError(t, s.Send(text("hello"), nil))
		says(t, s, "hello")
	}
}

func TestNobodyListensIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	l := socket(t, "tcp", "127.0.0.1:0")
	require.NoError(t, l.Close())
	_, err := direct.Dial(t.Context(), target(l.Addr().String()))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, l.Addr().String())
	_, err = direct.Dial(over(), target(l.Addr().String()))
	require.Error(t, err)
}

// beginnings are how connections begin that are not a link's alone: they are handed on as they came.
var beginnings = map[string]string{
	"another protocol":       "GET / HTTP/1.1\r\n\r\n",
	"one byte of it":         "G",
	"another preface":        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
	"no settings":            http2.ClientPreface + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678",
	"settings of nothing":    http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	"settings of a stream":   http2.ClientPreface + "\x00\x00\x06\x04\x00\x00\x00\x00\x01\xf7\x1b\x00\x00\x00\x01",
	"settings that answer":   http2.ClientPreface + "\x00\x00\x00\x04\x01\x00\x00\x00\x00",
	"other settings":         http2.ClientPreface + "\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x01\xf7\x1c\x00\x00\x00\x01",
	"another value":          http2.ClientPreface + "\x00\x00\x06\x04\x00\x00\x00\x00\x00\xf7\x1b\x00\x00\x00\x02",
	"settings that are cut":  http2.ClientPreface + "\x00\x00\x05\x04\x00\x00\x00\x00\x00\xf7\x1b\x00\x00\x00",
	"settings without end":   http2.ClientPreface + "\x00\x40\x00\x04\x00\x00\x00\x00\x00" + strings.Repeat("\x00\x03\x00\x00\x00\x01", 100),
	"settings, and the next": http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678",
}

func TestOtherConnectionsAreHandedOnAsTheyCame(t *testing.T) {
	t.Parallel()
	for name, said := range beginnings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given
			b := listen(t, func(context.Context, *direct.Stream) error { t.Error("it was served"); return nil })
			conn := connect(t, b.address)
			// when
			_, err := io.WriteString(conn, said)
			require.NoError(t, err)
			other := returns(t, b.others)
			defer func() { require.NoError(t, other.Close()) }()
			// then
			got := make([]byte, len(said)+4)
			_, err = io.WriteString(conn, "more")
			require.NoError(t, err)
			_, err = io.ReadFull(other, got)
			require.NoError(t, err)
			require.Equal(t, said+"more", string(got))
			_, err = io.WriteString(other, "back")
			require.NoError(t, err)
			_, err = io.ReadFull(conn, got[:4])
			require.NoError(t, err)
			require.Equal(t, "back", string(got[:4]))
		})
	}
}

func TestAnOpeningThatIsCutAnywhereIsHandedOnOrClosed(t *testing.T) {
	t.Parallel()
	b := listen(t, echo)
	whole := opening()
	for n := range len(whole) {
		conn := connect(t, b.address)
		_, err := io.WriteString(conn, whole[:n])
		require.NoError(t, err)
		require.NoError(t, conn.(*net.TCPConn).CloseWrite()) //nolint:forcetypeassert // it is one
		if n == 0 {
			_, err := conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			continue
		}
		other := returns(t, b.others)
		got, err := io.ReadAll(other)
		require.NoError(t, err)
		require.Equal(t, whole[:n], string(got))
		require.NoError(t, other.Close())
	}
}

func TestAnOpeningMayComeByteByByte(t *testing.T) {
	t.Parallel()
	b := listen(t, echo)
	p := newPeer(t, connect(t, b.address))
	for _, c := range []byte(opening()) {
		_, err := p.conn.Write([]byte{c})
		require.NoError(t, err)
	}
	p.request()
	require.NoError(t, p.WriteData(1, true, message(3)))
	require.Equal(t, message(3), p.data(8))
	requireStatus(t, until(p, func(f *http2.MetaHeadersFrame) bool { return f.StreamEnded() }), codes.OK)
}

func TestAnOpeningMayComeAtOnceWithAllThatFollows(t *testing.T) {
	t.Parallel()
	b := listen(t, echo)
	said := &recorded{}
	p := newPeer(t, connect(t, b.address))
	p.Framer = http2.NewFramer(said, p.conn)
	p.request()
	for range 60 { // less than the first window
		require.NoError(t, p.WriteData(1, false, message(1000)))
	}
	require.NoError(t, p.WriteData(1, true, nil))
	begin(t, func() error { _, err := p.conn.Write(append([]byte(opening()), said.b...)); return err })
	for range 60 {
		require.Equal(t, message(1000), p.data(1005))
	}
}

type recorded struct{ b []byte }

func (r *recorded) Write(b []byte) (int, error) { r.b = append(r.b, b...); return len(b), nil }

func TestCloseEndsWhatHasNotSaidYetWhatItIsAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	// given: one that is served, and some that have said a part
	b := listen(t, echo)
	s := dial(t, b.address)
	require.NoError(t, s.Send(text("hello"), nil))
	says(t, s, "hello")
	var partial []net.Conn
	for n := range 10 {
		conn := connect(t, b.address)
		_, err := io.WriteString(conn, opening()[:n])
		require.NoError(t, err)
		partial = append(partial, conn)
	}
	// when
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	// then
	for _, conn := range partial {
		_, err := conn.Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	}
	require.NoError(t, s.Send(text("still"), nil))
	says(t, s, "still")
}

func TestStopWaitsForWhatIsServedUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	b := listen(t, func(ctx context.Context, s *direct.Stream) error {
		if err := s.Send(text("hello"), nil); err != nil {
			return err
		}
		select {
		case <-leave:
			return status.Error(codes.Unavailable, "later")
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	first, second := dial(t, b.address), dial(t, b.address)
	for _, s := range []*direct.Stream{first, second} {
		require.NoError(t, s.Send(text("go"), nil))
		says(t, s, "hello")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := begin(t, func() error { b.Stop(ctx); return nil })
	// when: one leaves by itself
	leave <- struct{}{}
	// then: it is told why, and the other one stays
	ended := begin(t, func() error { _, err := first.Recv(); return err })
	other := begin(t, func() error { _, err := second.Recv(); return err })
	select {
	case err := <-ended:
		require.Contains(t, err.Error(), "later")
		require.Empty(t, stopped)
		cancel()
		require.Error(t, returns(t, other)) // Canceled, if that passes before the connection ends
	case err := <-other:
		require.Contains(t, err.Error(), "later")
		require.Empty(t, stopped)
		cancel()
		require.Error(t, returns(t, ended)) // Canceled, if that passes before the connection ends
	}
	require.NoError(t, returns(t, stopped))
	b.Stop(t.Context())
}

func TestStopBeforeAnybodyAcceptsLeavesNothingToAccept(t *testing.T) {
	t.Parallel()
	l := direct.Listen(socket(t, "tcp", "127.0.0.1:0"), direct.Config{Path: path, Serve: echo})
	l.Stop(t.Context())
	_, err := l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestWhatIsAcceptedAfterTheEndIsClosed(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{"a link": opening(), "another one": beginnings["another protocol"], "nothing": ""} {
		ours, theirs := net.Pipe()
		late := newStubListener()
		b := listenOn(t, late, echo)
		<-late.accepting
		require.NoError(t, b.Close(), name)
		late.conns <- theirs
		_, _ = io.WriteString(ours, said)
		_, err := ours.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, name)
		close(late.closed)
	}
}

// stubListener accepts what the test gives it, until the test closes closed.
type stubListener struct {
	conns     chan net.Conn
	errs      chan error
	accepting chan struct{} // somebody accepts
	closed    chan struct{}
}

func newStubListener() *stubListener {
	return &stubListener{conns: make(chan net.Conn), errs: make(chan error), accepting: make(chan struct{}, 10), closed: make(chan struct{})}
}

func (l *stubListener) Accept() (net.Conn, error) {
	l.accepting <- struct{}{}
	select {
	case c := <-l.conns:
		return c, nil
	case err := <-l.errs:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *stubListener) Close() error { return nil }

func (l *stubListener) Addr() net.Addr { return &net.UnixAddr{Name: "here", Net: "unix"} }

func TestErrorsOfAcceptGoToWhoeverAcceptsAndTheNextConnectionIsServed(t *testing.T) {
	t.Parallel()
	// given
	faulty := newStubListener()
	l := direct.Listen(faulty, direct.Config{Path: path, Serve: echo})
	failed := begin(t, func() error { _, err := l.Accept(); return err })
	// when
	faulty.errs <- errors.New("too many open files")
	// then
	require.EqualError(t, returns(t, failed), "too many open files")
	others := begin(t, func() error { _, err := l.Accept(); return err })
	ours, theirs := net.Pipe()
	faulty.conns <- theirs
	p := newPeer(t, ours)
	begin(t, func() error {
		p.preface()
		p.request()
		return p.WriteData(1, true, message(5))
	})
	require.Equal(t, message(5), p.data(10))
	requireStatus(t, until(p, func(f *http2.MetaHeadersFrame) bool { return f.StreamEnded() }), codes.OK)
	close(faulty.closed)
	l.Stop(t.Context())
	require.ErrorIs(t, returns(t, others), net.ErrClosed)
}
