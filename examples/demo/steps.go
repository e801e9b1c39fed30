package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// step is one thing that the demo shows. It fails if that thing does not hold.
type step struct {
	title string
	play  func(context.Context, *stage) error
}

func steps() []step {
	return []step{
		{"Go calls a Python tool with a pandas table and gets a table back", table},
		{"Python calls a Go tool", pythonCalls},
		{"Go reads a Python stream, Python reads a Go stream", streams},
		{"A batch in one message; one item fails and harms no other", batch},
		{"A variable set in Go is read in Python, type and all", variable},
		{"Go starts a ReAct agent in Python, which calls Go's search_web and calculate", agent},
		{"The bridge is killed (SIGKILL) and started again; the session goes on", crash},
	}
}

func (s *stage) sayf(format string, args ...any) { fmt.Fprintf(s.out, "   "+format+"\n", args...) }

func expect[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

func table(ctx context.Context, s *stage) error {
	orders, err := frame.New().
		String("item", []string{"tea", "cup"}).
		Float64("price", []float64{4.5, 12}).
		Int64("quantity", []int64{3, 2}).
		Build()
	if err != nil {
		return err
	}
	s.sayf("sent: a table of %d rows with the columns %v", orders.Rows(), orders.Names())
	back, err := toolbridge.Call[*frame.Table](ctx, s.session, "add_totals", orders)
	if err != nil {
		return err
	}
	column, err := back.Column("total")
	if err != nil {
		return err
	}
	totals, _, err := column.Float64s()
	if err != nil {
		return err
	}
	s.sayf("back: the columns %v, total = %v", back.Names(), totals)
	if !slices.Equal(totals, []float64{13.5, 24}) {
		return fmt.Errorf("totals: got %v, want [13.5 24]", totals)
	}
	return nil
}

func pythonCalls(ctx context.Context, s *stage) error {
	printed, err := s.runPython(ctx, "call")
	if err != nil {
		return err
	}
	s.sayf(`await tools["convert"](100.0, rate=1.25)  ->  %s`, printed)
	return expect("convert", printed, "125.0")
}

func streams(ctx context.Context, s *stage) error {
	var seen []int64
	for n, err := range toolbridge.Stream[int64](ctx, s.session, "countdown", 5) {
		if err != nil {
			return err
		}
		seen = append(seen, n)
	}
	s.sayf("countdown(5) in Python yields to Go: %v", seen)
	if !slices.Equal(seen, []int64{5, 4, 3, 2, 1}) {
		return fmt.Errorf("countdown: got %v", seen)
	}
	printed, err := s.runPython(ctx, "stream")
	if err != nil {
		return err
	}
	s.sayf("ticks(5) in Go yields to Python: %s datetimes", printed)
	return expect("ticks", printed, "5")
}

func batch(ctx context.Context, s *stage) error {
	results, err := s.session.Batch(ctx, []toolbridge.Item{
		toolbridge.ItemOf("convert", 10.0),
		toolbridge.ItemOf("convert", -1.0),
		toolbridge.ItemOf("add_numbers", 40, 2),
	})
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Err != nil {
			s.sayf("item %d failed: %v", i, r.Err)
		} else {
			s.sayf("item %d: %v", i, r.Value)
		}
	}
	if code := tool.CodeOf(results[1].Err); code != tool.ExecutionError {
		return fmt.Errorf("item 1: got code %q, want %q", code, tool.ExecutionError)
	}
	return errors.Join(results[0].Err, results[2].Err, expect("item 0", results[0].Value, any(11.0)), expect("item 2", results[2].Value, any(int64(42))))
}

func variable(ctx context.Context, s *stage) error {
	if _, err := s.session.Set(ctx, "greeting", value.Tuple{"hello", int64(1) << 60, []byte{1, 2}}); err != nil {
		return err
	}
	printed, err := s.runPython(ctx, "variable")
	if err != nil {
		return err
	}
	s.sayf("Python sees: %s", printed)
	return expect("variable", printed, `('hello', 1152921504606846976, b'\x01\x02')`)
}

func agent(ctx context.Context, s *stage) error {
	id, err := s.session.CreateReActAgent(ctx, tool.Agent{Signature: "question -> answer", Tools: []string{"search_web", "calculate"}, MaxIters: 5})
	if err != nil {
		return err
	}
	s.sayf("scripted model, no network; a real one: python -m grpc_tool_bridge.worker --agents --model openai/gpt-4o-mini")
	var seen []toolbridge.AgentEventType
	var last toolbridge.AgentEvent
	for event, err := range s.session.RunAgent(ctx, id, map[string]any{"question": "Search for ReAct agents and calculate 6 * (3 + 4)."}) {
		if err != nil {
			return err
		}
		s.sayf("%s", describe(event))
		seen, last = append(seen, event.Type), event
	}
	for _, want := range []toolbridge.AgentEventType{toolbridge.AgentThought, toolbridge.AgentAction, toolbridge.AgentObservation, toolbridge.AgentResult} {
		if !slices.Contains(seen, want) {
			return fmt.Errorf("no event of type %q: %v", want, seen)
		}
	}
	return expect("answer", fmt.Sprint(last.Answer), "42")
}

func describe(e toolbridge.AgentEvent) string {
	text := ""
	switch e.Type {
	case toolbridge.AgentThought, toolbridge.AgentProgress:
		text = e.Text
	case toolbridge.AgentAction:
		text = e.Tool + " " + shown(e.Args)
	case toolbridge.AgentObservation:
		text = shown(e.Observation)
	case toolbridge.AgentResult:
		text = fmt.Sprint(e.Answer)
	case toolbridge.AgentError:
		text = fmt.Sprint(e.Err)
	}
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return fmt.Sprintf("%-12s %s", e.Type, text)
}

// shown returns a value as JSON, for people.
func shown(v any) string {
	text, err := value.EncodeJSON(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func crash(ctx context.Context, s *stage) error {
	epoch := s.session.Epoch()
	if err := s.bridge.kill(); err != nil {
		return err
	}
	if err := s.startBridge(ctx); err != nil {
		return err
	}
	greeting, err := toolbridge.Get[value.Tuple](ctx, s.session, "greeting")
	if err != nil {
		return err
	}
	info, err := s.session.Info(ctx)
	if err != nil {
		return err
	}
	s.sayf("the session is at epoch %d as before, and its variable says %q", info.Epoch, greeting[0])
	converted, err := toolbridge.Call[float64](ctx, s.session, "convert", 8.0, toolbridge.Kw{"rate": 2.0})
	if err != nil {
		return err
	}
	s.sayf("the workers came back by themselves: convert(8, rate=2) = %v", converted)
	return errors.Join(expect("epoch", info.Epoch, epoch), expect("convert", converted, 16.0))
}
