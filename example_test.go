package toolbridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// startBridge starts a bridge that keeps nothing, with a worker that offers the sample tools, and returns a client of it.
// A program of your own dials a bridge that runs already (toolbridge serve).
func startBridge(ctx context.Context) (client *toolbridge.Client, stop func()) {
	b, err := bridge.New(bridge.Config{Memory: true, GRPC: "127.0.0.1:0"})
	if err != nil {
		panic(err)
	}
	if err := b.Start(ctx); err != nil {
		panic(err)
	}
	client, err = toolbridge.Dial(ctx, b.Addr(), toolbridge.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	running, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 2)
	for _, offer := range []func(*toolbridge.Worker){offerSamples, offerAgents} {
		worker := toolbridge.NewWorker(client)
		offer(worker)
		go func() { stopped <- worker.Run(running) }()
		<-worker.Ready()
	}
	return client, func() {
		cancel()
		if err := errors.Join(<-stopped, <-stopped, client.Close(), b.Stop(ctx)); err != nil {
			panic(err)
		}
	}
}

// A client attaches to a session, or creates it, and calls tools in it.
func Example() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()

	session, err := client.Session(ctx, "report-7")
	if err != nil {
		panic(err)
	}
	sum, err := toolbridge.Call[int](ctx, session, "add_numbers", 2, 40)
	if err != nil {
		panic(err)
	}
	fmt.Println(sum)
	// Output: 42
}

// A worker offers Go functions. The fields of a struct are the arguments.
func ExampleAddTool() {
	ctx, cancel := context.WithCancel(context.Background())
	client, stop := startBridge(ctx)
	defer stop()

	type order struct {
		Item   string `desc:"what is ordered"`
		Amount int    `desc:"how many" default:"1" min:"1" max:"100"`
		Gift   *bool  `desc:"wrapped as a gift"`
	}
	worker := toolbridge.NewWorker(client)
	toolbridge.AddTool(worker, "price", func(_ context.Context, in order) (float64, error) {
		if in.Item != "tea" {
			return 0, fmt.Errorf("there is no %s", in.Item)
		}
		return 2.5 * float64(in.Amount), nil
	}, toolbridge.Description("Says what an order costs."), toolbridge.IsIdempotent())
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(ctx) }()
	<-worker.Ready()

	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	fmt.Println(session.Call(ctx, "price", "tea"))
	fmt.Println(session.Call(ctx, "price", "tea", toolbridge.Kw{"amount": 4}))
	_, err = session.Call(ctx, "price", "tea", 1000)
	fmt.Println(err)
	_, err = session.Call(ctx, "price", "coffee")
	fmt.Println(err)
	cancel()
	if err := <-stopped; err != nil {
		panic(err)
	}
	// Output:
	// 2.5 <nil>
	// 10 <nil>
	// ValidationError: argument "amount" of tool "price": maximum: got 1000, want 100
	// ExecutionError: there is no coffee
}

// A stream is a loop. Leaving it cancels the call.
func ExampleStream() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	for n, err := range toolbridge.Stream[int](ctx, session, "count_for_ever") {
		if err != nil {
			panic(err)
		}
		fmt.Println(n)
		if n == 2 {
			break
		}
	}
	// Output:
	// 0
	// 1
	// 2
}

// A streaming tool yields its results; yield blocks while the reader is slow and fails once it has left.
func ExampleAddStreamingTool() {
	ctx, cancel := context.WithCancel(context.Background())
	client, stop := startBridge(ctx)
	defer stop()
	worker := toolbridge.NewWorker(client)
	toolbridge.AddStreamingTool(worker, "countdown", func(_ context.Context, from int, yield func(int) error) error {
		for n := from; n > 0; n-- {
			if err := yield(n); err != nil {
				return err
			}
		}
		return nil
	}, toolbridge.Argument("from"))
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(ctx) }()
	<-worker.Ready()

	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	for n, err := range session.Stream(ctx, "countdown", toolbridge.Kw{"from": 3}) {
		fmt.Println(n, err)
	}
	cancel()
	if err := <-stopped; err != nil {
		panic(err)
	}
	// Output:
	// 3 <nil>
	// 2 <nil>
	// 1 <nil>
}

// A batch is one request; an item that fails harms no other.
func ExampleSession_Batch() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	results, err := session.Batch(ctx, []toolbridge.Item{
		toolbridge.ItemOf("add_numbers", 1, 2),
		toolbridge.ItemOf("fail", "this one"),
		toolbridge.ItemOf("add_numbers", toolbridge.Kw{"a": 3, "b": 4}),
	})
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Println(r.Index, r.Value, r.Err)
	}
	// Output:
	// 0 3 <nil>
	// 1 <nil> ExecutionError: this one
	// 2 7 <nil>
}

// Variables belong to the session; whoever is attached to it, in any language, sees them.
func ExampleSession_Set() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	revision, err := session.Set(ctx, "threshold", 0.95, toolbridge.Metadata(map[string]string{"unit": "share"}))
	if err != nil {
		panic(err)
	}
	fmt.Println(toolbridge.Get[float64](ctx, session, "threshold"))

	if _, err := session.Set(ctx, "threshold", 0.9, toolbridge.IfRevision(revision)); err != nil {
		panic(err)
	}
	_, err = session.Set(ctx, "threshold", 0.8, toolbridge.IfRevision(revision))
	fmt.Println(tool.CodeOf(err))
	// Output:
	// 0.95 <nil>
	// RevisionConflict
}

// A watch begins with what is there, and goes on with what changes.
func ExampleSession_Watch() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	if _, err := session.Set(ctx, "state", "draft"); err != nil {
		panic(err)
	}
	for change, err := range session.Watch(ctx, "state") {
		if err != nil {
			panic(err)
		}
		if change.Current {
			if _, err := session.Set(ctx, "state", "final"); err != nil {
				panic(err)
			}
			continue
		}
		fmt.Println(change.Variable.Value)
		if change.Variable.Value == "final" {
			break
		}
	}
	// Output:
	// draft
	// final
}

// What an agent thinks and does arrives as it happens. Here a worker with a scripted model runs it.
func ExampleSession_RunAgent() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	id, err := session.CreateReActAgent(ctx, tool.Agent{Signature: "question -> answer", Tools: []string{"add_numbers"}})
	if err != nil {
		panic(err)
	}
	for event, err := range session.RunAgent(ctx, id, map[string]any{"question": "What is 2 + 40?"}) {
		if err != nil {
			panic(err)
		}
		switch event.Type {
		case toolbridge.AgentThought:
			fmt.Println("thinks:", event.Text)
		case toolbridge.AgentAction:
			fmt.Println("calls:", event.Tool, event.Args)
		case toolbridge.AgentObservation:
			fmt.Println("sees:", event.Observation)
		case toolbridge.AgentResult:
			fmt.Println("answers:", event.Answer)
		case toolbridge.AgentProgress, toolbridge.AgentError:
		}
	}
	// Output:
	// thinks: I should calculate
	// calls: add_numbers map[a:2 b:40]
	// sees: 42
	// answers: 42
}

// Options of calls stand on a view of the session, which leaves the session as it was.
func ExampleSession_With() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	var metrics tool.Metrics
	patient := session.With(
		toolbridge.Timeout(time.Minute),
		toolbridge.WithRetry(toolbridge.Retry{Max: 1, Initial: time.Millisecond}),
		toolbridge.WithMetrics(&metrics),
	)
	fmt.Println(patient.Call(ctx, "add_numbers", 1, 2))
	fmt.Println(metrics.Duration > 0, metrics.Attempts)
	_, err = patient.With(toolbridge.Timeout(20*time.Millisecond)).Call(ctx, "wait")
	fmt.Println(tool.CodeOf(err))
	// Output:
	// 3 <nil>
	// true 1
	// DeadlineExceeded
}

// An error says by its code what happened and whether another attempt may help.
func ExampleSession_Call_errors() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	_, err = session.Call(ctx, "add_numbers", 1)
	var failed *tool.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Code, failed.Details["argument"], failed.Retryable)
	}
	_, err = session.Call(ctx, "ad_numbers", 1, 2)
	fmt.Println(errors.Is(err, &tool.Error{Code: tool.ToolNotFound}))
	// Output:
	// ValidationError b false
	// true
}

// A tool calls other tools, reports its progress and uses variables through its context.
func ExampleFromContext() {
	ctx, cancel := context.WithCancel(context.Background())
	client, stop := startBridge(ctx)
	defer stop()
	worker := toolbridge.NewWorker(client)
	toolbridge.AddTool(worker, "sum", func(ctx context.Context, numbers []int) (int, error) {
		tc := toolbridge.FromContext(ctx)
		total := 0
		for i, n := range numbers {
			var err error
			if total, err = toolbridge.Call[int](ctx, tc.Session(), "add_numbers", total, n); err != nil {
				return 0, err
			}
			tc.Progress(float64(i+1), float64(len(numbers)), "adding")
		}
		return total, nil
	})
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(ctx) }()
	<-worker.Ready()

	session, err := client.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	heard := session.With(toolbridge.OnProgress(func(p tool.Progress) { fmt.Println(p.Message, p.Done, "of", p.Total) }))
	fmt.Println(heard.Call(ctx, "sum", []int{1, 2, 3}))
	cancel()
	if err := <-stopped; err != nil {
		panic(err)
	}
	// Output:
	// adding 1 of 3
	// adding 2 of 3
	// adding 3 of 3
	// 6 <nil>
}

// Interceptors see every call, at the client that makes it or at the worker that answers it.
func ExampleInterceptor() {
	counting := toolbridge.Interceptor{
		Call: func(next toolbridge.CallFunc) toolbridge.CallFunc {
			return func(ctx context.Context, call *tool.Call) (tool.Result, error) {
				result, err := next(ctx, call)
				fmt.Println(call.Tool, err == nil)
				return result, err
			}
		},
	}
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	counted, err := toolbridge.Dial(ctx, client.Address(), toolbridge.WithInterceptors(counting))
	if err != nil {
		panic(err)
	}
	defer func() {
		if err := counted.Close(); err != nil {
			panic(err)
		}
	}()
	session, err := counted.Session(ctx, "")
	if err != nil {
		panic(err)
	}
	_, _ = session.Call(ctx, "add_numbers", 1, 2)
	_, _ = session.Call(ctx, "fail", "no")
	// Output:
	// add_numbers true
	// fail false
}
