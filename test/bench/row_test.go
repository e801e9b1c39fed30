package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARowComparesMediansAndTellsTheSpreadOfTheRounds(t *testing.T) {
	t.Parallel()
	measured := []result{{Group: "go", Width: 64, Samples: map[string][]sample{
		"link": {{Rate: 100, Processor: 5}, {Rate: 300, Processor: 7}, {Rate: 200, Processor: 6}},
		"raw":  {{Rate: 100, Processor: 10}, {Rate: 100, Processor: 30}, {Rate: 50, Processor: 20}},
	}}}

	got, err := row{group: "go", width: 64, of: rate, ours: "link", theirs: "raw", reach: 2}.figure(measured)

	require.NoError(t, err)
	require.InDelta(t, 200, got.Ours, 0)
	require.InDelta(t, 100, got.Theirs, 0)
	require.InDelta(t, 2, got.Ratio, 0)
	require.InDelta(t, 1, got.Low, 0)
	require.InDelta(t, 4, got.High, 0)
	require.Equal(t, []float64{1, 3, 4}, got.Rounds)
	require.InDelta(t, 6, got.Processor, 0)
	require.InDelta(t, 20, got.TheirProcessor, 0)
	require.True(t, got.Reached)
}

func TestARowIsReachedOrNot(t *testing.T) {
	t.Parallel()
	measured := []result{{Group: "g", Width: 1, Samples: map[string][]sample{
		"link": {{P50: 2, Middle: 12}}, "raw": {{P50: 4}}, "slow": {{P50: 12}},
	}}}
	for name, c := range map[string]struct {
		row     row
		ratio   float64
		reached bool
	}{
		"at most, below":      {row{of: p50, theirs: "raw", reach: 0.6, atMost: true}, 0.5, true},
		"at most, above":      {row{of: p50, theirs: "raw", reach: 0.4, atMost: true}, 0.5, false},
		"so many times less":  {row{of: p50, theirs: "slow", reach: 6, inverse: true}, 6, true},
		"the figure itself":   {row{of: middle, reach: 12, atMost: true}, 12, true},
		"at least, too small": {row{of: p50, theirs: "raw", reach: 0.8}, 0.5, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.row.group, c.row.width, c.row.ours = "g", 1, "link"
			got, err := c.row.figure(measured)
			require.NoError(t, err)
			require.InDelta(t, c.ratio, got.Ratio, 1e-9)
			require.Equal(t, c.reached, got.Reached)
		})
	}
}

func TestARowThatWasNotMeasuredSaysWhatOfItWasNot(t *testing.T) {
	t.Parallel()
	_, err := allRows()[0].figure(nil)
	require.ErrorContains(t, err, `nothing of group "go" was measured`)
	measured := []result{{Group: "g", Width: 1, Samples: map[string][]sample{"link": {{P50: 2}}, "idle": {{}}}}}
	_, err = row{group: "g", width: 1, of: p50, ours: "link", theirs: "a peer that is not installed"}.figure(measured)
	require.ErrorContains(t, err, `"link" was measured in 1 rounds, "a peer that is not installed" in 0`)
	_, err = row{group: "g", width: 1, of: p50, ours: "gone"}.figure(measured)
	require.ErrorContains(t, err, `"gone" was not measured`)
	_, err = row{group: "g", width: 1, of: p50, ours: "link", theirs: "idle"}.figure(measured)
	require.ErrorContains(t, err, "too little to compare", "a ratio to nothing is no number, which JSON has no word for")
}

func TestTheMedianIsInTheMiddle(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 0, median(nil), 0)
	require.InDelta(t, 2, median([]float64{9, 1, 2}), 0)
	require.InDelta(t, 3, median([]float64{4, 1, 2, 9}), 0)
}

func TestWhatIsWantedNamesTheGoal(t *testing.T) {
	t.Parallel()
	require.Equal(t, "≥ 1.7 (goal 2)", figure{Reach: 1.7, Goal: 2}.want())
	require.Equal(t, "≤ 0.8", figure{Reach: 0.8, AtMost: true}.want())
	require.Equal(t, "-", figure{Look: true}.want())
	for ratio, want := range map[float64]string{2: "goal reached", 1.99: "reached"} {
		require.Equal(t, want, figure{Ratio: ratio, Reach: 1.7, Goal: 2, Reached: true}.verdict())
	}
	require.Equal(t, "goal reached", figure{Ratio: 0.5, Reach: 0.6, Goal: 0.5, AtMost: true, Reached: true}.verdict())
	require.Equal(t, "reached", figure{Ratio: 0.51, Reach: 0.6, Goal: 0.5, AtMost: true, Reached: true}.verdict())
}

func TestASideThatCouldNotKeepUpIsSaidAndItsFigureIsABound(t *testing.T) {
	t.Parallel()
	measured := []result{{Group: "g", Width: 64, Samples: map[string][]sample{
		"link": {{P50: 2, Rate: 10}, {P50: 3, Rate: 10, Unanswered: 1}, {P50: 4, Rate: 10}}, "slow": {{P50: 900, Unanswered: 7}, {P50: 800, Unanswered: 9}, {P50: 5}},
	}}}
	got, err := row{group: "g", width: 64, of: p50, ours: "link", theirs: "slow", atMost: true, look: true}.figure(measured)
	require.NoError(t, err, "to be overloaded is a result")
	require.Equal(t, "overloaded in 1 : 2 of 3 rounds", got.verdict())
	ours, theirs := got.bounds()
	require.Equal(t, []string{"3", "> 800"}, []string{ours, theirs})
	require.Contains(t, label(got), ", overloaded")
	require.Equal(t, "not reached", figure{}.verdict())
	require.Equal(t, "reached", figure{Reached: true}.verdict())
}

func TestPairedRatiosLeaveOutWhatDiffersFromRoundToRound(t *testing.T) {
	t.Parallel()
	// The machine becomes faster; ours is slower by a tenth in each round but the last.
	measured := []result{{Group: "g", Width: 64, Samples: map[string][]sample{
		"on": {{Rate: 90}, {Rate: 90}, {Rate: 180}, {Rate: 270}, {Rate: 500}}, "off": {{Rate: 100}, {Rate: 100}, {Rate: 200}, {Rate: 300}, {Rate: 400}},
	}}}
	asked := row{group: "g", width: 64, of: rate, ours: "on", theirs: "off", reach: 0.9, paired: true}
	got, err := asked.figure(measured)
	require.NoError(t, err)
	require.InDelta(t, 0.9, got.Ratio, 1e-9)
	require.True(t, got.Reached)
	asked.ours, asked.theirs = "off", "on"
	got, err = asked.figure(measured)
	require.NoError(t, err)
	require.InDelta(t, 1/0.9, got.Ratio, 1e-9)
	require.InDelta(t, 0.8, got.Low, 1e-9)
}
