package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"golang.org/x/sync/semaphore"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Config is what a Gateway is made from.
type Config struct {
	// Broker answers. Required.
	Broker *broker.Broker
	// Ready returns nil while the bridge can do its work, and otherwise why not. Defaults to always.
	Ready func(context.Context) error
	// Logger gets what operators should see. Defaults to slog.Default().
	Logger *slog.Logger
	// Metrics serves the metrics at /metrics. Defaults to none: there is nothing at /metrics.
	Metrics http.Handler
	// AccessLog gets a line for each request, at level info. Defaults to none.
	AccessLog *slog.Logger
	// Version of the bridge, for the OpenAPI document. Defaults to "dev".
	Version string
	// Hosts are the names, without ports, by which clients may address the gateway besides localhost and the addresses of
	// loopback. Defaults to none.
	Hosts []string
	// AnyAddress also lets clients address the gateway by any IP address; for one that listens on more than loopback.
	// Defaults to false.
	AnyAddress bool
	// Tables reads tables, for clients that ask for their rows with frames=records. Defaults to none: they are refused.
	Tables value.Extension
	// BodyBytes bounds the JSON text of a request. Defaults to 64 MiB.
	BodyBytes int64
	// BodiesBytes bounds the texts of all requests under way that are larger than 1 MiB. Defaults to 256 MiB.
	BodiesBytes int64
	// BodyTimeout is how long a request's body may take to arrive. Defaults to 60 s.
	BodyTimeout time.Duration
	// HeaderTimeout is how long a request's headers may take to arrive. Defaults to 10 s.
	HeaderTimeout time.Duration
	// StallTimeout is how long a client may not read while something is written to it. Defaults to 30 s.
	StallTimeout time.Duration
	// IdleTimeout is how long a connection is kept between two requests. Defaults to 60 s.
	IdleTimeout time.Duration
	// Heartbeat is how long a stream is silent before a heartbeat is sent. Defaults to 10 s.
	Heartbeat time.Duration
	// Connections bounds the connections that are open at once; further ones wait. Defaults to 10,000.
	Connections int
}

func (c Config) withDefaults() Config {
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	setDefault(&c.Version, "dev")
	setDefault(&c.BodyBytes, 64<<20)
	setDefault(&c.BodiesBytes, 256<<20)
	setDefault(&c.BodyTimeout, 60*time.Second)
	setDefault(&c.HeaderTimeout, 10*time.Second)
	setDefault(&c.StallTimeout, 30*time.Second)
	setDefault(&c.IdleTimeout, 60*time.Second)
	setDefault(&c.Heartbeat, 10*time.Second)
	setDefault(&c.Connections, 10_000)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Gateway serves the bridge over HTTP. It may be used by any number of goroutines; Serve and Close are called once each.
type Gateway struct {
	config    Config
	broker    *broker.Broker
	logger    *slog.Logger
	codec     *value.Codec
	textCodec *value.Codec // writes ints as strings
	api       huma.API
	document  []byte // the OpenAPI document
	handler   http.Handler
	server    *http.Server
	bodies    *budget
	reading   *semaphore.Weighted // values that are being read, by the bytes of their texts
	draining  atomic.Bool
	end       context.CancelFunc // ends every request under way
}

// New makes a gateway, which serves after Serve.
func New(cfg Config) (*Gateway, error) {
	cfg = cfg.withDefaults()
	codec := value.New(value.MaxBytes(cfg.Broker.Limits().ValueBytes))
	g := &Gateway{
		config: cfg, broker: cfg.Broker, logger: cfg.Logger,
		codec: codec, textCodec: codec.Configured(value.IntsAsText()),
		bodies: newBudget(cfg.BodiesBytes), reading: semaphore.NewWeighted(readAtOnce),
	}
	mux := http.NewServeMux()
	g.api = g.newAPI(mux)
	g.route(mux)
	g.routePage(mux)
	if err := g.publish(mux); err != nil {
		return nil, err
	}
	g.handler = g.guarded(g.routed(mux))
	g.server = g.newServer()
	return g, nil
}

// Handler is what the gateway serves, for a server of one's own.
func (g *Gateway) Handler() http.Handler { return g.handler }

// principal returns who makes a request. Nobody is asked for credentials yet, so it is the one principal of the bridge.
func principal(context.Context) tool.Principal { return tool.Principal{} }
