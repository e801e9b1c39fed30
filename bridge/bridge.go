// Package bridge is the whole bridge as a value: a store, the broker, its edges (gRPC and HTTP) and the hosts of its own process,
// started and stopped in order. Use it to embed a bridge in a Go program; `toolbridge serve` is nothing else.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/etcdstore"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
)

// Bridge is a bridge. Start and Stop are called once each, by one goroutine; the other methods by any.
type Bridge struct {
	config Config

	listener     net.Listener
	httpListener net.Listener // nil without HTTP
	store        broker.Store
	broker       *broker.Broker
	service      *rpc.Service
	server       *grpc.Server
	links        *direct.Listener // that it gets its connections from
	gateway      *gateway.Gateway // nil without HTTP
	hosts        []*broker.Attachment
	watching     watching

	serving sync.WaitGroup
	failed  chan error

	started  atomic.Bool
	stopping sync.Once
	stopped  error
}

// New checks the config and makes a bridge of it, which does nothing before Start.
func New(cfg Config) (*Bridge, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Bridge{config: cfg, failed: make(chan error, 3)}, nil
}

// Start opens the store, listens and serves. When it returns nil the bridge takes calls; otherwise everything is closed
// again. ctx bounds the start alone. A bridge is started once.
func (b *Bridge) Start(ctx context.Context) (err error) {
	if b.started.Swap(true) {
		return errors.New("the bridge was started before: a bridge is started once, make a new one")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Stop(ctx))
		}
	}()
	if err := b.listen(ctx); err != nil {
		return err
	}
	if b.store, err = b.openStore(ctx); err != nil {
		return err
	}
	if err := b.openWatching(ctx); err != nil {
		return err
	}
	if b.broker, err = broker.New(b.brokerConfig()); err != nil {
		return err
	}
	if err := b.broker.Start(ctx); err != nil {
		return err
	}
	if err := b.attachHosts(ctx); err != nil {
		return err
	}
	return b.serve()
}

func (b *Bridge) listen(ctx context.Context) (err error) {
	if b.listener, err = listen(ctx, "grpc", b.config.GRPC); err != nil {
		return err
	}
	if b.config.HTTP != "" {
		if b.httpListener, err = listen(ctx, "http", b.config.HTTP); err != nil {
			return err
		}
	}
	if b.config.Telemetry.Debug != "" {
		b.watching.listener, err = listen(ctx, "debug", b.config.Telemetry.Debug)
	}
	return err
}

func listen(ctx context.Context, protocol, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%[1]s address %[2]s is in use: another program listens there; stop it or choose another address (--%[1]s ADDR, port 0 for any)", protocol, address)
	case err != nil:
		return nil, fmt.Errorf("%s address %s: %w", protocol, address, err)
	}
	return l, nil
}

func (b *Bridge) openStore(ctx context.Context) (broker.Store, error) {
	if b.config.Memory {
		return memstore.New(), nil
	}
	e := &b.config.Etcd
	secure, err := e.tls()
	if err != nil {
		return nil, err
	}
	cfg := etcdstore.Config{Logger: b.config.Logger, Dir: b.config.Data}
	if !b.config.embedded() {
		cfg = etcdstore.Config{
			Logger: b.config.Logger, Endpoints: e.Endpoints, Prefix: e.Prefix, TLS: secure, Username: e.Username, Password: e.Password,
		}
	}
	store, err := etcdstore.Open(ctx, cfg)
	if err != nil {
		return nil, err // not the nil *Store, which would be a Store that is not nil
	}
	return store, nil
}

func (b *Bridge) brokerConfig() broker.Config {
	l := b.config.Limits
	cfg := broker.Config{
		Store: b.store, Logger: b.config.Logger, ReattachGrace: b.config.ReattachGrace, SweepInterval: b.config.SweepInterval,
		Rates: b.config.Rates.broker(),
		Limits: broker.Limits{
			ValueBytes: l.ValueBytes, TableBytes: l.TableBytes, VariableBytes: l.VariableBytes, CallDepth: l.CallDepth, BatchItems: l.BatchItems,
			QueuedCalls: l.QueueCalls, QueuedBytes: l.QueueBytes, CallTimeout: l.CallTimeout, StreamIdle: l.StreamIdle, SessionTTL: l.SessionTTL,
			RecordedFor: l.RecordedFor, RecordedBytes: l.RecordedBytes,
		},
	}
	b.watching.observe(&cfg)
	return cfg
}

func (b *Bridge) attachHosts(ctx context.Context) error {
	for _, host := range b.config.Hosts {
		at, err := b.broker.Attach(host, broker.AttachOptions{Local: true})
		if err != nil {
			return fmt.Errorf("host %q: %w", host.Identity(), err)
		}
		b.hosts = append(b.hosts, at)
		if _, err := at.Register(ctx, host.Specs()); err != nil {
			return fmt.Errorf("tools of host %q: %w", host.Identity(), err)
		}
	}
	return nil
}

func (b *Bridge) serve() error {
	if err := b.serveHTTP(); err != nil {
		return err
	}
	b.service = rpc.New(rpc.Config{
		Broker: b.broker, Logger: b.config.Logger, AccessLog: b.config.accessLog(), PingInterval: b.config.PingInterval,
		ReattachGrace: b.config.ReattachGrace, LinkCalls: b.config.Limits.LinkCalls,
	})
	b.server, b.links = b.service.Server(), b.service.Listen(b.listener)
	b.serving.Go(func() {
		if err := b.server.Serve(b.links); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			b.failed <- fmt.Errorf("grpc: %w", err)
		}
	})
	b.watch()
	b.config.Logger.Info("bridge started", slog.String("grpc", b.Addr()), slog.String("http", b.HTTPAddr()), slog.String("run", b.broker.Run()))
	return nil
}

func (b *Bridge) serveHTTP() error {
	if b.httpListener == nil {
		return nil
	}
	host, _, err := net.SplitHostPort(b.config.HTTP)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	b.gateway, err = gateway.New(gateway.Config{
		Broker: b.broker, Logger: b.config.Logger, AccessLog: b.config.accessLog(), Ready: b.store.Healthy, Version: version(),
		Hosts: b.config.HTTPHosts, AnyAddress: !loopback(host), Metrics: b.metricsHandler(), Tables: b.config.Tables,
	})
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	b.serving.Go(func() {
		if err := b.gateway.Serve(b.httpListener); err != nil {
			b.failed <- fmt.Errorf("http: %w", err)
		}
	})
	return nil
}

// version is that of this module in the program that runs.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "dev"
}

// Addr is the address that the bridge listens on for gRPC, with the port that the system chose. It is empty before Start.
func (b *Bridge) Addr() string {
	if b.listener == nil {
		return ""
	}
	return b.listener.Addr().String()
}

// HTTPAddr is the address that the bridge listens on for HTTP, with the port that the system chose. It is empty before
// Start, and where Config.HTTP is.
func (b *Bridge) HTTPAddr() string {
	if b.httpListener == nil {
		return ""
	}
	return b.httpListener.Addr().String()
}

// Config is the bridge's config with its defaults filled in.
func (b *Bridge) Config() Config { return b.config }

// Failed receives an error if the bridge stops serving by itself.
func (b *Bridge) Failed() <-chan error { return b.failed }

// Stop stops the bridge: it takes no new calls, waits for running ones until ctx ends and then cancels them, closes
// every connection and the store. Calling it again returns the same.
func (b *Bridge) Stop(ctx context.Context) error {
	b.stopping.Do(func() {
		b.stopped = b.close(ctx)
		b.config.Logger.Info("bridge stopped")
	})
	return b.stopped
}

// close stops what was started, last first.
func (b *Bridge) close(ctx context.Context) error {
	var errs []error
	if b.service != nil {
		b.service.Drain(ctx, "the bridge stops")
	}
	if b.gateway != nil {
		b.gateway.Drain()
	}
	if b.broker != nil {
		errs = append(errs, b.broker.Stop(ctx))
	}
	if b.gateway != nil {
		b.gateway.Close(ctx)
	} else if b.httpListener != nil {
		errs = append(errs, b.httpListener.Close())
	}
	errs = append(errs, b.watching.closeDebug())
	if b.server != nil {
		b.service.Close(ctx)
		b.stopServing(ctx)
		b.serving.Wait()
	} else if b.listener != nil {
		errs = append(errs, b.listener.Close())
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	b.watching.closeExport(ctx)
	return errors.Join(errs...)
}

// stopServing lets RPCs and links end by themselves for as long as ctx allows, at most a second: whoever watches, holds a
// stream open or has not said yet what it wants would wait for ever.
func (b *Bridge) stopServing(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		b.server.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
		b.server.Stop()
		<-stopped
	}
	b.links.Stop(ctx)
}
