package chaos

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	toxics "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// serveProxies is toxiproxy as a process of its own: it says where its API listens, and ends when it is killed.
func serveProxies() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	zerolog.SetGlobalLevel(zerolog.Disabled)
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	server := http.Server{Handler: api.Routes(), ReadHeaderTimeout: time.Minute}
	fmt.Fprintf(os.Stdout, "listening on %s\n", listener.Addr())
	return server.Serve(listener)
}

// wire is a connection through toxiproxy that a test can break and mend.
type wire struct {
	proxy *toxics.Proxy
	// api is where the proxy can be told what to do, target where the wire ends.
	api, target string
}

// newWire starts a toxiproxy that passes connections on to an address.
func newWire(t *testing.T, target string) *wire {
	t.Helper()
	api := start(t, "toxiproxy", nil, itself(t, "proxy")).await("listening on ")
	w := &wire{api: "http://" + api, target: target}
	w.create(t, "127.0.0.1:0")
	return w
}

func (w *wire) create(t *testing.T, listen string) {
	t.Helper()
	proxy, err := toxics.NewClient(w.api).CreateProxy("grpc", listen, w.target)
	require.NoError(t, err)
	w.proxy = proxy
}

// address is where the wire begins.
func (w *wire) address() string { return w.proxy.Listen }

// suffer lets a fault begin.
func (w *wire) suffer(t *testing.T, f fault) {
	t.Helper()
	if f.cut {
		require.NoError(t, w.proxy.Disable())
	}
	for _, x := range f.toxics {
		_, err := w.proxy.AddToxic(x.kind+"_"+x.stream, x.kind, x.stream, 1, x.attributes)
		require.NoError(t, err)
	}
	if f.cut && !f.stays {
		require.NoError(t, w.proxy.Enable())
	}
}

// mend ends a fault. Connections that it has not broken stay, but for those of many toxics, whose proxy is made anew:
// toxiproxy cannot take a toxic away while another one holds up what passes.
func (w *wire) mend(t *testing.T, f fault) {
	t.Helper()
	if len(f.toxics) > 2 {
		require.NoError(t, w.proxy.Delete())
		w.create(t, w.proxy.Listen)
		return
	}
	active, err := w.proxy.Toxics()
	require.NoError(t, err)
	for _, x := range active {
		require.NoError(t, w.proxy.RemoveToxic(x.Name))
	}
	if !w.proxy.Enabled {
		require.NoError(t, w.proxy.Enable())
	}
}
