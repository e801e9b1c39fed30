package bridgetest

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/test/bufconn"
)

// listener remembers its connections, so that they can be cut.
type listener struct {
	*bufconn.Listener

	mu    sync.Mutex
	conns []net.Conn
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	return conn, nil
}

func (l *listener) dial(ctx context.Context) (net.Conn, error) { return l.DialContext(ctx) }

func (l *listener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_ = conn.Close() // one that is closed already is cut too
	}
	l.conns = nil
}
