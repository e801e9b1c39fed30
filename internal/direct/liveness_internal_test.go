package direct

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// piped is a stream whose other side is the test; its time is that of the bubble.
func piped(t *testing.T, server bool) (*Stream, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	s := newStream(t.Context(), ours, server, liveness{silence: 10 * time.Second, patience: 5 * time.Second})
	s.watch()
	t.Cleanup(func() {
		s.shut()
		_ = theirs.Close()
	})
	return s, theirs
}

// receive receives until the end, beside the test.
func receive(s *Stream) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := s.Recv()
		ended <- err
	}()
	return ended
}

// readFrame reads one frame.
func readFrame(t *testing.T, conn net.Conn) (head, []byte) {
	t.Helper()
	b := make([]byte, frameHead)
	_, err := io.ReadFull(conn, b)
	require.NoError(t, err)
	h := readHead(b)
	payload := make([]byte, h.size)
	_, err = io.ReadFull(conn, payload)
	require.NoError(t, err)
	return h, payload
}

func TestWhoSaysNothingIsAskedAndThenGivenUp(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]bool{"a process": false, "a bridge": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// given
				began := time.Now()
				s, conn := piped(t, server)
				ended := receive(s)
				// when
				h, payload := readFrame(t, conn)
				// then
				require.Equal(t, head{size: 8, kind: kindPing}, h)
				require.Len(t, payload, 8)
				require.Equal(t, 10*time.Second, time.Since(began))
				err := <-ended
				require.Equal(t, 15*time.Second, time.Since(began))
				require.Equal(t, codes.Unavailable, status.Code(err))
				require.Contains(t, err.Error(), "no sign of life")
				require.ErrorIs(t, s.Context().Err(), context.Canceled)
			})
		})
	}
}

func TestAnySignOfLifeKeepsAStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, conn := piped(t, true)
		ended := receive(s)
		began := time.Now()
		for range 10 {
			h, payload := readFrame(t, conn)
			require.Equal(t, kindPing, h.kind)
			_, err := conn.Write(appendHead(nil, 0, kindSettings, 0, 0)) // the first frame has to be one
			require.NoError(t, err)
			_, err = conn.Write(append(appendHead(nil, 8, kindPing, flagAck, 0), payload...))
			require.NoError(t, err)
			h, _ = readFrame(t, conn)
			require.Equal(t, head{kind: kindSettings, flags: flagAck}, h)
		}
		require.Greater(t, time.Since(began), 100*time.Second)
		require.Empty(t, ended)
		s.shut()
		require.Error(t, <-ended)
	})
}

func TestWhoTalksIsNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, conn := piped(t, false)
		ended := receive(s)
		_, err := conn.Write(appendHead(nil, 0, kindSettings, 0, 0))
		require.NoError(t, err)
		h, _ := readFrame(t, conn)
		require.Equal(t, kindSettings, h.kind)
		for range 30 {
			time.Sleep(4 * time.Second) //nolint:forbidigo // the time of the bubble
			_, err := conn.Write(appendHead(nil, 0, kindPriority, 0, 0))
			require.NoError(t, err)
		}
		require.Empty(t, ended)
		require.Empty(t, s.control)
		s.Close()
		require.Error(t, <-ended)
	})
}

func TestAStreamThatWasClosedIsNotWatchedAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, conn := piped(t, false)
		s.Close()
		s.Close()
		s.look()                // as a timer that had begun
		time.Sleep(time.Minute) //nolint:forbidigo // the time of the bubble
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

// piping is a listener of one connection.
type piping struct{ conns chan net.Conn }

func (l piping) Accept() (net.Conn, error) {
	if conn, more := <-l.conns; more {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (l piping) Close() error { close(l.conns); return nil }

func (l piping) Addr() net.Addr { return &net.UnixAddr{Name: "here", Net: "unix"} }

// pipedTo is a connection to a listener that serves so.
func pipedTo(t *testing.T, serve func(ctx context.Context, s *Stream) error) (net.Conn, *Listener, <-chan net.Conn) {
	t.Helper()
	in := piping{make(chan net.Conn, 1)}
	l, others := Listen(in, Config{Path: "/x/Link", Serve: serve}), make(chan net.Conn, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			others <- conn
		}
	}()
	ours, theirs := net.Pipe()
	in.conns <- theirs
	t.Cleanup(func() {
		_ = ours.Close()
		l.Stop(t.Context())
	})
	return ours, l, others
}

func TestAConnectionThatSaysNothingIsClosedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		conn, _, _ := pipedTo(t, nil)
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, openingTimeout, time.Since(began))
	})
}

func TestAnOpeningThatTakesTooLongIsGRPCsBusiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		conn, _, others := pipedTo(t, nil)
		for _, c := range []byte(preface) { // a byte every three seconds, the last one before it is too late
			if _, err := conn.Write([]byte{c}); err != nil {
				break
			}
			time.Sleep(3 * time.Second) //nolint:forbidigo // the time of the bubble
			if len(others) > 0 {
				break
			}
		}
		other := <-others
		require.InDelta(t, openingTimeout, time.Since(began), float64(2*time.Second))
		got := make([]byte, 4)
		_, err := io.ReadFull(other, got)
		require.NoError(t, err)
		require.Equal(t, preface[:4], string(got))
		require.NoError(t, other.Close())
	})
}

// soleOpening is how a process begins.
func soleOpening() []byte { return appendSettings([]byte(preface), uint32(settingSole), 1) }

func TestARequestThatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		conn, _, _ := pipedTo(t, nil)
		var talking sync.WaitGroup
		talking.Go(func() {
			_, _ = conn.Write(soleOpening())
			for { // it has much to say, and no request
				if _, err := conn.Write(appendHead(nil, 0, kindPriority, 0, 1)); err != nil {
					return
				}
				time.Sleep(time.Second) //nolint:forbidigo // the time of the bubble
			}
		})
		_, _ = io.Copy(io.Discard, conn)
		require.Equal(t, openingTimeout, time.Since(began))
		talking.Wait()
	})
}

func TestAConnectionStaysForTheLastWordsButNotForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// given
		conn, _, _ := pipedTo(t, func(context.Context, *Stream) error { return status.Error(codes.Aborted, "why") })
		go func() { _, _ = conn.Write(requestHeaders(soleOpening(), "/x/Link", "http", "here")) }()
		began, ended := time.Now(), false
		// when: the process reads to the end, and goes on talking
		for !ended {
			h, _ := readFrame(t, conn)
			ended = h.kind == kindHeaders && h.has(flagEndStream)
		}
		for {
			if _, err := conn.Write(appendHead(nil, 0, kindPriority, 0, 1)); err != nil {
				break
			}
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the time of the bubble
		}
		// then
		require.InDelta(t, lingerTimeout, time.Since(began), float64(100*time.Millisecond))
	})
}

func TestALimitIsFilledInWhereNoneIsGiven(t *testing.T) {
	t.Parallel()
	l := Listen(piping{make(chan net.Conn)}, Config{Path: "/x/Link"})
	require.Equal(t, defaultSilence, l.config.Silence)
	require.Equal(t, defaultSilence, l.config.Patience)
	l.Stop(t.Context())
}
