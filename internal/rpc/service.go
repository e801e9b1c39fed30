// Package rpc is the gRPC edge: it decodes requests into calls of the broker, and its end of a link is a host of the
// broker. No wire type passes beyond it.
package rpc

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Config is what a Service is made from.
type Config struct {
	// Broker answers. Required.
	Broker *broker.Broker
	// Logger gets what operators should see. Defaults to slog.Default().
	Logger *slog.Logger
	// AccessLog gets a line for each RPC and each call over a link, at level info. Defaults to none.
	AccessLog *slog.Logger
	// PingInterval of links. Defaults to 15 s.
	PingInterval time.Duration
	// ReattachGrace of links. Defaults to 5 s.
	ReattachGrace time.Duration
	// LinkCalls is how many calls a process may have under way over its link. Defaults to 4,096.
	LinkCalls int
}

// Service serves dspex.bridge.SnakepitBridge and dspex.bridge.Admin. It may be used by any number of goroutines.
type Service struct {
	bridgepb.UnimplementedSnakepitBridgeServer
	broker *broker.Broker
	logger *slog.Logger
	links  *links
	access *accessLog
	health *health.Server
	// accepted and capabilities are what every session is told of the bridge; they are never changed.
	accepted     *bridgepb.Limits
	capabilities []string
}

// New makes a service. Call Close when the gRPC server that serves it has stopped.
func New(cfg Config) *Service {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Service{
		broker: cfg.Broker, logger: cfg.Logger, links: newLinks(cfg), access: newAccessLog(cfg.AccessLog), health: health.NewServer(),
		accepted:     wire.LimitsProto(wireLimits(cfg.Broker.Limits())),
		capabilities: []string{"streaming", "variables", "batch", "agents", "link"},
	}
	s.links.asks = newAsks(s)
	return s
}

// Register adds both services to a gRPC server.
func (s *Service) Register(to grpc.ServiceRegistrar) {
	bridgepb.RegisterSnakepitBridgeServer(to, s)
	bridgepb.RegisterAdminServer(to, &admin{broker: s.broker})
}

// principal returns who makes a request. Nobody is asked for credentials yet, so it is the one principal of the bridge.
func principal(context.Context) tool.Principal { return tool.Principal{} }

// withTimeout limits ctx to the time that a request says is left.
func withTimeout(ctx context.Context, us uint64) (context.Context, context.CancelFunc) {
	if us == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, wire.Duration(us))
}

func wireLimits(l broker.Limits) wire.Limits {
	return wire.Limits{
		MaxValueBytes:    l.ValueBytes,
		MaxVariableBytes: l.VariableBytes,
		MaxBatchItems:    l.BatchItems,
		MaxCallDepth:     l.CallDepth,
		DefaultTimeout:   l.CallTimeout,
		MaxTableBytes:    l.TableBytes,
	}
}
