package toolbridge

import (
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallOption configures the calls made through what Session.With and Tool.With return.
type CallOption func(*callOptions)

type callOptions struct {
	timeout     time.Duration
	requestID   string
	streamID    string
	retry       *Retry
	idempotent  bool
	wantStack   bool
	traceParent string
	traceState  string
	metrics     *tool.Metrics
	progress    func(tool.Progress)
}

// Timeout limits how long a call may take, each attempt for itself; for streams, how long they may take in all. Without it,
// and without a deadline of the context, the tool's or the bridge's default holds.
func Timeout(d time.Duration) CallOption { return func(o *callOptions) { o.timeout = d } }

// RequestID names a call, so that the bridge recognises it when it comes again. It belongs to one call: a view with
// a request id is to be used once.
func RequestID(id string) CallOption { return func(o *callOptions) { o.requestID = id } }

// StreamID names a stream; without it the bridge makes a name.
func StreamID(id string) CallOption { return func(o *callOptions) { o.streamID = id } }

// WithRetry makes another attempt when one fails with an error that allows it; see Retry.
func WithRetry(r Retry) CallOption { return func(o *callOptions) { o.retry = &r } }

// Idempotent says that running the tool twice has the effect of running it once, so that a retry may start it again
// when it is not known whether it ran. Not needed for tools that are declared so.
func Idempotent() CallOption { return func(o *callOptions) { o.idempotent = true } }

// WantStack asks for the stack of an error that a tool raises.
func WantStack() CallOption { return func(o *callOptions) { o.wantStack = true } }

// Trace passes a W3C trace context on to the tool. A parent that is none is ignored, as the W3C says, and so is a state of more than 8 KiB.
func Trace(parent, state string) CallOption {
	return func(o *callOptions) { o.traceParent, o.traceState = tool.TraceContext(parent, state) }
}

// WithMetrics writes how long a call took, and where, to m when it has ended, also when it failed; of a call that is
// retried, the last attempt. Where the bridge's answer did not come, in time or at all, as for a stream that broke off, only the
// Duration is known, which is then how long the caller has waited: see tool.Metrics.Split. It is zero for arguments that were refused
// before a call was made. A view with it is to be used by one goroutine at a time. The items of a batch have theirs in ItemResult.
func WithMetrics(m *tool.Metrics) CallOption { return func(o *callOptions) { o.metrics = m } }

// OnProgress is told how far the tool is, one report at a time. It must not block. Only over links.
func OnProgress(f func(tool.Progress)) CallOption { return func(o *callOptions) { o.progress = f } }

// muffled returns a report of progress that is silent once the call has ended, and the function that ends it.
func (o *callOptions) muffled() (report func(tool.Progress), end func()) {
	if o.progress == nil {
		return nil, func() {}
	}
	var mu sync.Mutex
	ended := false
	report = func(p tool.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			o.progress(p)
		}
	}
	return report, func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
	}
}
