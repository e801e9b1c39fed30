package toolbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// maxTransportBytes is how large a message of the transport may be; the limits of values are below it, so that they
// answer first.
const maxTransportBytes = 16 << 20

// windowBytes may be under way on one stream or connection: what a link may have under way. gRPC's own default begins with
// 64 KiB and measures the path with a ping for nearly every message.
const windowBytes = 8 << 20

// idleRPCs is how long the connection for RPCs is kept while there are none, where the link has a connection of its own.
const idleRPCs = time.Minute

// closePatience is how long Close waits for tools that still run.
const closePatience = 5 * time.Second

// Client is a connection to a bridge. It reconnects by itself. Close it when it is no longer used.
type Client struct {
	address string
	options dialOptions
	labels  map[string]string
	codec   *value.Codec
	conn    *grpc.ClientConn
	stub    bridgepb.SnakepitBridgeClient
	tracing *tracing // nil without spans
	// route is the way to the bridge with the interceptors around it.
	route       route
	intercepted bool
	exchanges   sync.Pool // of *exchange
	// link is nil for a client without one.
	link *linkKeeper

	closing sync.Once
	closed  error

	known atomic.Pointer[wire.Limits] // what the bridge announced last
	run   atomic.Pointer[string]      // the bridge's run
}

// Dial connects to the bridge at an address such as "localhost:50051"; an empty one stands for DefaultAddress. A bridge
// that does not answer within the connect timeout is WorkerUnavailable, and the error names the address.
func Dial(ctx context.Context, address string, options ...DialOption) (*Client, error) {
	c, err := newClient(address, options)
	if err != nil {
		return nil, err
	}
	if c.options.lazy {
		return c, nil
	}
	if err := c.ready(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func newClient(address string, options []DialOption) (*Client, error) {
	if address == "" {
		address = DefaultAddress()
	}
	o := dialOptions{
		connectTimeout: DefaultConnectTimeout, credentials: insecure.NewCredentials(), codec: value.New(),
		labels: map[string]string{}, logger: slog.Default(),
	}
	for _, option := range options {
		option(&o)
	}
	if len(o.grpcOptions) == 0 { // which may say what an address is
		if err := checkAddress(address); err != nil {
			return nil, err
		}
	}
	c := &Client{address: address, options: o, codec: o.codec, labels: clientLabels(o.labels)}
	c.learn(wire.DefaultLimits(), "")
	conn, err := grpc.NewClient(address, c.grpcOptions()...)
	if err != nil {
		return nil, tool.Errorf(tool.ValidationError, "the address %q of the bridge cannot be used: %w", address, err).With("address", address)
	}
	c.conn = conn
	c.tracing = newTracing(o.tracerProvider)
	c.route = c.way()
	if around := c.tracing.around(trace.SpanKindClient, o.interceptors); len(around) > 0 {
		c.route, c.intercepted = newIntercepted(c.route, around), true
	}
	c.stub = bridgepb.NewSnakepitBridgeClient(c.rpcs())
	return c, nil
}

// rpcs returns how RPCs reach the bridge.
func (c *Client) rpcs() grpc.ClientConnInterface {
	if c.link == nil {
		return c.conn
	}
	return &asking{ClientConnInterface: c.conn, client: c}
}

// way returns how calls reach the bridge: over a link, or by plain RPCs.
func (c *Client) way() route {
	rpc := plainRPC{client: c}
	if c.options.withoutLink {
		return rpc
	}
	c.link = newLinkKeeper(c, rpc)
	return c.link
}

// route is a way to the bridge.
type route interface {
	call(ctx context.Context, call *tool.Call, result *tool.Result) error
	stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)
}

// intercepted is a way with interceptors around it.
type intercepted struct{ caller caller }

func newIntercepted(r route, around []Interceptor) *intercepted {
	own := caller{stream: r.stream, call: func(ctx context.Context, call *tool.Call) (result tool.Result, err error) {
		err = r.call(ctx, call, &result)
		return result, err
	}}
	return &intercepted{caller: own.wrap(around)}
}

func (i *intercepted) call(ctx context.Context, call *tool.Call, result *tool.Result) (err error) {
	*result, err = i.caller.call(ctx, call)
	return err
}

func (i *intercepted) stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	return i.caller.stream(ctx, call, send)
}

func clientLabels(own map[string]string) map[string]string {
	labels := map[string]string{"sdk": "go", "language": "go", "pid": strconv.Itoa(os.Getpid())}
	maps.Copy(labels, own)
	return labels
}

// grpcOptions sets what the protocol asks for. The connection is tried again quickly, because calls under way are kept
// for 5 s only.
func (c *Client) grpcOptions() []grpc.DialOption {
	retry := backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}
	own := []grpc.DialOption{
		grpc.WithTransportCredentials(c.options.credentials),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxTransportBytes), grpc.MaxCallSendMsgSize(maxTransportBytes)),
		grpc.WithInitialWindowSize(windowBytes), grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: DefaultConnectTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 15 * time.Second, Timeout: 10 * time.Second}),
	}
	if !c.options.withoutLink && c.options.target(c.address) != nil {
		own = append(own, grpc.WithIdleTimeout(idleRPCs))
	}
	return append(own, c.options.grpcOptions...)
}

// Address is where the bridge is.
func (c *Client) Address() string { return c.address }

// Close ends the connection: calls under way fail, tools that run here are cancelled and waited for up to 5 s.
// Closing it again returns the same.
func (c *Client) Close() error {
	c.closing.Do(func() { c.closed = c.close() })
	return c.closed
}

func (c *Client) close() error {
	var left error
	if c.link != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		left = c.link.close(ctx)
	}
	return errors.Join(left, c.conn.Close())
}

// ready waits until the bridge can be asked, for the connect timeout at most.
func (c *Client) ready(ctx context.Context) error {
	if c.reached() {
		return nil
	}
	timeout := c.options.connectTimeout
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !c.reach(waiting) {
		if err := wire.ContextError(ctx); err != nil {
			return err
		}
		return c.unreachable(timeout)
	}
	return nil
}

// reached reports whether a request would be sent at once. Beside a link gRPC's own connection is made when it is needed.
func (c *Client) reached() bool {
	return c.link != nil && c.link.usable.Load() || c.plain() && connected(c.conn)
}

// reach connects, and reports whether that succeeded before ctx ended or the bridge refused this client.
func (c *Client) reach(ctx context.Context) bool {
	if c.link != nil && !c.link.await(ctx) {
		return false
	}
	return !c.plain() || awaitConnection(ctx, c.conn)
}

// plain reports whether there is no link, or the bridge has none.
func (c *Client) plain() bool { return c.link == nil || c.link.plain.Load() }

func (c *Client) unreachable(waited time.Duration) error {
	why := ""
	if c.link != nil {
		if refused := c.link.refusal(); refused != nil {
			return refused
		}
		why = c.link.trouble()
	}
	return tool.Errorf(tool.WorkerUnavailable, "the bridge at %s cannot be reached: no connection within %v%s: is it running there?", c.address, waited, why).
		With("address", c.address)
}

// asError returns an error of the transport or of a call as the product's error. One that says only that a deadline passed
// is made to say what was asked since when.
func (c *Client) asError(ctx context.Context, err error, what string, began time.Time) error {
	known := c.translated(ctx, err)
	deadline, given := ctx.Deadline()
	passed := given && time.Until(deadline) <= 0
	vague := errors.Is(known, context.DeadlineExceeded) || known.Details["grpc"] != "" ||
		passed && len(known.Details) == 0 && !errors.Is(context.Cause(ctx), known)
	if known.Code != tool.DeadlineExceeded || !vague {
		return known
	}
	if own := ownLimit(ctx, passed); own != nil {
		return own
	}
	limit := time.Since(began)
	if given {
		limit = max(0, deadline.Sub(began))
	}
	late := *known
	late.Message = fmt.Sprintf("%s at %s did not answer within the %v that its caller gave it", what, c.address, limit.Round(time.Millisecond))
	return &late
}

// ownLimit is what a view's time limit has to say, once the context knows that it is over: the transport's clock may be ahead.
func ownLimit(ctx context.Context, passed bool) error {
	if !passed {
		return nil
	}
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	select {
	case <-ctx.Done():
	case <-patience.C:
	}
	var own *tool.Error
	if errors.As(context.Cause(ctx), &own) {
		return own
	}
	return nil
}

// translated is asError without what was asked.
func (c *Client) translated(ctx context.Context, err error) *tool.Error {
	var known *tool.Error
	if errors.As(err, &known) {
		return known
	}
	if ended := wire.ContextError(ctx); ended != nil {
		return ended
	}
	e := wire.Error(err)
	if e.Code == tool.WorkerUnavailable || e.Code == tool.WorkerLost {
		e = e.With("address", c.address)
		e.Message = "the bridge at " + c.address + ": " + e.Message
	}
	return e
}

func (c *Client) learn(limits wire.Limits, run string) {
	if limits.MaxValueBytes > 0 {
		c.known.Store(&limits)
	}
	if run != "" {
		c.run.Store(&run)
	}
}

// limits are those that the bridge announced last. They must not be changed.
func (c *Client) limits() *wire.Limits { return c.known.Load() }

func (c *Client) bridgeRun() string {
	if run := c.run.Load(); run != nil {
		return *run
	}
	return ""
}

// answer is what every answer of the bridge says.
type answer interface {
	GetSuccess() bool
	GetError() *bridgepb.ErrorInfo
}

// verb names what a request asks for.
func verb(request any) string {
	message, is := request.(proto.Message)
	if !is {
		return "the bridge"
	}
	return strings.TrimSuffix(string(message.ProtoReflect().Descriptor().Name()), "Request") + " of the bridge"
}

// ask makes a request and returns its answer, or the error that stands in it. Without a deadline of its own it waits as
// long as a call may take by default.
func ask[Request any, Answer answer](ctx context.Context, c *Client, rpc func(context.Context, Request, ...grpc.CallOption) (Answer, error), request Request) (Answer, error) {
	var none Answer
	began := time.Now()
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.limits().DefaultTimeout)
		defer cancel()
	}
	if err := c.ready(ctx); err != nil {
		return none, c.asError(ctx, err, verb(request), began)
	}
	response, err := rpc(ctx, request)
	if err != nil {
		return none, c.asError(ctx, err, verb(request), began)
	}
	if !response.GetSuccess() {
		return none, wire.ErrorFromProto(response.GetError())
	}
	return response, nil
}

// newIdentity names a process among all that ever attach.
func newIdentity() string { return uuid.Must(uuid.NewV7()).String() }
