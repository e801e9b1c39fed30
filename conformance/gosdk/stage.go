package gosdk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// stageTool asks for one of the stage's tools, under another name if one is given.
type stageTool struct {
	Stage  string
	Name   string
	ToolID string `json:"tool_id"`
}

// worker offers tools on a connection of its own.
type worker struct {
	sdk  *toolbridge.Client
	stop context.CancelFunc
	done chan error
}

// Stage offers every tool of the stage to all sessions until it is stopped.
func Stage(ctx context.Context, address string) (stop func() error, err error) {
	var all []stageTool
	for _, name := range stageNames() {
		all = append(all, stageTool{Stage: name})
	}
	w, err := startWorker(ctx, address, "", all)
	if err != nil {
		return nil, err
	}
	return w.leave, nil
}

func offer(ctx context.Context, a *Adapter, c *client, r *request) (outcome, error) {
	w, err := startWorker(ctx, a.address, r.Session, r.Tools)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workers = append(c.workers, w)
	return nil, nil
}

func withdraw(_ context.Context, _ *Adapter, c *client, _ *request) (outcome, error) {
	return nil, c.leave()
}

// leave ends the client's workers.
func (c *client) leave() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, w := range c.workers {
		errs = append(errs, w.leave())
	}
	c.workers = nil
	return errors.Join(errs...)
}

func startWorker(ctx context.Context, address, session string, tools []stageTool) (*worker, error) {
	ctx = context.WithoutCancel(ctx)
	sdk, err := toolbridge.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	w := &worker{sdk: sdk, stop: stop, done: make(chan error, 1)}
	host := toolbridge.NewWorker(sdk, toolbridge.ForSession(session), toolbridge.DrainTimeout(time.Second))
	if err := addStage(host, tools); err != nil {
		stop()
		return nil, errors.Join(err, sdk.Close())
	}
	go func() { w.done <- host.Run(running) }()
	select {
	case <-host.Ready():
		return w, nil
	case err := <-w.done:
		stop()
		return nil, errors.Join(err, sdk.Close())
	}
}

func (w *worker) leave() error {
	w.stop()
	return errors.Join(<-w.done, w.sdk.Close())
}

// ConformanceError is what stage_raise and stage_break raise. Its name is that of the class that callers see.
type ConformanceError struct {
	Message string `bridge:"message"`
}

// Error implements error.
func (e *ConformanceError) Error() string { return e.Message }

// counters count how often stage_tick ran, by key.
type counters struct {
	mu   sync.Mutex
	runs map[string]int64
}

func (c *counters) tick(_ context.Context, in struct{ Key string }) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[in.Key]++
	return c.runs[in.Key], nil
}

// add makes a tool of the stage under a name.
type add func(w *toolbridge.Worker, name string, options ...toolbridge.ToolOption)

func stageNames() []string {
	return []string{
		"stage_echo", "stage_add", "stage_raise", "stage_refuse", "stage_wait", "stage_rest", "stage_count", "stage_break",
		"stage_fill", "stage_pour", "stage_nest", "stage_tick", "stage_types", "stage_session", "stage_keywords", "stage_all",
	}
}

func addStage(w *toolbridge.Worker, tools []stageTool) error {
	table := stage()
	for _, t := range tools {
		addTo := table[t.Stage]
		if addTo == nil {
			return fmt.Errorf("the stage has no tool %q", t.Stage)
		}
		name := t.Name
		if name == "" {
			name = t.Stage
		}
		var options []toolbridge.ToolOption
		if t.ToolID != "" {
			options = append(options, toolbridge.ToolID(t.ToolID))
		}
		addTo(w, name, options...)
	}
	return nil
}

func unary[In, Out any](fn func(context.Context, In) (Out, error), always ...toolbridge.ToolOption) add {
	return func(w *toolbridge.Worker, name string, options ...toolbridge.ToolOption) {
		toolbridge.AddTool(w, name, fn, append(options, always...)...)
	}
}

func streaming[In, Out any](fn func(context.Context, In, func(Out) error) error) add {
	return func(w *toolbridge.Worker, name string, options ...toolbridge.ToolOption) {
		toolbridge.AddStreamingTool(w, name, fn, options...)
	}
}

type typesIn struct {
	I int64   `bridge:"i"`
	F float64 `bridge:"f"`
	S string  `bridge:"s"`
	B bool    `bridge:"b"`
	D []byte  `bridge:"d"`
	L []any   `bridge:"l"`
	N *int64  `bridge:"n"`
}

type refuseIn struct {
	Code       string            `bridge:"code"`
	RetryAfter float64           `bridge:"retry_after" default:"0"`
	Details    map[string]string `bridge:"details,optional"`
}

func stage() map[string]add {
	count := &counters{runs: map[string]int64{}}
	return map[string]add{
		"stage_echo": unary(func(_ context.Context, in struct{ Value any }) (any, error) { return in.Value, nil }, toolbridge.IsIdempotent()),
		"stage_add": unary(func(_ context.Context, in struct {
			A int64 `bridge:"a"`
			B int64 `bridge:"b" default:"1"`
		}) (int64, error) {
			return in.A + in.B, nil
		}, toolbridge.IsIdempotent(), toolbridge.Description("Adds two ints.")),
		"stage_raise": unary(func(_ context.Context, in struct{ Message string }) (any, error) {
			return nil, &ConformanceError{in.Message}
		}),
		"stage_refuse": unary(refuse),
		"stage_wait":   unary(waitFor),
		"stage_rest":   unary(waitFor, toolbridge.IsIdempotent()),
		"stage_count":  streaming(countUp),
		"stage_break":  streaming(breakOff),
		"stage_fill":   unary(func(_ context.Context, in struct{ Size int }) ([]byte, error) { return make([]byte, in.Size), nil }),
		"stage_pour":   streaming(pour),
		"stage_nest":   nest,
		"stage_tick":   unary(count.tick),
		"stage_types": unary(func(_ context.Context, in typesIn) (map[string]any, error) {
			return map[string]any{"i": in.I, "f": in.F, "s": in.S, "b": in.B, "d": in.D, "l": in.L, "n": in.N}, nil
		}),
		"stage_session": unary(func(ctx context.Context, _ struct{}) (string, error) {
			return toolbridge.FromContext(ctx).Session().ID(), nil
		}),
		"stage_keywords": unary(func(_ context.Context, in struct {
			First  string `bridge:"first,keyword"`
			Second string `bridge:"second,keyword" default:"two"`
		}) ([]string, error) {
			return []string{in.First, in.Second}, nil
		}),
		"stage_all": unary(func(_ context.Context, in struct {
			Items []any          `bridge:"items,variadic"`
			Named map[string]any `bridge:"named,keywords"`
		}) ([]any, error) {
			return []any{int64(len(in.Items)), int64(len(in.Named))}, nil
		}),
	}
}

func refuse(_ context.Context, in refuseIn) (any, error) {
	e := tool.Errorf(tool.Code(in.Code), "stage_refuse was told to answer %s", in.Code)
	for key, text := range in.Details {
		e = e.With(key, text)
	}
	if in.RetryAfter > 0 {
		e = e.WithRetryAfter(time.Duration(in.RetryAfter * float64(time.Second)))
	}
	return nil, e
}

func waitFor(ctx context.Context, in struct{ Seconds float64 }) (string, error) {
	select {
	case <-time.After(time.Duration(in.Seconds * float64(time.Second))):
		return "waited", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func countUp(_ context.Context, in struct{ N int64 }, yield func(int64) error) error {
	for i := int64(1); i <= in.N; i++ {
		if err := yield(i); err != nil {
			return err
		}
	}
	return nil
}

func breakOff(ctx context.Context, in struct {
	N       int64
	Message string
}, yield func(int64) error) error {
	if err := countUp(ctx, struct{ N int64 }{in.N}, yield); err != nil {
		return err
	}
	return &ConformanceError{in.Message}
}

func pour(_ context.Context, in struct{ N, Size int }, yield func([]byte) error) error {
	for range in.N {
		if err := yield(make([]byte, in.Size)); err != nil {
			return err
		}
	}
	return nil
}

// nest calls itself under its own name until levels is 0, and says how many calls that made.
func nest(w *toolbridge.Worker, name string, options ...toolbridge.ToolOption) {
	toolbridge.AddTool(w, name, func(ctx context.Context, in struct{ Levels int64 }) (int64, error) {
		if in.Levels == 0 {
			return 0, nil
		}
		deeper, err := toolbridge.Call[int64](ctx, toolbridge.FromContext(ctx).Session(), name, in.Levels-1)
		return deeper + 1, err
	}, append(options, toolbridge.IsIdempotent())...)
}
