package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"
)

// report is what a run found.
type report struct {
	// Rounds is what was asked for; 0 for 11 of the design's rows and 5 of the others.
	Rounds       int      `json:"rounds"`
	RoundSeconds float64  `json:"round_seconds"`
	Processors   int      `json:"processors"`
	Go           string   `json:"go"`
	Seconds      float64  `json:"seconds"`
	Missing      []string `json:"missing,omitempty"`
	Figures      []figure `json:"figures"`
	Results      []result `json:"results"`
}

func newReport(p plan, results []result, missing []string, took time.Duration) report {
	r := report{
		Rounds: p.rounds, RoundSeconds: p.round.Seconds(), Processors: runtime.NumCPU(), Go: runtime.Version(),
		Seconds: took.Seconds(), Missing: missing, Results: results,
	}
	for _, scene := range p.kept() {
		for _, row := range scene.rows {
			switch f, err := row.figure(results); {
			case err == nil:
				f.Scene, f.Guarded = scene.name, scene.quick && !row.reference
				r.Figures = append(r.Figures, f)
			case p.only == "" && p.again == nil:
				r.Missing = append(r.Missing, fmt.Sprintf("row %q (%s, %d at a time): %v", row.name, row.unit, row.width, err))
			}
		}
	}
	return r
}

// write writes the files that the plan names.
func (r report) write(p plan) error {
	err := writeJSON(p.json, r)
	if p.chart != "" && err == nil {
		err = errors.Join(err, os.WriteFile(p.chart, []byte(drawChart(r)), 0o644)) //nolint:gosec // a picture for everybody
	}
	return err
}

func writeJSON(path string, what any) error {
	text, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // figures are no secret, and the path is the user's own
}

// print writes the table for people.
func (r report) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nwhat\tat a time\tunit\tours\ttheirs\tratio\tspread\twanted\t\tCPU µs/call, ours : theirs")
	asked, reached := 0, 0
	for _, f := range r.Figures {
		if !f.Look {
			asked++
			if f.Reached {
				reached++
			}
		}
		ours, theirs := f.bounds()
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s to %s\t%s\t%s\t%s : %s\n",
			f.Name, number(float64(f.Width)), f.Unit, ours, theirs, number(f.Ratio), number(f.Low), number(f.High), f.want(), f.verdict(), number(f.Processor), number(f.TheirProcessor))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d of %d reached; medians of rounds of %.2fs a side in turn, spread over the rounds, %d processors, %.0fs\n",
		reached, asked, r.RoundSeconds, r.Processors, r.Seconds)
	for _, what := range r.Missing {
		if err == nil {
			_, err = fmt.Fprintln(out, "not measured:", what)
		}
	}
	return err
}

// number is short and has the digits that count.
func number(n float64) string {
	switch {
	case n == 0:
		return "-"
	case n == float64(int(n)) && n < 1e7:
		return fmt.Sprintf("%d", int(n))
	case n < 0.01:
		return fmt.Sprintf("%.2g", n)
	case n < 10:
		return fmt.Sprintf("%.2f", n)
	case n < 100:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}
