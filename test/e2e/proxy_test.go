package e2e

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy is a wire between a process and a bridge that a test can cut and mend. The mutex guards what stands below it.
type proxy struct {
	address string
	sent    atomic.Int64 // bytes that went to the target

	mu    sync.Mutex
	broke bool
	conns []net.Conn
}

// newProxy begins to pass connections on to an address.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{address: listener.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			running.Go(func() { p.pass(conn, target) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close() // its loop ends
		p.cut()
		running.Wait()
	})
	return p
}

// pass carries the bytes of one connection both ways until either end closes or the wire is cut.
func (p *proxy) pass(near net.Conn, target string) {
	defer near.Close() //nolint:errcheck // closed twice when it was cut
	far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // as above
	if !p.keep(near, far) {
		return
	}
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // it ends with an error when the wire is cut
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { carry(counted{far, &p.sent}, near) })
	both.Go(func() { carry(near, far) })
	both.Wait()
}

// counted is a connection that counts what is written to it.
type counted struct {
	net.Conn
	count *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.count.Add(int64(n))
	return n, err
}

// carried is how many bytes went to the target.
func (p *proxy) carried() int64 { return p.sent.Load() }

// keep remembers a connection, so that it can be cut. It reports false while the wire is cut.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conns...)
	return !p.broke
}

// cut ends every connection and refuses new ones.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broke = true
	for _, c := range p.conns {
		_ = c.Close() // one that is closed already is cut too
	}
	p.conns = nil
}

// mend lets new connections through.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broke = false
}
