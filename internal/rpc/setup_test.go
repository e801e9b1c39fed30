package rpc_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take that should happen at once.
const patience = 20 * time.Second

// session is the one that every bundle has.
const session = "test_session"

// bundle is a bridge's gRPC edge on a real socket, with the sample tools and one session.
type bundle struct {
	t       *testing.T
	broker  *broker.Broker
	service *rpc.Service
	conn    *grpc.ClientConn
	stub    bridgepb.SnakepitBridgeClient
	admin   bridgepb.AdminClient
	samples *samples
}

// option changes what a bundle is made from.
type option func(*broker.Config, *rpc.Config)

func withGrace(d time.Duration) option {
	return func(b *broker.Config, r *rpc.Config) { b.ReattachGrace, r.ReattachGrace = d, d }
}

func withLimits(l broker.Limits) option {
	return func(b *broker.Config, _ *rpc.Config) { b.Limits = l }
}

func setup(t *testing.T, options ...option) *bundle {
	t.Helper()
	store := memstore.New()
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	logger := slog.New(slog.DiscardHandler)
	core, edge := broker.Config{Store: store, Logger: logger}, rpc.Config{Logger: logger}
	for _, o := range options {
		o(&core, &edge)
	}
	b := &bundle{t: t, samples: newSamples()}
	var err error
	b.broker, err = broker.New(core)
	require.NoError(t, err)
	require.NoError(t, b.broker.Start(t.Context()))
	edge.Broker = b.broker
	b.service = rpc.New(edge)
	b.serve()
	b.offer()
	answer, err := b.stub.InitializeSession(t.Context(), &bridgepb.InitializeSessionRequest{SessionId: session})
	require.NoError(t, err)
	require.True(t, answer.GetSuccess(), answer.GetError())
	return b
}

// serve listens, connects a client, and sees to the end of both.
func (b *bundle) serve() {
	b.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b.t, err)
	server, served := b.service.Server(), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20), grpc.MaxCallSendMsgSize(64<<20)))
	require.NoError(b.t, err)
	b.stub, b.admin = bridgepb.NewSnakepitBridgeClient(b.conn), bridgepb.NewAdminClient(b.conn)
	b.t.Cleanup(func() {
		require.NoError(b.t, b.conn.Close())
		over, cancel := context.WithCancel(context.Background())
		cancel()
		b.service.Drain(over, "the test ends")
		if err := b.broker.Stop(over); err != nil { // calls that have not ended yet are cancelled, and that is said
			require.Equal(b.t, tool.DeadlineExceeded, tool.CodeOf(err), err)
		}
		b.service.Close(over)
		server.Stop()
		if err := <-served; err != nil {
			require.ErrorIs(b.t, err, grpc.ErrServerStopped)
		}
	})
}

// offer offers the sample tools from the bridge's own process.
func (b *bundle) offer() {
	b.t.Helper()
	b.offerOwn("samples", b.samples.tools(b.t)...)
}

// offerOwn offers tools from the bridge's own process.
func (b *bundle) offerOwn(identity string, tools ...*typed.Tool) {
	b.t.Helper()
	host, err := local.New(identity, tools...)
	require.NoError(b.t, err)
	at, err := b.broker.Attach(host, broker.AttachOptions{Local: true})
	require.NoError(b.t, err)
	_, err = at.Register(b.t.Context(), host.Specs())
	require.NoError(b.t, err)
}

// samples are the tools that most tests call.
type samples struct {
	began, ended chan string // of "wait": its label
}

func newSamples() *samples {
	return &samples{began: make(chan string, 100), ended: make(chan string, 100)}
}

type pair struct{ A, B int }

func (s *samples) tools(t *testing.T) []*typed.Tool {
	t.Helper()
	o := typed.Options{Codec: value.New()}
	made := []*typed.Tool{
		unary(t, "add_numbers", func(_ context.Context, in pair) (int, error) { return in.A + in.B, nil }, o),
		unary(t, "echo", func(_ context.Context, in struct{ Text any }) (any, error) { return in.Text, nil }, o),
		unary(t, "fail", func(_ context.Context, in struct{ Why string }) (int, error) { return 0, errors.New(in.Why) }, o),
		unary(t, "inflate", func(_ context.Context, in struct{ MiB int }) ([]byte, error) { return make([]byte, in.MiB<<20), nil }, o),
		unary(t, "wait", func(ctx context.Context, in struct{ Label string }) (int, error) {
			s.began <- in.Label
			<-ctx.Done()
			s.ended <- in.Label
			return 0, ctx.Err()
		}, o),
	}
	count, err := typed.NewStreaming("count_to_n", countTo, o)
	require.NoError(t, err)
	return append(made, count)
}

func unary[In, Out any](t *testing.T, name string, fn func(context.Context, In) (Out, error), o typed.Options) *typed.Tool {
	t.Helper()
	made, err := typed.New(name, fn, o)
	require.NoError(t, err)
	return made
}

func countTo(_ context.Context, in struct{ N int }, yield func(int) error) error {
	for i := range in.N {
		if err := yield(i + 1); err != nil {
			return err
		}
	}
	return nil
}

// encoded encodes a value as a caller's SDK does.
func encoded(t *testing.T, v any) *anypb.Any {
	t.Helper()
	out, err := value.Encode(v)
	require.NoError(t, err)
	return wire.ValueProto(out)
}

func all(t *testing.T, values ...any) []*anypb.Any {
	t.Helper()
	out := make([]*anypb.Any, len(values))
	for i, v := range values {
		out[i] = encoded(t, v)
	}
	return out
}

// decoded decodes a value as a caller's SDK does.
func decoded(t *testing.T, v *anypb.Any) any {
	t.Helper()
	out, err := value.Decode(wire.ValueFromProto(v))
	require.NoError(t, err)
	return out
}

// answer is what every answer says.
type answer interface {
	GetSuccess() bool
	GetError() *bridgepb.ErrorInfo
}

// accepted asserts that a request was answered with success.
func accepted[A answer](t *testing.T) func(A, error) A {
	t.Helper()
	return func(a A, err error) A {
		t.Helper()
		require.NoError(t, err)
		require.Nil(t, a.GetError(), a.GetError().GetMessage())
		require.True(t, a.GetSuccess())
		return a
	}
}

// refused asserts that a request was answered with an error of this code whose message says so much.
func refused[A answer](t *testing.T, code tool.Code, says ...string) func(A, error) *bridgepb.ErrorInfo {
	t.Helper()
	return func(a A, err error) *bridgepb.ErrorInfo {
		t.Helper()
		require.NoError(t, err, "a refusal is an answer, not a status")
		require.False(t, a.GetSuccess())
		failed(t, a.GetError(), code, says...)
		return a.GetError()
	}
}

func failed(t *testing.T, e *bridgepb.ErrorInfo, code tool.Code, says ...string) {
	t.Helper()
	require.Equal(t, string(code), e.GetType(), e.GetMessage())
	for _, s := range says {
		require.Contains(t, e.GetMessage(), s)
	}
}

// execute calls a tool with positional arguments.
func (b *bundle) execute(name string, args ...any) (*bridgepb.ToolCallResponse, error) {
	b.t.Helper()
	return b.stub.ExecuteTool(b.t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: name, Args: all(b.t, args...)})
}

// givenTime makes an attempt with twice the time of the one before, until what has to happen in that time did.
func givenTime(t *testing.T, first time.Duration, inTime func(limit time.Duration) bool) {
	t.Helper()
	for limit := first; !inTime(limit); limit *= 2 {
		require.Less(t, limit, patience, "it never happened in time")
	}
}

// wasBegun reports whether "wait" was begun, and if so, waits until it has ended.
func (b *bundle) wasBegun(label string) bool {
	b.t.Helper()
	select {
	case began := <-b.samples.began:
		require.Equal(b.t, label, began)
		require.Equal(b.t, label, within(b.t, "the tool's context ends", b.samples.ended))
		return true
	default:
		return false
	}
}

// within receives from a channel, soon.
func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(t, "it did not happen within "+patience.String(), what)
		panic("unreachable")
	}
}
