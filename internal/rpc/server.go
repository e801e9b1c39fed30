package rpc

import (
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

const (
	// transportBytes bounds a gRPC message: above the bridge's own limits, so that those answer first.
	transportBytes = 16 << 20
	// maxStreams bounds the RPCs under way on one connection; gRPC's own default is no bound at all.
	maxStreams = 16 << 10
	// maxHeaderBytes bounds the headers of one RPC; gRPC's own default is 16 MiB.
	maxHeaderBytes = 64 << 10
	// windowBytes may be under way on one stream or connection: what a link may have under way. gRPC's own default begins with
	// 64 KiB and measures the path with a ping for nearly every message, which costs a small call a tenth of its time.
	windowBytes = 8 << 20
	// streamWorkers are goroutines that run one RPC after the other, so that not each grows a stack; beyond them, and where links hold
	// them, each RPC has its own.
	streamWorkers = 64
	// silence is after how long without a byte a peer is asked for one, patience how long it may take to answer. Together they are longer than
	// the three pings of a link that make a worker unresponsive: a process whose threads a long computation in C holds up answers nobody, and
	// goes on with its calls afterwards.
	silence  = 20 * time.Second
	patience = 70 * time.Second
)

// Server makes a gRPC server that serves everything of this package, health and reflection. The caller serves it and stops it.
func (s *Service) Server() *grpc.Server {
	server := grpc.NewServer(append(s.access.options(),
		grpc.ForceServerCodecV2(codec{link.Codec()}),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.MaxRecvMsgSize(transportBytes),
		grpc.MaxSendMsgSize(transportBytes),
		grpc.InitialWindowSize(windowBytes),
		grpc.InitialConnWindowSize(windowBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(10*time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: silence, Timeout: patience}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	)...)
	s.Register(server)
	healthpb.RegisterHealthServer(server, s.health)
	for _, name := range []string{"", bridgepb.SnakepitBridge_ServiceDesc.ServiceName, bridgepb.Admin_ServiceDesc.ServiceName} {
		s.health.SetServingStatus(name, healthpb.HealthCheckResponse_SERVING)
	}
	reflection.Register(server)
	return server
}
