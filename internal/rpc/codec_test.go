package rpc_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestRequestsOfVeryManyPartsAreRefusedBeforeTheyAreDecoded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const many = 300_000
	named := make(map[string]*anypb.Any, many)
	for i := range many {
		named[strconv.Itoa(i)] = nil
	}
	empty := make([]*anypb.Any, many)
	for i := range empty {
		empty[i] = &anypb.Any{}
	}
	for what, send := range map[string]func() error{
		"items": func() error {
			items := make([]*bridgepb.ToolCallRequest, many)
			for i := range items {
				items[i] = &bridgepb.ToolCallRequest{}
			}
			_, err := b.byRPC()(&bridgepb.BatchExecuteToolsRequest{Requests: items})
			return err
		},
		"arguments": func() error {
			_, err := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "echo", Args: empty})
			return err
		},
		"arguments of items": func() error {
			half := &bridgepb.ToolCallRequest{ToolId: "echo", Args: empty[:many/2]}
			_, err := b.byRPC()(&bridgepb.BatchExecuteToolsRequest{Requests: []*bridgepb.ToolCallRequest{half, half}})
			return err
		},
		"keywords": func() error {
			_, err := b.stub.ExecuteTool(t.Context(), &bridgepb.ToolCallRequest{SessionId: session, ToolId: "echo", Kwargs: named})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			err := send()
			require.Equal(t, codes.Internal, status.Code(err), "%v", err)
			require.ErrorContains(t, err, "more than 262144")
		})
	}
}

func TestLargeRequestsOfFewPartsAreServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer, err := b.execute("echo", make([]byte, 3<<20))
	require.NoError(t, err)
	require.Nil(t, answer.GetError())

	items := make([]*bridgepb.ToolCallRequest, 10_000)
	for i := range items {
		items[i] = item(t, "add_numbers", 1<<40, i)
	}
	batch := accepted[*bridgepb.BatchExecuteToolsResponse](t)(b.byRPC()(&bridgepb.BatchExecuteToolsRequest{Requests: items}))
	require.Len(t, batch.GetResponses(), len(items))
	refused[*bridgepb.BatchExecuteToolsResponse](t, tool.BatchTooLarge)(b.byRPC()(&bridgepb.BatchExecuteToolsRequest{Requests: slices.Concat(items, []*bridgepb.ToolCallRequest{item(t, "echo", 1)})}))
}
