package main

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchmath"
)

// ratios is a figure with such rounds.
func ratios(atMost bool, rounds ...float64) figure {
	f := figure{Name: "relay", Group: "go", Width: 64, Unit: "calls/s", Ratio: median(rounds), Theirs: 1, Rounds: rounds, AtMost: atMost, Guarded: true}
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

// The guard asks for two things and no more, each of which alone is no fall: the test's judgement and the 15 %.
func TestOnlyTheTestAndThePercentDecide(t *testing.T) {
	t.Parallel()
	wide := []float64{2, 2.1, 1.9, 2.05, 1.95, 2.2, 1.55, 2.02, 1.98, 2.08, 1.92, 2.15, 1.85, 2.03, 1.97} // 15 rounds, one as bad as a fall
	for name, c := range map[string]struct {
		before, now []float64
		fell        bool
	}{
		"one round of the baseline was as bad":          {wide, []float64{1.6, 1.65, 1.5, 1.62, 1.58}, true},
		"a third of the baseline was as bad":            {[]float64{2, 2.1, 2.05, 1.95, 2.2, 2.02, 2.08, 2.15, 2.03, 1.97, 1.5, 1.55, 1.6, 1.52, 1.58}, []float64{1.6, 1.65, 1.51, 1.62, 1.57}, false},
		"worse by hardly 15 %":                          {[]float64{2, 2.1, 1.9, 2.05, 1.95}, []float64{1.71, 1.75, 1.65, 1.72, 1.68}, false},
		"worse by a little more":                        {[]float64{2, 2.1, 1.9, 2.05, 1.95}, []float64{1.69, 1.75, 1.65, 1.72, 1.68}, true},
		"the test's level is reached, five of five":     {[]float64{2, 2.1, 1.9, 2.05, 1.6}, []float64{1.65, 1.55, 1.5, 1.45, 1.58}, true},
		"and just not":                                  {[]float64{2, 2.1, 1.9, 1.52, 1.6}, []float64{1.65, 1.55, 1.5, 1.45, 1.58}, false},
		"by half, but one round is fine":                {wide, []float64{1, 1.01, 1.02, 1.03, 2.06}, true},
		"by half, but most of the rounds are fine":      {wide, []float64{1, 1, 2, 2, 2}, false},
		"a second run of eleven rounds":                 {wide, []float64{1.6, 1.65, 1.5, 1.62, 1.58, 1.61, 1.64, 1.66, 1.59, 1.57, 2.1}, true},
		"a second run of eleven rounds, much as it was": {wide, []float64{1.6, 1.95, 1.7, 2.02, 1.9, 1.99, 2.04, 1.86, 2.1, 1.75, 2.1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			higher := compare(ratios(false, c.before...), ratios(false, c.now...))
			require.Equal(t, c.fell, higher.fell, "%v", higher)
			better := compare(ratios(true, c.before...), ratios(true, c.now...))
			require.False(t, better.fell, "less is better, and it became less: %v", better)
		})
	}
}

func TestASlowerProgramIsFoundAndTheSameOneIsNotBlamed(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	// Rounds vary by 8 %, and all of one run by 5 % together; a baseline has the rounds of several runs.
	run := func(n int, middle float64) (rounds []float64) {
		shift := 1 + 0.05*random.NormFloat64()
		for range n {
			rounds = append(rounds, middle*shift*(1+0.08*random.NormFloat64()))
		}
		return rounds
	}
	blamed := func(middle float64) (times int) {
		for range 500 {
			var before []float64
			for range passes {
				before = append(before, run(5, 2)...)
			}
			twice := func(n int) bool { return compare(ratios(false, before...), ratios(false, run(n, middle)...)).fell }
			if twice(5) && twice(roundsAgain) {
				times++
			}
		}
		return times
	}
	require.LessOrEqual(t, blamed(2), 2, "of 500 runs of the same program")
	require.GreaterOrEqual(t, blamed(2*0.6), 495, "of 500 runs of one that is slower by 40 %")
}

func TestSoFewRoundsThatNothingCanBeToldAreNoPass(t *testing.T) {
	t.Parallel()
	good := ratios(false, 2, 2.1, 1.9, 2.05, 1.95)
	for _, rounds := range [][]float64{nil, {1}} {
		_, err := compareAll([]figure{good}, []figure{ratios(false, rounds...)})
		require.ErrorContains(t, err, `no difference of so few can be significant; measure more with -rounds`)
	}
	for n := 1; n <= 20; n++ {
		for m := 1; m <= 20; m++ {
			thresholds := benchmath.DefaultThresholds
			low, high := make([]float64, n), make([]float64, m)
			for i := range low {
				low[i] = float64(i)
			}
			for i := range high {
				high[i] = float64(100 + i)
			}
			c := benchmath.AssumeNothing.Compare(benchmath.NewSample(low, &thresholds), benchmath.NewSample(high, &thresholds))
			require.Equal(t, c.P <= c.Alpha, canTell(n, m), "%d and %d rounds: p=%g", n, m, c.P)
		}
	}
}

func TestTheGuardMeasuresAgainWhatFellAndFailsOnlyIfItFallsTwice(t *testing.T) {
	t.Parallel()
	good, bad := []float64{2, 2.1, 1.9, 2.05, 1.95}, []float64{1.5, 1.55, 1.45, 1.6, 1.4}
	other := figure{Name: "other", Group: "python", Width: 1, Unit: "p50 ms", Rounds: good, AtMost: true, Guarded: true}
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

// An empty relayed stream against raw gRPC says how the machine is; if that became worse, no change of Toolbridge made it so.
func TestARowWithoutALineOfToolbridgeIsNeitherStoredNorJudged(t *testing.T) {
	t.Parallel()
	before, now := ratios(true, 2, 2.1, 1.9, 2.05, 1.95), ratios(true, 9, 9.1, 8.9, 9.05, 8.95)
	now.Guarded = false
	fell, err := compareAll([]figure{before}, []figure{now})
	require.NoError(t, err)
	require.Empty(t, fell)
	require.Equal(t, []figure{before}, guarded([]figure{now, before}))

	samples := map[string][]sample{"link": {{P50: 3}}, "empty": {{P50: 2}}, "raw": {{P50: 1}}}
	shown := map[string]bool{}
	for _, f := range newReport(plan{only: "calls"}, []result{{Group: "go", Width: 1, Samples: samples}}, nil, 0).Figures {
		shown[f.key()] = f.Guarded
	}
	require.Equal(t, map[string]bool{
		"an empty relayed stream, against raw grpc-go (p50 ms, 1 at a time)":             false,
		"Go → bridge → Go worker, against raw grpc-go (p50 ms, 1 at a time)":             true,
		"Go → bridge → Go worker, against an empty relayed stream (p50 ms, 1 at a time)": true,
		"the bridge's processor time (µs/call, 1 at a time)":                             true,
	}, shown)
	for _, scene := range scenes() {
		for _, row := range scene.rows {
			require.False(t, row.reference && !row.look, "%s: a goal is one of Toolbridge's", row.name)
		}
	}
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

func TestAllocationsAreComparedExactlyOrWithAsMuchToSpareAsTheyDiffer(t *testing.T) {
	t.Parallel()
	allowed := map[string]int{"broker: Call": 3, "link: Relay": 7, "value: Encode": 5}
	same := map[string]count{"broker: Call": {3, 0}, "link: Relay": {7, 1}, "value: Encode": {5, 0}}
	for name, c := range map[string]struct {
		what        string
		now         count
		fails, says string
	}{
		"as many":                         {what: "broker: Call", now: count{3, 0}},
		"one more":                        {what: "broker: Call", now: count{4, 0}, fails: "broker: Call allocates 4 times a call instead of 3: at most 3"},
		"one fewer":                       {what: "value: Encode", now: count{4, 0}, says: "value: Encode allocates 4 times a call instead of 5: -update keeps it so"},
		"one more, with one to spare":     {what: "link: Relay", now: count{8, 1}},
		"one fewer, with one to spare":    {what: "link: Relay", now: count{6, 1}},
		"two more, with one to spare":     {what: "link: Relay", now: count{9, 1}, fails: "link: Relay allocates 9 times a call instead of 7: at most 8"},
		"two fewer, with one to spare":    {what: "link: Relay", now: count{5, 1}, says: "link: Relay allocates 5 times a call instead of 7"},
		"what was never counted is named": {what: "new", now: count{9, 0}, says: "new allocates 9 times a call, and nothing is stored to compare it with: -update does"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counted := maps.Clone(same)
			counted[c.what] = c.now
			var out strings.Builder
			err := judgeAllocations(allowed, counted, &out)
			if c.fails == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.fails)
			}
			if c.says == "" {
				require.Empty(t, out.String())
			} else {
				require.Contains(t, out.String(), c.says)
			}
		})
	}
	require.ErrorContains(t, judgeAllocations(allowed, map[string]count{"broker: Call": {3, 0}}, io.Discard), "no longer")
	require.Equal(t, allowed, bare(same))
}

func TestACountHasToSpareWhatItDiffersByFromRunToRun(t *testing.T) {
	t.Parallel()
	require.Equal(t, count{16, 0}, hotPath{}.counted(16.9))
	require.Equal(t, count{4, 1}, hotPath{meet: true}.counted(4))
	require.Equal(t, count{180, 3}, hotPath{meet: true}.counted(180.4))
}

func TestTheCommittedBaselineIsOneThatTheGuardCanUse(t *testing.T) {
	t.Parallel()
	var before baseline
	require.NoError(t, readJSON("baseline.json", &before))
	require.NotEmpty(t, before.Figures)
	compared := map[string]bool{}
	for _, scene := range scenes() {
		for _, r := range scene.rows {
			compared[figure{Name: r.name, Unit: r.unit, Width: r.width}.key()] = scene.quick && !r.reference
		}
	}
	for _, f := range before.Figures {
		require.GreaterOrEqual(t, len(f.Rounds), 5, f.Name)
		require.NotEmpty(t, f.Group, f.Name)
		require.True(t, compared[f.key()], "%s: the guard does not compare it", f.key())
	}
	var allowed map[string]int
	require.NoError(t, readJSON("allocations.json", &allowed))
	require.NotEmpty(t, allowed)
	require.ErrorContains(t, readJSON("main.go", &allowed), "main.go")
}

func TestWhereNothingIsStoredTheGuardFailsAndSaysSo(t *testing.T) {
	t.Parallel()
	good, counts := baseline{Processors: 2, Figures: []figure{ratios(false, 1, 2, 3)}}, map[string]int{"broker: Call": 3}
	time := ratios(true, 1, 2, 3)
	time.Theirs = 0
	for name, c := range map[string]struct {
		figures, allowed any
		want             []string
	}{
		"both are there":         {good, counts, nil},
		"no figures":             {baseline{Processors: 2}, counts, []string{"baseline.json has none of the figures that the guard compares: store some with -update"}},
		"an empty object":        {struct{}{}, counts, []string{"none of the figures"}},
		"figures of no ratio":    {baseline{Figures: []figure{time}}, counts, []string{"none of the figures"}},
		"no counts":              {good, struct{}{}, []string{"allocations.json has no counts of allocations: store some with -update"}},
		"nothing where both are": {nil, nil, []string{"none of the figures", "no counts of allocations"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			p := plan{baseline: filepath.Join(folder, "baseline.json"), allocations: filepath.Join(folder, "allocations.json")}
			require.NoError(t, errors.Join(writeJSON(p.baseline, c.figures), writeJSON(p.allocations, c.allowed)))
			_, _, err := stored(p)
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.ErrorContains(t, guard(t.Context(), programs{}, p, io.Discard), c.want[0], "and before anything is measured")
		})
	}
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
