package rpc_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/rpc"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func item(t *testing.T, name string, args ...any) *bridgepb.ToolCallRequest {
	t.Helper()
	return &bridgepb.ToolCallRequest{ToolId: name, Args: all(t, args...)}
}

// batching makes a batch of the test's session and waits for its answer.
type batching func(*bridgepb.BatchExecuteToolsRequest) (*bridgepb.BatchExecuteToolsResponse, error)

// byEachFace runs a test with a bridge of its own by both ways on which a batch comes whole.
func byEachFace(t *testing.T, test func(t *testing.T, b *bundle, batch batching), options ...option) {
	t.Helper()
	for face, of := range map[string]func(*bundle) batching{"rpc": (*bundle).byRPC, "link": (*bundle).byLink} {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options...)
			test(t, b, of(b))
		})
	}
}

func (b *bundle) byRPC() batching {
	return func(r *bridgepb.BatchExecuteToolsRequest) (*bridgepb.BatchExecuteToolsResponse, error) {
		r.SessionId = session
		return b.stub.BatchExecuteTools(b.t.Context(), r)
	}
}

func (b *bundle) byLink() batching { return b.byLinkOf("batches") }

func (b *bundle) byLinkOf(identity string) batching {
	raw, id := b.play(identity), uint64(1)
	require.Contains(b.t, raw.welcome.GetCapabilities(), "batches")
	return func(r *bridgepb.BatchExecuteToolsRequest) (*bridgepb.BatchExecuteToolsResponse, error) {
		r.SessionId = session
		raw.send(batchFrame(id, r))
		answer := raw.whole("the answer", id).GetBatchResult()
		id += 2
		return answer, nil
	}
}

func batchFrame(id uint64, r *bridgepb.BatchExecuteToolsRequest) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Batch{Batch: r}}
}

// whole reads on to a frame of a call, and puts it together where it comes in pieces.
func (s *script) whole(what string, id uint64) *bridgepb.Frame {
	s.t.Helper()
	var pieces []byte
	var total uint64
	f := s.await(what, func(f *bridgepb.Frame) bool {
		if f.GetCallId() != id || f.GetFragment() == nil {
			return f.GetCallId() == id
		}
		pieces, total = append(pieces, f.GetFragment().GetData()...), total+f.GetFragment().GetTotal()
		s.send()
		return uint64(len(pieces)) == total
	})
	if f.GetFragment() == nil {
		return f
	}
	f = &bridgepb.Frame{}
	require.NoError(s.t, proto.Unmarshal(pieces, f))
	return f
}

func TestABatchAnswersEachItemInItsPlace(t *testing.T) {
	t.Parallel()
	byEachFace(t, func(t *testing.T, _ *bundle, batch batching) {
		t.Helper()
		named := item(t, "add_numbers", 2, 2)
		named.RequestId = "mine"
		answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(batch(&bridgepb.BatchExecuteToolsRequest{
			BatchId: "batch-1", Requests: []*bridgepb.ToolCallRequest{item(t, "add_numbers", 1, 1), item(t, "missing"), item(t, "fail", "no"), named},
		}))
		require.Len(t, answer.GetResponses(), 4)
		require.Equal(t, int64(2), decoded(t, answer.GetResponses()[0].GetResult()))
		failed(t, answer.GetResponses()[1].GetError(), tool.ToolNotFound)
		failed(t, answer.GetResponses()[2].GetError(), tool.ExecutionError)
		require.Equal(t, int64(4), decoded(t, answer.GetResponses()[3].GetResult()))
		require.Equal(t, "mine", answer.GetResponses()[3].GetRequestId())
	})
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
			for _, batch := range []batching{b.byRPC(), b.byLinkOf(what)} {
				refused[*bridgepb.BatchExecuteToolsResponse](t, c.code, c.says)(batch(&bridgepb.BatchExecuteToolsRequest{Requests: c.items}))
			}
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
	byEachFace(t, func(t *testing.T, b *bundle, batch batching) {
		t.Helper()
		checkRoom(t, b, batch)
	})
}

func checkRoom(t *testing.T, b *bundle, batch batching) {
	t.Helper()
	items := []*bridgepb.ToolCallRequest{item(t, "inflate", 4), item(t, "inflate", 4), item(t, "inflate", 4), item(t, "add_numbers", 1, 1)}
	answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(batch(&bridgepb.BatchExecuteToolsRequest{Requests: items}))
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
	byEachFace(t, func(t *testing.T, _ *bundle, batch batching) {
		t.Helper()
		answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(batch(&bridgepb.BatchExecuteToolsRequest{
			FailFast: true, Requests: []*bridgepb.ToolCallRequest{item(t, "wait", "held"), item(t, "fail", "no")},
		}))
		failed(t, answer.GetResponses()[0].GetError(), tool.Cancelled)
		failed(t, answer.GetResponses()[1].GetError(), tool.ExecutionError)
	})
}

func TestTheTimeLimitOfABatchHoldsForItsItems(t *testing.T) {
	t.Parallel()
	byEachFace(t, func(t *testing.T, _ *bundle, batch batching) {
		t.Helper()
		givenTime(t, 50*time.Millisecond, func(limit time.Duration) bool {
			answer := accepted[*bridgepb.BatchExecuteToolsResponse](t)(batch(&bridgepb.BatchExecuteToolsRequest{
				TimeoutUs: wire.Micros(limit), Requests: []*bridgepb.ToolCallRequest{item(t, "add_numbers", 1, 1), item(t, "wait", "held")},
			}))
			failed(t, answer.GetResponses()[1].GetError(), tool.DeadlineExceeded)
			if e := answer.GetResponses()[0].GetError(); e != nil {
				failed(t, e, tool.DeadlineExceeded)
				return false
			}
			return answer.GetResponses()[0].GetSuccess()
		})
	})
}

func TestAStreamedBatchAnswersEachItemAsItEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	givenTime(t, 100*time.Millisecond, func(limit time.Duration) bool {
		slow := item(t, "wait", "slow")
		slow.TimeoutUs = wire.Micros(limit)
		s, err := b.stub.StreamBatchExecuteTools(t.Context(), &bridgepb.BatchExecuteToolsRequest{
			SessionId: session, Requests: []*bridgepb.ToolCallRequest{slow, item(t, "add_numbers", 1, 1)},
		})
		require.NoError(t, err)
		answers := received(t, s)
		require.Len(t, answers, 2)
		if answers[0].GetIndex() == 0 {
			return false
		}
		require.Equal(t, int64(2), decoded(t, answers[0].GetResponse().GetResult()))
		require.Zero(t, answers[1].GetIndex())
		failed(t, answers[1].GetResponse().GetError(), tool.DeadlineExceeded)
		return true
	})
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

func TestABatchOverALinkIsCancelledByItsFrame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := b.play("batches")
	raw.send(batchFrame(1, &bridgepb.BatchExecuteToolsRequest{SessionId: session, Requests: []*bridgepb.ToolCallRequest{
		item(t, "wait", "first"), item(t, "wait", "second"),
	}}))
	within(t, "the first begins", b.samples.began)
	within(t, "the second begins", b.samples.began)
	raw.send(&bridgepb.Frame{CallId: 1, Body: &bridgepb.Frame_Cancel{Cancel: &bridgepb.Cancel{}}})
	within(t, "the first ends", b.samples.ended)
	within(t, "the second ends", b.samples.ended)
	raw.send(&bridgepb.Frame{CallId: 3, Body: &bridgepb.Frame_Call{Call: &bridgepb.ToolCallRequest{SessionId: session, ToolId: "add_numbers", Args: all(t, 1, 1)}}})
	require.Equal(t, int64(2), decoded(t, raw.whole("the next answer", 3).GetResult().GetResult()))
}

func TestItemsOfABatchAreNamedByItOnBothFaces(t *testing.T) {
	t.Parallel()
	byEachFace(t, func(t *testing.T, _ *bundle, batch batching) {
		t.Helper()
		ask := func() *bridgepb.BatchExecuteToolsResponse {
			return accepted[*bridgepb.BatchExecuteToolsResponse](t)(batch(&bridgepb.BatchExecuteToolsRequest{
				BatchId: "again", Requests: []*bridgepb.ToolCallRequest{item(t, "add_numbers", 1, 1)},
			}))
		}
		require.False(t, ask().GetResponses()[0].GetReplayed())
		second := ask().GetResponses()[0]
		require.True(t, second.GetReplayed(), "its request id is that of the first")
		require.Equal(t, int64(2), decoded(t, second.GetResult()))
	})
}

func TestABridgeThatStopsWaitsForABatchOverALink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	held := make(chan struct{})
	b.worker("slow", hosting{func(context.Context, *tool.Call) (tool.Result, error) {
		b.samples.began <- "slow"
		<-held
		return result(t, "done"), nil
	}}, &tool.Spec{Name: "slow"})
	raw := b.play("batches")
	raw.send(batchFrame(1, &bridgepb.BatchExecuteToolsRequest{SessionId: session, Requests: []*bridgepb.ToolCallRequest{item(t, "slow"), item(t, "slow")}}))
	within(t, "the first begins", b.samples.began)
	within(t, "the second begins", b.samples.began)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	b.service.Drain(over, "the bridge stops")
	stopped := make(chan error, 1)
	go func() { stopped <- b.broker.Stop(t.Context()) }()
	raw.await("drain", func(f *bridgepb.Frame) bool { return f.GetDrain() != nil })
	require.Empty(t, stopped)
	close(held)
	answer := raw.whole("the answer", 1).GetBatchResult()
	require.True(t, answer.GetSuccess())
	for _, r := range answer.GetResponses() {
		require.Equal(t, "done", decoded(t, r.GetResult()))
	}
	require.NoError(t, within(t, "the broker stops", stopped))
}

func TestABatchOverALinkHasALineInTheAccessLog(t *testing.T) {
	t.Parallel()
	lines := make(chan map[string]string, 10)
	b := setup(t, func(_ *broker.Config, c *rpc.Config) { c.AccessLog = slog.New(recorder(lines)) })
	batch := b.byLink()
	accepted[*bridgepb.BatchExecuteToolsResponse](t)(batch(&bridgepb.BatchExecuteToolsRequest{BatchId: "mine", Requests: []*bridgepb.ToolCallRequest{item(t, "echo", "hush")}}))
	refused[*bridgepb.BatchExecuteToolsResponse](t, tool.ValidationError)(batch(&bridgepb.BatchExecuteToolsRequest{Requests: []*bridgepb.ToolCallRequest{{SessionId: "other"}}}))
	for _, code := range []tool.Code{"OK", tool.ValidationError} {
		line := within(t, "a line", lines)
		for line["edge"] != "link" { // the session was initialized before
			line = within(t, "a line", lines)
		}
		require.Equal(t, string(code), line["code"])
		require.Equal(t, "batches", line["peer"])
		require.Equal(t, session, line["session"])
		require.Equal(t, bridgepb.SnakepitBridge_BatchExecuteTools_FullMethodName, line["method"])
		if code == "OK" {
			require.Equal(t, "mine", line["request_id"])
		}
		for _, v := range line {
			require.NotContains(t, v, "hush")
		}
	}
}

// recorder is a handler of log records that passes on their fields.
type recorder chan<- map[string]string

func (recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r recorder) Handle(_ context.Context, record slog.Record) error {
	line := map[string]string{}
	record.Attrs(func(a slog.Attr) bool {
		line[a.Key] = a.Value.String()
		return true
	})
	r <- line
	return nil
}

func (r recorder) WithAttrs([]slog.Attr) slog.Handler { return r }

func (r recorder) WithGroup(string) slog.Handler { return r }
