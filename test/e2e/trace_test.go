package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/grpc-tool-bridge/toolbridge"
	embedded "github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// told is what a process tells of a span.
type told struct{ Name, Trace, Span, Parent string }

// remembered is a provider of one process, whose spans stay in memory.
type remembered struct {
	*sdktrace.TracerProvider
	spans *tracetest.InMemoryExporter
}

func remember() remembered {
	spans := tracetest.NewInMemoryExporter()
	return remembered{sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), spans}
}

func (r remembered) told() (out []told) {
	for _, s := range r.spans.GetSpans() {
		parent := ""
		if s.Parent.IsValid() {
			parent = s.Parent.SpanID().String()
		}
		out = append(out, told{s.Name, s.SpanContext.TraceID().String(), s.SpanContext.SpanID().String(), parent})
	}
	return out
}

func TestOneTraceLeadsFromGoThroughAPythonAgentToAGoTool(t *testing.T) {
	processes(t)
	caller, core, worker := remember(), remember(), remember()
	b := traced(t, embedded.Config{GRPC: "127.0.0.1:0", Memory: true, Telemetry: embedded.Telemetry{TracerProvider: core}})
	calculator(t, b.Addr(), worker)
	cmd := command(t, os.Getenv(pythonVariable), filepath.Join("testdata", "traced_agents.py"), b.Addr())
	hold, err := cmd.StdinPipe()
	require.NoError(t, err)
	agents := start(t, "agents", cmd)
	agents.await("ready")

	client, err := toolbridge.Dial(t.Context(), b.Addr(), toolbridge.WithTracerProvider(caller), toolbridge.WithConnectTimeout(patience))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	s, err := client.Session(t.Context(), "traced")
	require.NoError(t, err)
	id, err := s.CreateReActAgent(t.Context(), tool.Agent{ID: "counter", Signature: "question -> answer", Tools: []string{"calculate"}, MaxIters: 3})
	require.NoError(t, err)
	ctx, root := caller.Tracer("test").Start(t.Context(), "the user's request")
	var last toolbridge.AgentEvent
	for event, err := range s.RunAgent(ctx, id, map[string]any{"question": "What is 6 * 7?"}) {
		require.NoError(t, err)
		last = event
	}
	root.End()
	require.Equal(t, toolbridge.AgentResult, last.Type)
	require.NoError(t, hold.Close())
	require.Equal(t, 0, agents.wait(), agents.output())

	python := spansOf(t, agents)
	trace := root.SpanContext().TraceID().String()
	parent := root.SpanContext().SpanID().String()
	for _, step := range []struct {
		name string
		of   func() []told
	}{
		{"call agent counter", caller.told},
		{"bridge $react_agent", core.told},
		{"run $react_agent", func() []told { return python }},
		{"call calculate", func() []told { return python }},
		{"bridge calculate", core.told},
		{"run calculate", worker.told},
	} {
		span := oneOf(t, step.name, step.of)
		require.Equal(t, trace, span.Trace, step.name)
		require.Equal(t, parent, span.Parent, "%s is a child of the step before it", step.name)
		parent = span.Span
	}
}

// traced starts a bridge in this process.
func traced(t *testing.T, cfg embedded.Config) *embedded.Bridge {
	t.Helper()
	b, err := embedded.New(cfg)
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, b.Stop(ctx))
	})
	return b
}

// calculator runs a worker with the tool that the scripted model calls.
func calculator(t *testing.T, address string, spans remembered) {
	t.Helper()
	client, err := toolbridge.Dial(t.Context(), address, toolbridge.WithTracerProvider(spans), toolbridge.WithConnectTimeout(patience))
	require.NoError(t, err)
	w := toolbridge.NewWorker(client, toolbridge.DrainTimeout(time.Second))
	toolbridge.AddTool(w, "calculate", func(_ context.Context, expression string) (string, error) { return expression + " is 42", nil },
		toolbridge.Argument("expression"))
	ctx, end := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	t.Cleanup(func() {
		end()
		require.NoError(t, <-ran)
		require.NoError(t, client.Close())
	})
	within(t, "the calculator is registered", w.Ready())
}

// spansOf reads the spans that a process printed.
func spansOf(t *testing.T, p *process) (out []told) {
	t.Helper()
	for line := range strings.Lines(p.output()) {
		if text, is := strings.CutPrefix(line, "span "); is {
			var span told
			require.NoError(t, json.Unmarshal([]byte(text), &span))
			out = append(out, span)
		}
	}
	return out
}

// oneOf waits for the one span of a name: a process may end its span a moment after it has answered.
func oneOf(t *testing.T, name string, of func() []told) (found told) {
	t.Helper()
	eventually(t, "span "+name, func() bool {
		for _, span := range of() {
			if span.Name == name {
				found = span
				return true
			}
		}
		return false
	})
	return found
}
