package rpc_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestTraceContextComesFromTheRequestElseFromTheHeadersOfTheRPC(t *testing.T) {
	t.Parallel()
	const mine, theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-00"
	for name, c := range map[string]struct {
		request string
		headers []string
		want    string
	}{
		"neither":         {},
		"request":         {request: mine, want: mine + "/"},
		"headers":         {headers: []string{"traceparent", theirs, "tracestate", "x=y"}, want: theirs + "/x=y"},
		"both":            {request: mine, headers: []string{"traceparent", theirs, "tracestate", "x=y"}, want: mine + "/"},
		"headers, twice":  {headers: []string{"traceparent", "a", "traceparent", "b"}},
		"only tracestate": {headers: []string{"tracestate", "x=y"}},
		"nonsense":        {request: "nonsense", headers: []string{"tracestate", "x=y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			want := c.want
			if want == "" {
				want = "/"
			}
			seen := make(chan string, 1)
			b.worker("w", hosting{func(_ context.Context, call *tool.Call) (tool.Result, error) {
				seen <- call.TraceParent + "/" + call.TraceState
				return result(t, nil), nil
			}}, &tool.Spec{Name: "remote"})
			ctx := metadata.AppendToOutgoingContext(t.Context(), c.headers...)

			accepted[*bridgepb.ToolCallResponse](t)(b.stub.ExecuteTool(ctx, &bridgepb.ToolCallRequest{SessionId: session, ToolId: "remote", Traceparent: c.request}))
			require.Equal(t, want, within(t, "call", seen))

			answers, err := b.stub.StreamTool(ctx, &bridgepb.ToolStreamRequest{SessionId: session, ToolId: "remote", Traceparent: c.request})
			require.NoError(t, err)
			for err == nil {
				_, err = answers.Recv()
			}
			require.ErrorIs(t, err, io.EOF)
			require.Equal(t, want, within(t, "stream", seen))

			accepted[*bridgepb.BatchExecuteToolsResponse](t)(b.stub.BatchExecuteTools(ctx, &bridgepb.BatchExecuteToolsRequest{
				SessionId: session, Requests: []*bridgepb.ToolCallRequest{{ToolId: "remote", Traceparent: c.request}},
			}))
			require.Equal(t, want, within(t, "item of a batch", seen))
		})
	}
}
