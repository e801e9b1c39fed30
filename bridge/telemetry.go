package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
)

// Telemetry says what operators are told, and how. The zero Telemetry tells nothing and costs nothing.
type Telemetry struct {
	// Metrics serves metrics for Prometheus at /metrics, where HTTP listens. Defaults to false.
	Metrics bool `yaml:"metrics"`
	// Debug is an address of its own for Go's profiles, at /debug/pprof/, and for the metrics. An address that is not
	// loopback is refused unless InsecureListen. Defaults to none.
	Debug string `yaml:"debug"`
	// OTLP is where a collector takes metrics and traces by OTLP over gRPC, such as http://localhost:4317, or https:// with
	// TLS. The environment's OTEL_EXPORTER_OTLP_HEADERS and the like hold as well. Defaults to none.
	OTLP string `yaml:"otlp"`
	// TraceRatio is the part, 0 to 1, of the calls without a trace of their own that begin one here. Calls of a trace that
	// its caller samples are always recorded, of others never. More than 0 without OTLP or TracerProvider is an error. Defaults to 0.
	TraceRatio float64 `yaml:"trace_ratio"`
	// TracerProvider makes the spans, instead of one that exports to OTLP. Defaults to none.
	TracerProvider trace.TracerProvider `yaml:"-"`
}

// counts reports whether anybody sees metrics.
func (t *Telemetry) counts() bool { return t.Metrics || t.Debug != "" || t.OTLP != "" }

// environment takes what the environment says.
func (t *Telemetry) environment(getenv func(string) string) error {
	if v := getenv("TOOLBRIDGE_METRICS"); v != "" {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("TOOLBRIDGE_METRICS is %q: want true or false", v)
		}
		t.Metrics = on
	}
	if v := getenv("TOOLBRIDGE_TRACE_RATIO"); v != "" {
		ratio, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return fmt.Errorf("TOOLBRIDGE_TRACE_RATIO is %q: want a number from 0 to 1", v)
		}
		t.TraceRatio = ratio
	}
	for name, field := range map[string]*string{"TOOLBRIDGE_DEBUG": &t.Debug, "TOOLBRIDGE_OTLP": &t.OTLP} {
		if v := getenv(name); v != "" {
			*field = v
		}
	}
	return nil
}

// checkTelemetry checks what operators are told.
func (c *Config) checkTelemetry() error {
	t := &c.Telemetry
	if t.Metrics && c.HTTP == "" {
		return errors.New("telemetry.metrics are served where HTTP listens, which is off: turn it on (--http ADDR), or name an address for them and for profiles (telemetry.debug, --debug ADDR)")
	}
	if t.Debug != "" {
		if err := c.checkAddress("debug", t.Debug, "127.0.0.1:6060"); err != nil {
			return err
		}
	}
	if t.OTLP != "" {
		u, err := url.Parse(t.OTLP)
		var unread *url.Error
		if errors.As(err, &unread) { // whose text would show a password
			return fmt.Errorf("telemetry.otlp is not a URL (%w): want that of a collector, such as http://localhost:4317", unread.Err)
		}
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			return fmt.Errorf("telemetry.otlp %q: want the URL of a collector without credentials, such as http://localhost:4317", u.Redacted())
		}
	}
	if !(t.TraceRatio >= 0 && t.TraceRatio <= 1) { // also for NaN
		return fmt.Errorf("telemetry.trace_ratio is %v: want a number from 0 to 1", t.TraceRatio)
	}
	if t.TraceRatio > 0 && t.OTLP == "" && t.TracerProvider == nil {
		return fmt.Errorf("telemetry.trace_ratio is %v, but nobody takes the traces: name a collector (telemetry.otlp, --otlp URL), or leave the ratio out", t.TraceRatio)
	}
	return nil
}

// watching is what tells operators of a bridge. Its zero value tells nothing.
type watching struct {
	run      string             // names the bridge's run
	metrics  *telemetry.Metrics // nil if nobody sees them
	export   *telemetry.Export  // nil without a collector
	tracer   broker.Tracer      // nil without traces
	listener net.Listener       // of the debug address; nil without
	server   *http.Server
}

// openWatching makes what the broker is to tell.
func (b *Bridge) openWatching(ctx context.Context) error {
	t, w := &b.config.Telemetry, &b.watching
	w.run = broker.NewRun()
	if t.counts() {
		w.metrics = telemetry.NewMetrics(version())
	}
	provider := t.TracerProvider
	if t.OTLP != "" {
		var err error
		w.export, err = telemetry.NewExport(ctx, telemetry.ExportConfig{Endpoint: t.OTLP, Version: version(), Instance: w.run, Logger: b.config.Logger}, w.metrics)
		if err != nil {
			return err
		}
		if provider == nil {
			provider = w.export.TracerProvider()
		}
	}
	if provider != nil {
		w.tracer = telemetry.NewTracer(provider, t.TraceRatio)
	}
	return nil
}

// observe makes the broker tell.
func (w *watching) observe(cfg *broker.Config) {
	cfg.Run = w.run
	if w.metrics != nil {
		cfg.Observer = w.metrics
	}
	cfg.Tracer = w.tracer
}

// handler serves the metrics; nil where they are not asked for.
func (b *Bridge) metricsHandler() http.Handler {
	if !b.config.Telemetry.Metrics {
		return nil
	}
	return b.watching.metrics.Handler()
}

// debugStall is how long a client of the debug address may read nothing of its answer.
const debugStall = 10 * time.Second

// watch lets the metrics read the bridge, which now serves, and opens the debug address.
func (b *Bridge) watch() {
	w := &b.watching
	if w.metrics == nil {
		return
	}
	w.metrics.Watch(b.broker.Load, func() telemetry.Links { return linksOf(b.service.Load()) })
	if w.listener == nil {
		return
	}
	w.server = &http.Server{
		Handler:           telemetry.DebugHandler(w.metrics.Handler(), b.config.HTTPHosts, debugStall),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
	}
	b.serving.Go(func() {
		if err := w.server.Serve(w.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			b.failed <- fmt.Errorf("debug: %w", err)
		}
	})
}

func linksOf(l rpc.Load) telemetry.Links {
	states := make(map[string]int, len(l.Links))
	for state, n := range l.Links {
		states[state.String()] = n
	}
	return telemetry.Links{
		ByState: states, QueuedBytes: l.QueuedBytes, CreditWaits: l.CreditWaits, LateFrames: l.LateFrames,
		MessagesSent: l.MessagesSent, MessagesRead: l.MessagesRead,
	}
}

// closeDebug closes the debug address.
func (w *watching) closeDebug() error {
	switch {
	case w.server != nil:
		return w.server.Close()
	case w.listener != nil:
		return w.listener.Close()
	default:
		return nil
	}
}

// lastExport is how long the collector may take to take what is left.
const lastExport = 2 * time.Second

// closeExport sends what is left to the collector. One that does not answer has been told of in the log.
func (w *watching) closeExport(ctx context.Context) {
	if w.export == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastExport)
	defer cancel()
	_ = w.export.Shutdown(ctx)
}

// DebugAddr is the address of profiles and metrics, with the port that the system chose. It is empty before Start, and
// where Telemetry.Debug is.
func (b *Bridge) DebugAddr() string {
	if b.watching.listener == nil {
		return ""
	}
	return b.watching.listener.Addr().String()
}
