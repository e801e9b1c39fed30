package toolbridge_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
	"github.com/grpc-tool-bridge/toolbridge/internal/tlstest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// realBridge is the address of a bridge on a socket.
func realBridge(t *testing.T) string {
	t.Helper()
	b, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, b.Stop(ctx))
	})
	return b.Addr()
}

// ownSetting is what the settings hold of a connection that carries a link alone.
var ownSetting = []byte{0xf7, 0x1b, 0, 0, 0, 1}

// tap is a wire to a bridge that sees how each connection begins. The mutex guards what stands below it.
type tap struct {
	address     string
	target      string
	refuse      atomic.Pointer[string] // what a connection of a link's own is answered, instead of being passed on
	own, shared atomic.Int64           // connections of links, and of gRPC

	mu    sync.Mutex
	conns []net.Conn
	over  bool
}

func newTap(t *testing.T, target string, l net.Listener) *tap {
	t.Helper()
	p := &tap{address: l.Addr().String(), target: target}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		p.over = true
		p.mu.Unlock()
		p.cut()
		running.Wait()
	})
	return p
}

// cut closes every connection that there is.
func (p *tap) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *tap) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		_ = conn.Close()
		return false
	}
	p.conns = append(p.conns, conn)
	return true
}

// pass passes a connection on, once it has said what it is.
func (p *tap) pass(near net.Conn) {
	defer near.Close() //nolint:errcheck // it may be cut
	if !p.keep(near) {
		return
	}
	begin := make([]byte, 33, 400) // HTTP/2's preface, and the head of the settings
	if _, err := io.ReadFull(near, begin); err != nil {
		return
	}
	begin = begin[:33+binary.BigEndian.Uint16(begin[25:])]
	if _, err := io.ReadFull(near, begin[33:]); err != nil {
		return
	}
	if answer := p.refuse.Load(); bytes.Contains(begin, ownSetting) {
		p.own.Add(1)
		if answer != nil {
			_, _ = io.WriteString(near, *answer)
			return
		}
	} else {
		p.shared.Add(1)
	}
	far, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // as above
	if !p.keep(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	})
	if _, err := far.Write(begin); err == nil {
		_, _ = io.Copy(far, near)
	}
	_ = far.Close()
	back.Wait()
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// offered runs a worker with the sample tools at an address, until the test ends.
func offered(t *testing.T, address string, options ...toolbridge.DialOption) {
	t.Helper()
	w := toolbridge.NewWorker(dialed(t, address, options...))
	offerSamples(w)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = w.Run(ctx) // it is told to end
	}()
	t.Cleanup(func() {
		stop()
		<-over
	})
	select {
	case <-w.Ready():
	case <-time.After(patience):
		require.FailNow(t, "the worker is not ready")
	}
}

func dialed(t *testing.T, address string, options ...toolbridge.DialOption) *toolbridge.Client {
	t.Helper()
	client, err := toolbridge.Dial(t.Context(), address, append(options, toolbridge.WithConnectTimeout(patience))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() }) // its bridge may be gone
	return client
}

// calls makes calls of every kind at an address.
func calls(t *testing.T, address string, options ...toolbridge.DialOption) *toolbridge.Session {
	t.Helper()
	s, err := dialed(t, address, options...).Session(t.Context(), "")
	require.NoError(t, err)
	callsAgain(t, s)
	return s
}

func callsAgain(t *testing.T, s *toolbridge.Session) {
	t.Helper()
	s = s.With(toolbridge.Idempotent(), toolbridge.WithRetry(toolbridge.Retry{Max: 100, Initial: time.Millisecond, Longest: 100 * time.Millisecond}))
	got, err := s.Call(t.Context(), "add_numbers", 40, 2)
	require.NoError(t, err)
	require.Equal(t, int64(42), got)
	long := strings.Repeat("long", 500_000)
	got, err = s.Call(t.Context(), "echo", long)
	require.NoError(t, err)
	require.Equal(t, long, got)
	n := 0
	for item, err := range toolbridge.Stream[int](t.Context(), s, "count_to_n", 100) {
		require.NoError(t, err)
		n++
		require.Equal(t, n, item)
	}
	require.Equal(t, 100, n)
}

func TestALinkHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	wire := newTap(t, realBridge(t), loopback(t))
	offered(t, wire.address)
	calls(t, wire.address)
	require.GreaterOrEqual(t, wire.own.Load(), int64(2), "the worker's and the caller's")
}

func TestALinkGoesByGRPCWhereItsOwnConnectionComesToNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"closed": "", "another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n", "settings, and then closed": "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"refused": "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given
			wire := newTap(t, realBridge(t), loopback(t))
			wire.refuse.Store(&answer)
			// when
			offered(t, wire.address)
			s := calls(t, wire.address)
			// then
			require.GreaterOrEqual(t, wire.own.Load(), int64(2))
			require.GreaterOrEqual(t, wire.shared.Load(), int64(2))
			// and when such connections pass from now on, they are used as soon as there is a new one to be made
			before := wire.own.Load()
			wire.refuse.Store(nil)
			wire.cut()
			callsAgain(t, s)
			require.Eventually(t, func() bool { return wire.own.Load() > before }, patience, time.Millisecond)
		})
	}
}

func TestALinkComesBackAfterACutAgainAndAgain(t *testing.T) {
	t.Parallel()
	wire := newTap(t, realBridge(t), loopback(t))
	offered(t, wire.address)
	s := calls(t, wire.address)
	for n := range 5 {
		before := wire.own.Load()
		wire.cut()
		callsAgain(t, s)
		require.Greater(t, wire.own.Load(), before, n)
	}
}

func TestALinkPassesAnIntermediaryThatTakesHTTP2Apart(t *testing.T) {
	t.Parallel()
	// given
	wire := newTap(t, realBridge(t), loopback(t))
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: h2c}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: wire.address})
	proxy.Transport, proxy.FlushInterval, proxy.ErrorLog = transport, -1, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := &http.Server{Handler: proxy, Protocols: h2c, ReadHeaderTimeout: patience}
	l, served := loopback(t), make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		transport.CloseIdleConnections()
	})
	// then
	offered(t, l.Addr().String())
	calls(t, l.Addr().String())
	require.Zero(t, wire.own.Load(), "the setting is of the connection to the intermediary")
	require.Positive(t, wire.shared.Load())
}

func TestALinkHasAConnectionOfItsOwnThroughTLS(t *testing.T) {
	t.Parallel()
	// given: somebody in front of the bridge who ends TLS and passes on the bytes
	own, pool := tlstest.Certificate(t)
	wire := newTap(t, realBridge(t), tls.NewListener(loopback(t), &tls.Config{
		Certificates: []tls.Certificate{own}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	}))
	trusting := func(pool *x509.CertPool) toolbridge.DialOption {
		return toolbridge.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	}
	// then
	offered(t, wire.address, trusting(pool))
	calls(t, wire.address, trusting(pool))
	require.GreaterOrEqual(t, wire.own.Load(), int64(2))
	_, err := toolbridge.Dial(t.Context(), wire.address, trusting(x509.NewCertPool()), toolbridge.WithConnectTimeout(200*time.Millisecond))
	require.Equal(t, tool.WorkerUnavailable, asError(t, err).Code)
}

func TestABridgeThatKnowsNoConnectionsOfLinksServesThemAsStreams(t *testing.T) {
	t.Parallel()
	// given: a gRPC server that gets its connections from a plain listener
	store, logger := memstore.New(), slog.New(slog.DiscardHandler)
	core, err := broker.New(broker.Config{Store: store, Logger: logger})
	require.NoError(t, err)
	require.NoError(t, core.Start(t.Context()))
	service := rpc.New(rpc.Config{Broker: core, Logger: logger})
	server, l, served := service.Server(), loopback(t), make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		service.Drain(over, "the test ends")
		_ = core.Stop(over)
		service.Close(over)
		server.Stop()
		if err := <-served; err != nil {
			require.ErrorIs(t, err, grpc.ErrServerStopped)
		}
		require.NoError(t, store.Close())
	})
	// then
	wire := newTap(t, l.Addr().String(), loopback(t))
	offered(t, wire.address)
	calls(t, wire.address)
	require.GreaterOrEqual(t, wire.own.Load(), int64(2))
}

func TestOptionsOfGRPCKeepALinkOnItsConnection(t *testing.T) {
	t.Parallel()
	address := realBridge(t)
	offered(t, address)
	wire := newTap(t, address, loopback(t))
	calls(t, wire.address, toolbridge.WithGRPCOptions(grpc.WithUserAgent("mine")))
	require.Zero(t, wire.own.Load())
}
