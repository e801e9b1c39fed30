package link_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// asked answers asks with their own request, and notes what else is called.
func asked() link.BridgeConfig {
	return link.BridgeConfig{Capabilities: []string{link.AsksCapability}, Handler: handler{
		call: func(_ context.Context, call *tool.Call) (tool.Result, error) {
			return tool.Result{Value: tool.Value{TypeURL: call.Asks, Bytes: call.Args[0].Bytes}}, nil
		},
	}}
}

func ask(request []byte) *tool.Call {
	return &tool.Call{Asks: "GetSession", Args: []tool.Value{{Bytes: request}}}
}

func TestABridgeIsAskedOverTheLink(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, asked())
	b.connect()
	r, sent, err := b.process.Ask(t.Context(), ask([]byte("request")))
	require.NoError(t, err)
	require.True(t, sent)
	require.Equal(t, tool.Value{TypeURL: "GetSession", Bytes: []byte("request")}, r.Value)
}

func TestABridgeThatTakesNoAsksIsSentNone(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	_, sent, err := b.process.Ask(t.Context(), ask(nil))
	require.NoError(t, err)
	require.False(t, sent, "not connected yet")
	b.connect()
	_, sent, err = b.process.Ask(t.Context(), ask(nil))
	require.NoError(t, err)
	require.False(t, sent)
}

func TestWhatIsInTheWayOfAnAskIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	config := asked()
	config.MaxCalls = 1
	release := make(chan struct{})
	config.Handler = handler{call: func(context.Context, *tool.Call) (tool.Result, error) {
		<-release
		return tool.Result{}, nil
	}}
	b := setup(t, link.ProcessConfig{}, config)
	b.connect()
	_, sent, _ := b.process.Ask(t.Context(), ask(make([]byte, 1<<17)))
	require.False(t, sent, "too large to go whole")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, sent, _ = b.process.Ask(over, ask(nil))
	require.False(t, sent, "nobody wants the answer")

	first := make(chan error, 1)
	go func() {
		_, err := b.process.Call(t.Context(), call("t"))
		first <- err
	}()
	require.Eventually(t, func() bool { return b.process.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	_, sent, _ = b.process.Ask(t.Context(), ask(nil))
	require.False(t, sent, "the only place is taken")
	close(release)
	require.NoError(t, <-first)
	_, sent, err := b.process.Ask(t.Context(), ask(nil))
	require.NoError(t, err)
	require.True(t, sent)
}

func TestAnAskEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ended, begun := make(chan struct{}), make(chan struct{})
	config := asked()
	config.Handler = handler{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		close(begun)
		defer close(ended)
		<-ctx.Done()
		return tool.Result{}, ctx.Err()
	}}
	b := setup(t, link.ProcessConfig{}, config)
	b.connect()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	_, sent, err := b.process.Ask(ctx, ask(nil))
	require.True(t, sent)
	require.Equal(t, tool.Cancelled, tool.CodeOf(err))
	<-ended
}

func TestAnAskDoesNotCountAsNestedTooDeep(t *testing.T) {
	t.Parallel()
	config := asked()
	config.Limits = wire.DefaultLimits()
	config.Limits.MaxCallDepth = 1
	answered := make(chan error, 1)
	var b *bundle
	b = setup(t, link.ProcessConfig{Handler: handler{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		_, sent, err := b.process.Ask(ctx, ask(nil))
		if !sent {
			err = tool.Errorf(tool.Internal, "not sent")
		}
		answered <- err
		return tool.Result{}, nil
	}}}, config)
	b.connect()
	c := call("t")
	c.Depth = 1
	_, err := b.end().Call(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, <-answered)
}
