package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// readyTimeout bounds how long readiness may take to find out.
const readyTimeout = 2 * time.Second

// readyAgain is how long whoever asks for readiness is told to wait before the next time.
const readyAgain = 5 * time.Second

// Health says how the bridge is.
type Health struct {
	Status    string `json:"status" enum:"ok"`
	BridgeRun string `json:"bridge_run" doc:"Changes at every start of the bridge."`
}

type healthOutput struct{ Body Health }

func (g *Gateway) routeHealth() {
	register(g, operation(http.MethodGet, "/healthz", "healthz", "Health", "Whether the process lives"), g.healthz)
	register(g, operation(http.MethodGet, "/readyz", "readyz", "Health", "Whether the bridge takes calls: its store reads and writes, and it does not stop"), g.readyz)
}

func (g *Gateway) healthz(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{Health{"ok", g.broker.Run()}}, nil
}

func (g *Gateway) readyz(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	if g.draining.Load() {
		return nil, tool.Errorf(tool.WorkerUnavailable, "the bridge stops and takes no new calls").WithRetryAfter(readyAgain)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := g.config.Ready(ctx); err != nil {
		return nil, tool.Errorf(tool.StoreUnavailable, "the bridge is not ready: %w", err).WithRetryAfter(readyAgain)
	}
	return g.healthz(ctx, nil)
}
