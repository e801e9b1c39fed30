package direct_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

// grpcServer is a gRPC server of links and of health.
func grpcServer(t *testing.T, l net.Listener, serve func(s link.Stream) error) {
	t.Helper()
	server := grpc.NewServer(grpc.ForceServerCodecV2(link.Codec()), grpc.MaxRecvMsgSize(16<<20), grpc.MaxSendMsgSize(16<<20),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return serve(link.ServerStream(s)) }))
	healthpb.RegisterHealthServer(server, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			require.ErrorIs(t, err, grpc.ErrServerStopped)
		}
	})
}

func grpcClient(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cc.Close()) })
	return cc
}

func TestAServerOfGRPCServesTheStreamOfAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 100, 20_000, 16<<20 - 1, 300_000, 70_000}
	bothWays(t, func(serve serve) *direct.Stream {
		l := socket(t, "tcp", "127.0.0.1:0")
		grpcServer(t, l, func(s link.Stream) error { return bothSides(s, sizes) })
		return dial(t, l.Addr().String())
	}, sizes, sizes)
}

// bothSides sends messages of these sizes while it receives such.
func bothSides(s link.Stream, sizes []int) error {
	sent := make(chan error, 1)
	go func() { sent <- sendAll(s, sizes) }()
	return errors.Join(recvAll(s, sizes), <-sent)
}

func TestAServerOfGRPCSaysHowAStreamEnded(t *testing.T) {
	t.Parallel()
	l := socket(t, "tcp", "127.0.0.1:0")
	grpcServer(t, l, func(s link.Stream) error {
		_, err := s.Recv()
		if err != nil {
			return err
		}
		return status.Error(codes.NotFound, "no \"ü\" %")
	})
	s := dial(t, l.Addr().String())
	require.NoError(t, s.Send(text("go"), nil))
	_, err := s.Recv()
	require.Equal(t, status.New(codes.NotFound, "no \"ü\" %").Err(), err)
}

func TestAServerOfGRPCThatIsStoppedEndsTheStream(t *testing.T) {
	t.Parallel()
	l := socket(t, "tcp", "127.0.0.1:0")
	came := make(chan struct{})
	grpcServer(t, l, func(s link.Stream) error {
		_, _ = s.Recv()
		close(came)
		return drain(s)
	})
	s := dial(t, l.Addr().String())
	require.NoError(t, s.Send(text("go"), nil))
	returns(t, came)
	s.Close()
	_, err := s.Recv()
	require.Error(t, err)
}

func TestRPCsOfGRPCArePassedOn(t *testing.T) {
	t.Parallel()
	// given: a server of gRPC behind the listener
	b := direct.Listen(socket(t, "tcp", "127.0.0.1:0"), direct.Config{Path: path, Serve: echo})
	t.Cleanup(func() { b.Stop(over()) })
	grpcServer(t, b, func(s link.Stream) error { return bothSides(s, []int{1, 300_000, 0}) })
	cc := grpcClient(t, b.Addr().String())
	// then: single RPCs
	for range 10 {
		answer, err := healthpb.NewHealthClient(cc).Check(soon(t), &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		require.Equal(t, healthpb.HealthCheckResponse_SERVING, answer.GetStatus())
	}
	// and streams
	stream, err := link.Open(soon(t), cc)
	require.NoError(t, err)
	defer stream.Close()
	sent := begin(t, func() error { return sendAll(stream, []int{1, 300_000, 0}) })
	require.NoError(t, recvAll(stream, []int{1, 300_000, 0}))
	require.NoError(t, returns(t, sent))
	// and a link of its own beside them
	s := dial(t, b.Addr().String())
	require.NoError(t, s.Send(text("hello"), nil))
	says(t, s, "hello")
}

// throughProxy is the address of a proxy of HTTP/2 in front of an address: it has a connection of its own to either side.
func throughProxy(t *testing.T, address string) string {
	t.Helper()
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: h2c}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.Transport, proxy.FlushInterval = transport, -1
	server := &http.Server{Handler: proxy, Protocols: h2c, ReadHeaderTimeout: patience}
	l := socket(t, "tcp", "127.0.0.1:0")
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		transport.CloseIdleConnections()
	})
	return l.Addr().String()
}

func TestAStreamPassesAProxyThatTakesHTTP2Apart(t *testing.T) {
	t.Parallel()
	// given: behind the proxy nobody sees the setting, so gRPC serves
	b := direct.Listen(socket(t, "tcp", "127.0.0.1:0"), direct.Config{Path: path, Serve: func(context.Context, *direct.Stream) error {
		return errors.New("it was not to be seen")
	}})
	t.Cleanup(func() { b.Stop(over()) })
	sizes := []int{1, 100_000, 0, 20}
	grpcServer(t, b, func(s link.Stream) error { return bothSides(s, sizes) })
	// when
	s := dial(t, throughProxy(t, b.Addr().String()))
	sent := begin(t, func() error { return sendAll(s, sizes) })
	// then
	require.NoError(t, recvAll(s, sizes))
	require.NoError(t, returns(t, sent))
	_, err := s.Recv()
	require.ErrorIs(t, err, io.EOF)
}
