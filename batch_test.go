package toolbridge_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestABatchAnswersEachItemInItsPlace(t *testing.T) {
	t.Parallel()
	s := linked(t)
	items := make([]toolbridge.Item, 100)
	for i := range items {
		items[i] = toolbridge.ItemOf("add_numbers", i, 1)
	}
	items[7] = toolbridge.ItemOf("fail", "seven")
	items[8] = toolbridge.ItemOf("no_such_tool")
	results, err := s.Batch(t.Context(), items)
	require.NoError(t, err)
	for i, r := range results {
		require.Equal(t, i, r.Index)
		switch i {
		case 7:
			require.Equal(t, tool.ExecutionError, asError(t, r.Err).Code)
			require.Error(t, r.Into(new(int)))
		case 8:
			require.Equal(t, tool.ToolNotFound, asError(t, r.Err).Code)
		default:
			require.NoError(t, r.Err)
			require.Equal(t, int64(i+1), r.Value)
			var n int
			require.NoError(t, r.Into(&n))
			require.Equal(t, i+1, n)
			require.Positive(t, r.Metrics.Duration)
		}
	}
}

func TestABatchStreamYieldsItemsAsTheyEnd(t *testing.T) {
	t.Parallel()
	s := linked(t).With(toolbridge.Timeout(time.Minute))
	items := []toolbridge.Item{toolbridge.ItemOf("wait"), toolbridge.ItemOf("add_numbers", 1, 2)}
	for r, err := range s.BatchStream(t.Context(), items, toolbridge.BatchConcurrency(2), toolbridge.BatchID("b-1")) {
		require.NoError(t, err)
		require.Equal(t, 1, r.Index, "the item that ends first comes first")
		break
	}
}

func TestAFailFastBatchCancelsTheRest(t *testing.T) {
	t.Parallel()
	items := []toolbridge.Item{toolbridge.ItemOf("wait"), toolbridge.ItemOf("fail", "now")}
	results, err := linked(t).Batch(t.Context(), items, toolbridge.FailFast())
	require.NoError(t, err)
	require.Equal(t, tool.Cancelled, asError(t, results[0].Err).Code)
	require.Equal(t, tool.ExecutionError, asError(t, results[1].Err).Code)
}

func TestABatchWhoseTimeIsOverSaysSoInEachItemThatHasNoAnswer(t *testing.T) {
	t.Parallel()
	s, items := linked(t), []toolbridge.Item{toolbridge.ItemOf("wait"), toolbridge.ItemOf("add_numbers", 1, 2)}
	givenTime(t, 100*time.Millisecond, func(limit time.Duration) bool {
		results, _ := s.With(toolbridge.Timeout(limit)).Batch(t.Context(), items)
		require.Equal(t, tool.DeadlineExceeded, asError(t, results[0].Err).Code)
		if results[1].Err != nil {
			require.Equal(t, tool.DeadlineExceeded, asError(t, results[1].Err).Code)
			return false
		}
		require.Equal(t, int64(3), results[1].Value)
		return true
	})
}

func TestABatchThatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := linked(t)
	results, err := s.Batch(t.Context(), make([]toolbridge.Item, 10_001))
	e := asError(t, err)
	require.Equal(t, tool.BatchTooLarge, e.Code)
	require.Equal(t, "10000", e.Details["limit"])
	require.Len(t, results, 10_001)
	require.Error(t, results[0].Err)

	big := strings.Repeat("x", 6<<20)
	_, err = s.Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("echo", big), toolbridge.ItemOf("echo", big)})
	require.Equal(t, tool.MessageTooLarge, asError(t, err).Code)
	require.Contains(t, err.Error(), "message too large: the batch has "+strconv.Itoa(2 * (6 << 20))[:2])
}

func TestAnItemThatCannotBeSentHarmsNoOther(t *testing.T) {
	t.Parallel()
	s := linked(t)
	items := []toolbridge.Item{toolbridge.ItemOf("echo", make(chan int)), toolbridge.ItemOf("describe_call"), toolbridge.ItemOf("")}
	results, err := s.Batch(t.Context(), items, toolbridge.BatchID("b"))
	require.NoError(t, err)
	require.Equal(t, tool.SerializationError, asError(t, results[0].Err).Code)
	require.NoError(t, results[1].Err)
	require.Equal(t, 1, results[1].Index)
	require.Contains(t, fmt.Sprint(results[1].Value), "b/1", "an item is named for its own place")
	require.Equal(t, tool.ValidationError, asError(t, results[2].Err).Code)

	results, err = s.Batch(t.Context(), items, toolbridge.FailFast())
	require.NoError(t, err)
	require.Equal(t, tool.SerializationError, asError(t, results[0].Err).Code)
	require.Equal(t, "false", asError(t, results[1].Err).Details["started"])
	require.Equal(t, tool.Cancelled, asError(t, results[1].Err).Code)

	for r, err := range s.BatchStream(t.Context(), items) {
		require.NoError(t, err)
		require.Error(t, r.Err)
		break
	}
}

func TestABatchIsOneRequest(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(offerSamples)
	var requests sync.Map // of *atomic.Int64 by method
	count := func(method string) *atomic.Int64 {
		n, _ := requests.LoadOrStore(method, new(atomic.Int64))
		c, _ := n.(*atomic.Int64)
		return c
	}
	counting := toolbridge.WithGRPCOptions(
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, in, out any, c *grpc.ClientConn, next grpc.UnaryInvoker, o ...grpc.CallOption) error {
			count(method).Add(1)
			return next(ctx, method, in, out, c, o...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, c *grpc.ClientConn, method string, next grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
			count(method).Add(1)
			return next(ctx, d, c, method, o...)
		}))
	items := make([]toolbridge.Item, 10_000)
	for i := range items {
		items[i] = toolbridge.ItemOf("add_numbers", i, 1)
	}
	results, err := b.Session(toolbridge.WithoutLink(), counting).Batch(t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, int64(10_000), results[9_999].Value)
	require.Equal(t, int64(1), count("/dspex.bridge.SnakepitBridge/StreamBatchExecuteTools").Load())
	require.Zero(t, count("/dspex.bridge.SnakepitBridge/ExecuteTool").Load())
}

func TestASlowItemDelaysNoOther(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	goOn := make(chan struct{})
	b.Worker(func(w *toolbridge.Worker) {
		offerSamples(w)
		toolbridge.AddTool(w, "slow", func(context.Context, struct{}) (string, error) { <-goOn; return "slow", nil })
	})
	items := []toolbridge.Item{toolbridge.ItemOf("slow"), toolbridge.ItemOf("echo", "quick")}
	var got []any
	for r, err := range b.Session().BatchStream(t.Context(), items) {
		require.NoError(t, err)
		require.NoError(t, r.Err)
		if got = append(got, r.Value); len(got) == 1 {
			close(goOn)
		}
	}
	require.Equal(t, []any{"quick", "slow"}, got)
}

func TestABatchRunsNoMoreItemsAtOnceThanAskedAndStartsNoneAfterAFailure(t *testing.T) {
	t.Parallel()
	const grace = time.Minute
	b := bridgetest.New(t, bridgetest.WithReattachGrace(grace))
	var running, most, started atomic.Int64
	full := make(chan struct{})
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "crowd", func(ctx context.Context, fails bool) (struct{}, error) {
			started.Add(1)
			now := running.Add(1)
			defer running.Add(-1)
			for was := most.Load(); now > was; was = most.Load() {
				if most.CompareAndSwap(was, now) {
					break
				}
			}
			if now == 7 {
				close(full)
			}
			<-full
			if fails {
				return struct{}{}, errors.New("oh")
			}
			<-ctx.Done()
			return struct{}{}, ctx.Err()
		})
	})
	items := make([]toolbridge.Item, 30)
	for i := range items {
		items[i] = toolbridge.ItemOf("crowd", i == 3)
	}
	began := time.Now()
	results, err := b.Session().Batch(t.Context(), items, toolbridge.BatchConcurrency(7), toolbridge.FailFast(), toolbridge.BatchID("crowd"))
	require.NoError(t, err)
	require.Less(t, time.Since(began), grace, "what is named is cancelled at once, too")
	require.Equal(t, int64(7), most.Load())
	require.Equal(t, int64(7), started.Load(), "what had not begun never starts")
	for i, r := range results {
		want := tool.Cancelled
		if i == 3 {
			want = tool.ExecutionError
		}
		require.Equal(t, want, asError(t, r.Err).Code, i)
	}
}

func TestAnItemHasATimeLimitOfItsOwn(t *testing.T) {
	t.Parallel()
	items := []toolbridge.Item{{Tool: "wait", Timeout: 50 * time.Millisecond}, toolbridge.ItemOf("echo", 1)}
	results, err := linked(t).Batch(t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, tool.DeadlineExceeded, asError(t, results[0].Err).Code)
	require.Equal(t, int64(1), results[1].Value)
}

func TestABatchWithAnIDRunsItsItemsOnce(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	var runs atomic.Int64
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "charge", func(context.Context, int) (int64, error) { return runs.Add(1), nil })
	})
	s := b.Session()
	items := []toolbridge.Item{toolbridge.ItemOf("charge", 1), toolbridge.ItemOf("charge", 2)}
	first, err := s.Batch(t.Context(), items, toolbridge.BatchID("orders"))
	require.NoError(t, err)
	again, err := s.Batch(t.Context(), items, toolbridge.BatchID("orders"))
	require.NoError(t, err)
	for i := range items {
		require.Equal(t, first[i].Value, again[i].Value)
	}
	require.Equal(t, int64(2), runs.Load())
}

func TestAnEmptyBatchHasNoResults(t *testing.T) {
	t.Parallel()
	results, err := linked(t).Batch(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, results)
}
