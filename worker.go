package toolbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// DefaultDrainTimeout is how long a worker that stops waits for its running calls.
const DefaultDrainTimeout = 30 * time.Second

// Worker offers Go functions as tools, to every session or to one, over the link of a client. Tools are added with AddTool and
// AddStreamingTool; Run offers them.
type Worker struct {
	client  *Client
	options workerOptions
	calls   running
	woken   chan struct{}
	ready   chan struct{}
	once    sync.Once
	told    registration // belongs to the goroutine of Run

	mu    sync.Mutex
	tools []*typed.Tool
	ids   map[string]struct{} // of the tools
}

// WorkerOption configures a Worker.
type WorkerOption func(*workerOptions)

type workerOptions struct {
	sessionID    string
	interceptors []Interceptor
	drain        time.Duration
}

// ForSession offers the worker's tools to one session; without it to every session.
func ForSession(id string) WorkerOption { return func(o *workerOptions) { o.sessionID = id } }

// WithWorkerInterceptors wraps the calls that the worker answers, the first interceptor outermost.
func WithWorkerInterceptors(interceptors ...Interceptor) WorkerOption {
	return func(o *workerOptions) { o.interceptors = append(o.interceptors, interceptors...) }
}

// DrainTimeout is how long Run waits, when its context has ended, for calls that still run. Defaults to
// DefaultDrainTimeout.
func DrainTimeout(d time.Duration) WorkerOption { return func(o *workerOptions) { o.drain = d } }

// NewWorker makes a worker without tools. A client without a link cannot have one, which is a panic.
func NewWorker(client *Client, options ...WorkerOption) *Worker {
	if client.link == nil {
		panic("toolbridge: NewWorker: the client was dialled WithoutLink, and tools are offered over links only")
	}
	o := workerOptions{drain: DefaultDrainTimeout}
	for _, option := range options {
		option(&o)
	}
	w := &Worker{client: client, options: o, woken: make(chan struct{}, 1), ready: make(chan struct{}), ids: make(map[string]struct{})}
	w.calls.idle = make(chan struct{}, 1)
	return w
}

// AddTool adds a function as a tool. It may be called by any number of goroutines, and should return soon after its
// context ends. What it returns as an error reaches the caller as an ExecutionError of that error's class, a *tool.Error as
// it is, and a panic as an ExecutionError of class "panic". A function that cannot be a tool is a panic here.
//
// If In is a struct, its exported fields are the arguments, in their order; any other In is the one argument "value" (see
// Argument). Fields may have tags:
//
//   - bridge:"name,options…" names the argument; without it the name in the json tag counts, then the field's own in
//     snake case; "-" leaves the field out. Options: required, optional, nullable, positional (by position only), keyword
//     (by name only), variadic (a slice that takes every surplus positional argument), keywords (a map that takes every
//     surplus keyword argument), type=NAME (the declared type, in place of that of the Go type: DataFrame for a table).
//   - desc:"…" or jsonschema:"…" describes it to people and models.
//   - default:"…" is what it is when it is not given: text for a string, JSON for everything else.
//   - min:"…", max:"…" bound numbers, the characters of strings, and the items of lists and dicts; pattern:"…" (RE2)
//     constrains strings; enum:"a|b" lists what is allowed. Those of structs inside of an argument
//     hold as well.
//
// An argument is required unless it is a pointer, has a default, is optional, or is omitempty or omitzero in its json tag.
func AddTool[In, Out any](w *Worker, name string, fn func(context.Context, In) (Out, error), options ...ToolOption) {
	w.add(typed.New(name, fn, w.toolOptions(options)))
}

// AddStreamingTool adds a function that yields results as it makes them; see AddTool. Yield blocks while the reader is slow,
// and fails once nobody reads any more: the function should then return.
func AddStreamingTool[In, Out any](w *Worker, name string, fn func(ctx context.Context, in In, yield func(Out) error) error, options ...ToolOption) {
	w.add(typed.NewStreaming(name, fn, w.toolOptions(options)))
}

func (w *Worker) toolOptions(options []ToolOption) typed.Options {
	o := typed.Options{Codec: w.client.codec, SessionID: w.options.sessionID}
	for _, option := range options {
		option(&o)
	}
	return o
}

// add adds a tool, also while the worker runs.
func (w *Worker) add(t *typed.Tool, err error) {
	if err != nil {
		panic("toolbridge: AddTool: " + err.Error())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := t.Spec().ID
	if _, there := w.ids[id]; there {
		panic(fmt.Sprintf("toolbridge: AddTool: the worker has a tool with the id %q already", id))
	}
	w.ids[id] = struct{}{}
	w.tools = append(w.tools, t)
	w.wake()
}

// wake makes Run register the tools again.
func (w *Worker) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Ready is closed once the tools were registered for the first time.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Run offers the tools until ctx ends; then it takes no new calls, waits for those that run, and returns nil. The
// connection may come and go meanwhile. It returns an error when the bridge refuses the tools (ToolConflict, ValidationError,
// PermissionDenied …), or when calls still ran after the drain timeout. A worker runs once.
//
// A worker may have any number of tools: as a bridge takes 1,000 at once, more are registered in parts, one after the other, and
// Ready is closed after the last. If the bridge refuses one of the parts, none stays registered.
func (w *Worker) Run(ctx context.Context) error {
	if !w.calls.open() {
		return tool.Errorf(tool.ValidationError, "the worker has run already: make another one")
	}
	failed := w.offer(ctx)
	return errors.Join(failed, w.drain())
}

// offer registers the tools whenever that is needed, until ctx ends or the bridge refuses them.
func (w *Worker) offer(ctx context.Context) error {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = 50*time.Millisecond, 5*time.Second
	for {
		err := w.register(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // a registration that was broken off by the end of the worker is no failure
		case err == nil:
			waits.Reset()
			w.once.Do(func() { close(w.ready) })
		case !passing(err):
			return err
		default:
			w.client.options.logger.WarnContext(ctx, "tools could not be registered, trying again", slog.Any("error", err))
			if wait(ctx, max(waits.NextBackOff(), retryAfter(err))) {
				continue
			}
		}
		select {
		case <-w.woken:
		case <-ctx.Done():
			return nil
		}
	}
}

// register offers the tools of which the bridge does not know yet. A bridge that refuses some gets none of them.
func (w *Worker) register(ctx context.Context) error {
	specs, offered := w.offered()
	if err := w.client.link.offers.add(w, offered); err != nil {
		return err
	}
	if err := w.client.ready(ctx); err != nil {
		return err
	}
	before := w.told.begin(w.incarnation())
	err := w.tell(ctx, specs)
	if err != nil && ctx.Err() == nil && !passing(err) {
		w.takeBack(ctx, specs, before)
	}
	return err
}

// offered returns the tools' specifications and how to run them.
func (w *Worker) offered() ([]*tool.Spec, map[offerKey]caller) {
	w.mu.Lock()
	defer w.mu.Unlock()
	specs := make([]*tool.Spec, len(w.tools))
	offered := make(map[offerKey]caller, len(w.tools))
	interceptors := w.client.tracing.around(trace.SpanKindServer, w.options.interceptors)
	for i, t := range w.tools {
		specs[i] = t.Spec()
		own := caller{call: t.Call, stream: t.Stream}
		if len(w.options.interceptors) > 0 {
			own.stream = keepable(own.stream)
		}
		offered[offerKey{specs[i].SessionID, specs[i].ID}] = own.wrap(interceptors)
	}
	return specs, offered
}

// passing reports whether a registration that failed so may succeed later.
func passing(err error) bool {
	switch tool.CodeOf(err) {
	case tool.WorkerUnavailable, tool.WorkerLost, tool.Overloaded, tool.StoreUnavailable, tool.DeadlineExceeded, tool.RateLimitExceeded,
		tool.OutcomeUnknown:
		return true
	default:
		return false
	}
}

// drain withdraws the tools and waits for the calls that run. The only worker of a client drains the link, so that the bridge
// keeps the tools as known and awaits another worker for them.
func (w *Worker) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), w.options.drain)
	defer cancel()
	var told error
	if w.client.link.usable.Load() {
		told = w.withdraw(ctx)
	}
	left := w.calls.wait(ctx)
	w.client.link.offers.remove(w)
	if left > 0 {
		return tool.Errorf(tool.DeadlineExceeded, "%d calls still ran %v after the worker was told to stop; they are cancelled when its client is closed", left, w.options.drain)
	}
	if told != nil {
		w.client.options.logger.WarnContext(ctx, "the bridge could not be told that a worker leaves", slog.Any("error", told))
	}
	return nil
}

func (w *Worker) withdraw(ctx context.Context) error {
	if w.client.link.offers.alone(w) {
		return w.client.link.process.Drain(ctx, "the worker stops")
	}
	specs, _ := w.offered()
	w.told.begin(w.incarnation())
	return w.unregister(ctx, specs, 0)
}

// contextFor is the context of a tool that answers a call.
func (w *Worker) contextFor(ctx context.Context, call *tool.Call) context.Context {
	return &toolContext{Context: ctx, tool: ToolContext{call: call, client: w.client}}
}

// log says here, with its stack, that a tool panicked; its caller does not learn where.
func (w *Worker) log(ctx context.Context, call *tool.Call, err error) {
	if err == nil {
		return
	}
	if text, panicked := typed.Panicked(err); panicked {
		w.client.options.logger.ErrorContext(ctx, "a tool panicked", slog.String("tool", call.Tool), slog.String("panic", text))
	}
}
