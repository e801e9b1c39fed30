package demo_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/demo"
	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestMain(m *testing.M) {
	// The search library keeps workers for as long as the process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
}

// kw are keyword arguments.
type kw map[string]any

// newHost makes a host of its own for a test.
func newHost(t *testing.T) *local.Host {
	t.Helper()
	host, err := demo.New()
	require.NoError(t, err)
	return host
}

func newCall(t *testing.T, name string, args ...any) *tool.Call {
	t.Helper()
	call := &tool.Call{Tool: name}
	for _, arg := range args {
		keywords, named := arg.(kw)
		if !named {
			call.Args = append(call.Args, encode(t, arg))
		}
		for key, v := range keywords {
			call.Kwargs = append(call.Kwargs, tool.Keyword{Name: key, Value: encode(t, v)})
		}
	}
	return call
}

func encode(t *testing.T, v any) tool.Value {
	t.Helper()
	if encoded, is := v.(tool.Value); is {
		return encoded
	}
	encoded, err := value.Encode(v)
	require.NoError(t, err)
	return encoded
}

// callTool returns the JSON form of a result, which tells ints from floats.
func callTool(t *testing.T, host *local.Host, name string, args ...any) (string, error) {
	t.Helper()
	result, err := host.Call(t.Context(), newCall(t, name, args...))
	if err != nil {
		return "", err
	}
	return jsonForm(t, result.Value), nil
}

func jsonForm(t *testing.T, v tool.Value) string {
	t.Helper()
	text, err := value.ToJSON(v)
	require.NoError(t, err)
	return string(text)
}

// streamTool returns the JSON form of each chunk.
func streamTool(t *testing.T, host *local.Host, name string, args ...any) ([]string, error) {
	t.Helper()
	var chunks []string
	_, err := host.Stream(t.Context(), newCall(t, name, args...), func(c tool.Chunk) error {
		chunks = append(chunks, jsonForm(t, c.Value))
		return nil
	})
	return chunks, err
}

func refused(t *testing.T, err error) *tool.Error {
	t.Helper()
	var e *tool.Error
	require.ErrorAs(t, err, &e)
	return e
}

func TestHost_lists_the_tools_in_the_order_of_the_document(t *testing.T) {
	t.Parallel()
	host := newHost(t)

	var names []string
	for _, spec := range host.Specs() {
		names = append(names, spec.Name)
	}

	require.Equal(t, demo.Identity, host.Identity())
	require.Equal(t, []string{
		"echo_tool", "search_web", "calculate", "simple_tool", "fast_tool", "any_tool", "process_data", "stream_processor", "cpu_bound_tool",
		"compute_tool", "flaky_tool", "large_data_processor", "count_to_n", "add_numbers", "search", "process", "stream_data",
	}, names)
}

func TestEveryTool_says_what_it_does_takes_and_gives(t *testing.T) {
	t.Parallel()
	for _, spec := range newHost(t).Specs() {
		require.NotEmpty(t, spec.Description, spec.Name)
		require.NotEmpty(t, spec.Arguments, spec.Name)
		for _, a := range spec.Arguments {
			require.NotEmpty(t, a.Description, "%s: %s", spec.Name, a.Name)
		}
		var schema struct {
			Type       string         `json:"type"`
			Properties map[string]any `json:"properties"`
		}
		require.NoError(t, json.Unmarshal([]byte(spec.InputSchema), &schema), spec.Name)
		require.Equal(t, "object", schema.Type, spec.Name)
		require.Len(t, schema.Properties, len(spec.Arguments), spec.Name)
		require.True(t, spec.Idempotent, spec.Name)
		require.Empty(t, spec.SessionID, spec.Name)
		require.Nil(t, spec.Check(), spec.Name)
	}
}

func TestStreamingTools_are_declared_so(t *testing.T) {
	t.Parallel()
	streaming := map[string]bool{
		"process_data": true, "stream_processor": true, "large_data_processor": true, "count_to_n": true, "stream_data": true,
	}
	for _, spec := range newHost(t).Specs() {
		want := tool.Standard
		if streaming[spec.Name] {
			want = tool.Streaming
		}
		require.Equal(t, want, spec.Type, spec.Name)
	}
}

func TestAddNumbers_declares_two_ints_that_are_required_and_never_none(t *testing.T) {
	t.Parallel()
	for _, spec := range newHost(t).Specs() {
		if spec.Name != "add_numbers" {
			continue
		}
		require.Len(t, spec.Arguments, 2)
		for i, name := range []string{"a", "b"} {
			require.Equal(t, name, spec.Arguments[i].Name)
			require.Equal(t, "int", spec.Arguments[i].Type)
			require.True(t, spec.Arguments[i].Required)
			require.False(t, spec.Arguments[i].Nullable)
		}
		require.Equal(t, "search_web", newHost(t).Specs()[1].Name)
	}
}

func TestSearchWeb_says_that_it_does_not_reach_the_web(t *testing.T) {
	t.Parallel()
	require.Contains(t, newHost(t).Specs()[1].Description, "does not reach the web")
}

func TestAnUnknownTool_is_refused_by_name(t *testing.T) {
	t.Parallel()
	_, err := callTool(t, newHost(t), "no_such_tool")
	require.Contains(t, refused(t, err).Message, "no_such_tool")
}

func TestWaitingTools_end_with_their_context(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()

	_, err := host.Call(cancelled, newCall(t, "cpu_bound_tool", "x"))
	require.Equal(t, tool.Cancelled, tool.CodeOf(err))
	_, err = host.Call(late, newCall(t, "cpu_bound_tool", "x"))
	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
	_, err = host.Stream(late, newCall(t, "count_to_n", 10, 10_000), func(tool.Chunk) error { return nil })
	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
	_, err = host.Call(late, newCall(t, "compute_tool", 1_000_000))
	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
}
