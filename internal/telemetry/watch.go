package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
)

// Links are how the links are. What only grows also counts the links that are gone.
type Links struct {
	// ByState counts those that are there.
	ByState map[string]int
	// QueuedBytes wait to be sent.
	QueuedBytes int
	// CreditWaits is how often a chunk had to wait because its reader had granted no more credit.
	CreditWaits uint64
	// LateFrames came for calls that had ended.
	LateFrames uint64
	// MessagesSent were sent with frames.
	MessagesSent uint64
	// MessagesRead came with frames.
	MessagesRead uint64
}

// Watch adds what is read when somebody asks for the metrics, until which load and links must be ready to answer. It is
// called once.
func (m *Metrics) Watch(load func() broker.Load, links func() Links) {
	m.registry.MustRegister(newWatcher(m.tools, load, links))
}

// watcher reads the state of a bridge when somebody asks.
type watcher struct {
	tools *tools
	load  func() broker.Load
	links func() Links

	running, queueCalls, queueBytes, sessions                *prometheus.Desc
	linkStates, linkMessages, linkLate, linkCredit, linkSend *prometheus.Desc
}

func newWatcher(tools *tools, load func() broker.Load, links func() Links) *watcher {
	return &watcher{
		tools: tools, load: load, links: links,
		running:      describe("calls_running", "Calls under way, those that wait in queues included."),
		queueCalls:   describe("queue_calls", "Calls that wait for a tool.", "tool"),
		queueBytes:   describe("queue_bytes", "Argument bytes of the calls that wait for a tool.", "tool"),
		sessions:     describe("sessions", "Sessions that live."),
		linkStates:   describe("links", "Processes with a link, by how the link is.", "state"),
		linkMessages: describe("link_messages_total", "Messages with frames that links sent and read.", "direction"),
		linkLate:     describe("link_late_frames_total", "Frames that came for calls that had ended."),
		linkCredit:   describe("link_credit_waits_total", "How often a chunk waited because its reader had granted no more credit."),
		linkSend:     describe("link_queued_bytes", "Bytes that wait to be sent over links."),
	}
}

// Describe implements prometheus.Collector.
func (w *watcher) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		w.running, w.queueCalls, w.queueBytes, w.sessions, w.linkStates, w.linkMessages, w.linkLate, w.linkCredit, w.linkSend,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	load := w.load()
	gauge(w.running, load.Running)
	if load.Sessions >= 0 {
		gauge(w.sessions, load.Sessions)
	}
	for label, q := range w.queues(load.Queues) {
		gauge(w.queueCalls, q.Calls, label)
		gauge(w.queueBytes, q.Bytes, label)
	}
	links := w.links()
	for _, state := range []string{"detached", "ready", "unresponsive", "draining", "gone"} {
		if n, there := links.ByState[state]; there || state == "ready" {
			gauge(w.linkStates, n, state)
		}
	}
	counter(w.linkMessages, links.MessagesSent, "sent")
	counter(w.linkMessages, links.MessagesRead, "read")
	counter(w.linkLate, links.LateFrames)
	counter(w.linkCredit, links.CreditWaits)
	gauge(w.linkSend, links.QueuedBytes)
}

// queues adds up the queues of tools that share a label.
func (w *watcher) queues(of []broker.QueueLoad) map[string]broker.QueueLoad {
	sums := make(map[string]broker.QueueLoad)
	for _, q := range of {
		label := w.tools.labelled(q.Tool, q.Session)
		sum := sums[label]
		sum.Calls += q.Calls
		sum.Bytes += q.Bytes
		sums[label] = sum
	}
	return sums
}
