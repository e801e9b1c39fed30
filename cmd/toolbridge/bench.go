package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type benchVerb struct {
	Tool benchTool `cmd:"" default:"withargs" help:"Call one tool as often as it goes, and show how long it takes and where."`
	Load benchLoad `cmd:"" help:"Let users call, stream and batch the demo's tools, as people would, and show how long that takes."`
}

// maxAtOnce bounds what a command line can ask of the machine that it runs on.
const maxAtOnce = 4096

type benchTool struct {
	Tool        string        `arg:"" help:"Tool to call, by its id or name."`
	Arguments   []string      `arg:"" optional:"" name:"argument" help:"ARG by position or NAME=VALUE, as in call."`
	Concurrency int           `short:"c" default:"1" placeholder:"N" help:"How many calls at once. Defaults to 1."`
	Duration    time.Duration `short:"d" default:"10s" placeholder:"DURATION" help:"How long. Defaults to 10s."`
	Calls       int64         `short:"n" placeholder:"N" help:"End after so many calls."`
	Rate        float64       `short:"r" placeholder:"N" help:"Begin so many calls a second, whatever the earlier ones do: a call counts from when it was due, and all that were due are made, so a rate beyond what can be done takes longer than the duration. Without it each of the calls at once begins when the one before has ended."`
	Plain       bool          `help:"Use plain RPCs instead of a link."`
}

// Validate refuses what cannot be measured. The parser calls it.
func (v *benchTool) Validate() error {
	switch {
	case v.Concurrency < 1 || v.Concurrency > maxAtOnce:
		return usage("--concurrency is %d: want 1 to %d", v.Concurrency, maxAtOnce)
	case v.Duration <= 0:
		return usage("--duration is %s: want more than 0", v.Duration)
	case v.Calls < 0:
		return usage("--calls is %d: want 0 or more", v.Calls)
	case math.IsNaN(v.Rate) || v.Rate != 0 && (v.Rate < minRate || v.Rate > maxRate):
		return usage("--rate is %g: want %g to %.0f calls a second, or 0 for no rate", v.Rate, minRate, maxRate)
	}
	return nil
}

// The rates that can be kept: one call in a quarter of an hour, nearly, and one in a microsecond.
const (
	minRate = 0.001
	maxRate = 1e6
)

// Run measures the calls of a tool. --timeout is that of each call.
func (v *benchTool) Run(ctx context.Context, s *shell, common *common) error {
	arguments, err := s.arguments(v.Arguments)
	if err != nil {
		return err
	}
	options := []toolbridge.DialOption{toolbridge.WithConcurrency(maxAtOnce)}
	if v.Plain {
		options = append(options, toolbridge.WithoutLink())
	}
	unlimited := *common
	unlimited.Timeout = 0
	return unlimited.dial(ctx, s, unlimited.attached(createdOnDemand, func(ctx context.Context, session *toolbridge.Session) error {
		var refused *tool.Error
		if _, err := session.With(toolbridge.Timeout(common.Timeout)).Call(ctx, v.Tool, arguments...); errors.As(err, &refused) && !refused.Retryable && refused.Code != tool.DeadlineExceeded {
			return err // the others would fail as well; that one took too long is a measurement
		}
		b := &bench{benchTool: v, session: session, timeout: common.Timeout, arguments: arguments}
		found := b.run(ctx, newCountdown(s, v.Duration))
		if err := found.print(s, v); err != nil {
			return err
		}
		return errors.Join(context.Cause(ctx), found.failures.err())
	}), options...)
}

// bench is one measurement under way.
type bench struct {
	*benchTool
	session   *toolbridge.Session
	timeout   time.Duration
	arguments []any

	began  time.Time
	issued atomic.Int64
	made   atomic.Int64 // those of them that came due
}

// measured is what came of a measurement, or of one of its callers.
type measured struct {
	took     time.Duration
	answered latencies // as the caller saw them, and so on
	failed   latencies
	phases   [6]latencies // of those that were answered
	failures failures
}

// phaseNames are those of measured.phases: how long a call that was due waited until one of the calls at once had ended, what the bridge says
// of it, and the rest of what its caller saw, which is this program and the way to the bridge and back. They add up to what its caller saw.
func phaseNames() [6]string {
	return [...]string{waitingPhase, "queue", "route", "execute", "transport", "client"}
}

// waitingPhase is the phase that there is only where calls are due at a rate.
const waitingPhase = "waiting"

func (b *bench) run(ctx context.Context, shown *countdown) *measured {
	defer shown.end()
	b.began = time.Now()
	callers := make([]*measured, b.Concurrency)
	var running sync.WaitGroup
	for i := range callers {
		callers[i] = &measured{}
		running.Go(func() { b.call(ctx, callers[i]) })
	}
	running.Wait()
	b.rest(ctx)
	all := callers[0]
	for _, c := range callers[1:] {
		all.merge(c)
	}
	all.took = time.Since(b.began)
	return all
}

// call makes one call after the other until time is over.
func (b *bench) call(ctx context.Context, into *measured) {
	var metrics tool.Metrics
	view := b.session.With(toolbridge.WithMetrics(&metrics), toolbridge.Timeout(b.timeout))
	for {
		due, more := b.due(ctx)
		if !more {
			return
		}
		metrics = tool.Metrics{}
		began := time.Now()
		_, err := toolbridge.Call[tool.Value](ctx, view, b.Tool, b.arguments...)
		ended := time.Now()
		switch {
		case err == nil:
			into.answered.add(ended.Sub(due))
			into.split(metrics, began.Sub(due), ended.Sub(began))
		case ctx.Err() == nil:
			into.failed.add(ended.Sub(due))
			into.failures.add(err)
		}
	}
}

// rest waits until the next call would have been due, or time is over: a rate is one of the whole time, to which what follows the last
// call belongs.
func (b *bench) rest(ctx context.Context) {
	if b.Rate > 0 {
		pause(ctx, time.Until(b.began.Add(min(b.dueAfter(b.made.Load()), b.Duration))))
	}
}

// dueAfter is when the call that comes after n others is due.
func (b *bench) dueAfter(n int64) time.Duration {
	return time.Duration(float64(n) / b.Rate * float64(time.Second))
}

// due waits until the next call is due and says when that was; without a rate it is at once.
func (b *bench) due(ctx context.Context) (at time.Time, more bool) {
	n := b.issued.Add(1) - 1
	if ctx.Err() != nil || b.Calls > 0 && n >= b.Calls {
		return at, false
	}
	if b.Rate == 0 {
		return time.Now(), time.Since(b.began) < b.Duration
	}
	after := b.dueAfter(n)
	if after >= b.Duration {
		return at, false
	}
	b.made.Add(1)
	at = b.began.Add(after)
	return at, pause(ctx, time.Until(at))
}

// pause waits and reports whether nobody interrupted it.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// split counts where the time of a call went.
func (m *measured) split(in tool.Metrics, waited, took time.Duration) {
	for i, d := range [...]time.Duration{waited, in.Queue, in.Route, in.Execute, in.Transport, max(0, took-in.Duration)} {
		m.phases[i].add(d)
	}
}

func (m *measured) merge(other *measured) {
	m.answered.merge(&other.answered)
	m.failed.merge(&other.failed)
	for i := range m.phases {
		m.phases[i].merge(&other.phases[i])
	}
	m.failures.merge(&other.failures)
}

func (m *measured) print(s *shell, v *benchTool) error {
	rate := float64(m.answered.count) / m.took.Seconds()
	if s.json {
		phases := map[string]any{}
		m.eachPhase(v, func(name string, of *latencies) { phases[name] = of.document() })
		return s.document(map[string]any{
			"tool": v.Tool, "concurrency": v.Concurrency, "rate": v.Rate, "seconds": m.took.Seconds(), "calls": m.answered.count + m.failed.count,
			"answered": m.answered.count, "answered_per_second": rate, "answered_ms": m.answered.document(), "phases_ms": phases,
			"failed": m.failed.count, "failed_ms": m.failed.document(), "failures": m.failures.document(),
		})
	}
	if err := s.line("%s: %d calls answered in %.1f s, %s a second, %d at once; %d failed",
		inline(v.Tool), m.answered.count, m.took.Seconds(), perSecond(rate), v.Concurrency, m.failed.count); err != nil {
		return err
	}
	t := table{heading: append([]string{""}, latencyHeading()...), right: map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true}}
	if m.answered.count > 0 || m.failed.count == 0 {
		t.add(append([]string{"answered"}, m.answered.cells()...)...)
		m.eachPhase(v, func(name string, of *latencies) { t.add(append([]string{name}, of.cells()...)...) })
	}
	if m.failed.count > 0 {
		t.add(append([]string{"failed"}, m.failed.cells()...)...)
	}
	return t.print(s.stdout)
}

// eachPhase tells the phases that there are.
func (m *measured) eachPhase(v *benchTool, tell func(name string, of *latencies)) {
	for i, name := range phaseNames() {
		if name != waitingPhase || v.Rate > 0 {
			tell(name, &m.phases[i])
		}
	}
}

// perSecond is a rate for people: whole where it is high.
func perSecond(rate float64) string {
	if rate >= 100 {
		return fmt.Sprintf("%.0f", rate)
	}
	return fmt.Sprintf("%.3g", rate)
}

func fixed(ms float64) string { return fmt.Sprintf("%.3f", ms) }

// failures count what failed, by code, with the first message of each.
type failures struct {
	count   int
	codes   map[tool.Code]int
	message map[tool.Code]string
}

func (f *failures) add(err error) {
	code := newReport(context.Background(), err).Code
	f.put(code, 1, messageOf(err))
}

func (f *failures) put(code tool.Code, n int, message string) {
	if f.codes == nil {
		f.codes, f.message = map[tool.Code]int{}, map[tool.Code]string{}
	}
	f.count += n
	f.codes[code] += n
	if f.message[code] == "" {
		f.message[code] = message
	}
}

func (f *failures) merge(other *failures) {
	for code, n := range other.codes {
		f.put(code, n, other.message[code])
	}
}

// err says what failed; nil if nothing did. It has the code of the most frequent failure.
func (f *failures) err() error {
	if f.count == 0 {
		return nil
	}
	var codes []tool.Code
	for code := range f.codes {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b tool.Code) int { return f.codes[b] - f.codes[a] })
	var parts []string
	for _, code := range codes {
		parts = append(parts, fmt.Sprintf("%d %s (%s)", f.codes[code], code, f.message[code]))
	}
	return tool.Errorf(codes[0], "%d failed: %s", f.count, strings.Join(parts, "; "))
}

func (f *failures) document() map[string]int {
	out := map[string]int{}
	for code, n := range f.codes {
		out[string(code)] = n
	}
	return out
}

// countdown shows a person how much of the time is over.
type countdown struct {
	stop chan struct{}
	done sync.WaitGroup
}

func newCountdown(s *shell, d time.Duration) *countdown {
	c := &countdown{stop: make(chan struct{})}
	if s.json || !terminal(s.stderr) {
		return c
	}
	bar := progressbar.NewOptions64(int64(d/time.Second), progressbar.OptionSetWriter(s.stderr), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription("measuring"), progressbar.OptionSetPredictTime(false))
	c.done.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = bar.Add(1) // a bar that cannot be drawn is no reason to end
			case <-c.stop:
				_ = bar.Finish() // as above
				return
			}
		}
	})
	return c
}

func (c *countdown) end() {
	close(c.stop)
	c.done.Wait()
}
