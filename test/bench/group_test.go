package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noted is a side that notes when it is measured and for how long.
func noted(name string, order *strings.Builder, lasted *[]time.Duration) side {
	return side{name, func(_ context.Context, _ int, d time.Duration) (sample, error) {
		order.WriteString(name)
		*lasted = append(*lasted, d)
		return sample{Rate: 100, Calls: 10}, nil
	}, nil}
}

func TestSidesTakeTheSlicesOfARoundInTurnForwardsAndBackwards(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slices int
		order  string
	}{
		"whole rounds": {0, "ab" + "ab" + "ba" + "ab"},
		"two slices":   {2, "ab" + "abba" + "abba" + "abba"},
		"four slices":  {4, "ab" + "abbaabba" + "abbaabba" + "abbaabba"},
		"three slices": {3, "ab" + "abbaab" + "baabba" + "abbaab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var order strings.Builder
			var lasted []time.Duration
			g := group{name: "g", width: 1, slices: c.slices, sides: []side{noted("a", &order, &lasted), noted("b", &order, &lasted)}}
			got, err := g.measure(t.Context(), plan{rounds: 3, round: time.Second, warmUp: time.Minute})
			require.NoError(t, err)
			require.Equal(t, c.order, order.String())
			require.Equal(t, time.Minute, lasted[0])
			require.Equal(t, time.Second/time.Duration(max(1, c.slices)), lasted[len(lasted)-1])
			for _, s := range []string{"a", "b"} {
				require.Len(t, got.Samples[s], 3, "a sample for each round")
				require.Equal(t, 10*max(1, c.slices), got.Samples[s][0].Calls)
				require.InDelta(t, 100, got.Samples[s][0].Rate, 1e-9)
			}
		})
	}
}

func TestSlicesAreOneSampleTogether(t *testing.T) {
	t.Parallel()
	got := together([]sample{
		{Rate: 100, Calls: 100, P50: 1, P99: 5, P999: 6, Max: 7, Processor: 10, Middle: 4, Value: 3},                // a second
		{Rate: 400, Calls: 100, P50: 3, P99: 9, P999: 9, Max: 9, Processor: 30, Middle: 8, Value: 3, Unanswered: 2}, // a quarter
		{Rate: 400, Calls: 200, P50: 2, P99: 6, P999: 7, Max: 8, Processor: 10, Middle: 6, Value: 3},                // half a second
	})
	require.InDelta(t, 400/1.75, got.Rate, 1e-9)
	require.Equal(t, 400, got.Calls)
	require.Equal(t, 2, got.Unanswered)
	require.InDeltaSlice(t, []float64{2, 6, 7, 9, 3}, []float64{got.P50, got.P99, got.P999, got.Max, got.Value}, 0)
	require.InDelta(t, 15, got.Processor, 1e-9)
	require.InDelta(t, 6, got.Middle, 1e-9)
	require.Equal(t, sample{P50: 4}, together([]sample{{P50: 4}}))
	require.Zero(t, together([]sample{{}, {}}), "nothing was called")
}

func TestASideThatFailsInASliceIsLeftOutAndTheOthersAreMeasuredOn(t *testing.T) {
	t.Parallel()
	var order strings.Builder
	var lasted []time.Duration
	broken, times := errors.New("broken"), 0
	fails := side{"b", func(context.Context, int, time.Duration) (sample, error) {
		if times++; times == 4 {
			return sample{}, broken
		}
		return sample{Rate: 1, Calls: 1}, nil
	}, nil}
	g := group{name: "g", slices: 4, sides: []side{noted("a", &order, &lasted), fails, noted("c", &order, &lasted)}}
	got, err := g.measure(t.Context(), plan{rounds: 2, round: time.Second})
	require.ErrorIs(t, err, broken)
	require.NotContains(t, got.Samples, "b")
	require.Len(t, got.Samples["a"], 2)
	require.Len(t, got.Samples["c"], 2)
	require.Equal(t, "ac"+"accaacca"+"accaacca", order.String())
	require.Equal(t, 4, times, "it is not asked again")
}
