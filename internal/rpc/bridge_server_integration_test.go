package rpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The tests of this file are those of BridgeServerIntegrationTest in the testing strategy.

func TestToolExecution_executes_tool_successfully(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, err := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{
		SessionId: session, ToolId: "add_numbers", Args: all(t, 5, 3), RequestId: "req_123",
	})
	require.NoError(t, err)
	require.True(t, response.GetSuccess(), response.GetError())
	require.Equal(t, int64(8), decoded(t, response.GetResult()))
	require.Equal(t, "req_123", response.GetRequestId())
	require.Positive(t, response.GetMetrics().GetDurationMs())
}

func TestToolExecution_handles_tool_not_found(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, err := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "missing_tool"})
	require.NoError(t, err)
	require.False(t, response.GetSuccess())
	require.Equal(t, "ToolNotFound", response.GetError().GetType())
	require.Contains(t, response.GetError().GetMessage(), `"missing_tool"`)
}

func TestToolExecution_handles_invalid_arguments(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, err := b.execute("add_numbers", "not_a_number")
	require.NoError(t, err)
	require.False(t, response.GetSuccess())
	require.Equal(t, "ValidationError", response.GetError().GetType())
	require.Contains(t, response.GetError().GetMessage(), `"a"`)
}

func TestStreamingExecution_streams_results_progressively(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stream, err := b.stub.StreamTool(t.Context(), &bridgepb.ToolStreamRequest{
		SessionId: session, ToolId: "count_to_n", Args: all(t, 3), StreamId: "stream_123",
	})
	require.NoError(t, err)
	chunks := received(t, stream)
	require.Len(t, chunks, 4, "3 data + 1 complete")
	var data []any
	for i, c := range chunks {
		require.Equal(t, uint64(i), c.GetSequence())
		require.Equal(t, "stream_123", c.GetStreamId())
		if i < 3 {
			data = append(data, decoded(t, c.GetContent().GetData()))
		}
	}
	require.Equal(t, []any{int64(1), int64(2), int64(3)}, data)
	require.Equal(t, uint64(3), chunks[3].GetContent().GetComplete().GetTotalChunks())
	require.Positive(t, chunks[3].GetContent().GetComplete().GetMetrics().GetDurationMs())
}

func TestTools_that_are_registered_without_a_host_wait_for_one(t *testing.T) {
	t.Parallel()
	b := setup(t, withGrace(1))
	registered := accepted[*bridgepb.RegisterToolsResponse](t)(b.stub.RegisterTools(t.Context(), &bridgepb.RegisterToolsRequest{
		SessionId: session, Tools: []*bridgepb.ToolSpec{{ToolId: "t1", Name: "tool one"}, {Name: "two"}},
	}))
	require.Equal(t, []string{"t1", "two"}, registered.GetToolIds())
	refused[*bridgepb.ToolCallResponse](t, tool.WorkerUnavailable, "tool one")(b.execute("tool one"))

	listed := accepted[*bridgepb.GetSessionToolsResponse](t)(b.stub.GetSessionTools(t.Context(),
		&bridgepb.GetSessionToolsRequest{SessionId: session, MinRevision: registered.GetRevision()}))
	byName := map[string]*bridgepb.ToolSpec{}
	for _, spec := range listed.GetTools() {
		byName[spec.GetName()] = spec
	}
	require.False(t, byName["tool one"].GetAvailable())
	require.True(t, byName["add_numbers"].GetAvailable())
	require.Equal(t, "int", byName["add_numbers"].GetArguments()[0].GetPythonType())

	unregister := func(ids ...string) (*bridgepb.UnregisterToolsResponse, error) {
		return b.stub.UnregisterTools(t.Context(), &bridgepb.UnregisterToolsRequest{SessionId: session, ToolIds: ids})
	}
	refused[*bridgepb.UnregisterToolsResponse](t, tool.ToolNotFound, "nobody")(unregister("t1", "nobody"))
	accepted[*bridgepb.UnregisterToolsResponse](t)(unregister("t1", "two"))
	refused[*bridgepb.ToolCallResponse](t, tool.ToolNotFound)(b.execute("tool one"))
}
