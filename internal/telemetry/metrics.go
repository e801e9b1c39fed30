package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// ok is the outcome of a call, and of a write or read of the store, that did not fail.
const ok = "ok"

// Metrics count what a bridge does, in a registry of their own: etcd's library fills the global one. Any number of
// goroutines may use them.
type Metrics struct {
	registry *prometheus.Registry
	tools    *tools

	calls        *calls
	redispatches prometheus.Counter
	workers      *prometheus.CounterVec   // by state
	sessions     *prometheus.CounterVec   // by event
	created      prometheus.Counter       // of sessions
	ended        prometheus.Counter       // of sessions
	writes       *prometheus.HistogramVec // by verb and outcome
	reads        *prometheus.HistogramVec // by verb and outcome
}

var _ broker.Observer = (*Metrics)(nil)

// NewMetrics makes metrics of a bridge of this version. Watch adds what is read when somebody asks.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls:    newCalls(),
		redispatches: prometheus.NewCounter(prometheus.CounterOpts(options("call_redispatches_total",
			"How often a call was given to another worker because the first was lost or did not take it."))),
		workers:  counters("worker_changes_total", "How often a worker came to a state.", "state"),
		sessions: counters("session_changes_total", "Sessions that were created or ended here.", "event"),
		writes:   histograms("store_write_seconds", "How long writes of the store took.", callSeconds(), "verb", "outcome"),
		reads: histograms("store_read_seconds", "How long reads of the store took; of a watch, until it had told what was present.",
			readSeconds(), "verb", "outcome"),
	}
	m.created, m.ended = m.sessions.WithLabelValues("created"), m.sessions.WithLabelValues("ended")
	m.tools = newTools(m.calls.seriesOf)
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts(options("info", "The bridge; always 1.")), []string{"version"})
	info.WithLabelValues(version).Set(1)
	m.registry.MustRegister(
		m.calls, m.redispatches, m.workers, m.sessions, m.writes, m.reads, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler serves the metrics as Prometheus reads them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// CallEnded implements broker.Observer.
func (m *Metrics) CallEnded(call *tool.Call, metrics tool.Metrics, resultBytes int, err error) {
	m.calls.count(m.tools.of(call.Spec).of(call.Stream), call, &metrics, resultBytes, err)
	if metrics.Attempts > 1 {
		m.redispatches.Add(float64(metrics.Attempts - 1))
	}
}

// outcome is the code of an error, if it is in the table: whoever hosts a tool may send any text as a code.
func outcome(err error) string {
	code := tool.CodeOf(err)
	if code == "" {
		return ok
	}
	if !wire.Known(code) {
		code = tool.Internal
	}
	return string(code)
}

// HostChanged implements broker.Observer.
func (m *Metrics) HostChanged(_ string, state broker.HostState, gone bool) {
	m.workers.WithLabelValues(stateOf(state, gone)).Inc()
}

func stateOf(state broker.HostState, gone bool) string {
	switch {
	case gone:
		return "gone"
	case state == broker.Ready:
		return "ready"
	case state == broker.Unresponsive:
		return "unresponsive"
	case state == broker.Draining:
		return "draining"
	default:
		return "detached"
	}
}

// SessionChanged implements broker.Observer.
func (m *Metrics) SessionChanged(_ tool.SessionKey, delta int) {
	if delta > 0 {
		m.created.Add(float64(delta))
	} else {
		m.ended.Add(float64(-delta))
	}
}

// StoreAnswered implements broker.Observer. The verbs are the broker's own.
func (m *Metrics) StoreAnswered(verb string, took time.Duration, err error) {
	m.writes.WithLabelValues(verb, outcome(err)).Observe(took.Seconds())
}

// StoreRead implements broker.Observer. The verbs are the broker's own.
func (m *Metrics) StoreRead(verb string, took time.Duration, err error) {
	m.reads.WithLabelValues(verb, outcome(err)).Observe(took.Seconds())
}
