package telemetry

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// calls counts the calls that ended. It is a collector of its own because every call goes through it: the library's histograms take
// three contended atomic operations each, and a call has six. Here a call takes one mutex that nearly nobody else wants: that of a
// stripe that its processor mostly has to itself. Stripes are added up when somebody asks.
type calls struct {
	stripes []*stripe
	// hints tell a processor its stripe. What is lost of them is no loss.
	hints sync.Pool
	next  atomic.Uint32

	times, phases, bytes *buckets

	total, duration, phase, argumentBytes, resultBytes *prometheus.Desc

	mu     sync.Mutex
	series []*series
}

// stripe is a part of the counts.
type stripe struct {
	mu sync.Mutex
	counted
}

// counted are counts of calls.
type counted struct {
	route, queue, execute, transport tally
	argumentBytes, resultBytes       tally
	series                           []*countedSeries // by number; nil where there were no calls
}

// countedSeries are counts of one tool's calls of one kind.
type countedSeries struct {
	duration tally
	failed   map[string]uint64 // by outcome; all others were ok
}

// series are the metrics of one tool's calls of one kind.
type series struct {
	number     int
	tool, kind string
}

// hint says which stripe to use.
type hint struct{ stripe *stripe }

var _ prometheus.Collector = (*calls)(nil)

func newCalls() *calls {
	c := &calls{
		times: newBuckets(callSeconds(), 1e9), phases: newBuckets(phaseSeconds(), 1e9), bytes: newBuckets(sizes(), 1),
		total:         describe("calls_total", "Calls that ended, by what they came to: ok or an error code.", "tool", "kind", "outcome"),
		duration:      describe("call_duration_seconds", "How long calls took, from the edge's receiving them to the answer.", "tool", "kind"),
		phase:         describe("call_phase_seconds", "Where the time of calls went.", "phase"),
		argumentBytes: describe("call_argument_bytes", "Value bytes of a call's arguments."),
		resultBytes:   describe("call_result_bytes", "Value bytes of a call's result, or of all its chunks."),
	}
	for range 2 * runtime.GOMAXPROCS(0) {
		c.stripes = append(c.stripes, &stripe{})
	}
	c.hints.New = func() any {
		return &hint{stripe: c.stripes[int(c.next.Add(1))%len(c.stripes)]}
	}
	return c
}

// seriesOf makes the series of a tool's calls of one kind, or finds it: two ids may have one label.
func (c *calls) seriesOf(label, kind string) *series {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.series {
		if s.tool == label && s.kind == kind {
			return s
		}
	}
	s := &series{number: len(c.series), tool: label, kind: kind}
	c.series = append(c.series, s)
	return s
}

// count counts a call that ended.
func (c *calls) count(of *series, call *tool.Call, metrics *tool.Metrics, resultBytes int, err error) {
	argumentBytes := call.ArgumentBytes()
	h, _ := c.hints.Get().(*hint)
	s := h.stripe
	s.mu.Lock()
	one := s.of(of)
	one.duration.count(c.times, int64(metrics.Duration))
	if err != nil {
		one.fail(outcome(err), 1)
	}
	s.argumentBytes.count(c.bytes, int64(argumentBytes))
	s.route.count(c.phases, int64(metrics.Route))
	if metrics.Queue > 0 {
		s.queue.count(c.phases, int64(metrics.Queue))
	}
	if metrics.Attempts > 0 { // it was given to somebody
		s.resultBytes.count(c.bytes, int64(resultBytes))
	}
	if metrics.Execute > 0 { // else the tool did not run, as far as is known
		s.execute.count(c.phases, int64(metrics.Execute))
	}
	if metrics.Transport > 0 {
		s.transport.count(c.phases, int64(metrics.Transport))
	}
	s.mu.Unlock()
	c.hints.Put(h)
}

// of returns the counts of a series.
func (c *counted) of(s *series) *countedSeries {
	for s.number >= len(c.series) {
		c.series = append(c.series, nil)
	}
	if c.series[s.number] == nil {
		c.series[s.number] = &countedSeries{}
	}
	return c.series[s.number]
}

func (s *countedSeries) fail(outcome string, n uint64) {
	if s.failed == nil {
		s.failed = make(map[string]uint64)
	}
	s.failed[outcome] += n
}

// sum adds the stripes up, and returns the series that there are in them.
func (c *calls) sum() (all counted, known []*series) {
	for _, s := range c.stripes {
		s.mu.Lock()
		all.add(&s.counted)
		s.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return all, c.series[:len(all.series):len(all.series)]
}

// add adds the counts of a stripe, whose mutex is held.
func (c *counted) add(other *counted) {
	c.route.add(&other.route)
	c.queue.add(&other.queue)
	c.execute.add(&other.execute)
	c.transport.add(&other.transport)
	c.argumentBytes.add(&other.argumentBytes)
	c.resultBytes.add(&other.resultBytes)
	for i, from := range other.series {
		if from == nil {
			continue
		}
		to := c.of(&series{number: i})
		to.duration.add(&from.duration)
		for what, n := range from.failed {
			to.fail(what, n)
		}
	}
}

// Describe implements prometheus.Collector.
func (c *calls) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.total, c.duration, c.phase, c.argumentBytes, c.resultBytes} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *calls) Collect(to chan<- prometheus.Metric) {
	all, known := c.sum()
	show := func(d *prometheus.Desc, t *tally, b *buckets, labels ...string) {
		count, sum, upTo := t.shown(b)
		to <- prometheus.MustNewConstHistogram(d, count, sum, upTo, labels...)
	}
	show(c.phase, &all.route, c.phases, "route")
	show(c.phase, &all.queue, c.phases, "queue")
	show(c.phase, &all.execute, c.phases, "execute")
	show(c.phase, &all.transport, c.phases, "transport")
	show(c.argumentBytes, &all.argumentBytes, c.bytes)
	show(c.resultBytes, &all.resultBytes, c.bytes)
	for i, s := range all.series {
		if s == nil {
			continue
		}
		of := known[i]
		show(c.duration, &s.duration, c.times, of.tool, of.kind)
		fine, _, _ := s.duration.shown(c.times)
		for what, n := range s.failed {
			fine -= n
			to <- prometheus.MustNewConstMetric(c.total, prometheus.CounterValue, float64(n), of.tool, of.kind, what)
		}
		to <- prometheus.MustNewConstMetric(c.total, prometheus.CounterValue, float64(fine), of.tool, of.kind, ok)
	}
}
