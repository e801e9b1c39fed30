package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/hosttest"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

var _ broker.Host = (*link.Bridge)(nil)

// TestTheBridgesEndOfALinkIsAHost runs the suite against workers over real sockets.
func TestTheBridgesEndOfALinkIsAHost(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, func(t *testing.T, f hosttest.Functions) hosttest.Harness {
		t.Helper()
		b := setup(t, withGrace(300*time.Millisecond))
		tools, err := local.New("functions", functions(t, f)...)
		require.NoError(t, err)
		w := b.worker("worker-1", absent{tools}, ofSession(tools.Specs())...)
		return hosttest.Harness{Host: b.service.End("worker-1"), Specs: tools.Specs(), Lose: w.stop}
	})
}

// ofSession are tools that are offered to one session: the bridge's own tools keep their names.
func ofSession(specs []*tool.Spec) []*tool.Spec {
	out := make([]*tool.Spec, len(specs))
	for i, s := range specs {
		own := *s
		own.SessionID = session
		out[i] = &own
	}
	return out
}

func functions(t *testing.T, f hosttest.Functions) []*typed.Tool {
	t.Helper()
	o := typed.Options{Codec: value.New()}
	echo := unary(t, "echo", func(ctx context.Context, in struct{ Text string }) (string, error) { return f.Echo(ctx, in.Text) }, o)
	count, err := typed.NewStreaming("count", func(ctx context.Context, in struct{ N int64 }, yield func(int64) error) error {
		return f.Count(ctx, in.N, yield)
	}, o)
	require.NoError(t, err)
	table := unary(t, "table", f.Table, o)
	return []*typed.Tool{echo, count, table}
}

// absent is a worker's tools, which answers as SDKs do for one that is not among them.
type absent struct{ *local.Host }

func (a absent) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	r, err := a.Host.Call(ctx, call)
	if tool.CodeOf(err) == tool.WorkerUnavailable {
		err = tool.Errorf(tool.ToolNotFound, "no tool %q here", call.Tool)
	}
	return r, err
}

// worker is a process with a link, as the Go SDK makes it.
type worker struct {
	process *link.Process
	cut     func() // loses the connection
	stop    func() // for good
}

// worker attaches a process whose calls the handler runs, and registers its tools.
func (b *bundle) worker(identity string, handler link.Handler, specs ...*tool.Spec) *worker {
	b.t.Helper()
	w := &worker{process: link.NewProcess(link.ProcessConfig{Identity: identity, Handler: handler, Capabilities: []string{"tables"}})}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	cuts := make(chan context.CancelFunc, 1)
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			b.connect(ctx, w.process, cuts)
		}
	}()
	w.cut = func() { (<-cuts)() }
	w.stop = func() {
		end()
		<-ended
		_ = w.process.Close(context.Background())
	}
	b.t.Cleanup(w.stop)
	registering, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	_, err := w.process.Register(registering, specs)
	require.NoError(b.t, err)
	return w
}

// connect serves one connection of a process to its end.
func (b *bundle) connect(ctx context.Context, p *link.Process, cuts chan context.CancelFunc) {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	stream, err := link.Open(ctx, b.conn, grpc.WaitForReady(true))
	if err != nil {
		return
	}
	defer stream.Close()
	select {
	case <-cuts: // of the connection before
	default:
	}
	cuts <- cut
	_ = p.Run(ctx, stream)
}
