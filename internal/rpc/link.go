package rpc

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/peer"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Link serves one connection of a process's link.
func (s *Service) Link(stream bridgepb.SnakepitBridge_LinkServer) error {
	return s.serveLink(stream.Context(), link.ServerStream(stream))
}

func (s *Service) serveLink(ctx context.Context, stream link.Stream) error {
	h, err := link.Accept(ctx, stream)
	if err == nil {
		err = s.links.serve(ctx, h)
	}
	if err != nil {
		return wire.Status(err)
	}
	return nil
}

// Listen serves the links among the connections of a listener that have a connection of their own. The others are for the gRPC server, which is
// given what it returns. Stop it after the gRPC server.
func (s *Service) Listen(l net.Listener) *direct.Listener {
	return direct.Listen(l, direct.Config{
		Path: bridgepb.SnakepitBridge_Link_FullMethodName, Silence: silence, Patience: patience,
		Serve: func(ctx context.Context, stream *direct.Stream) error {
			began := time.Now()
			err := s.serveLink(ctx, stream)
			s.access.link(ctx, err, began)
			return err
		},
	})
}

// links are the processes with a link, by their identity. The mutex guards what stands below it.
type links struct {
	broker *broker.Broker
	logger *slog.Logger
	config link.BridgeConfig
	access *accessLog
	cancel func()
	asks   *asks

	mu       sync.Mutex
	draining bool
	attached map[string]*process
	gone     Load // what the links that are gone came to
}

func newLinks(cfg Config) *links {
	l := &links{
		broker: cfg.Broker, logger: cfg.Logger, access: newAccessLog(cfg.AccessLog), attached: map[string]*process{},
		config: link.BridgeConfig{
			BridgeRun: cfg.Broker.Run(), Capabilities: []string{link.AsksCapability}, Limits: wireLimits(cfg.Broker.Limits()), MaxCalls: cfg.LinkCalls,
			ReattachGrace: cfg.ReattachGrace, PingInterval: cfg.PingInterval,
		},
	}
	l.cancel = cfg.Broker.Subscribe(l.toolsChanged)
	return l
}

// serve finds the incarnation that a process wants to go on with, or begins one, and serves the connection.
func (l *links) serve(ctx context.Context, h *link.Handshake) error {
	if p := l.find(h.Hello.Identity, h.Hello.Incarnation); p != nil {
		if ok, err := p.bridge.Serve(ctx, h); ok {
			return err
		}
	}
	p, err := l.begin(ctx, h.Hello)
	if err != nil {
		return h.Refuse(err)
	}
	ok, err := p.bridge.Serve(ctx, h)
	if !ok { // the grace was over before it began
		l.remove(p)
	}
	return err
}

func (l *links) find(identity, incarnation string) *process {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.attached[identity]; p != nil && incarnation != "" && p.bridge.Incarnation() == incarnation {
		return p
	}
	return nil
}

// begin attaches a new incarnation of a process. An older one that is still there is over: its process has forgotten it.
func (l *links) begin(ctx context.Context, hello link.Hello) (*process, error) {
	if err := tool.CheckName("identity of a process", hello.Identity); err != nil {
		return nil, err
	}
	cfg := l.config
	cfg.Incarnation = uuid.NewString()
	p := newProcess(l, principal(ctx), &cfg)
	p.bridge = link.NewBridge(cfg, hello)
	at, err := l.broker.Attach(p.bridge, broker.AttachOptions{
		Principal: p.principal, MaxCalls: hello.MaxCalls, Labels: hello.Labels, Address: address(ctx), Incarnation: cfg.Incarnation,
	})
	p.at = at
	close(p.placed)
	if err != nil {
		_ = p.bridge.Close(ctx, err)
		return nil, err
	}
	old, err := l.replace(hello.Identity, p)
	if old != nil {
		_ = old.bridge.Close(ctx, tool.Errorf(tool.WorkerLost, "process %q began a new incarnation", hello.Identity))
	}
	if err != nil {
		at.Detach()
		_ = p.bridge.Close(ctx, err)
	}
	return p, err
}

func (l *links) replace(identity string, p *process) (old *process, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining {
		return nil, tool.Errorf(tool.WorkerUnavailable, "the bridge stops: connect again in a moment").WithRetryAfter(time.Second)
	}
	old, l.attached[identity] = l.attached[identity], p
	if old != nil {
		l.gone.grow(old.bridge.Stats())
	}
	return old, nil
}

func (l *links) remove(p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached[p.bridge.Identity()] == p {
		delete(l.attached, p.bridge.Identity())
		l.gone.grow(p.bridge.Stats())
	}
}

func (l *links) all() []*process {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*process, 0, len(l.attached))
	for _, p := range l.attached {
		out = append(out, p)
	}
	return out
}

func (l *links) toolsChanged(e broker.Event) {
	for _, p := range l.all() {
		if e.Session == (tool.SessionKey{}) || p.uses(e.Session.ID) {
			p.bridge.ToolsChanged(e.Session.ID, e.Revision)
		}
	}
}

// drain refuses new links and tells every process to make no new calls. It does not wait.
func (l *links) drain(ctx context.Context, reason string) {
	l.mu.Lock()
	l.draining = true
	l.mu.Unlock()
	done, cancel := context.WithCancel(ctx)
	cancel()
	for _, p := range l.all() {
		_ = p.bridge.Drain(done, reason)
	}
}

// lastAnswers is how long a process has at least to read the answers to its last calls before its link ends.
const lastAnswers = time.Second

// close ends every link once the process has read its last answers, and waits for what runs on it.
func (l *links) close(ctx context.Context) {
	l.cancel()
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswers)
	defer cancel()
	var closing sync.WaitGroup
	for _, p := range l.all() {
		closing.Go(func() {
			_ = p.bridge.Drain(reading, "the bridge stops")
			_ = p.bridge.Close(ctx, nil)
		})
	}
	closing.Wait()
}

// Drain refuses new links, tells every process to make no new calls, and reports the services as not serving. It does
// not wait: the broker's Stop does.
func (s *Service) Drain(ctx context.Context, reason string) {
	s.health.Shutdown()
	s.links.drain(ctx, reason)
}

// Close ends every link.
func (s *Service) Close(ctx context.Context) { s.links.close(ctx) }

func address(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return ""
}
