package toolbridge_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
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
	s := linked(t).With(toolbridge.Timeout(time.Second))
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
	items := []toolbridge.Item{toolbridge.ItemOf("wait"), toolbridge.ItemOf("add_numbers", 1, 2)}
	results, _ := linked(t).With(toolbridge.Timeout(100*time.Millisecond)).Batch(t.Context(), items)
	require.Equal(t, tool.DeadlineExceeded, asError(t, results[0].Err).Code)
	require.Equal(t, int64(3), results[1].Value)
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

func TestABatchWithABadItemIsNotSent(t *testing.T) {
	t.Parallel()
	_, err := linked(t).Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("echo", make(chan int))})
	require.Equal(t, tool.SerializationError, asError(t, err).Code)
}

func TestAnEmptyBatchHasNoResults(t *testing.T) {
	t.Parallel()
	results, err := linked(t).Batch(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, results)
}
