package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/perf/benchmath"
)

// fallen is by how much, in percent, a median ratio may become worse before the guard looks twice.
const fallen = 15

// verdict is how one figure compares with the baseline.
type verdict struct {
	figure figure
	// worse is by how many percent the median is worse; negative where it is better.
	worse float64
	// p is how likely such a difference is if nothing changed (Mann-Whitney U).
	p    float64
	fell bool
}

func (v verdict) String() string {
	return fmt.Sprintf("%s (%s, %d at a time) is worse by %.0f %%, p=%.3f", v.figure.Name, v.figure.Unit, v.figure.Width, v.worse, v.p)
}

// compare judges a figure by its rounds: it fell if its median is worse by more than the limit, and if the difference is
// significant by the test that benchstat uses.
func compare(before, now figure) verdict {
	thresholds := benchmath.DefaultThresholds
	old, current := benchmath.NewSample(clone(before.Rounds), &thresholds), benchmath.NewSample(clone(now.Rounds), &thresholds)
	comparison := benchmath.AssumeNothing.Compare(old, current)
	was, is := median(before.Rounds), median(now.Rounds)
	v := verdict{figure: now, worse: 100 * (was - is) / was, p: comparison.P}
	if now.AtMost {
		v.worse = 100 * (is - was) / was
	}
	v.fell = v.worse > fallen && comparison.P < comparison.Alpha
	return v
}

func clone(values []float64) []float64 { return append([]float64(nil), values...) }

// compareAll returns the figures that fell. One that the baseline has and this run has not is an error.
func compareAll(before, now []figure) (fell []verdict, err error) {
	for _, b := range before {
		found := false
		for _, n := range now {
			if n.Name != b.Name || n.Width != b.Width || n.Unit != b.Unit {
				continue
			}
			found = true
			if v := compare(b, n); v.fell {
				fell = append(fell, v)
			}
		}
		if !found {
			err = errors.Join(err, fmt.Errorf("the baseline has %q (%s, %d at a time), this run has not: measure it, or store a new baseline with -update", b.Name, b.Unit, b.Width))
		}
	}
	return fell, err
}

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

// guard measures quickly, measures again what fell, and fails if it fell both times; allocations are exact, so once is enough.
func guard(ctx context.Context, found programs, p plan, out io.Writer) error {
	counted, err := countAllocations(ctx, p)
	if err != nil {
		return err
	}
	first, err := measureAndReport(ctx, found, p, out)
	if err != nil {
		return err
	}
	if p.update {
		return errors.Join(
			writeJSON(p.baseline, baseline{runtime.NumCPU(), runtime.Version(), first.Figures}), writeJSON(p.allocations, counted))
	}
	var before baseline
	var allowed map[string]int
	if err := errors.Join(readJSON(p.baseline, &before), readJSON(p.allocations, &allowed)); err != nil {
		return err
	}
	again := func(only map[place]bool) ([]figure, error) {
		p.again, p.json, p.chart = only, filepath.Join(os.TempDir(), "bench-again.json"), ""
		second, err := measureAndReport(ctx, found, p, out)
		return second.Figures, err
	}
	err = errors.Join(judgeAllocations(allowed, counted, out), judgeRatios(before, runtime.NumCPU(), first.Figures, again, out))
	if err == nil {
		fmt.Fprintf(out, "nothing fell significantly and by more than %d %% twice, and nothing allocates more\n", fallen)
	}
	return err
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
		for _, b := range before {
			if b.Name == v.figure.Name && b.Width == v.figure.Width && b.Unit == v.figure.Unit {
				suspects = append(suspects, b)
			}
		}
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
