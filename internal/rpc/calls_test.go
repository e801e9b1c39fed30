package rpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCallsAreListedFoundAndCancelledByPlainRPCs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		answer, err := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "none", RequestId: "r"})
		refused[*bridgepb.ToolCallResponse](t, tool.ToolNotFound)(answer, err)
	}
	list, err := b.stub.ListCalls(t.Context(), &bridgepb.ListCallsRequest{SessionId: session, PageSize: 2, State: bridgepb.CallState_CALL_DONE})
	require.NoError(t, err)
	require.True(t, list.GetSuccess(), list.GetError())
	require.Len(t, list.GetCalls(), 2)
	last := list.GetCalls()[0]
	require.Equal(t, "none", last.GetToolId())
	require.Equal(t, "r", last.GetRequestId())
	require.Equal(t, "routing", last.GetPhase())
	require.Equal(t, "ToolNotFound", last.GetError().GetType())
	require.Empty(t, last.GetError().GetMessage())
	require.Positive(t, last.GetMetrics().GetDurationMs())
	require.NotNil(t, last.GetStartedAt())

	list, err = b.stub.ListCalls(t.Context(), &bridgepb.ListCallsRequest{SessionId: session, PageToken: list.GetNextPageToken(), State: 99})
	require.NoError(t, err)
	require.Len(t, list.GetCalls(), 1)
	require.Empty(t, list.GetNextPageToken())

	found, err := b.stub.GetCall(t.Context(), &bridgepb.GetCallRequest{SessionId: session, RequestId: "r"})
	require.NoError(t, err)
	require.Equal(t, last.GetCallId(), found.GetCall().GetCallId(), "of several the newest is meant")

	refused[*bridgepb.GetCallResponse](t, tool.CallNotFound)(b.stub.GetCall(t.Context(), &bridgepb.GetCallRequest{CallId: "none"}))
	refused[*bridgepb.GetCallResponse](t, tool.ValidationError)(b.stub.GetCall(t.Context(), &bridgepb.GetCallRequest{}))
	refused[*bridgepb.ListCallsResponse](t, tool.ValidationError, "1000")(b.stub.ListCalls(t.Context(), &bridgepb.ListCallsRequest{PageSize: 1001}))
	refused[*bridgepb.CancelCallResponse](t, tool.CallNotFound, "ended already")(b.stub.CancelCall(t.Context(), &bridgepb.CancelCallRequest{CallId: last.GetCallId()}))
}
