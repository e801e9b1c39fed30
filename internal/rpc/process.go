package rpc

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// manySessions is how many sessions of a process are remembered one by one; a process that uses more hears of the
// changes of every session.
const manySessions = 10_000

// process is one incarnation of a process with a link: a host of the broker, and a caller.
type process struct {
	links     *links
	principal tool.Principal
	bridge    *link.Bridge
	at        *broker.Attachment // nil when the broker refused it
	placed    chan struct{}      // closed once bridge and at are known

	sessions sync.Map // of session ids that it used
	count    atomic.Int64
}

func newProcess(l *links, p tool.Principal, cfg *link.BridgeConfig) *process {
	out := &process{links: l, principal: p, placed: make(chan struct{})}
	cfg.Handler = out
	cfg.Register = func(ctx context.Context, specs []*tool.Spec) ([]string, error) { return out.at.Register(ctx, specs) }
	cfg.Unregister = func(ctx context.Context, sessionID string, ids []string) error {
		return out.at.Unregister(ctx, sessionID, ids)
	}
	cfg.OnState = out.changed
	cfg.OnLog = out.log
	return out
}

// Call runs a call that the process makes.
func (p *process) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	p.receive(call)
	began := p.links.access.now()
	result, err := p.links.broker.Call(ctx, call)
	p.links.access.call(p, call, err, began)
	return result, err
}

// Start runs a call that the process makes, and gives the result to then.
func (p *process) Start(ctx context.Context, call *tool.Call, then tool.Answerer) {
	if call.Asks != "" {
		then.Answer(p.links.asks.answer(ctx, p, call))
		return
	}
	p.receive(call)
	if p.links.access != nil {
		then = &accessed{process: p, call: call, then: then, began: time.Now()}
	}
	p.links.broker.Submit(ctx, call, then)
}

// Stream runs a streaming call that the process makes.
func (p *process) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	p.receive(call)
	began := p.links.access.now()
	metrics, err := p.links.broker.Stream(ctx, call, send)
	p.links.access.call(p, call, err, began)
	return metrics, err
}

func (p *process) receive(call *tool.Call) {
	call.Principal = p.principal
	if call.Received.IsZero() {
		call.Received = time.Now()
	}
	p.use(call.SessionID)
}

// use remembers a session, so that the process hears when its tools change.
func (p *process) use(sessionID string) {
	if _, known := p.sessions.Load(sessionID); known || p.count.Load() > manySessions {
		return
	}
	if _, known := p.sessions.LoadOrStore(sessionID, nil); !known {
		p.count.Add(1)
	}
}

func (p *process) uses(sessionID string) bool {
	_, known := p.sessions.Load(sessionID)
	return known || p.count.Load() > manySessions
}

// changed hears of every change of the link, the first time perhaps before begin has come to its end: a link that nobody serves is gone after the grace.
func (p *process) changed(c link.StateChange) {
	<-p.placed
	if p.at == nil {
		return
	}
	log := p.links.logger.With(slog.String("worker", p.bridge.Identity()), slog.String("incarnation", c.Incarnation))
	switch c.State {
	case link.Ready:
		log.Info("link ready", slog.Bool("resumed", c.Resumed))
		p.at.SetState(broker.Ready)
	case link.Unresponsive:
		log.Warn("link unresponsive: it missed three pings and gets no new calls")
		p.at.SetState(broker.Unresponsive)
	case link.Draining:
		log.Info("link drains")
		p.at.SetState(broker.Draining)
	case link.Detached:
		log.Info("link lost its connection", slog.Any("reason", c.Err))
		p.at.SetState(broker.Detached)
	case link.Gone:
		log.Info("link gone", slog.Any("reason", c.Err))
		p.at.Detach()
		p.links.remove(p)
	}
}

func (p *process) log(_ uint64, r link.LogRecord) {
	attrs := make([]slog.Attr, 0, len(r.Fields)+1)
	attrs = append(attrs, slog.String("worker", p.bridge.Identity()))
	for k, v := range r.Fields {
		attrs = append(attrs, slog.String(k, v))
	}
	p.links.logger.LogAttrs(context.Background(), r.Level, r.Message, attrs...) //nolint:sloglint // the text is the worker's
}
