package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ratios is a figure with such rounds.
func ratios(atMost bool, rounds ...float64) figure {
	f := figure{Name: "relay", Group: "go", Width: 64, Unit: "calls/s", Ratio: median(rounds), Theirs: 1, Rounds: rounds, AtMost: atMost}
	if len(rounds) > 0 {
		f.Low, f.High = slices.Min(rounds), slices.Max(rounds)
	}
	return f
}

func TestAFigureFellIfItIsMuchWorseAndThatIsNoChance(t *testing.T) {
	t.Parallel()
	before := []float64{2, 2.1, 1.9, 2.05, 1.95}
	for name, c := range map[string]struct {
		now    []float64
		atMost bool
		fell   bool
	}{
		"the same":                       {[]float64{2, 2.1, 1.9, 2.05, 1.95}, false, false},
		"clearly worse":                  {[]float64{1.5, 1.55, 1.45, 1.6, 1.4}, false, true},
		"clearly better":                 {[]float64{3, 3.1, 2.9, 3.05, 2.95}, false, false},
		"worse, but by little":           {[]float64{1.8, 1.81, 1.79, 1.82, 1.78}, false, false},
		"worse, but it may be chance":    {[]float64{1.5, 2.2, 1.6, 2.3, 1.55}, false, false},
		"too few rounds to tell":         {[]float64{1, 1}, false, false},
		"more where less is better":      {[]float64{3, 3.1, 2.9, 3.05, 2.95}, true, true},
		"less where less is better":      {[]float64{1, 1.1, 0.9, 1.05, 0.95}, true, false},
		"a little more, less is better":  {[]float64{2.2, 2.21, 2.19, 2.22, 2.18}, true, false},
		"much more in one round of five": {[]float64{2, 2.1, 9, 2.05, 1.95}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := compare(ratios(c.atMost, before...), ratios(c.atMost, c.now...))
			require.Equal(t, c.fell, got.fell, "%v", got)
		})
	}
}

func TestWhatARoundOfTheBaselineWasTooIsNoFall(t *testing.T) {
	t.Parallel()
	now := ratios(false, 1.6, 1.65, 1.5, 1.62, 1.58)
	require.True(t, compare(ratios(false, 2, 2.1, 1.9, 2.05, 1.95, 2.2, 2.3), now).fell)
	require.False(t, compare(ratios(false, 2, 2.1, 1.9, 2.05, 1.95, 2.2, 1.55), now).fell)
	now.AtMost = true
	require.True(t, compare(ratios(true, 1, 1.1, 0.9, 1.05, 0.95, 1.2, 1.3), now).fell)
	require.False(t, compare(ratios(true, 1, 1.1, 0.9, 1.05, 0.95, 1.2, 1.7), now).fell)
}

func TestTheGuardMeasuresAgainWhatFellAndFailsOnlyIfItFallsTwice(t *testing.T) {
	t.Parallel()
	good, bad := []float64{2, 2.1, 1.9, 2.05, 1.95}, []float64{1.5, 1.55, 1.45, 1.6, 1.4}
	other := figure{Name: "other", Group: "python", Width: 1, Unit: "p50 ms", Rounds: good, AtMost: true}
	before := []figure{ratios(false, good...), other}
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		first, second []float64
		fails         error
		asked         bool
		want          string
	}{
		"nothing fell":        {first: good},
		"it fell once":        {first: bad, second: good, asked: true},
		"it fell twice":       {first: bad, second: bad, asked: true, want: "worse than the baseline, twice: relay (calls/s, 64 at a time) is worse by 25 %, 1.5 instead of 2"},
		"it cannot be redone": {first: bad, fails: broken, asked: true, want: "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := false
			err := judge(before, []figure{ratios(false, c.first...), other}, func(only map[place]bool) ([]figure, error) {
				asked = true
				require.Equal(t, map[place]bool{{"go", 64}: true}, only, "the others are not measured again")
				return []figure{ratios(false, c.second...)}, c.fails
			}, io.Discard)
			require.Equal(t, c.asked, asked)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRatiosOfAnotherKindOfMachineAreNotJudged(t *testing.T) {
	t.Parallel()
	before := baseline{Processors: 2, Figures: []figure{ratios(false, 2, 2.1, 1.9, 2.05, 1.95)}}
	now := []figure{ratios(false, 1, 1.1, 0.9, 1.05, 0.95)}
	again := func(map[place]bool) ([]figure, error) { return now, nil }
	var out strings.Builder
	require.NoError(t, judgeRatios(before, 4, now, again, &out))
	require.Contains(t, out.String(), "ratios NOT judged: the baseline is of 2 processors, this machine has 4")
	require.Error(t, judgeRatios(before, 2, now, again, &out))
}

func TestAFigureThatIsGoneIsNoPass(t *testing.T) {
	t.Parallel()
	_, err := compareAll([]figure{ratios(false, 1, 2)}, nil)
	require.ErrorContains(t, err, `the baseline has "relay (calls/s, 64 at a time)", this run has not`)
}

func TestATimeIsNoRatioAndIsNotJudged(t *testing.T) {
	t.Parallel()
	before, now := ratios(true, 2, 2.1, 1.9, 2.05, 1.95), ratios(true, 9, 9.1, 8.9, 9.05, 8.95)
	before.Theirs, now.Theirs = 0, 0
	fell, err := compareAll([]figure{before}, []figure{now})
	require.NoError(t, err)
	require.Empty(t, fell)
}

func TestABaselineHasTheRoundsOfAllItsRuns(t *testing.T) {
	t.Parallel()
	one, err := pool(nil, []figure{ratios(false, 1, 2, 3)})
	require.NoError(t, err)
	both, err := pool(one, []figure{ratios(false, 5, 6)})
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 5, 6}, both[0].Rounds)
	require.Equal(t, []float64{1, 2, 3}, one[0].Rounds)
	require.InDeltaSlice(t, []float64{3, 1, 6}, []float64{both[0].Ratio, both[0].Low, both[0].High}, 0)
	_, err = pool(one, nil)
	require.ErrorContains(t, err, "one run had 1 figures, another 0")
	other := ratios(false, 1)
	other.Name = "other"
	_, err = pool(one, []figure{other})
	require.ErrorContains(t, err, `"relay (calls/s, 64 at a time)" where another had "other (calls/s, 64 at a time)"`)
}

func TestAllocationsAreComparedExactly(t *testing.T) {
	t.Parallel()
	allowed := map[string]int{"broker: Call": 3, "value: Encode": 5}
	var out strings.Builder
	require.NoError(t, judgeAllocations(allowed, map[string]int{"broker: Call": 3, "value: Encode": 4, "new": 9}, &out))
	require.Contains(t, out.String(), "value: Encode allocates 4 times a call instead of 5")
	require.ErrorContains(t, judgeAllocations(allowed, map[string]int{"broker: Call": 4, "value: Encode": 5}, io.Discard), "broker: Call allocates 4 times a call: at most 3")
	require.ErrorContains(t, judgeAllocations(allowed, map[string]int{"broker: Call": 3}, io.Discard), "no longer")
}

func TestTheCommittedBaselineIsOneThatTheGuardCanUse(t *testing.T) {
	t.Parallel()
	var before baseline
	require.NoError(t, readJSON("baseline.json", &before))
	require.NotEmpty(t, before.Figures)
	for _, f := range before.Figures {
		require.GreaterOrEqual(t, len(f.Rounds), 5, f.Name)
		require.NotEmpty(t, f.Group, f.Name)
	}
	var allowed map[string]int
	require.NoError(t, readJSON("allocations.json", &allowed))
	require.NotEmpty(t, allowed)
	require.ErrorContains(t, readJSON("main.go", &allowed), "main.go")
}

func TestBenchmarksOfGoAreRead(t *testing.T) {
	t.Parallel()
	got, err := parseBenchmarks(strings.NewReader("goos: linux\nBenchmarkEncode/ints/value-2  \t 500\t 2000 ns/op\t 16 B/op\t 3 allocs/op\nPASS\n"))
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "Encode/ints/value", nameOf(got[0]))
	seconds, _ := got[0].Value("sec/op")
	require.InDelta(t, 2e-6, seconds, 1e-12)
	allocations, _ := got[0].Value("allocs/op")
	require.InDelta(t, 3, allocations, 0)
}
