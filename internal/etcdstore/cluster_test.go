package etcdstore_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// security says how a test's cluster is protected.
type security struct {
	tls      bool
	password string // of root
}

// cluster is an etcd that others run, as far as the store can tell: it is reached over TCP.
type cluster struct {
	endpoints []string
	tls       *tls.Config
	// stop ends the cluster; it may be called more than once.
	stop func()
}

func startCluster(t *testing.T, s security) *cluster {
	t.Helper()
	cfg := embed.NewConfig()
	cfg.Dir = t.TempDir()
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.ListenPeerUrls = []url.URL{}
	cfg.TickMs, cfg.ElectionMs = 50, 250
	cfg.BcryptCost = 4 // the least: a check of a password outlives its caller, and must not outlive the tests
	scheme := "http"
	c := &cluster{}
	if s.tls {
		scheme = "https"
		cfg.ClientTLSInfo, c.tls = certificate(t)
	}
	listen := url.URL{Scheme: scheme, Host: "127.0.0.1:0"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{listen}, []url.URL{listen}
	etcd, err := embed.StartEtcd(cfg)
	require.NoError(t, err)
	c.stop = sync.OnceFunc(etcd.Close)
	t.Cleanup(c.stop)
	<-etcd.Server.ReadyNotify()
	c.endpoints = []string{scheme + "://" + etcd.Clients[0].Addr().String()}
	if s.password != "" {
		c.protect(t, s.password)
	}
	return c
}

// client connects to the cluster as an operator would.
func (c *cluster) client(t *testing.T, user, password string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: c.endpoints, TLS: c.tls, Username: user, Password: password, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (c *cluster) protect(t *testing.T, password string) {
	t.Helper()
	client := c.client(t, "", "")
	_, err := client.UserAdd(t.Context(), "root", password)
	require.NoError(t, err)
	_, err = client.UserGrantRole(t.Context(), "root", "root")
	require.NoError(t, err)
	_, err = client.AuthEnable(t.Context())
	require.NoError(t, err)
}

// raw returns every key of a prefix.
func (c *cluster) raw(t *testing.T, prefix string) []string {
	t.Helper()
	resp, err := c.client(t, "", "").Get(context.Background(), prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	require.NoError(t, err)
	keys := make([]string, len(resp.Kvs))
	for i, kv := range resp.Kvs {
		keys[i] = string(kv.Key)
	}
	return keys
}

// certificate makes a certificate of 127.0.0.1 and what a client needs to trust it.
func certificate(t *testing.T) (transport.TLSInfo, *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certFile, cert, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER}), 0o600))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(cert))
	return transport.TLSInfo{CertFile: certFile, KeyFile: keyFile}, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
