package direct_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/tlstest"
)

func TestALinkIsServedOverTLS(t *testing.T) {
	t.Parallel()
	// given
	own, pool := tlstest.Certificate(t)
	l := tls.NewListener(socket(t, "tcp", "127.0.0.1:0"), &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	sizes := []int{1, 0, 300_000, 1 << 20}
	b := listenOn(t, l, func(_ context.Context, s *direct.Stream) error { return bothSides(s, sizes) })
	// when
	s := dialWith(t, b.address, credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	sent := begin(t, func() error { return sendAll(s, sizes) })
	// then
	require.NoError(t, recvAll(s, sizes))
	require.NoError(t, returns(t, sent))
}

func TestAServerThatIsNotTrustedOrSpeaksNoHTTP2IsRefused(t *testing.T) {
	t.Parallel()
	own, pool := tlstest.Certificate(t)
	for name, c := range map[string]struct {
		protocols []string
		trust     *x509.CertPool
	}{
		"not trusted": {[]string{"h2"}, x509.NewCertPool()},
		"no HTTP/2":   {[]string{"http/1.1"}, pool},
		"no protocol": {nil, pool},
	} {
		l := tls.NewListener(socket(t, "tcp", "127.0.0.1:0"), &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: c.protocols, MinVersion: tls.VersionTLS12})
		b := listenOn(t, l, echo)
		to := target(b.address)
		to.Credentials = credentials.NewTLS(&tls.Config{RootCAs: c.trust, MinVersion: tls.VersionTLS12})
		_, err := direct.Dial(soon(t), to)
		require.ErrorContains(t, err, "secure the connection to "+b.address, name)
	}
}

func TestAHandshakeThatIsNotAnsweredEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := socket(t, "tcp", "127.0.0.1:0")
	defer func() { require.NoError(t, l.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	to := target(l.Addr().String())
	to.Credentials = credentials.NewTLS(nil)
	dialed := begin(t, func() error { _, err := direct.Dial(ctx, to); return err })
	conn, err := l.Accept()
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	cancel()
	require.Error(t, returns(t, dialed))
}

// addresses are those that a link's own connection can be made to, and others.
var addresses = map[string]bool{
	"localhost:50051": true, "127.0.0.1:1": true, "[::1]:50051": true, "bridge.example:443": true, "unix:/run/bridge.sock": true,
	"unix:///run/bridge.sock": true, "unix:bridge.sock": true,
	"": false, "localhost": false, ":50051": false, "localhost:": false, "localhost:https": false, "localhost:70000": false,
	"dns:///localhost:50051": false, "dns:50051": false, "passthrough:///x:1": false, "unix-abstract:1": false, "unix:": false,
	"[fe80::1%eth0]:5": false, "ipv4:127.0.0.1:5": false, "unix:/a%20b": false, "127.0.0.1:1/path": false,
}

func TestOnlyPlainAddressesAreDialledHere(t *testing.T) {
	t.Parallel()
	for address, want := range addresses {
		to := target(address)
		require.Equal(t, want, to.Possible(), address)
	}
}

// proxied is set in a process of its own, because a process looks for its proxy once.
const proxied = "TOOLBRIDGE_TEST_PROXIED"

func TestWhatAProxyIsForIsLeftToGRPC(t *testing.T) {
	t.Parallel()
	if os.Getenv(proxied) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWhatAProxyIsForIsLeftToGRPC$")
		cmd.Env = append(os.Environ(), proxied+"=1", "HTTPS_PROXY=http://proxy.example:3128", "https_proxy=", "NO_PROXY=.inside.example", "no_proxy=")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	for address, want := range map[string]bool{
		"bridge.example:50051": false, "bridge.inside.example:50051": true, "localhost:50051": true, "unix:/run/bridge.sock": true,
	} {
		to := direct.Target{Address: address, Path: path, Credentials: insecure.NewCredentials()}
		require.Equal(t, want, to.Possible(), address)
	}
}
