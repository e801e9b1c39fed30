package link_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler is a link.Handler of functions.
type handler struct {
	call   func(ctx context.Context, call *tool.Call) (tool.Result, error)
	stream func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)
}

func (h handler) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	return h.call(ctx, call)
}

func (h handler) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return h.stream(ctx, call, send)
}

// echo answers with the first argument; streams yield each argument.
func echo() handler {
	return handler{
		call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
			return tool.Result{Value: call.Args[0]}, nil
		},
		stream: func(_ context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
			for _, v := range call.Args {
				if err := send(tool.Chunk{Value: v}); err != nil {
					return tool.Metrics{}, err
				}
			}
			return tool.Metrics{Execute: time.Millisecond}, nil
		},
	}
}

// bundle is a process and a bridge that are linked through pipes.
type bundle struct {
	t       testing.TB
	process *link.Process
	config  link.BridgeConfig

	mu      sync.Mutex
	bridge  *link.Bridge
	states  []link.StateChange // of the bridge's end
	pending sync.WaitGroup
}

func setup(tb testing.TB, process link.ProcessConfig, bridge link.BridgeConfig) *bundle {
	tb.Helper()
	if process.Identity == "" {
		process.Identity = "worker-1"
	}
	if bridge.Handler == nil {
		bridge.Handler = echo()
	}
	if process.Handler == nil {
		process.Handler = echo()
	}
	bridge.BridgeRun = "run-1"
	b := &bundle{t: tb, config: bridge}
	tell := bridge.OnState
	b.config.OnState = func(c link.StateChange) {
		b.mu.Lock()
		b.states = append(b.states, c)
		b.mu.Unlock()
		if tell != nil {
			tell(c)
		}
	}
	b.process = link.NewProcess(process)
	tb.Cleanup(b.close)
	return b
}

// close ends both ends and waits for everything.
func (b *bundle) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(b.t, b.process.Close(ctx))
	if end := b.end(); end != nil {
		require.NoError(b.t, end.Close(ctx, nil))
	}
	b.pending.Wait()
}

func (b *bundle) end() *link.Bridge {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bridge
}

// accept does what a server does with a new stream.
func (b *bundle) accept(ctx context.Context, s link.Stream) error {
	defer s.Close()
	h, err := link.Accept(ctx, s)
	if err != nil {
		return err
	}
	if end := b.end(); end != nil && h.Hello.Incarnation == end.Incarnation() {
		if ok, err := end.Serve(ctx, h); ok {
			return err
		}
	}
	config := b.config
	config.Incarnation = time.Now().Format(time.RFC3339Nano)
	end := link.NewBridge(config, h.Hello)
	b.mu.Lock()
	b.bridge = end
	b.mu.Unlock()
	ok, err := end.Serve(ctx, h)
	require.True(b.t, ok)
	return err
}

// connect links both ends through a pipe and waits until they are.
func (b *bundle) connect() (cut func()) {
	b.t.Helper()
	there, back := link.Pipe(context.Background())
	return b.connectBy(there, back)
}

func (b *bundle) connectBy(there, back link.Stream) (cut func()) {
	b.t.Helper()
	var served sync.WaitGroup
	b.pending.Add(2)
	served.Go(func() { defer b.pending.Done(); _ = b.accept(context.Background(), back) })
	served.Go(func() { defer b.pending.Done(); _ = b.process.Run(context.Background(), there) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := b.process.Ping(ctx)
	for tool.CodeOf(err) == tool.WorkerLost { // asked on an incarnation that did not go on
		_, err = b.process.Ping(ctx)
	}
	require.NoError(b.t, err)
	return func() { there.Close(); served.Wait() }
}

func value(s string) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.StringValue", Bytes: []byte(s)}
}

func call(name string, args ...tool.Value) *tool.Call {
	return &tool.Call{SessionID: "session", Tool: name, Args: args}
}

func TestCallsGoBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()

	there, err := b.process.Call(t.Context(), call("echo", value("to the bridge")))
	require.NoError(t, err)
	require.Equal(t, value("to the bridge"), there.Value)

	back, err := b.end().Call(t.Context(), call("echo", value("to the process")))
	require.NoError(t, err)
	require.Equal(t, value("to the process"), back.Value)
}

func TestStreamsGoBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	b.connect()

	var got []tool.Value
	m, err := b.process.Stream(t.Context(), call("echo", value("a"), value("b"), value("c")), func(c tool.Chunk) error {
		got = append(got, c.Value)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, time.Millisecond, m.Execute)
	require.Equal(t, []tool.Value{value("a"), value("b"), value("c")}, got)
}

func TestAnErrorOfAHandlerArrivesWhole(t *testing.T) {
	t.Parallel()
	raised := tool.Errorf(tool.ExecutionError, "b is zero").With("argument", "b")
	raised.Class, raised.Stack = "ZeroDivisionError", "line 1"
	b := setup(t, link.ProcessConfig{Handler: handler{
		call: func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{}, raised },
	}}, link.BridgeConfig{})
	b.connect()

	_, err := b.end().Call(t.Context(), call("divide"))
	var got *tool.Error
	require.ErrorAs(t, err, &got)
	want := *raised
	want.Stack = "" // nobody asked for it
	require.Equal(t, &want, got)

	asked := call("divide")
	asked.WantStack = true
	_, err = b.end().Call(t.Context(), asked)
	require.ErrorAs(t, err, &got)
	require.Equal(t, "line 1", got.Stack)
}
