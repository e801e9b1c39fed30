package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// headerBytes bounds the headers of a request.
const headerBytes = 64 << 10

func (g *Gateway) newServer() *http.Server {
	base, end := context.WithCancel(context.Background())
	g.end = end
	return &http.Server{
		Handler:           g.handler,
		ReadHeaderTimeout: g.config.HeaderTimeout,
		IdleTimeout:       g.config.IdleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(g.logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return base },
	}
}

// Serve serves what comes to a listener until Close, and then returns nil.
func (g *Gateway) Serve(l net.Listener) error {
	err := g.server.Serve(&bounded{Listener: l, places: make(chan struct{}, g.config.Connections), closed: make(chan struct{})})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Drain makes /readyz say that the bridge stops. Requests are served as before.
func (g *Gateway) Drain() { g.draining.Store(true) }

// Close ends every request under way, at most a second later also those that are being answered, and every connection.
func (g *Gateway) Close(ctx context.Context) {
	g.Drain()
	g.end()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := g.server.Shutdown(ctx); err != nil {
		_ = g.server.Close() // only says that the listener was closed before
	}
}

// bounded lets only so many connections be open.
type bounded struct {
	net.Listener
	places chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Accept waits for a place, then for a connection.
func (l *bounded) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close implements net.Listener.
func (l *bounded) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placed is a connection that has a place.
type placed struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *placed) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
