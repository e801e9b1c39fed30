package bridgetest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
)

// patience is how long the kit waits for what must happen at once, before it fails the test.
const patience = 20 * time.Second

// bufferBytes is how much a connection in memory holds in each direction.
const bufferBytes = 1 << 20

// Bridge is a bridge in memory. Its methods may be called by the goroutine of the test; what they make ends with the test.
type Bridge struct {
	tb     testing.TB
	config config
	store  *memstore.Store

	mu  sync.Mutex
	run *run
}

// run is one run of the bridge, between two restarts.
type run struct {
	broker   *broker.Broker
	service  *rpc.Service
	server   *grpc.Server
	listener *listener
	serving  sync.WaitGroup
}

// Option configures a Bridge.
type Option func(*config)

type config struct {
	grace  time.Duration
	limits broker.Limits
	logger *slog.Logger
}

// WithReattachGrace is how long calls wait for a worker whose connection was lost. Defaults to 5 s.
func WithReattachGrace(d time.Duration) Option { return func(c *config) { c.grace = d } }

// WithMaxValueBytes limits the value bytes of a call. Defaults to 10 MiB.
func WithMaxValueBytes(n int) Option { return func(c *config) { c.limits.ValueBytes = n } }

// WithSessionTTL is how long sessions live without use. Defaults to 1 h.
func WithSessionTTL(d time.Duration) Option { return func(c *config) { c.limits.SessionTTL = d } }

// WithLogger takes the bridge's log. Defaults to discarding it.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

// New starts a bridge that stops when the test ends.
func New(tb testing.TB, options ...Option) *Bridge {
	tb.Helper()
	c := config{logger: slog.New(slog.DiscardHandler)}
	for _, option := range options {
		option(&c)
	}
	b := &Bridge{tb: tb, config: c, store: memstore.New()}
	b.start()
	tb.Cleanup(func() {
		b.stop()
		if err := b.store.Close(); err != nil {
			tb.Errorf("bridgetest: close the store: %v", err)
		}
	})
	return b
}

func (b *Bridge) start() {
	b.tb.Helper()
	core, err := broker.New(broker.Config{
		Store: b.store, Logger: b.config.logger, Limits: b.config.limits, ReattachGrace: b.config.grace,
	})
	if err != nil {
		b.tb.Fatalf("bridgetest: make the broker: %v", err)
	}
	if err := core.Start(b.tb.Context()); err != nil {
		b.tb.Fatalf("bridgetest: start the broker: %v", err)
	}
	service := rpc.New(rpc.Config{Broker: core, Logger: b.config.logger, ReattachGrace: b.config.grace})
	r := &run{broker: core, service: service, server: service.Server(), listener: &listener{Listener: bufconn.Listen(bufferBytes)}}
	r.serving.Go(func() {
		if err := r.server.Serve(r.listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			b.tb.Errorf("bridgetest: serve: %v", err)
		}
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.run = r
}

// stop ends the run. What still runs is cancelled.
func (b *Bridge) stop() {
	b.mu.Lock()
	r := b.run
	b.run = nil
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	now, ended := context.WithCancel(ctx)
	ended()
	r.service.Drain(now, "the test ends")
	if err := r.broker.Stop(now); err != nil && !errors.Is(err, context.Canceled) {
		b.tb.Logf("bridgetest: stop the broker: %v", err)
	}
	r.service.Close(ctx)
	r.server.Stop()
	r.serving.Wait()
}

// Restart stops the bridge and starts it again with what its store holds: connections break, calls under way fail,
// sessions and variables stay.
func (b *Bridge) Restart() {
	b.tb.Helper()
	b.stop()
	b.start()
}

// Cut breaks every connection to the bridge at once, as a lost network does. Clients may connect again.
func (b *Bridge) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.run != nil {
		b.run.listener.cut()
	}
}

// dial connects to the run that there is.
func (b *Bridge) dial(ctx context.Context) (net.Conn, error) {
	b.mu.Lock()
	r := b.run
	b.mu.Unlock()
	if r == nil {
		return nil, errors.New("the bridge is not running")
	}
	return r.listener.dial(ctx)
}

// Dial connects a client, which is closed when the test ends.
func (b *Bridge) Dial(options ...toolbridge.DialOption) *toolbridge.Client {
	b.tb.Helper()
	own := []toolbridge.DialOption{ // the bridge is there, however long the machine takes
		toolbridge.WithConnectTimeout(patience),
		toolbridge.WithGRPCOptions(grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return b.dial(ctx) })),
	}
	ctx, cancel := context.WithTimeout(b.tb.Context(), patience)
	defer cancel()
	client, err := toolbridge.Dial(ctx, "passthrough:///bridgetest", append(own, options...)...)
	if err != nil {
		b.tb.Fatalf("bridgetest: dial: %v", err)
	}
	b.tb.Cleanup(func() {
		if err := client.Close(); err != nil {
			b.tb.Errorf("bridgetest: close the client: %v", err)
		}
	})
	return client
}

// Session is a new session of a new client.
func (b *Bridge) Session(options ...toolbridge.DialOption) *toolbridge.Session {
	b.tb.Helper()
	session, err := b.Dial(options...).Session(b.tb.Context(), "")
	if err != nil {
		b.tb.Fatalf("bridgetest: session: %v", err)
	}
	return session
}
