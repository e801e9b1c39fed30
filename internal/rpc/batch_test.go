package rpc_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func item(t *testing.T, name string, args ...any) *bridgepb.ToolCallRequest {
	t.Helper()
	return &bridgepb.ToolCallRequest{ToolId: name, Args: all(t, args...)}
}

func (b *bundle) batch(r *bridgepb.BatchExecuteToolsRequest) (*bridgepb.BatchExecuteToolsResponse, error) {
	r.SessionId = session
	return b.stub.BatchExecuteTools(b.t.Context(), r)
}

func TestABatchAnswersEachItemInItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	named := item(t, "add_numbers", 2, 2)
	named.RequestId = "mine"
	answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(b.batch(&bridgepb.BatchExecuteToolsRequest{
		BatchId: "batch-1", Requests: []*bridgepb.ToolCallRequest{item(t, "add_numbers", 1, 1), item(t, "missing"), item(t, "fail", "no"), named},
	}))
	require.Len(t, answer.GetResponses(), 4)
	require.Equal(t, int64(2), decoded(t, answer.GetResponses()[0].GetResult()))
	failed(t, answer.GetResponses()[1].GetError(), tool.ToolNotFound)
	failed(t, answer.GetResponses()[2].GetError(), tool.ExecutionError)
	require.Equal(t, int64(4), decoded(t, answer.GetResponses()[3].GetResult()))
	require.Equal(t, "mine", answer.GetResponses()[3].GetRequestId())
}

func TestABatchAsSuchCanBeRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, withLimits(broker.Limits{BatchItems: 3, ValueBytes: 1000}))
	half := strings.Repeat("x", 600)
	for what, c := range map[string]struct {
		items []*bridgepb.ToolCallRequest
		code  tool.Code
		says  string
	}{
		"too many items":     {[]*bridgepb.ToolCallRequest{{}, {}, {}, {}}, tool.BatchTooLarge, "3"},
		"too large":          {[]*bridgepb.ToolCallRequest{item(t, "echo", half), item(t, "echo", half)}, tool.MessageTooLarge, "message too large"},
		"of another session": {[]*bridgepb.ToolCallRequest{{SessionId: "other", ToolId: "echo"}}, tool.ValidationError, `"other"`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			refused[*bridgepb.BatchExecuteToolsResponse](t, c.code, c.says)(b.batch(&bridgepb.BatchExecuteToolsRequest{Requests: c.items}))
			s, err := b.stub.StreamBatchExecuteTools(t.Context(), &bridgepb.BatchExecuteToolsRequest{SessionId: session, Requests: c.items})
			require.NoError(t, err)
			answers := received(t, s)
			require.Len(t, answers, 1)
			failed(t, answers[0].GetRefused(), c.code, c.says)
		})
	}
}

func TestTheResultsOfABatchFitInOneAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	items := []*bridgepb.ToolCallRequest{item(t, "inflate", 4), item(t, "inflate", 4), item(t, "inflate", 4), item(t, "add_numbers", 1, 1)}
	answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(b.batch(&bridgepb.BatchExecuteToolsRequest{Requests: items}))
	refusals := 0
	for _, r := range answer.GetResponses()[:3] {
		if !r.GetSuccess() {
			failed(t, r.GetError(), tool.MessageTooLarge, "message too large", "the results of the batch", "the limit is 10485760")
			require.NotNil(t, r.GetMetrics())
			refusals++
		}
	}
	require.Equal(t, 1, refusals, "two of the large results fit")
	require.True(t, answer.GetResponses()[3].GetSuccess(), "a small one fits as well")

	s, err := b.stub.StreamBatchExecuteTools(t.Context(), &bridgepb.BatchExecuteToolsRequest{SessionId: session, Requests: items})
	require.NoError(t, err)
	for _, r := range received(t, s) {
		require.True(t, r.GetResponse().GetSuccess(), "each streamed item is a message of its own")
	}
}

func TestTheFirstFailureCancelsABatchThatAsksForIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(b.batch(&bridgepb.BatchExecuteToolsRequest{
		FailFast: true, Requests: []*bridgepb.ToolCallRequest{item(t, "wait", "held"), item(t, "fail", "no")},
	}))
	failed(t, answer.GetResponses()[0].GetError(), tool.Cancelled)
	failed(t, answer.GetResponses()[1].GetError(), tool.ExecutionError)
}

func TestTheTimeLimitOfABatchHoldsForItsItems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(b.batch(&bridgepb.BatchExecuteToolsRequest{
		TimeoutUs: 50_000, Requests: []*bridgepb.ToolCallRequest{item(t, "add_numbers", 1, 1), item(t, "wait", "held")},
	}))
	require.True(t, answer.GetResponses()[0].GetSuccess())
	failed(t, answer.GetResponses()[1].GetError(), tool.DeadlineExceeded)
}

func TestAStreamedBatchAnswersEachItemAsItEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slow := item(t, "wait", "slow")
	slow.TimeoutUs = 100_000
	s, err := b.stub.StreamBatchExecuteTools(t.Context(), &bridgepb.BatchExecuteToolsRequest{
		SessionId: session, Requests: []*bridgepb.ToolCallRequest{slow, item(t, "add_numbers", 1, 1)},
	})
	require.NoError(t, err)
	answers := received(t, s)
	require.Len(t, answers, 2)
	require.Equal(t, []uint32{1, 0}, []uint32{answers[0].GetIndex(), answers[1].GetIndex()})
	require.Equal(t, int64(2), decoded(t, answers[0].GetResponse().GetResult()))
	failed(t, answers[1].GetResponse().GetError(), tool.DeadlineExceeded)
}

func TestAStreamedBatchEndsWithItsReader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := b.stub.StreamBatchExecuteTools(ctx, &bridgepb.BatchExecuteToolsRequest{
		SessionId: session, Requests: []*bridgepb.ToolCallRequest{item(t, "wait", "held")},
	})
	require.NoError(t, err)
	within(t, "the tool begins", b.samples.began)
	cancel()
	_, err = s.Recv()
	require.Equal(t, codes.Canceled, status.Code(err))
	within(t, "the tool's context ends", b.samples.ended)
}
