package toolbridge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// batchStreams counts the batches that were requests of their own.
func (s *seenRPCs) batchStreams() toolbridge.DialOption {
	return toolbridge.WithGRPCOptions(grpc.WithChainStreamInterceptor(
		func(ctx context.Context, d *grpc.StreamDesc, c *grpc.ClientConn, method string, next grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
			if strings.HasSuffix(method, "BatchExecuteTools") {
				s.mu.Lock()
				s.all = append(s.all, "batch")
				s.mu.Unlock()
			}
			return next(ctx, d, c, method, o...)
		}))
}

func numbers(n int) []toolbridge.Item {
	items := make([]toolbridge.Item, n)
	for i := range items {
		items[i] = toolbridge.ItemOf("add_numbers", i, 1)
	}
	return items
}

func TestABatchGoesOverTheLinkUnlessItIsLongOrThereIsNone(t *testing.T) {
	t.Parallel()
	long := make([]toolbridge.Item, 4)
	for i := range long {
		long[i] = toolbridge.ItemOf("echo", strings.Repeat("x", 200<<10))
	}
	for name, c := range map[string]struct {
		options []toolbridge.DialOption
		items   []toolbridge.Item
		want    []string
	}{
		"with a link":    {nil, numbers(1000), nil},
		"without a link": {[]toolbridge.DialOption{toolbridge.WithoutLink()}, numbers(10), []string{"batch"}},
		"long":           {nil, long, []string{"batch"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bridgetest.New(t)
			b.Worker(offerSamples)
			var rpcs seenRPCs
			s := b.Session(append(c.options, rpcs.batchStreams())...)
			results, err := s.Batch(t.Context(), c.items)
			require.NoError(t, err)
			for i, r := range results {
				require.NoError(t, r.Err)
				require.Equal(t, i, r.Index)
				if name != "long" {
					require.Equal(t, int64(i+1), r.Value)
				}
			}
			require.Equal(t, c.want, rpcs.take())
		})
	}
}

func TestABatchIsTheSameOnEitherWay(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		items := []toolbridge.Item{
			toolbridge.ItemOf("describe_call"), toolbridge.ItemOf("fail", "no"), toolbridge.ItemOf("echo", "text"),
			{Tool: "describe_call", RequestID: "mine"}, {Tool: "wait", Timeout: 30 * time.Millisecond}, toolbridge.ItemOf("add_numbers", "x", 1),
		}
		results, err := s.Batch(t.Context(), items, toolbridge.BatchID("b"), toolbridge.BatchConcurrency(2))
		require.NoError(t, err)
		var first map[string]any
		require.NoError(t, results[0].Into(&first))
		require.Equal(t, s.ID(), first["session"])
		require.Equal(t, "b/0", first["request_id"])
		require.Equal(t, tool.ExecutionError, asError(t, results[1].Err).Code)
		require.Equal(t, "text", results[2].Value)
		require.Contains(t, fmt.Sprint(results[3].Value), "mine")
		require.Equal(t, tool.DeadlineExceeded, asError(t, results[4].Err).Code)
		require.Equal(t, tool.ValidationError, asError(t, results[5].Err).Code)
		for _, r := range results {
			require.Positive(t, r.Metrics.Duration)
		}

		_, err = s.End(t.Context())
		require.NoError(t, err)
		results, err = s.Batch(t.Context(), numbers(2))
		require.Equal(t, tool.SessionExpired, asError(t, err).Code)
		require.Equal(t, tool.SessionExpired, asError(t, results[1].Err).Code)
	})
}

func TestABatchThatIsGivenUpHasTheResultsThatCame(t *testing.T) {
	t.Parallel()
	eitherWay(t, func(t *testing.T, s *toolbridge.Session) {
		givenTime(t, 300*time.Millisecond, func(limit time.Duration) bool {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if !strings.Contains(t.Name(), "plain") { // cancelled, and its time over
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(limit, cancel)
			}
			results, err := s.Batch(ctx, []toolbridge.Item{toolbridge.ItemOf("wait"), toolbridge.ItemOf("echo", "quick")})
			require.Error(t, results[0].Err)
			if err != nil { // otherwise the bridge was the first to notice
				require.Equal(t, err, results[0].Err)
				require.Contains(t, []tool.Code{tool.Cancelled, tool.DeadlineExceeded}, asError(t, err).Code)
			}
			if results[1].Err != nil {
				require.Contains(t, []tool.Code{tool.Cancelled, tool.DeadlineExceeded}, asError(t, results[1].Err).Code)
				return false
			}
			require.Equal(t, "quick", results[1].Value)
			return true
		})
	})
}

func TestABatchOutlastsALostConnection(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	begun, goOn := make(chan struct{}, 1), make(chan struct{}, 1)
	b.Worker(func(w *toolbridge.Worker) {
		offerSamples(w)
		toolbridge.AddTool(w, "hold", func(ctx context.Context, _ struct{}) (string, error) {
			begun <- struct{}{}
			select {
			case <-goOn:
			case <-ctx.Done():
			}
			return "held", ctx.Err()
		})
	})
	s := b.Session()
	items := []toolbridge.Item{toolbridge.ItemOf("hold"), toolbridge.ItemOf("echo", "quick")}
	var results []toolbridge.ItemResult
	var err error
	var running sync.WaitGroup
	running.Go(func() { results, err = s.Batch(t.Context(), items) })
	<-begun
	b.Cut()
	goOn <- struct{}{}
	running.Wait()
	require.NoError(t, err)
	require.Equal(t, []any{"held", "quick"}, []any{results[0].Value, results[1].Value})

	b.Cut()
	results, err = s.Batch(t.Context(), items[1:])
	require.NoError(t, err, "sent over the link that came back, or by itself")
	require.Equal(t, "quick", results[0].Value)
}

func TestTheResultsOfABatchMayTogetherBeLargerThanAMessage(t *testing.T) {
	t.Parallel()
	b := bridgetest.New(t)
	b.Worker(func(w *toolbridge.Worker) {
		toolbridge.AddTool(w, "blow up", func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil })
	})
	items := make([]toolbridge.Item, 5)
	for i := range items {
		items[i] = toolbridge.ItemOf("blow up", 5<<20)
	}
	results, err := b.Session().Batch(t.Context(), items)
	require.NoError(t, err)
	for _, r := range results {
		require.NoError(t, r.Err)
		require.Len(t, r.Value, 5<<20)
	}
}
