package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a started broker on a store in memory, with one session "s".
type bundle struct {
	*broker.Broker
	t     testing.TB
	ctx   context.Context
	store broker.Store
}

var nobody tool.Principal

func setup(tb testing.TB, change ...func(*broker.Config)) *bundle {
	tb.Helper()
	store := memstore.New()
	cfg := broker.Config{Store: store, Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	b, err := broker.New(cfg)
	require.NoError(tb, err)
	ctx := context.Background()
	require.NoError(tb, b.Start(ctx))
	tb.Cleanup(func() {
		over, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = b.Stop(over)
		require.NoError(tb, store.Close())
	})
	_, _, err = b.InitializeSession(ctx, nobody, broker.SessionRequest{ID: "s"})
	require.NoError(tb, err)
	return &bundle{Broker: b, t: tb, ctx: ctx, store: store}
}

// host attaches a host that offers tools.
func (b *bundle) host(h *fakeHost, specs ...*tool.Spec) *broker.Attachment {
	return b.hostWith(h, broker.AttachOptions{}, specs...)
}

func (b *bundle) hostWith(h broker.Host, o broker.AttachOptions, specs ...*tool.Spec) *broker.Attachment {
	b.t.Helper()
	a, err := b.Attach(h, o)
	require.NoError(b.t, err)
	ids, err := a.Register(b.ctx, specs)
	require.NoError(b.t, err)
	require.Len(b.t, ids, len(specs))
	return a
}

// fakeHost runs calls by its functions.
type fakeHost struct {
	name   string
	call   func(ctx context.Context, c *tool.Call) (tool.Result, error)
	stream func(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)
}

func (h *fakeHost) Identity() string {
	if h.name == "" {
		return "host"
	}
	return h.name
}

func (h *fakeHost) Call(ctx context.Context, c *tool.Call) (tool.Result, error) {
	if h.call == nil {
		return tool.Result{Value: text(h.Identity())}, nil
	}
	return h.call(ctx, c)
}

func (h *fakeHost) Stream(ctx context.Context, c *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return h.stream(ctx, c, send)
}

// gate is a host's function that tells of each call and waits to be let go on.
type gate struct {
	entered chan *tool.Call
	open    chan struct{}
}

func newGate() *gate { return &gate{entered: make(chan *tool.Call, 2000), open: make(chan struct{})} }

func (g *gate) call(ctx context.Context, c *tool.Call) (tool.Result, error) {
	g.entered <- c
	select {
	case <-g.open:
		return tool.Result{Value: text("done")}, nil
	case <-ctx.Done():
		return tool.Result{}, tool.Errorf(tool.Cancelled, "stopped")
	}
}

// text and number are encoded by hand: the broker does not look inside.
func text(s string) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.StringValue", Bytes: []byte(s)}
}

func number(n int) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.Int64Value", Bytes: []byte{8, byte(n)}}
}

func float() tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.DoubleValue", Bytes: []byte{9, 0, 0, 0, 0, 0, 0, 0, 64}}
}

func none() tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.Value", Bytes: []byte{8, 0}}
}

// plain is a tool without arguments.
func plain(name string) *tool.Spec { return &tool.Spec{ID: name, Name: name, Type: tool.Standard} }

func adder() *tool.Spec {
	return &tool.Spec{ID: "add_numbers", Name: "add_numbers", Type: tool.Standard, Arguments: []tool.Argument{
		{Name: "a", Type: "int", Required: true}, {Name: "b", Type: "int", Required: true},
	}}
}

func to(name string, args ...tool.Value) *tool.Call {
	return &tool.Call{SessionID: "s", Tool: name, Args: args}
}

// refused asserts an error's code and parts of its message.
func refused(tb testing.TB, err error, code tool.Code, parts ...string) {
	tb.Helper()
	_ = refusal(tb, err, code, parts...)
}

// refusal does the same and returns the error.
func refusal(tb testing.TB, err error, code tool.Code, parts ...string) *tool.Error {
	tb.Helper()
	require.Error(tb, err)
	var e *tool.Error
	require.ErrorAs(tb, err, &e)
	require.Equal(tb, code, e.Code, e.Message)
	for _, p := range parts {
		require.Contains(tb, e.Message, p)
	}
	return e
}

// elapse lets time pass: the clock of a synctest bubble, or the bounded jitter of a test that wants many interleavings.
func elapse(d time.Duration) { <-time.After(d) }

// answer is what a call in the background came to.
type answer struct {
	result tool.Result
	err    error
}

// begin makes a call in the background.
func (b *bundle) begin(ctx context.Context, c *tool.Call) <-chan answer {
	ch := make(chan answer, 1)
	go func() {
		r, err := b.Call(ctx, c)
		ch <- answer{r, err}
	}()
	return ch
}

// watched waits until the broker hears of the store's changes.
func (b *bundle) watched() {
	b.t.Helper()
	heard := make(chan struct{}, 1)
	cancel := b.Subscribe(func(broker.Event) {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	defer cancel()
	eventually(b.t, "the watch tells of a change", func() bool {
		_, _, err := b.RegisterTools(b.ctx, nobody, "s", 0, []*tool.Spec{plain("watched")})
		require.NoError(b.t, err)
		select {
		case <-heard:
			return true
		case <-time.After(10 * time.Millisecond):
			return false
		}
	})
}

// eventually polls with a deadline.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	require.Eventually(tb, holds, 5*time.Second, time.Millisecond, what)
}

// recorder is an Observer that keeps what it hears.
type recorder struct {
	mu       sync.Mutex
	calls    []string
	bytes    int // of results
	hosts    []string
	sessions map[string]int
	writes   []string
	reads    []string
}

func (r *recorder) CallEnded(c *tool.Call, _ tool.Metrics, resultBytes int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c.Tool+":"+string(tool.CodeOf(err)))
	r.bytes += resultBytes
}

func (r *recorder) HostChanged(identity string, state broker.HostState, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hosts = append(r.hosts, fmt.Sprint(identity, state, gone))
}

func (r *recorder) SessionChanged(key tool.SessionKey, delta int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sessions == nil {
		r.sessions = make(map[string]int)
	}
	r.sessions[key.ID] += delta
}

func (r *recorder) StoreAnswered(verb string, _ time.Duration, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, verb)
}

func (r *recorder) StoreRead(verb string, _ time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = append(r.reads, verb+":"+string(tool.CodeOf(err)))
}
