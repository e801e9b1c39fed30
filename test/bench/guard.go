package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// fallen is by how much, in percent, a median ratio may become worse before the guard looks twice.
const fallen = 15

// verdict is how one figure compares with the baseline.
type verdict struct {
	figure figure
	// was and is are the medians of the rounds.
	was, is float64
	// worse is by how many percent the median is worse; negative where it is better.
	worse float64
	// p is how likely such a difference is if nothing changed (Mann-Whitney U).
	p    float64
	fell bool
}

func (v verdict) String() string {
	return fmt.Sprintf("%s is worse by %.0f %%, %.3g instead of %.3g, p=%.3f", v.figure.key(), v.worse, v.is, v.was, v.p)
}

// compare judges a figure by its rounds: it fell if its median is worse by more than the limit, and if the difference is
// significant by the test that benchstat uses and at its level. That test takes rounds for independent, and those of one
// run are not quite: another hour, or another place of the same program in memory, moves them all. Therefore a baseline
// has the rounds of several runs, and what fell is measured a second time by other processes.
func compare(before, now figure) verdict {
	thresholds := benchmath.DefaultThresholds
	old, current := benchmath.NewSample(clone(before.Rounds), &thresholds), benchmath.NewSample(clone(now.Rounds), &thresholds)
	comparison := benchmath.AssumeNothing.Compare(old, current)
	was, is := median(before.Rounds), median(now.Rounds)
	v := verdict{figure: now, was: was, is: is, worse: 100 * (was - is) / was, p: comparison.P}
	if now.AtMost {
		v.worse = 100 * (is - was) / was
	}
	v.fell = v.worse > fallen && comparison.P <= comparison.Alpha // as benchstat has it
	return v
}

// canTell says whether so many rounds here and there can differ significantly at all: whether the test's least
// probability, that of rounds of which all here are worse than all there, is below its level.
func canTell(before, now int) bool {
	orders := 1.0 // in how many orders the rounds of both can come: before+now over now
	for i := range now {
		orders *= float64(before+now-i) / float64(now-i)
	}
	return now > 0 && 2/orders <= benchmath.DefaultThresholds.CompareAlpha
}

func clone(values []float64) []float64 { return append([]float64(nil), values...) }

// compareAll returns the figures that fell. One that the baseline has and this run has not is an error. What is no ratio
// to something of the same run, as a time is, says more about the machine's hour than about the program, and is not judged;
// nor is what has no line of Toolbridge on either side.
func compareAll(before, now []figure) (fell []verdict, err error) {
	for _, b := range before {
		i := slices.IndexFunc(now, func(n figure) bool { return n.key() == b.key() })
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("the baseline has %q, this run has not: measure it, or store a new baseline with -update", b.key()))
			continue
		}
		if !now[i].judged() {
			continue
		}
		if had, has := len(b.Rounds), len(now[i].Rounds); !canTell(had, has) {
			err = errors.Join(err, fmt.Errorf("%q has %d rounds, and %d in the baseline: no difference of so few can be significant; measure more with -rounds", b.key(), has, had))
			continue
		}
		if v := compare(b, now[i]); v.fell {
			fell = append(fell, v)
		}
	}
	return fell, err
}

// key names a figure.
func (f figure) key() string { return fmt.Sprintf("%s (%s, %d at a time)", f.Name, f.Unit, f.Width) }

// baseline is what is stored of a run.
type baseline struct {
	Processors int      `json:"processors"`
	Go         string   `json:"go"`
	Figures    []figure `json:"figures"`
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// roundsAgain is how often at least the sides of what fell are measured the second time, when they are few.
const roundsAgain = 11

// guard measures quickly, measures again what fell, and fails if it fell both times; allocations are exact, so once is enough.
func guard(ctx context.Context, found programs, p plan, out io.Writer) error {
	if p.update {
		return store(ctx, found, p, out)
	}
	before, allowed, err := stored(p)
	if err != nil {
		return err
	}
	counted, err := countAllocations(ctx, p)
	if err != nil {
		return err
	}
	first, err := measureAndReport(ctx, found, p, out)
	if err != nil {
		return err
	}
	again := func(only map[place]bool) ([]figure, error) {
		p.again, p.json, p.chart, p.rounds = only, p.json+".again", "", max(p.rounds, roundsAgain)
		second, err := measureAndReport(ctx, found, p, out)
		return second.Figures, err
	}
	err = errors.Join(judgeAllocations(allowed, counted, out), judgeRatios(before, runtime.NumCPU(), first.Figures, again, out))
	if err == nil {
		fmt.Fprintf(out, "nothing fell significantly and by more than %d %% twice, and nothing allocates more\n", fallen)
	}
	return err
}

// stored reads what the guard compares with. Nothing to compare with is no pass.
func stored(p plan) (before baseline, allowed map[string]int, err error) {
	if err := errors.Join(readJSON(p.baseline, &before), readJSON(p.allocations, &allowed)); err != nil {
		return before, allowed, err
	}
	if !slices.ContainsFunc(before.Figures, figure.judged) {
		err = fmt.Errorf("%s has none of the figures that the guard compares: store some with -update", p.baseline)
	}
	if len(allowed) == 0 {
		err = errors.Join(err, fmt.Errorf("%s has no counts of allocations: store some with -update", p.allocations))
	}
	return before, allowed, err
}

// judged reports whether the guard compares a figure: one that is a ratio, and has a line of Toolbridge on a side.
func (f figure) judged() bool { return f.Theirs != 0 && f.Guarded }

// passes is how often a baseline is measured, each time with new processes: what differs between two runs of the same
// program is then part of what the baseline knows, and no fall.
const passes = 3

// store measures a baseline and counts allocations, and writes both once both are there.
func store(ctx context.Context, found programs, p plan, out io.Writer) error {
	counted, err := countAllocations(ctx, p)
	if err != nil {
		return err
	}
	var figures []figure
	for range passes {
		one, err := measureAndReport(ctx, found, p, out)
		if err != nil {
			return err
		}
		if figures, err = pool(figures, guarded(one.Figures)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s: %d figures, the rounds of %d runs; %s: %d counts\n", p.baseline, len(figures), passes, p.allocations, len(counted))
	return errors.Join(
		writeJSON(p.baseline, baseline{runtime.NumCPU(), runtime.Version(), figures}), writeJSON(p.allocations, bare(counted)))
}

// guarded are the figures that the guard compares.
func guarded(all []figure) []figure {
	return slices.DeleteFunc(slices.Clone(all), func(f figure) bool { return !f.Guarded })
}

// pool adds the rounds of another run, of the same figures, to those of the runs so far; none so far takes it as it is.
func pool(runs, other []figure) ([]figure, error) {
	if len(runs) == 0 {
		return other, nil
	}
	if len(other) != len(runs) {
		return nil, fmt.Errorf("one run had %d figures, another %d: measure again", len(runs), len(other))
	}
	all := slices.Clone(runs)
	for i, more := range other {
		f := &all[i]
		if f.key() != more.key() {
			return nil, fmt.Errorf("one run had %q where another had %q: measure again", f.key(), more.key())
		}
		f.Rounds = append(slices.Clone(f.Rounds), more.Rounds...)
		f.Ratio, f.Low, f.High = median(f.Rounds), min(f.Low, more.Low), max(f.High, more.High)
		f.Ours, f.Theirs = (f.Ours+more.Ours)/2, (f.Theirs+more.Theirs)/2
		f.Processor, f.TheirProcessor = (f.Processor+more.Processor)/2, (f.TheirProcessor+more.TheirProcessor)/2
	}
	return all, nil
}

// judgeRatios decides where the baseline is of a machine like this one; elsewhere it says that it cannot.
func judgeRatios(before baseline, processors int, first []figure, again func(map[place]bool) ([]figure, error), out io.Writer) error {
	if before.Processors != processors {
		fmt.Fprintf(out, "ratios NOT judged: the baseline is of %d processors, this machine has %d; -update stores one of this machine\n", before.Processors, processors)
		return nil
	}
	return judge(before.Figures, first, again, out)
}

// judge decides: what fell is measured again, by itself, and must not have fallen there too.
func judge(before, first []figure, again func(map[place]bool) ([]figure, error), out io.Writer) error {
	fell, err := compareAll(before, first)
	if err != nil || len(fell) == 0 {
		return err
	}
	only := map[place]bool{}
	suspects := make([]figure, 0, len(fell))
	for _, v := range fell {
		fmt.Fprintln(out, "measuring again:", v)
		only[place{v.figure.Group, v.figure.Width}] = true
		suspects = append(suspects, before[slices.IndexFunc(before, func(b figure) bool { return b.key() == v.figure.key() })])
	}
	second, err := again(only)
	if err != nil {
		return err
	}
	if fell, err = compareAll(suspects, second); err != nil || len(fell) == 0 {
		return err
	}
	lines := make([]string, len(fell))
	for i, v := range fell {
		lines[i] = v.String()
	}
	return fmt.Errorf("worse than the baseline, twice: %s", strings.Join(lines, "; "))
}
