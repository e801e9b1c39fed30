package toolbridge

import (
	"log/slog"
	"maps"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// DefaultConnectTimeout is how long the bridge is waited for.
const DefaultConnectTimeout = 5 * time.Second

// DialOption configures a Client.
type DialOption func(*dialOptions)

type dialOptions struct {
	connectTimeout time.Duration
	credentials    credentials.TransportCredentials
	grpcOptions    []grpc.DialOption
	codec          *value.Codec
	interceptors   []Interceptor
	tracerProvider trace.TracerProvider
	labels         map[string]string
	logger         *slog.Logger
	withoutLink    bool
	lazy           bool
	concurrency    int
}

// WithConnectTimeout says how long to wait for the bridge, at Dial and whenever the connection was lost. Defaults to
// DefaultConnectTimeout.
func WithConnectTimeout(d time.Duration) DialOption {
	return func(o *dialOptions) { o.connectTimeout = d }
}

// WithTransportCredentials secures the connection. Defaults to none, which a bridge takes on loopback only.
func WithTransportCredentials(c credentials.TransportCredentials) DialOption {
	return func(o *dialOptions) { o.credentials = c }
}

// WithGRPCOptions passes options on to grpc.NewClient, after the SDK's own. What goes over the client's link, which is one long stream,
// is not seen by interceptors of RPCs: see WithoutLink.
func WithGRPCOptions(options ...grpc.DialOption) DialOption {
	return func(o *dialOptions) { o.grpcOptions = append(o.grpcOptions, options...) }
}

// WithCodec says how values are encoded, for instance with tables: value.New(value.With(frame.Extension())). Defaults
// to the codec without extensions.
func WithCodec(codec *value.Codec) DialOption {
	return func(o *dialOptions) { o.codec = codec }
}

// WithInterceptors wraps the calls that the client makes, the first interceptor outermost.
func WithInterceptors(interceptors ...Interceptor) DialOption {
	return func(o *dialOptions) { o.interceptors = append(o.interceptors, interceptors...) }
}

// WithLabels tells the bridge about this process, for its operators, besides what the SDK tells.
func WithLabels(labels map[string]string) DialOption {
	return func(o *dialOptions) { maps.Copy(o.labels, labels) }
}

// WithLogger takes what the SDK has to say about connections and about tools that panic. Defaults to slog.Default().
func WithLogger(logger *slog.Logger) DialOption {
	return func(o *dialOptions) { o.logger = logger }
}

// WithoutLink makes all calls over plain RPCs, as with a bridge that has no links. Such a client has no workers.
func WithoutLink() DialOption {
	return func(o *dialOptions) { o.withoutLink = true }
}

// Lazily makes Dial return at once: the bridge is waited for when it is first needed. For workers that may start before
// their bridge.
func Lazily() DialOption { return func(o *dialOptions) { o.lazy = true } }

// WithConcurrency is how many calls the client's workers run at once; what exceeds it waits at the bridge. A call that
// waits for another one, nested in it, does not count. Defaults to 4,096.
func WithConcurrency(n int) DialOption { return func(o *dialOptions) { o.concurrency = n } }

// DefaultAddress is where a bridge is looked for when no address is given: at GRPC_ADDR or ELIXIR_GRPC_ADDR in the environment,
// otherwise at the port GRPC_PORT of this host, or 50051.
func DefaultAddress() string {
	for _, name := range []string{"GRPC_ADDR", "ELIXIR_GRPC_ADDR"} {
		if address := os.Getenv(name); address != "" {
			return address
		}
	}
	if port := os.Getenv("GRPC_PORT"); port != "" {
		return "localhost:" + port
	}
	return "localhost:50051"
}
